//! Names that users give: projects, environments, components and functions.

use crate::error::{Error, ErrorKind, Result};

/// Longest name of a project, environment, component or function.
pub const NAME_LIMIT: usize = 40;

/// Checks a name: lower-case letters, digits and `-`, starting with a letter, ending with a letter or digit,
/// at most [`NAME_LIMIT`] characters. Names become parts of cloud names, paths and URLs.
///
/// # Errors
/// `InvalidInput` saying what is wrong; `what` names the kind of name.
pub fn check_name(what: &str, name: &str) -> Result<()> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let starts = name.chars().next().is_some_and(|c| c.is_ascii_lowercase());
    if starts && name.len() <= NAME_LIMIT && name.chars().all(inner) && !name.ends_with('-') {
        return Ok(());
    }
    let text = format!(
        "`{}` is no name for {what}: use lower-case letters, digits and `-`, starting with a letter, \
         {NAME_LIMIT} characters at most",
        name.escape_debug()
    );
    Err(Error::new(ErrorKind::InvalidInput, "name.check", text).with("field", what))
}
