//! Python source as a formatter would leave it.

use super::super::layout::wrapped as lines;

/// The longest line.
pub(super) const WIDTH: usize = 100;

/// `open`, `items` and `close` on one line if they fit, else one item a line.
pub(super) fn bracketed(indent: usize, open: &str, items: &[String], close: &str) -> String {
    let margin = " ".repeat(indent);
    let line = format!("{margin}{open}{}{close}", items.join(", "));
    if line.chars().count() <= WIDTH {
        return line + "\n";
    }
    exploded(indent, open, items, close)
}

/// One item a line, always.
pub(super) fn exploded(indent: usize, open: &str, items: &[String], close: &str) -> String {
    let margin = " ".repeat(indent);
    let items: String = items.iter().map(|item| format!("{margin}    {item},\n")).collect();
    format!("{margin}{open}\n{items}{margin}{close}\n")
}

/// A docstring: the description, and a section for what is listed by name.
pub(super) fn docstring(indent: usize, docs: &str, section: &str, listed: &[(&str, &str)]) -> String {
    let margin = " ".repeat(indent);
    let listed: Vec<_> = listed.iter().filter(|(_, docs)| !docs.is_empty()).collect();
    let mut paragraphs = docs.split("\n\n").map(|text| wrapped(indent, 0, text));
    // Three quotes open the first line.
    let first = wrapped(indent + 3, 0, docs.split("\n\n").next().unwrap_or_default());
    let mut lines: Vec<String> = first;
    paragraphs.next();
    for paragraph in paragraphs {
        lines.push(String::new());
        lines.extend(paragraph);
    }
    if lines.len() == 1 && listed.is_empty() && indent + lines[0].chars().count() + 6 <= WIDTH {
        return format!("{margin}\"\"\"{}\"\"\"\n", lines[0]);
    }
    if !listed.is_empty() {
        lines.extend([String::new(), section.to_owned()]);
        for (name, docs) in listed {
            let item = wrapped(indent + 4, 4, &format!("{name}: {docs}"));
            lines.extend(item.into_iter().map(|line| format!("    {line}")));
        }
    }
    let text: String = lines
        .iter()
        .enumerate()
        .map(|(index, line)| match (index, line.is_empty()) {
            (0, _) => format!("{margin}\"\"\"{line}\n"),
            (_, true) => "\n".to_owned(),
            _ => format!("{margin}{line}\n"),
        })
        .collect();
    format!("{text}{margin}\"\"\"\n")
}

/// `text` in lines; all but the first are `hanging` further in.
fn wrapped(indent: usize, hanging: usize, text: &str) -> Vec<String> {
    lines(&text.replace('\\', "\\\\"), WIDTH, indent, hanging)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_on_a_line_takes_one_for_each_item() {
        let short = ["a".to_owned(), "b".to_owned()];
        assert_eq!(bracketed(4, "f(", &short, ")"), "    f(a, b)\n");
        let long = ["a".repeat(60), "b".repeat(60)];
        let printed = bracketed(4, "f(", &long, ")");
        assert_eq!(printed, format!("    f(\n        {},\n        {},\n    )\n", long[0], long[1]));
    }

    #[test]
    fn a_description_stays_within_the_width_and_keeps_its_paragraphs() {
        let docs = format!("{}\n\nSecond.", "word ".repeat(40));
        let printed = docstring(4, &docs, "Attributes:", &[("name", &"word ".repeat(40)), ("bare", "")]);
        assert!(printed.lines().all(|line| line.chars().count() <= WIDTH), "{printed}");
        assert!(printed.contains("\n\n    Second.\n\n    Attributes:\n        name: word"), "{printed}");
        assert!(!printed.contains("bare"), "{printed}");
    }
}
