//! Patterns of JSON, as `tests/vectors/README.md` has them.

use std::collections::BTreeMap;

use serde_json::Value;

/// What a story remembers.
pub type Saved = BTreeMap<String, Value>;

/// The first place where `value` does not fit `pattern`.
pub fn differs(pattern: &Value, value: &Value, saved: &mut Saved, at: &str) -> Option<String> {
    match pattern {
        Value::Object(wanted) => {
            if let Some((word, of)) = wanted.iter().find(|(key, _)| key.starts_with('$')) {
                return unlike_word(word, of, value, saved, at);
            }
            let Value::Object(map) = value else { return Some(format!("{at} is no object but {value}")) };
            wanted.iter().find_map(|(key, wanted)| {
                differs(wanted, map.get(key).unwrap_or(&Value::Null), saved, &format!("{at}.{key}"))
            })
        }
        Value::Array(wanted) => match value {
            Value::Array(items) if items.len() == wanted.len() => {
                let mut pairs = wanted.iter().zip(items).enumerate();
                pairs.find_map(|(index, (wanted, item))| {
                    differs(wanted, item, saved, &format!("{at}[{index}]"))
                })
            }
            _ => Some(format!("{at} is no list of {} but {value}", wanted.len())),
        },
        Value::Number(wanted) if wanted.as_f64() == value.as_f64() => None,
        _ if pattern == value => None,
        _ => Some(format!("{at} is {value}, not {pattern}")),
    }
}

fn unlike_word(word: &str, of: &Value, value: &Value, saved: &mut Saved, at: &str) -> Option<String> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let name = of.as_str().unwrap_or_default();
    let fits = match word {
        "$contains" => {
            let one = std::slice::from_ref(of);
            let texts = of.as_array().map_or(one, Vec::as_slice);
            let has = |part: &Value| {
                part.as_str().zip(value.as_str()).is_some_and(|(part, text)| text.contains(part))
            };
            texts.iter().all(has)
        }
        "$has" => {
            let mut wanted = of.as_array().expect("a list").iter();
            wanted.all(|one| items.iter().any(|item| differs(one, item, saved, at).is_none()))
        }
        "$each" if !items.is_empty() => {
            let mut items = items.iter().enumerate();
            return items.find_map(|(index, item)| differs(of, item, saved, &format!("{at}[{index}]")));
        }
        "$each" => false,
        "$length" => value.is_array() && of.as_u64() == Some(items.len() as u64),
        "$present" => !value.is_null(),
        "$save" => {
            saved.insert(name.to_owned(), value.clone());
            !value.is_null()
        }
        "$saved" => match saved.get(name).cloned() {
            Some(wanted) => return differs(&wanted, value, &mut Saved::new(), at),
            None => false,
        },
        _ => panic!("{word} is no word of patterns"),
    };
    (!fits).then(|| format!("{at} is {value}, not {word} {of}"))
}
