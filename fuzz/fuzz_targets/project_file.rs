//! Any text is a project file or an error.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use semantest_iac::ProjectFile;

fuzz_target!(|text: &str| {
    let _ = ProjectFile::parse(text, Path::new("semantest.toml"));
});
