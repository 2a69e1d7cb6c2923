//! Variables of an API's stage: what they may be called and hold.
//!
//! Source: API Gateway developer guide, "Using stage variables", and "Quotas for configuring and running" an API.

use crate::application::component_handler::Wanted;
use crate::error::Result;

/// So many a stage has at most.
const MOST: usize = 100;
/// Longest name, in letters.
const NAME_LIMIT: usize = 64;
/// Longest value, in letters.
const VALUE_LIMIT: usize = 512;

/// Checks the variables of a component.
pub(crate) fn check(wanted: &Wanted<'_>) -> Result<()> {
    let variables = &wanted.definition.stage_variables;
    if variables.len() > MOST {
        let text = format!("{} stage variables are too many: {MOST} at most", variables.len());
        return Err(wanted.invalid("stage_variables", text));
    }
    let is_name = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'_';
    let is_value = |letter: u8| letter.is_ascii_alphanumeric() || b"-._~:/?#&=,".contains(&letter);
    for (name, value) in variables {
        let why = match () {
            () if name.is_empty() || name.len() > NAME_LIMIT || !name.bytes().all(is_name) => {
                format!("must have a name of at most {NAME_LIMIT} letters, digits and _")
            }
            () if value.is_empty() || value.len() > VALUE_LIMIT || !value.bytes().all(is_value) => {
                format!("must have a value of 1 to {VALUE_LIMIT} letters, digits and - . _ ~ : / ? # & = ,")
            }
            () => continue,
        };
        let name = name.escape_debug().to_string();
        let text = format!("stage variable `{name}` {why}");
        return Err(wanted.invalid(&format!("stage_variables.{name}"), text));
    }
    Ok(())
}
