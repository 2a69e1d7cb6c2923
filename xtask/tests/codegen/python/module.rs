//! One Python module: its text, and what it imports.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::layout::{WIDTH, bracketed, docstring};
use super::{FIRST_LINE, path};

/// A module that is being printed.
pub(super) struct Module {
    /// Its name under the package, with slashes.
    pub name: String,
    docs: String,
    body: String,
    imports: BTreeMap<String, BTreeSet<String>>,
    exported: Vec<String>,
    after_class: bool,
}

impl Module {
    pub fn new(name: &str, docs: &str) -> Self {
        Self {
            name: name.into(),
            docs: docs.into(),
            body: String::new(),
            imports: BTreeMap::new(),
            exported: Vec::new(),
            after_class: false,
        }
    }

    /// Makes `name` of `module` usable here.
    pub fn import(&mut self, module: &str, name: &str) {
        self.imports.entry(module.into()).or_default().insert(name.into());
    }

    /// Makes `name` of a module of the package usable here, unless it is this one.
    pub fn import_ours(&mut self, module: &str, name: &str) {
        if module != self.name {
            self.import(&format!("semantest_iac.{}", module.replace('/', ".")), name);
        }
    }

    /// Adds a class that users may import.
    pub fn class(&mut self, name: &str, text: &str) {
        self.define(name, text, true);
    }

    /// Adds a name that users may import and that is not a class.
    pub fn value(&mut self, name: &str, text: &str) {
        self.define(name, text, false);
    }

    fn define(&mut self, name: &str, text: &str, class: bool) {
        self.exported.push(name.into());
        // A class has two empty lines around it, anything else one.
        let lines = if class || self.after_class { "\n\n" } else { "\n" };
        self.body += lines;
        self.body += text;
        self.after_class = class;
    }

    /// Says that users may import a name that was imported.
    pub fn export(&mut self, name: &str) {
        self.exported.push(name.into());
    }

    /// The whole text.
    pub fn file(mut self) -> Result<(PathBuf, String), String> {
        self.exported.sort();
        let docs = docstring(0, &self.docs, "", &[]);
        let names: Vec<String> = self.exported.iter().map(|name| format!("\"{name}\"")).collect();
        let all = bracketed(0, "__all__ = [", &names, "]");
        let (ours, theirs): (Vec<_>, Vec<_>) =
            self.imports.iter().partition(|(module, _)| module.starts_with("semantest_iac"));
        let imports = |these: Vec<(&String, &BTreeSet<String>)>| -> String {
            let text: String = these.into_iter().map(|(module, names)| import(module, names)).collect();
            if text.is_empty() { text } else { text + "\n" }
        };
        let text = format!(
            "{FIRST_LINE}\n{docs}\nfrom __future__ import annotations\n\n{}{}{all}{}",
            imports(theirs),
            imports(ours),
            self.body
        );
        let path = path(&self.name);
        match text.lines().find(|line| line.chars().count() > WIDTH) {
            Some(long) => Err(format!("{}: a line is longer than {WIDTH}: {long}", path.display())),
            None => Ok((path, text)),
        }
    }
}

fn import(module: &str, names: &BTreeSet<String>) -> String {
    if names.contains("") {
        return format!("import {module}\n");
    }
    let mut names: Vec<String> = names.iter().cloned().collect();
    // Constants, classes, the rest.
    names.sort_by_key(|name| {
        let kind = match name.starts_with(char::is_uppercase) {
            true if name.to_uppercase() == *name => 0,
            true => 1,
            false => 2,
        };
        (kind, name.to_lowercase())
    });
    let line = format!("from {module} import {}\n", names.join(", "));
    if line.chars().count() <= WIDTH + 1 {
        return line;
    }
    bracketed(0, &format!("from {module} import ("), &names, ")")
}
