//! Words in lines, as every language's comments have them.

/// `text` in lines of at most `width`, of which `indent` is taken; all but the first are `hanging` further in.
pub(crate) fn wrapped(text: &str, width: usize, indent: usize, hanging: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let fits = |line: &String| indent + line.chars().count() + 1 + word.chars().count() <= width;
        match lines.last_mut() {
            Some(line) if fits(line) => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) => lines.push(" ".repeat(hanging) + word),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}
