//! Whole numbers that JavaScript cannot hold: its numbers have 53 bits for them.

use semantest_iac::{Error, ErrorKind, Result};
use serde_json::Number;

/// `Number.MAX_SAFE_INTEGER`
pub(crate) const SAFE: u64 = (1 << 53) - 1;

/// How many digits the shortest of those numbers has.
const DIGITS: usize = 16;

/// Why something is not handed over.
pub(crate) const INEXACT: &str =
    "it holds a whole number over 2^53 - 1, which a JavaScript number cannot hold";

/// A position or version as JavaScript's numbers can hold it.
///
/// # Errors
/// `Unsupported` over 2^53 - 1.
pub(crate) fn safe(number: u64) -> Result<u64> {
    if number <= SAFE {
        return Ok(number);
    }
    let text =
        format!("the log has come to position {number}, and a JavaScript number holds at most 2^53 - 1");
    Err(Error::new(ErrorKind::Unsupported, "node.call", text))
}

/// Whether JavaScript holds it as it is.
pub(crate) fn is_safe(number: &Number) -> bool {
    match (number.as_u64(), number.as_i64()) {
        (Some(number), _) => number <= SAFE,
        (None, Some(number)) => number.unsigned_abs() <= SAFE,
        (None, None) => true,
    }
}

/// Whether `JSON.parse` would round a whole number in `json`, which is JSON.
pub(crate) fn loses_digits(json: &str) -> bool {
    let json = json.as_bytes();
    // Every event comes by here, and hardly one has so many digits in a row.
    has_long_row(json) && has_inexact_number(json)
}

/// Whether there are so many digits in a row anywhere, in texts too. Such a row has one in every so many bytes.
fn has_long_row(json: &[u8]) -> bool {
    let digits = |byte: &&u8| byte.is_ascii_digit();
    (DIGITS - 1..json.len()).step_by(DIGITS).any(|at| {
        let (before, behind) = json.split_at(at);
        json[at].is_ascii_digit()
            && before.iter().rev().take_while(digits).count() + behind.iter().take_while(digits).count()
                >= DIGITS
    })
}

fn has_inexact_number(json: &[u8]) -> bool {
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => at = end_of_text(json, at),
            b'-' | b'0'..=b'9' => {
                let in_number = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
                let end = at + json[at..].iter().take_while(in_number).count();
                if is_inexact(&json[at..end]) {
                    return true;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    false
}

/// Where the text that begins at `begin` is over.
fn end_of_text(json: &[u8], begin: usize) -> usize {
    let mut at = begin + 1;
    while let Some(byte) = json.get(at).filter(|byte| **byte != b'"') {
        at += if *byte == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// What is written with a fraction or an exponent is no whole number: it is as exact here as there.
fn is_inexact(number: &[u8]) -> bool {
    let digits = number.strip_prefix(b"-").unwrap_or(number);
    let whole = digits.iter().all(u8::is_ascii_digit);
    whole
        && std::str::from_utf8(digits)
            .is_ok_and(|digits| digits.parse().map_or(true, |size: u64| size > SAFE))
}
