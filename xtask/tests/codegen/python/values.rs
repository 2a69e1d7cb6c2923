//! Types, defaults and decoders in Python.

use serde_json::Value;

use super::super::model::{Definition, Fallback, Field, Model, Shape, Type};
use super::Places;
use super::module::Module;

/// Words that cannot be names in Python.
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def",
    "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is",
    "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// What the printers look things up in.
pub(super) struct Context<'a> {
    pub model: &'a Model,
    pub places: &'a Places,
}

impl Context<'_> {
    pub fn definition(&self, name: &str) -> Result<&Definition, String> {
        self.model.definitions.get(name).ok_or_else(|| format!("no schema defines {name}"))
    }

    fn import(&self, name: &str, module: &mut Module) -> String {
        if let Some(place) = self.places.get(name) {
            module.import_ours(place, name);
        }
        name.to_owned()
    }

    /// The type of an attribute.
    pub fn annotation(&self, kind: &Type, module: &mut Module) -> Result<String, String> {
        Ok(match kind {
            Type::Text => "str".into(),
            Type::Whole => "int".into(),
            Type::Number => "float".into(),
            Type::Flag => "bool".into(),
            Type::Anything => {
                module.import("typing", "Any");
                "Any".into()
            }
            Type::List(of) => format!("tuple[{}, ...]", self.annotation(of, module)?),
            Type::Table(of) => {
                module.import("collections.abc", "Mapping");
                format!("Mapping[str, {}]", self.annotation(of, module)?)
            }
            // `Any` holds None already.
            Type::Maybe(of) if **of == Type::Anything => self.annotation(of, module)?,
            Type::Maybe(of) => format!("{} | None", self.annotation(of, module)?),
            Type::Either(choices) => {
                let choices: Result<Vec<String>, String> =
                    choices.iter().map(|choice| self.annotation(choice, module)).collect();
                choices?.join(" | ")
            }
            Type::Named(name) => match &self.definition(name)?.shape {
                // Another name for text or a number says nothing that the field's description does not.
                Shape::Alias(of) if of.names().is_empty() => self.annotation(of, module)?,
                _ => self.import(name, module),
            },
        })
    }

    /// The type of an argument: what can be made into the attribute.
    pub fn parameter(&self, kind: &Type, module: &mut Module) -> Result<String, String> {
        Ok(match kind {
            Type::Anything => "object".into(),
            Type::List(of) => {
                module.import("collections.abc", "Sequence");
                format!("Sequence[{}]", self.parameter(of, module)?)
            }
            Type::Table(of) => {
                module.import("collections.abc", "Mapping");
                format!("Mapping[str, {}]", self.parameter(of, module)?)
            }
            Type::Maybe(of) => format!("{} | None", self.parameter(of, module)?),
            Type::Named(name) => match &self.definition(name)?.shape {
                Shape::Words(_) => self.annotation(kind, module)?,
                Shape::Alias(of) if of.names().is_empty() => self.annotation(kind, module)?,
                // A record may be given as the mapping that it is in JSON.
                _ => {
                    module.import("collections.abc", "Mapping");
                    format!("{} | Mapping[str, object]", self.annotation(kind, module)?)
                }
            },
            other => self.annotation(other, module)?,
        })
    }

    /// What reads a value.
    fn decoder(&self, kind: &Type, module: &mut Module) -> Result<String, String> {
        let (name, inner) = match kind {
            Type::Text => ("text", None),
            Type::Whole => ("whole", None),
            Type::Number => ("number", None),
            Type::Flag => ("flag", None),
            Type::Anything => ("anything", None),
            Type::List(of) => ("many", Some(self.decoder(of, module)?)),
            Type::Table(of) => ("table", Some(self.decoder(of, module)?)),
            Type::Either(choices) => {
                let choices: Result<Vec<String>, String> =
                    choices.iter().map(|choice| self.decoder(choice, module)).collect();
                ("either", Some(choices?.join(", ")))
            }
            Type::Maybe(_) => return Err("null inside of a list or a map".into()),
            Type::Named(name) => match &self.definition(name)?.shape {
                // A newer version may know more words: they are kept as they are.
                Shape::Words(_) => ("text", None),
                Shape::Alias(of) => return self.decoder(of, module),
                Shape::Record(_) => ("record", Some(self.import(name, module))),
            },
        };
        module.import_ours("_record", name);
        Ok(match inner {
            Some(inner) => format!("{name}({inner})"),
            None => name.into(),
        })
    }

    /// The default of a field; none where it is required.
    pub fn default(&self, field: &Field, module: &mut Module) -> Result<Option<String>, String> {
        let told = |error: String| format!("{}: {error}", field.name);
        match self.model.fallback(field).map_err(told)? {
            Fallback::Required => Ok(None),
            Fallback::Null => Ok(Some("None".into())),
            Fallback::Value(value) => {
                let kind = field.kind.without_null().0;
                self.literal(kind, &value, module).map(Some).map_err(told)
            }
        }
    }

    fn literal(&self, kind: &Type, value: &Value, module: &mut Module) -> Result<String, String> {
        Ok(match (kind, value) {
            (Type::Named(name), value) => match &self.definition(name)?.shape {
                Shape::Alias(of) => self.literal(of, value, module)?,
                // Records do not change, so that all may have the same one.
                Shape::Record(_) => format!("{}()", self.import(name, module)),
                Shape::Words(_) => value.to_string(),
            },
            (Type::List(_), _) => "()".into(),
            (Type::Table(_), _) => "{}".into(),
            (_, Value::Bool(true)) => "True".into(),
            (_, Value::Bool(false)) => "False".into(),
            _ => value.to_string(),
        })
    }

    /// The line of `_fields` for a field.
    pub fn entry(&self, field: &Field, module: &mut Module) -> Result<String, String> {
        let (kind, nullable) = field.kind.without_null();
        let mut arguments = vec![self.decoder(kind, module)?];
        match self.default(field, module)? {
            Some(default) => arguments.push(format!("default={default}")),
            None if nullable || *kind == Type::Anything => arguments.push("nullable=True".into()),
            None => {}
        }
        if field.written_as_default() {
            arguments.push("written=True".into());
        }
        Ok(format!("\"{}\": Field({})", field.name, arguments.join(", ")))
    }
}

/// Refuses names that Python or the classes' base cannot have as attributes.
pub(super) fn check_names(owner: &str, fields: &[Field], taken: &[&str]) -> Result<(), String> {
    let unfit = |field: &&Field| {
        let name = field.name.as_str();
        let letters = name
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
        !letters
            || !name.starts_with(|letter: char| letter.is_ascii_lowercase())
            || KEYWORDS.contains(&name)
            || taken.contains(&name)
    };
    match fields.iter().find(unfit) {
        Some(field) => Err(format!("the field `{}` of {owner} cannot be an attribute in Python", field.name)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str) -> Field {
        let kind = Type::Text;
        Field { name: name.into(), docs: String::new(), kind, required: true, default: None }
    }

    #[test]
    fn a_field_that_would_hide_something_of_its_class_is_refused() {
        let refused = check_names("RunEnded", &[field("component"), field("subject")], &["subject"]);
        assert_eq!(refused, Err("the field `subject` of RunEnded cannot be an attribute in Python".into()));
        for name in ["from", "_private", "camelCase", "1st", "a-b"] {
            assert!(check_names("RunEnded", &[field(name)], &[]).is_err(), "{name}");
        }
        assert_eq!(check_names("RunEnded", &[field("component_2")], &["subject"]), Ok(()));
    }
}
