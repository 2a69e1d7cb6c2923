//! The configuration of a resource as the core takes it: secrets become references, their values are set aside.

use semantest_iac::ports::secret_resolver::SecretValue;
use serde_json::{Map, Value, json};

use crate::property::{Properties, Property, SIGNATURE};
use crate::secrets::reference;

/// Key of a component's and a function's environment variables: the one place for secrets.
const VARIABLES: &str = "environment_variables";

/// Keys that hold words, numbers and names that are public by nature. A secret variable makes the whole configuration
/// secret on its way here, and these are taken all the same.
const PUBLIC: [&str; 21] = [
    "kind",
    "code",
    "runtime",
    "handler",
    "memory_mb",
    "timeout_s",
    "routes",
    "functions",
    "reserved_concurrency",
    "provisioned_concurrency",
    "image",
    "port",
    "cpu",
    "replicas",
    "log_retention_days",
    "access_log",
    "throttling",
    "authorizers",
    "authorizer",
    "authorization_scopes",
    "stack",
];

/// What is wrong with an input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Path of the input.
    pub property: String,
    /// What is wrong, and what to do; never a value.
    pub reason: String,
}

impl Refused {
    pub fn new(property: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { property: property.into(), reason: reason.into() }
    }
}

/// A configuration, and the values of its secrets by reference.
#[derive(Debug, Default)]
pub(crate) struct Configuration {
    /// Keys of a component.
    pub keys: Map<String, Value>,
    /// Values that stay in memory.
    pub secrets: Vec<(String, SecretValue)>,
}

/// How secret a value is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Secrecy {
    Public,
    /// Something around it is.
    Around,
    /// It is itself.
    Itself,
}

struct Taking<'a> {
    environment: &'a str,
    component: &'a str,
    secrets: Vec<(String, SecretValue)>,
}

/// Takes the inputs `configuration` and `environmentVariables` of a component.
///
/// # Errors
/// What is no object, secret where nothing can be secret, or nothing that a configuration can hold.
pub(crate) fn take(
    configuration: Option<&Property>,
    variables: Option<&Property>,
    environment: &str,
    component: &str,
) -> Result<Configuration, Refused> {
    let mut taking = Taking { environment, component, secrets: Vec::new() };
    let mut keys = match configuration {
        None | Some(Property::Null) => Map::new(),
        Some(given) => taking.object("configuration", given)?,
    };
    if let Some(given) = variables.filter(|given| **given != Property::Null) {
        let Some(map) = given.as_object() else { return Err(no_object("environmentVariables")) };
        let secrecy = deeper(Secrecy::Public, given);
        let taken = taking.variables("environmentVariables", "", map, secrecy)?;
        match keys.entry(VARIABLES).or_insert_with(|| json!({})) {
            Value::Object(there) => there.extend(taken),
            _ => return Err(no_object(&format!("configuration.{VARIABLES}"))),
        }
    }
    Ok(Configuration { keys, secrets: taking.secrets })
}

impl Taking<'_> {
    fn object(&mut self, path: &str, given: &Property) -> Result<Map<String, Value>, Refused> {
        let Some(map) = given.as_object() else { return Err(no_object(path)) };
        self.keys(path, "", map, deeper(Secrecy::Public, given))
    }

    /// Keys of a component, or of one of its functions (`role` then ends with a dot).
    fn keys(
        &mut self,
        path: &str,
        role: &str,
        map: &Properties,
        secrecy: Secrecy,
    ) -> Result<Map<String, Value>, Refused> {
        let mut taken = Map::new();
        for (key, value) in map {
            let path = format!("{path}.{key}");
            let inside = deeper(secrecy, value);
            let value = match (key.as_str(), value.as_object()) {
                (VARIABLES, Some(variables)) => {
                    Value::Object(self.variables(&path, role, variables, inside)?)
                }
                ("functions", Some(functions)) if role.is_empty() => {
                    Value::Object(self.functions(&path, functions, inside)?)
                }
                _ if inside == Secrecy::Itself => return Err(not_secret(&path)),
                _ if inside == Secrecy::Around && !PUBLIC.contains(&key.as_str()) => {
                    return Err(not_secret(&path));
                }
                _ => open(&path, value)?,
            };
            taken.insert(key.clone(), value);
        }
        Ok(taken)
    }

    fn functions(
        &mut self,
        path: &str,
        functions: &Properties,
        secrecy: Secrecy,
    ) -> Result<Map<String, Value>, Refused> {
        let mut taken = Map::new();
        for (role, settings) in functions {
            let path = format!("{path}.{role}");
            let Some(map) = settings.as_object() else { return Err(no_object(&path)) };
            let keys = self.keys(&path, &format!("{role}."), map, deeper(secrecy, settings))?;
            taken.insert(role.clone(), Value::Object(keys));
        }
        Ok(taken)
    }

    fn variables(
        &mut self,
        path: &str,
        role: &str,
        variables: &Properties,
        secrecy: Secrecy,
    ) -> Result<Map<String, Value>, Refused> {
        let mut taken = Map::new();
        for (name, value) in variables {
            let path = format!("{path}.{name}");
            let value = match (deeper(secrecy, value), value.plain()) {
                (Secrecy::Public, _) => open(&path, value)?,
                // A reference to a secret that is kept elsewhere tells nothing.
                (_, Property::Object(_)) => open(&path, value.plain())?,
                (_, Property::Text(text)) => {
                    let reference = reference(self.environment, self.component, &format!("{role}{name}"));
                    self.secrets.push((reference.clone(), SecretValue::new(text.clone())));
                    json!({ "secret": reference })
                }
                _ => return Err(Refused::new(path, "a secret environment variable must be text")),
            };
            taken.insert(name.clone(), value);
        }
        Ok(taken)
    }
}

/// The secrecy inside `value`, which stands where it is `around`.
fn deeper(around: Secrecy, value: &Property) -> Secrecy {
    match value {
        Property::Secret(inner) if matches!(**inner, Property::Object(_)) => Secrecy::Around,
        Property::Secret(_) => Secrecy::Itself,
        _ => around,
    }
}

/// A value that may be told. Marks inside it are refused, except those around everything.
fn open(path: &str, value: &Property) -> Result<Value, Refused> {
    if let Property::Object(map) = value
        && map.contains_key(SIGNATURE)
    {
        let text = "assets, archives and resources cannot be used here: give a path, or a property";
        return Err(Refused::new(path, text));
    }
    value.to_json().ok_or_else(|| not_secret(path))
}

fn no_object(path: &str) -> Refused {
    Refused::new(path, "it must be an object: keys and values")
}

fn not_secret(path: &str) -> Refused {
    let text = "it would be seen in the event log, so it cannot be secret. Secrets are for environment variables: give \
                them in `environmentVariables`, apart from `configuration`";
    Refused::new(path, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(entries: &[(&str, Property)]) -> Property {
        Property::Object(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
    }

    fn secret(value: Property) -> Property {
        Property::Secret(Box::new(value))
    }

    fn taken(configuration: &Property, variables: Option<&Property>) -> Result<Configuration, Refused> {
        take(Some(configuration), variables, "dev", "api")
    }

    #[test]
    fn a_secret_variable_becomes_a_reference() {
        let variables =
            object(&[("PASSWORD", secret(Property::text("canary"))), ("MODE", Property::text("a"))]);
        let configuration = object(&[("memory_mb", Property::Number(512.0)), (VARIABLES, variables)]);
        let taken = taken(&configuration, None).expect("taken");
        let expected = json!({
            "memory_mb": 512,
            "environment_variables": { "PASSWORD": { "secret": "pulumi:dev/api/PASSWORD" }, "MODE": "a" },
        });
        assert_eq!(Value::Object(taken.keys), expected);
        assert_eq!(taken.secrets.len(), 1);
        assert_eq!(taken.secrets[0].1.reveal(), "canary");
    }

    #[test]
    fn where_the_whole_configuration_is_secret_all_variables_are() {
        let function = object(&[(VARIABLES, object(&[("B", Property::text("two"))]))]);
        let configuration = secret(object(&[
            ("memory_mb", Property::Number(512.0)),
            (VARIABLES, object(&[("A", Property::text("one"))])),
            ("functions", object(&[("list", function)])),
        ]));
        let taken = taken(&configuration, None).expect("taken");
        assert_eq!(taken.keys["memory_mb"], 512);
        assert_eq!(taken.keys[VARIABLES]["A"]["secret"], "pulumi:dev/api/A");
        assert_eq!(taken.keys["functions"]["list"][VARIABLES]["B"]["secret"], "pulumi:dev/api/list.B");
    }

    #[test]
    fn variables_of_their_own_input_are_laid_over_the_configuration() {
        let configuration =
            object(&[(VARIABLES, object(&[("A", Property::text("1")), ("B", Property::text("1"))]))]);
        let variables = secret(object(&[("B", Property::text("2"))]));
        let taken = taken(&configuration, Some(&variables)).expect("taken");
        assert_eq!(taken.keys[VARIABLES], json!({ "A": "1", "B": { "secret": "pulumi:dev/api/B" } }));
    }

    #[test]
    fn what_would_be_seen_in_the_log_cannot_be_secret() {
        for wrong in [
            object(&[("memory_mb", secret(Property::Number(512.0)))]),
            object(&[("command", Property::List(vec![secret(Property::text("canary"))]))]),
            secret(object(&[("tags", object(&[("owner", Property::text("canary"))]))])),
            object(&[("tags", object(&[("owner", secret(Property::text("canary")))]))]),
        ] {
            let refused = taken(&wrong, None).expect_err("secret");
            assert!(refused.reason.contains("cannot be secret"), "{refused:?}");
            assert!(!format!("{refused:?}").contains("canary"));
        }
    }

    #[test]
    fn what_is_no_configuration_is_refused() {
        assert_eq!(taken(&Property::text("x"), None).expect_err("text").property, "configuration");
        let asset = object(&[("code", object(&[(SIGNATURE, Property::text("asset"))]))]);
        assert!(taken(&asset, None).expect_err("an asset").reason.contains("give a path"));
    }
}
