//! Whatever a project file holds, reading it ends in an answer: the properties of the fuzz target, on stable Rust.

use std::path::Path;

use proptest::prelude::*;
use semantest_iac::ProjectFile;

fn parse(text: &str) {
    if let Err(error) = ProjectFile::parse(text, Path::new("semantest.toml")) {
        assert!(error.context().iter().any(|(key, _)| key == "file"), "{error:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_project_or_an_error(text in "\\PC{0,300}") {
        parse(&text);
    }

    #[test]
    fn anything_like_toml_is_a_project_or_an_error(
        lines in prop::collection::vec("(\\[+[a-z.\"-]{0,20}\\]+|[a-z._\" -]{0,12} ?= ?[a-z0-9\"{}\\[\\],=.' -]{0,20})", 0..12)
    ) {
        parse(&lines.join("\n"));
    }

    #[test]
    fn a_damaged_project_file_is_a_project_or_an_error(at in 0usize..600, with in any::<char>()) {
        let good = include_str!("../../../../examples/semantest/semantest.toml");
        let mut text: Vec<char> = good.chars().collect();
        let at = at % text.len();
        text[at] = with;
        parse(&text.into_iter().collect::<String>());
    }
}
