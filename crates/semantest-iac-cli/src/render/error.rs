//! Errors as people read them.

use std::fmt::Write;

use semantest_iac::ErrorRecord;

/// Parts of a place in a file: shown on a line of their own, as compilers do.
const PLACE: [&str; 3] = ["file", "line", "column"];

/// What is wrong, where, and what else is known of it.
pub(crate) fn error(record: &ErrorRecord) -> String {
    let mut out = message(record);
    let known = |key: &str| record.context.get(key);
    if let Some(file) = known("file") {
        let place = [Some(file), known("line"), known("column")];
        let place: Vec<&str> = place.into_iter().map_while(|part| part.map(String::as_str)).collect();
        let _ = write!(out, "\n  --> {}", place.join(":"));
    }
    for (key, value) in &record.context {
        // A field is always named; other facts only where the message does not hold them already.
        let said = key != "field" && record.message.contains(value.as_str());
        if !PLACE.contains(&key.as_str()) && !said {
            let _ = write!(out, "\n  {key}: {value}");
        }
    }
    out
}

/// The message without the place it begins with, which has a line of its own.
fn message(record: &ErrorRecord) -> String {
    let file = record.context.get("file").map(String::as_str).unwrap_or_default();
    let rest = record.message.strip_prefix(file).filter(|_| !file.is_empty());
    let said = rest.and_then(|rest| match rest.strip_prefix(", line ") {
        Some(place) => place.split_once(": ").map(|(_, said)| said),
        None => rest.strip_prefix(": "),
    });
    said.unwrap_or(&record.message).to_owned()
}

#[cfg(test)]
mod tests {
    use semantest_iac::{Error, ErrorKind};

    use super::*;

    #[test]
    fn a_place_is_always_shown_whatever_digits_the_message_holds() {
        let wrong = Error::new(ErrorKind::InvalidProject, "test", "/p/s.toml, line 8: 8 is no kind");
        let record =
            wrong.with("file", "/p/s.toml").with("line", 8).with("field", "kind").with("n", 8).to_record();
        assert_eq!(error(&record), "8 is no kind\n  --> /p/s.toml:8\n  field: kind");
    }
}
