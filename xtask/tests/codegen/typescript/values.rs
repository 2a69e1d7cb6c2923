//! Types, defaults and codecs in TypeScript.

use super::super::model::{Definition, Fallback, Field, Model, Shape, Type};
use super::super::places::Places;
use super::layout::comment;
use super::module::Module;

/// What the printers look things up in.
pub(super) struct Context<'a> {
    pub model: &'a Model,
    pub places: &'a Places,
}

impl Context<'_> {
    fn definition(&self, name: &str) -> Result<&Definition, String> {
        self.model.definitions.get(name).ok_or_else(|| format!("no schema defines {name}"))
    }

    /// The type of a property.
    pub fn annotation(&self, kind: &Type, module: &mut Module) -> Result<String, String> {
        self.printed(kind, module, false)
    }

    /// The type of what can be made into a property.
    fn given(&self, kind: &Type, module: &mut Module) -> Result<String, String> {
        self.printed(kind, module, true)
    }

    fn printed(&self, kind: &Type, module: &mut Module, given: bool) -> Result<String, String> {
        Ok(match kind {
            Type::Text => "string".into(),
            Type::Whole | Type::Number => "number".into(),
            Type::Flag => "boolean".into(),
            Type::Anything => "unknown".into(),
            Type::List(of) => {
                let item = self.printed(of, module, given)?;
                if item.contains(" | ") {
                    format!("readonly ({item})[]")
                } else {
                    format!("readonly {item}[]")
                }
            }
            Type::Table(of) => format!("Readonly<Record<string, {}>>", self.printed(of, module, given)?),
            // `unknown` holds null already.
            Type::Maybe(of) if **of == Type::Anything => "unknown".into(),
            Type::Maybe(of) => format!("{} | null", self.printed(of, module, given)?),
            Type::Either(choices) => {
                let choices: Result<Vec<String>, String> =
                    choices.iter().map(|choice| self.printed(choice, module, given)).collect();
                choices?.join(" | ")
            }
            Type::Named(name) => match &self.definition(name)?.shape {
                // Another name for text or a number says nothing that the field's description does not.
                Shape::Alias(of) if of.names().is_empty() => self.printed(of, module, given)?,
                Shape::Alias(of) if given && self.is_given_otherwise(of)? => {
                    self.printed(of, module, given)?
                }
                _ => {
                    let otherwise = given && self.is_given_otherwise(kind)?;
                    let name = if otherwise { format!("{name}Fields") } else { name.clone() };
                    let place = self.places.get(name.trim_end_matches("Fields")).ok_or("no place")?;
                    module.import_type(place, &name);
                    name
                }
            },
        })
    }

    /// Whether a caller may leave out something of it.
    pub fn is_given_otherwise(&self, kind: &Type) -> Result<bool, String> {
        for name in kind.names() {
            let otherwise = match &self.definition(name)?.shape {
                Shape::Words(_) => false,
                Shape::Alias(of) => self.is_given_otherwise(of)?,
                Shape::Record(fields) => {
                    let mut some = fields.iter().any(|field| !field.required);
                    for field in fields {
                        some = some || self.is_given_otherwise(&field.kind)?;
                    }
                    some
                }
            };
            if otherwise {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What reads and writes a value.
    pub fn codec(&self, kind: &Type, module: &mut Module) -> Result<String, String> {
        let (name, inner) = match kind {
            Type::Text => ("text", None),
            Type::Whole => ("whole", None),
            Type::Number => ("number", None),
            Type::Flag => ("flag", None),
            Type::Anything => ("anything", None),
            Type::List(of) => ("many", Some(self.codec(of, module)?)),
            Type::Table(of) => ("table", Some(self.codec(of, module)?)),
            Type::Either(choices) => {
                let choices: Result<Vec<String>, String> =
                    choices.iter().map(|choice| self.codec(choice, module)).collect();
                ("either", Some(choices?.join(", ")))
            }
            Type::Maybe(_) => return Err("null inside of a list or a map".into()),
            Type::Named(name) => {
                let place = self.places.get(name).ok_or("no place")?;
                match &self.definition(name)?.shape {
                    Shape::Words(_) => {
                        module.import("record", "word");
                        module.import_type(place, name);
                        return Ok(format!("word<{name}>()"));
                    }
                    Shape::Alias(of) => return self.codec(of, module),
                    Shape::Record(_) => {
                        module.import(place, name);
                        return Ok(name.clone());
                    }
                }
            }
        };
        module.import("record", name);
        Ok(match inner {
            Some(inner) => format!("{name}({inner})"),
            None => name.into(),
        })
    }

    /// How a field is read and written by `codec`: a property of the fields' object.
    pub fn entry(&self, field: &Field, codec: &str, module: &mut Module) -> Result<String, String> {
        let (kind, nullable) = field.kind.without_null();
        let key = &field.name;
        let told = |error: String| format!("{key}: {error}");
        let (maker, arguments) = match self.model.fallback(field).map_err(told)? {
            Fallback::Required if nullable || *kind == Type::Anything => ("nullable", String::new()),
            Fallback::Required => ("field", String::new()),
            Fallback::Null => ("optional", String::new()),
            Fallback::Value(value) => {
                let written = if field.written_as_default() { ", true" } else { "" };
                ("defaulted", format!(", {value}{written}"))
            }
        };
        module.import("record", maker);
        Ok(format!("{}: {maker}(\"{key}\", {codec}{arguments})", camel(key)))
    }

    /// A property of what is read.
    pub fn property(&self, field: &Field, start: &str, module: &mut Module) -> Result<String, String> {
        let kind = self.annotation(&field.kind, module)?;
        Ok(described(field, &format!("  {start}readonly {}: {kind};\n", camel(&field.name))))
    }

    /// A property of what a caller gives; `also` is another type that it may have.
    pub fn given_property(&self, field: &Field, also: &str, module: &mut Module) -> Result<String, String> {
        let (kind, _) = field.kind.without_null();
        let kind = match (also, self.given(kind, module)?) {
            ("", kind) => kind,
            (also, _) => also.to_owned(),
        };
        let (mark, nothing) = match (field.required, kind.as_str()) {
            (true, _) if matches!(field.kind, Type::Maybe(_)) && kind != "unknown" => ("", " | null"),
            (true, _) => ("", ""),
            (false, "unknown") => ("?", ""),
            (false, _) => ("?", " | null | undefined"),
        };
        Ok(described(field, &format!("  readonly {}{mark}: {kind}{nothing};\n", camel(&field.name))))
    }
}

/// A line with the field's description above it.
pub(super) fn described(field: &Field, line: &str) -> String {
    match field.docs.as_str() {
        "" => line.to_owned(),
        docs => comment(2, docs, &[]) + line,
    }
}

/// `function_name` as `functionName`.
pub(super) fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let mut letters = word.chars();
        let start: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        name + &start + letters.as_str()
    })
}

/// Refuses names that cannot be written in camel case and back, and those that the class has for something else.
pub(super) fn check_names(owner: &str, fields: &[Field], taken: &[&str]) -> Result<(), String> {
    let unfit = |field: &&Field| {
        let name = field.name.as_str();
        // A digit has no capital letter that would tell where its word begins.
        let words = name.split('_').enumerate().all(|(index, word)| {
            word.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
                && word.starts_with(|letter: char| letter.is_ascii_lowercase())
                && (index == 0 || !word.is_empty())
        });
        !words || taken.contains(&camel(name).as_str())
    };
    match fields.iter().find(unfit) {
        Some(field) => {
            Err(format!("the field `{}` of {owner} cannot be a property in TypeScript", field.name))
        }
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
        let refused = check_names("RunEnded", &[field("component"), field("event_id")], &["eventId"]);
        let told = "the field `event_id` of RunEnded cannot be a property in TypeScript";
        assert_eq!(refused, Err(told.into()));
        for name in ["__proto__", "_private", "camelCase", "1st", "a-b", "a__b", "a_", "version_2"] {
            assert!(check_names("RunEnded", &[field(name)], &[]).is_err(), "{name}");
        }
        assert_eq!(check_names("RunEnded", &[field("component_name")], &["subject"]), Ok(()));
    }

    #[test]
    fn names_are_written_in_camel_case() {
        assert_eq!(camel("known_after_apply"), "knownAfterApply");
        assert_eq!(camel("arn"), "arn");
    }
}
