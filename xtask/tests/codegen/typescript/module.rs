//! One TypeScript module: its text, and what it imports.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::layout::{WIDTH, bracketed, comment};
use super::{FIRST_LINE, PACKAGE};

/// A module that is being printed.
pub(super) struct Module {
    /// Its name under the package, with slashes.
    name: String,
    docs: String,
    body: String,
    /// Of each module, the names that are used, and those of them that are values.
    imports: BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)>,
    exports: BTreeMap<String, BTreeSet<String>>,
}

impl Module {
    pub fn new(name: &str, docs: &str) -> Self {
        Self {
            // Modules are named after the glossary as it is written here.
            name: name.replace('_', "-"),
            docs: docs.into(),
            body: String::new(),
            imports: BTreeMap::new(),
            exports: BTreeMap::new(),
        }
    }

    /// Makes `name` of a module of the package usable here as a type, unless it is this one.
    pub fn import_type(&mut self, module: &str, name: &str) {
        if module != self.name {
            self.imports.entry(module.into()).or_default().0.insert(name.into());
        }
    }

    /// Makes `name` of a module of the package usable here, unless it is this one.
    pub fn import(&mut self, module: &str, name: &str) {
        self.import_type(module, name);
        if module != self.name {
            self.imports.entry(module.into()).or_default().1.insert(name.into());
        }
    }

    /// Hands on `name` of another module.
    pub fn export(&mut self, module: &str, name: &str) {
        self.exports.entry(module.replace('_', "-")).or_default().insert(name.into());
    }

    /// Adds a definition.
    pub fn define(&mut self, text: &str) {
        self.body += "\n";
        self.body += text;
    }

    /// The whole text.
    pub fn file(self) -> Result<(PathBuf, String), String> {
        let mut head = String::new();
        for (module, (names, values)) in &self.imports {
            let only_types = values.is_empty();
            let name = |name: &String| match only_types || values.contains(name) {
                true => name.clone(),
                false => format!("type {name}"),
            };
            let names: Vec<String> = names.iter().map(name).collect();
            let open = if only_types { "import type {" } else { "import {" };
            head += &bracketed(0, open, &names, &format!("}} from \"{}\";", self.relative(module)));
        }
        for (module, names) in &self.exports {
            let names: Vec<String> = names.iter().cloned().collect();
            head += &bracketed(0, "export {", &names, &format!("}} from \"{}\";", self.relative(module)));
        }
        let docs = comment(0, &self.docs, &[]);
        let gap = if head.is_empty() { "" } else { "\n" };
        let text = format!("{FIRST_LINE}\n{docs}{gap}{head}{}", self.body);
        let path = Path::new(PACKAGE).join(&self.name).with_extension("ts");
        match text.lines().find(|line| line.chars().count() > WIDTH) {
            Some(long) => Err(format!("{}: a line is longer than {WIDTH}: {long}", path.display())),
            None => Ok((path, text)),
        }
    }

    fn relative(&self, module: &str) -> String {
        let folder = self.name.rsplit_once('/').map_or("", |(folder, _)| folder);
        match module.rsplit_once('/') {
            Some((theirs, name)) if theirs == folder => format!("./{name}.js"),
            _ if folder.is_empty() => format!("./{module}.js"),
            _ => format!("../{module}.js"),
        }
    }
}
