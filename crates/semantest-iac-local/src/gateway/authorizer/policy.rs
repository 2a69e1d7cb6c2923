//! IAM policies, as far as authorizers answer with them.
//!
//! Source: IAM user guide, "IAM JSON policy elements reference" and "Policy evaluation logic"; API Gateway developer
//! guide, "Output from a Lambda authorizer".

use serde_json::{Map, Value};

/// What callers of an API do.
const INVOKE: &str = "execute-api:invoke";

/// Who may call what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Policy(Vec<Statement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Statement {
    allows: bool,
    resources: Vec<String>,
    /// `NotResource`: everything but these.
    others: bool,
}

impl Policy {
    /// Reads a policy document; statements about other actions than calls are passed over.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(document: &Value) -> Result<Self, String> {
        let statements = match &document["Statement"] {
            Value::Array(statements) => statements.iter().collect(),
            statement @ Value::Object(_) => vec![statement],
            _ => return Err("its policyDocument has no Statement".into()),
        };
        let mut read = Vec::new();
        for statement in statements {
            let statement = statement.as_object().ok_or("a Statement of its policyDocument is no object")?;
            if let Some(key) = statement.keys().find(|key| *key == "Condition") {
                return Err(format!(
                    "its policy has a {key}, which this machine's gateway cannot judge: nobody is let in by it"
                ));
            }
            read.extend(Statement::read(statement)?);
        }
        Ok(Self(read))
    }

    /// Whether the route at `arn` may be called: something allows it, and nothing denies it.
    pub fn allows(&self, arn: &str) -> bool {
        let mut about = self.0.iter().filter(|statement| statement.is_about(arn)).peekable();
        about.peek().is_some() && about.all(|statement| statement.allows)
    }
}

impl Statement {
    fn read(statement: &Map<String, Value>) -> Result<Option<Self>, String> {
        let allows = match statement.get("Effect").and_then(Value::as_str) {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => return Err("a Statement of its policy has no Effect of Allow or Deny".into()),
        };
        let (actions, other_actions) = one_of(statement, "Action", "NotAction")?;
        let (resources, others) = one_of(statement, "Resource", "NotResource")?;
        // Actions are compared without regard to capital letters.
        let named = actions.iter().any(|action| matches(&action.to_ascii_lowercase(), INVOKE));
        Ok((named != other_actions).then_some(Self { allows, resources, others }))
    }

    fn is_about(&self, arn: &str) -> bool {
        self.resources.iter().any(|pattern| matches(pattern, arn)) != self.others
    }
}

/// The texts under `key`, or under `not`, its opposite; and whether it was that.
fn one_of(statement: &Map<String, Value>, key: &str, not: &str) -> Result<(Vec<String>, bool), String> {
    let wrong = || format!("a Statement of its policy needs one {key}: text, or a list of texts");
    let (value, opposite) = match (statement.get(key), statement.get(not)) {
        (Some(value), None) => (value, false),
        (None, Some(value)) => (value, true),
        _ => return Err(wrong()),
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let texts = match value {
        Value::Array(texts) => texts.iter().map(text).collect(),
        one => text(one).map(|text| vec![text]),
    };
    texts.filter(|texts| !texts.is_empty()).map(|texts| (texts, opposite)).ok_or_else(wrong)
}

/// `*` stands for anything, slashes and nothing included, `?` for one letter.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut seen) = (0, 0);
    // Where the last `*` stood, and how much of the text it stands for so far.
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(letter) if *letter == b'?' || *letter == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => match &mut star {
                Some((place, taken)) => {
                    *taken += 1;
                    (at, seen) = (*place + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|letter| *letter == b'*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ARN: &str = "arn:aws:execute-api:eu-west-1:000000000000:abc/$default/GET/orders/7";

    fn allows(statements: Value) -> bool {
        Policy::read(&json!({ "Version": "2012-10-17", "Statement": statements }))
            .expect("a policy")
            .allows(ARN)
    }

    fn allow(resource: Value) -> Value {
        json!({ "Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource })
    }

    #[test]
    fn wildcards_stand_for_anything_and_for_one_letter() {
        let api = "arn:aws:execute-api:eu-west-1:000000000000:abc";
        let cases = [
            (json!("*"), true),
            (json!(ARN), true),
            (json!(format!("{api}/*")), true),
            (json!(format!("{api}/$default/GET/*")), true),
            (json!(format!("{api}/*/GET/orders/?")), true),
            (json!("arn:aws:execute-api:*:*:*/$default/*/orders/*"), true),
            (json!([format!("{api}/$default/POST/*"), format!("{api}/*/orders/7")]), true),
            (json!(format!("{api}/$default/POST/*")), false),
            (json!(format!("{api}/$default/GET/orders")), false),
            (json!(format!("{api}/$default/GET/orders/7?")), false),
            (json!(format!("{api}/$default/get/*")), false),
            (json!(""), false),
        ];
        for (resource, allowed) in cases {
            assert_eq!(allows(json!([allow(resource.clone())])), allowed, "{resource}");
            assert_eq!(allows(allow(resource.clone())), allowed, "{resource}, without a list");
        }
    }

    #[test]
    fn what_is_denied_explicitly_stays_denied_whatever_allows_it() {
        let deny =
            |resource: &str| json!({ "Effect": "Deny", "Action": "execute-api:*", "Resource": resource });
        assert!(!allows(json!([allow(json!("*")), deny("*/GET/orders/*")])));
        assert!(!allows(json!([deny("*/GET/orders/*"), allow(json!("*"))])));
        assert!(allows(json!([allow(json!("*")), deny("*/DELETE/*")])));
        assert!(!allows(json!([deny("*/DELETE/*")])), "what nothing speaks of is denied");
        assert!(!allows(json!([])));
    }

    #[test]
    fn actions_may_be_patterns_lists_and_opposites() {
        let of =
            |key: &str, action: Value| allows(json!([{ "Effect": "Allow", key: action, "Resource": "*" }]));
        for action in [
            json!("execute-api:invoke"),
            json!("*"),
            json!("EXECUTE-API:*"),
            json!(["x:y", "execute-api:I*"]),
        ] {
            assert!(of("Action", action.clone()), "{action}");
            assert!(!of("NotAction", action.clone()), "not {action}");
        }
        assert!(!of("Action", json!("execute-api:ManageConnections")));
        assert!(of("NotAction", json!("s3:*")));
        assert!(!allows(json!([{ "Effect": "Allow", "Action": "*", "NotResource": "*/orders/*" }])));
        assert!(allows(json!([{ "Effect": "Allow", "Action": "*", "NotResource": "*/carts/*" }])));
    }

    #[test]
    fn what_cannot_be_judged_is_refused_in_words() {
        let cases = [
            (json!({}), "no Statement"),
            (json!({ "Statement": ["x"] }), "no object"),
            (json!({ "Statement": [{ "Effect": "allow", "Action": "*", "Resource": "*" }] }), "Effect"),
            (json!({ "Statement": [{ "Effect": "Allow", "Resource": "*" }] }), "one Action"),
            (json!({ "Statement": [{ "Effect": "Allow", "Action": "*" }] }), "one Resource"),
            (json!({ "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": [] }] }), "one Resource"),
            (json!({ "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": [1] }] }), "one Resource"),
            (
                json!({ "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {} }] }),
                "Condition",
            ),
        ];
        for (document, said) in cases {
            let why = Policy::read(&document).expect_err("no policy");
            assert!(why.contains(said), "{document}: {why}");
        }
    }

    proptest! {
        #[test]
        fn a_text_matches_itself_with_any_part_of_it_as_a_star(text in "[a-c/]{0,12}", from in 0usize..13, to in 0usize..13) {
            let (from, to) = (from.min(text.len()), to.min(text.len()));
            let (from, to) = (from.min(to), from.max(to));
            let pattern = format!("{}*{}", &text[..from], &text[to..]);
            prop_assert!(matches(&pattern, &text));
            let longer = format!("{text}d");
            prop_assert!(!matches(&text, &longer));
        }
    }
}
