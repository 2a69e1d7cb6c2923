//! Text of others on a terminal: what would act on the terminal is shown instead.

use std::borrow::Cow;

/// Whether a terminal acts on `letter`, or lets it turn the direction of text.
fn acts(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `text` with control and direction characters written out (`\u001b`, as in JSON); line ends and tabs stay.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    written_out(text, |letter| acts(letter) && !matches!(letter, '\n' | '\t'))
}

/// As [`printable`], on one line.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    written_out(text, |letter| acts(letter) && letter != '\t')
}

fn written_out(text: &str, wanted: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&wanted) {
        return Cow::Borrowed(text);
    }
    let letters = text.chars().map(|letter| match wanted(letter) {
        true => format!("\\u{:04x}", u32::from(letter)),
        false => letter.to_string(),
    });
    Cow::Owned(letters.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_is_written_out() {
        let text = "a\u{1b}[31mb\u{7}\u{9b}\u{202e}c\r\nd\té";
        assert_eq!(printable(text), "a\\u001b[31mb\\u0007\\u009b\\u202ec\\u000d\nd\té");
        assert_eq!(one_line("a\nb"), "a\\u000ab");
        assert!(matches!(printable("plain"), Cow::Borrowed(_)));
    }
}
