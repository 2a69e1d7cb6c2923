//! Files of environment variables (`.env`). What they hold is secret: no message shows any of it but names.
//!
//! A line is `NAME=value`, perhaps after `export`; empty lines and those that begin with `#` are passed over. A value is text as
//! it stands, up to ` #`; or it stands in quotes, which may span lines. In double quotes `\n`, `\r`, `\t`, `\"` and
//! `\\` mean what they mean elsewhere. Nothing is expanded: `$` is a letter like others.

use std::collections::BTreeMap;

use crate::domain::environment::check_variable_name;

/// The scheme of secrets that stand in such files.
pub const ENV_FILE: &str = "env-file";

/// Reference to the variable `name` in the file at `path`: `env-file:.env#DB_PASSWORD`.
pub fn reference(path: &str, name: &str) -> String {
    format!("{ENV_FILE}:{path}#{name}")
}

/// The variables in `bytes`, the file at `path`.
///
/// # Errors
/// What is wrong with the file, in words, with the line; never with a value.
pub fn read(path: &str, bytes: Vec<u8>) -> Result<BTreeMap<String, String>, String> {
    let shown = path.escape_debug();
    // The reason stays unsaid where it could show what the file holds.
    let text = String::from_utf8(bytes).map_err(|_| format!("`{shown}` is not UTF-8 text"))?;
    parse(&text).map_err(|Wrong { line, why }| format!("`{shown}`, line {line}: {why}"))
}

/// What is wrong with a file, and in which line.
#[derive(Debug, PartialEq)]
struct Wrong {
    line: usize,
    why: &'static str,
}

fn parse(text: &str) -> Result<BTreeMap<String, String>, Wrong> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let (mut rest, mut line, mut variables) = (text.as_str(), 1, BTreeMap::new());
    while !rest.is_empty() {
        let this = rest.lines().next().unwrap_or_default();
        let end = match this.trim_start() {
            passed_over if passed_over.is_empty() || passed_over.starts_with('#') => this.len(),
            _ => {
                let wrong = |why| Wrong { line, why };
                let equals = this.find('=').ok_or_else(|| wrong("it is no NAME=value"))?;
                let name = name(&this[..equals]).ok_or_else(|| {
                    wrong("what stands before `=` is no name: use letters, digits and _, and put a value of several lines in quotes")
                })?;
                let (value, length) = value(&rest[equals + 1..]).map_err(wrong)?;
                variables.insert(name.to_owned(), value);
                equals + 1 + length
            }
        };
        let (read, left) = rest.split_at(end);
        line += read.matches('\n').count() + 1;
        rest = left.strip_prefix('\n').unwrap_or(left);
    }
    Ok(variables)
}

fn name(before: &str) -> Option<&str> {
    let before = before.trim_start();
    let exported = before.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t']));
    Some(exported.unwrap_or(before).trim()).filter(|name| check_variable_name(name).is_ok())
}

/// The value at the start of `text`, and how much of it was read, up to the end of a line.
fn value(text: &str) -> Result<(String, usize), &'static str> {
    let blank = text.len() - text.trim_start_matches([' ', '\t']).len();
    let start = &text[blank..];
    let Some(quote) = start.chars().next().filter(|first| matches!(first, '"' | '\'' | '`')) else {
        let line = text.split('\n').next().unwrap_or_default();
        return Ok((plain(line)?.to_owned(), line.len()));
    };
    let inside = &start[1..];
    let (value, length) = quoted(inside, quote).ok_or("a quote is opened and not closed")?;
    let after = inside[length + 1..].split('\n').next().unwrap_or_default();
    match after.trim_start() {
        trimmed if trimmed.is_empty() || trimmed.starts_with('#') => {
            Ok((value, blank + 1 + length + 1 + after.len()))
        }
        _ => Err("something stands after the closing quote"),
    }
}

/// Programs differ in whether a `#` in the middle of a word begins a comment: nobody's value is cut off here.
fn plain(line: &str) -> Result<&str, &'static str> {
    match line.find('#') {
        None => Ok(line.trim()),
        Some(at) if line[..at].ends_with([' ', '\t']) => Ok(line[..at].trim()),
        Some(_) => Err("put a value with `#` in quotes, or a space before a comment"),
    }
}

/// What stands before the closing quote, and how long that is as it is written.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            _ if letter == quote => return Some((value, at)),
            '\\' if quote == '"' => match letters.next()?.1 {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                same @ ('"' | '\\') => value.push(same),
                other => value.extend(['\\', other]),
            },
            _ => value.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_as(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap_or_else(|wrong| panic!("{wrong:?}: {text:?}")).into_iter().collect()
    }

    fn one(text: &str) -> String {
        let all = read_as(text);
        assert_eq!(all.len(), 1, "{text:?}: {all:?}");
        all[0].1.clone()
    }

    #[test]
    fn values_are_read_as_they_stand() {
        for (text, value) in [
            ("A=b", "b"),
            ("A=", ""),
            ("  A = b c  ", "b c"),
            ("export A=b", "b"),
            ("export\tA=b", "b"),
            ("A=b # comment", "b"),
            ("A= # comment", ""),
            ("A=b=c==", "b=c=="),
            ("A=$HOME/${X}`y`", "$HOME/${X}`y`"),
            ("A=it's", "it's"),
            ("A='b # c'", "b # c"),
            ("A='b\\n' # comment", "b\\n"),
            ("A=\"b\\n\\\"c\\\" \\\\ \\d\"", "b\n\"c\" \\ \\d"),
            ("A=`b \"c\" 'd'`", "b \"c\" 'd'"),
            ("A=\"\"", ""),
            ("A=\"-----BEGIN\nx=y\n# no comment\n-----END\"", "-----BEGIN\nx=y\n# no comment\n-----END"),
            ("A='one\r\ntwo'\r\n", "one\ntwo"),
            ("\u{feff}A=\u{e9}\u{1f600}", "\u{e9}\u{1f600}"),
            ("# comment\n\n   \nA=b\n\n", "b"),
            ("A=first\nA=last", "last"),
        ] {
            assert_eq!(one(text), value, "{text:?}");
        }
        let several = read_as("A=\"1\n2\"\nB='3' \n#x\nC=4");
        let names: Vec<&str> = several.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["A", "B", "C"]);
        assert_eq!(read_as(""), []);
        assert_eq!(read_as(" export=1"), [("export".to_owned(), "1".to_owned())]);
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line_and_none_of_its_values() {
        for (text, line, said) in [
            ("A=1\nhush\n", 2, "no NAME=value"),
            ("A='1\n2'\n\nhush hush=1", 4, "no name"),
            ("1hush=1", 1, "no name"),
            ("=hush", 1, "no name"),
            ("export =hush", 1, "no name"),
            ("A=1\nB=\"hush\nC=2", 2, "not closed"),
            ("A='hush' hush", 1, "after the closing quote"),
            ("A=\"hush\\", 1, "not closed"),
            ("A=hush#hush", 1, "in quotes"),
            ("A=#hush", 1, "in quotes"),
        ] {
            let wrong = parse(text).expect_err(text);
            assert_eq!(wrong.line, line, "{text:?}: {wrong:?}");
            assert!(wrong.why.contains(said) && !wrong.why.contains("hush"), "{text:?}: {wrong:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_the_file() {
        let why = |bytes: &[u8]| read("a.env", bytes.to_vec()).expect_err("wrong");
        assert_eq!(why(b"A=\xff\xfe"), "`a.env` is not UTF-8 text");
        assert_eq!(why(b"A=1\nhush"), "`a.env`, line 2: it is no NAME=value");
    }
}
