//! What differs between two sets of properties, as Pulumi shows it.

use crate::property::{Properties, Property};
use crate::protocol::property_diff::Kind;

/// One property that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Names from the root down.
    pub path: Vec<String>,
    /// How it differs.
    pub how: How,
}

/// How a property differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Added,
    Removed,
    Changed,
}

impl Difference {
    /// At `path`.
    pub fn new(path: &[&str], how: How) -> Self {
        Self { path: path.iter().map(|name| (*name).to_owned()).collect(), how }
    }

    /// The top-level property it is in.
    pub fn root(&self) -> &str {
        self.path.first().map_or("", String::as_str)
    }

    /// Pulumi's word for it.
    pub fn kind(&self, replace: bool) -> Kind {
        match (self.how, replace) {
            (How::Added, false) => Kind::Add,
            (How::Added, true) => Kind::AddReplace,
            (How::Removed, false) => Kind::Delete,
            (How::Removed, true) => Kind::DeleteReplace,
            (How::Changed, false) => Kind::Update,
            (How::Changed, true) => Kind::UpdateReplace,
        }
    }

    /// The path as Pulumi writes it: `resources["function.api"].memory_mb`.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for name in &self.path {
            let simple = name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.is_empty();
            match (simple, text.is_empty()) {
                (true, true) => text.push_str(name),
                (true, false) => text.extend([".", name]),
                (false, _) => {
                    text.push_str(&format!("[\"{}\"]", name.replace('\\', "\\\\").replace('"', "\\\"")))
                }
            }
        }
        text
    }
}

/// What differs, sorted by path. Objects are compared key by key, everything else as a whole; nothing and null are the
/// same.
pub(crate) fn differences(old: &Properties, new: &Properties) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(&mut Vec::new(), old, new, &mut found);
    found
}

fn compare(path: &mut Vec<String>, old: &Properties, new: &Properties, found: &mut Vec<Difference>) {
    let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let given =
        |map: &Properties, key: &String| map.get(key).filter(|value| **value != Property::Null).cloned();
    for key in keys {
        path.push(key.clone());
        let how = match (given(old, key), given(new, key)) {
            (None, None) => None,
            (None, Some(_)) => Some(How::Added),
            (Some(_), None) => Some(How::Removed),
            (Some(Property::Object(one)), Some(Property::Object(other))) => {
                compare(path, &one, &other, found);
                None
            }
            (Some(one), Some(other)) => (one != other).then_some(How::Changed),
        };
        found.extend(how.map(|how| Difference { path: path.clone(), how }));
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named_by_its_path() {
        let object = |memory: f64, more: &[(&str, Property)]| {
            let mut map = Properties::from([("memory_mb".to_owned(), Property::Number(memory))]);
            map.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
            Properties::from([("function.api".to_owned(), Property::Object(map))])
        };
        let old = object(256.0, &[("gone", Property::Bool(true)), ("none", Property::Null)]);
        let new = object(512.0, &[("a key", Property::Unknown)]);
        let old = Properties::from([("resources".to_owned(), Property::Object(old))]);
        let new = Properties::from([("resources".to_owned(), Property::Object(new))]);
        let found: Vec<_> = differences(&old, &new).iter().map(|one| (one.text(), one.how)).collect();
        let expected = [
            (r#"resources["function.api"]["a key"]"#.to_owned(), How::Added),
            (r#"resources["function.api"].gone"#.to_owned(), How::Removed),
            (r#"resources["function.api"].memory_mb"#.to_owned(), How::Changed),
        ];
        assert_eq!(found, expected);
        assert_eq!(differences(&old, &old), []);
    }

    #[test]
    fn what_becomes_secret_differs() {
        let value = |value: Property| Properties::from([("a".to_owned(), value)]);
        let (plain, secret) = (Property::text("x"), Property::Secret(Box::new(Property::text("x"))));
        assert_eq!(differences(&value(plain), &value(secret)).len(), 1);
    }
}
