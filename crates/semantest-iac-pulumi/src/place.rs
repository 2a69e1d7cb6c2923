//! Which deployment: what the id of a resource says.

use semantest_iac::{Error, ErrorKind, Result};

/// One deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub project: String,
    pub environment: String,
    pub component: String,
}

impl Place {
    /// From an id: `<project>/<environment>/<component>`, the name of the deployment's stream.
    ///
    /// # Errors
    /// `InvalidInput` for what is no such id.
    pub fn of(id: &str) -> Result<Self> {
        let parts: Vec<&str> = id.split('/').collect();
        match parts.as_slice() {
            [project, environment, component] if parts.iter().all(|part| !part.is_empty()) => Ok(Self {
                project: (*project).to_owned(),
                environment: (*environment).to_owned(),
                component: (*component).to_owned(),
            }),
            _ => {
                let text = format!(
                    "`{}` is no id of a deployment: write <project>/<environment>/<component>, such as \
                     shop/production/rest-api",
                    id.escape_debug()
                );
                Err(Error::new(ErrorKind::InvalidInput, "pulumi.id", text))
            }
        }
    }

    /// The id.
    pub fn id(&self) -> String {
        format!("{}/{}/{}", self.project, self.environment, self.component)
    }
}

/// The stack that a URN (`urn:pulumi:<stack>::<project>::<type>::<name>`) is of.
pub(crate) fn stack_of(urn: &str) -> Option<&str> {
    urn.strip_prefix("urn:pulumi:")?.split("::").next().filter(|stack| !stack.is_empty())
}

/// The type that a URN is of, without those of its parents.
pub(crate) fn type_of(urn: &str) -> Option<&str> {
    urn.split("::").nth(2)?.rsplit('$').next()
}

/// The name that a program gave to the resource of a URN.
pub(crate) fn name_of(urn: &str) -> &str {
    urn.splitn(4, "::").last().unwrap_or(urn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_a_deployment() {
        let place = Place::of("semantest/production/rest-api").expect("an id");
        assert_eq!((place.environment.as_str(), place.component.as_str()), ("production", "rest-api"));
        assert_eq!(place.id(), "semantest/production/rest-api");
        for wrong in ["", "rest-api", "a//b", "a/b/c/d"] {
            let error = Place::of(wrong).expect_err(wrong);
            assert!(error.message().contains("<project>/<environment>/<component>"), "{error}");
        }
    }

    #[test]
    fn the_stack_stands_in_the_urn() {
        let urn = "urn:pulumi:production::shop::semantest:index:Deployment::api";
        assert_eq!(stack_of(urn), Some("production"));
        assert_eq!(name_of(urn), "api");
        assert_eq!(stack_of("production"), None);
        assert_eq!(type_of(urn), Some("semantest:index:Deployment"));
        let nested = "urn:pulumi:dev::shop::my:Group$semantest:index:Deployment::api";
        assert_eq!(type_of(nested), Some("semantest:index:Deployment"));
    }
}
