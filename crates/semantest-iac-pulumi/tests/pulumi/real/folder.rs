//! A folder of a test's own, with the plugin and with Pulumi's own folders in it.

use std::path::{Path, PathBuf};

use super::PLUGIN;

pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        for name in ["bin", "backend", "home"] {
            std::fs::create_dir(folder.file(name)).expect(name);
        }
        std::os::unix::fs::symlink(PLUGIN, folder.file("bin/pulumi-resource-semantest")).expect("the plugin");
        folder
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn file(&self, path: &str) -> PathBuf {
        self.path().join(path)
    }

    pub fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.file(path)).expect(path)
    }

    pub fn write(&self, path: &str, text: &str) {
        std::fs::write(self.file(path), text).expect(path);
    }

    pub fn replace(&self, path: &str, from: &str, to: &str) {
        let text = self.text(path);
        assert!(text.contains(from), "{path} has no {from}");
        self.write(path, &text.replace(from, to));
    }
}
