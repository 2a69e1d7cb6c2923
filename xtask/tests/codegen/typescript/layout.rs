//! TypeScript source as a formatter would leave it.

use super::super::layout::wrapped;

/// The longest line.
pub(super) const WIDTH: usize = 110;

/// `open`, `items` and `close` on one line if they fit, else one item a line.
pub(super) fn bracketed(indent: usize, open: &str, items: &[String], close: &str) -> String {
    // Braces have a space inside, other brackets have none.
    let space = if open.ends_with('{') { " " } else { "" };
    let line = format!("{}{open}{space}{}{space}{close}", " ".repeat(indent), items.join(", "));
    if line.chars().count() <= WIDTH {
        return line + "\n";
    }
    exploded(indent, open, items, close)
}

/// One item a line, always.
pub(super) fn exploded(indent: usize, open: &str, items: &[String], close: &str) -> String {
    let margin = " ".repeat(indent);
    let items: String = items.iter().map(|item| format!("{margin}  {item},\n")).collect();
    format!("{margin}{open}\n{items}{margin}{close}\n")
}

/// A type that is one of several: on one line if it fits, else one a line.
pub(super) fn union(name: &str, choices: &[String]) -> String {
    let line = format!("export type {name} = {};\n", choices.join(" | "));
    if line.chars().count() <= WIDTH {
        return line;
    }
    let choices: String = choices.iter().map(|choice| format!("\n  | {choice}")).collect();
    format!("export type {name} ={choices};\n")
}

/// A comment for what follows: the description, and a list of what has a name in it.
pub(super) fn comment(indent: usize, docs: &str, listed: &[(String, String)]) -> String {
    let margin = " ".repeat(indent);
    // What ends a comment is no part of one.
    let docs = docs.replace("*/", "*\u{200b}/");
    let paragraphs: Vec<Vec<String>> =
        docs.split("\n\n").map(|text| wrapped(text, WIDTH, indent + 3, 0)).collect();
    let mut lines = paragraphs.join(&String::new());
    if let ([line], true) = (&lines[..], listed.is_empty())
        && indent + line.chars().count() + 7 <= WIDTH
    {
        return format!("{margin}/** {line} */\n");
    }
    if !listed.is_empty() {
        lines.push(String::new());
    }
    for (name, docs) in listed {
        lines.extend(wrapped(&format!("- `{name}`: {docs}"), WIDTH, indent + 3, 2));
    }
    let text: String =
        lines.iter().map(|line| format!("{margin} * {line}").trim_end().to_owned() + "\n").collect();
    format!("{margin}/**\n{text}{margin} */\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_on_a_line_takes_one_for_each_item() {
        let short = ["a".to_owned(), "b".to_owned()];
        assert_eq!(bracketed(2, "f(", &short, ")"), "  f(a, b)\n");
        assert_eq!(bracketed(0, "const x = {", &short, "};"), "const x = { a, b };\n");
        let long = ["a".repeat(60), "b".repeat(60)];
        let printed = bracketed(2, "f(", &long, ")");
        assert_eq!(printed, format!("  f(\n    {},\n    {},\n  )\n", long[0], long[1]));
        assert_eq!(union("U", &long), format!("export type U =\n  | {}\n  | {};\n", long[0], long[1]));
    }

    #[test]
    fn a_description_stays_within_the_width_and_keeps_its_paragraphs() {
        let docs = format!("{}\n\nSecond.", "word ".repeat(40));
        let printed = comment(2, &docs, &[("name".into(), "word ".repeat(40))]);
        assert!(printed.lines().all(|line| line.chars().count() <= WIDTH), "{printed}");
        assert!(printed.contains("\n   *\n   * Second.\n   *\n   * - `name`: word"), "{printed}");
        assert_eq!(comment(2, "Short.", &[]), "  /** Short. */\n");
    }

    #[test]
    fn a_description_cannot_end_its_comment() {
        assert_eq!(comment(0, "a */ b", &[]).matches("*/").count(), 1);
    }
}
