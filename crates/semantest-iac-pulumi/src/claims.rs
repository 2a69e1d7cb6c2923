//! Which resource of the program a deployment is of: one that got a new name keeps its deployment.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

use semantest_iac::Iac;

/// Deployments by the URN of the resource that the running program asks for.
#[derive(Default)]
pub(crate) struct Claims(Mutex<HashMap<String, Claimed>>);

/// A deployment: the folder of its log, since two projects may have one name, and its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claimed(PathBuf, String);

impl Claimed {
    /// The deployment `id` of a project.
    pub fn new(iac: &Iac, id: &str) -> Self {
        let folder = iac.project().directory();
        Self(folder.canonicalize().unwrap_or_else(|_| folder.to_owned()), id.to_owned())
    }
}

impl Claims {
    /// From now on `deployment` is that of `urn`, and what `urn` had before is not.
    ///
    /// # Errors
    /// The URN of another resource of the program, which has it already.
    pub fn claim(&self, urn: &str, deployment: Claimed) -> Result<(), String> {
        let mut claims = self.lock();
        if let Some(other) = other(&claims, urn, &deployment) {
            return Err(other);
        }
        claims.insert(urn.to_owned(), deployment);
        Ok(())
    }

    /// Another resource of the program than `urn` whose deployment is `deployment`.
    pub fn other(&self, urn: &str, deployment: &Claimed) -> Option<String> {
        other(&self.lock(), urn, deployment)
    }

    /// Another program begins.
    pub fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Claimed>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn other(claims: &HashMap<String, Claimed>, urn: &str, deployment: &Claimed) -> Option<String> {
    let others = claims.iter().filter(|(other, of)| *other != urn && *of == deployment);
    others.map(|(other, _)| other.clone()).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_is_that_of_one_resource() {
        let claims = Claims::default();
        let of = |name: &str| Claimed("/p".into(), format!("p/e/{name}"));
        assert_eq!(claims.claim("a", of("one")), Ok(()));
        assert_eq!(claims.claim("a", of("one")), Ok(()));
        assert_eq!(claims.claim("b", of("one")), Err("a".into()));
        assert_eq!(claims.other("a", &of("one")), None, "a resource is none other than itself");
        assert_eq!(claims.other("b", &of("one")), Some("a".into()));
        assert_eq!(claims.claim("a", of("two")), Ok(()));
        assert_eq!(claims.claim("b", of("one")), Ok(()), "what was given up is free");
        assert_eq!(claims.other("a", &of("one")), Some("b".into()));
        let elsewhere = Claimed("/q".into(), "p/e/one".into());
        assert_eq!(claims.other("a", &elsewhere), None, "a project of the same name");
        claims.forget();
        assert_eq!(claims.other("a", &of("one")), None);
    }
}
