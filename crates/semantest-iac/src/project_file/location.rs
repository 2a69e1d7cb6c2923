//! On which line a field of the project file stands.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

/// Lines by field, e.g. `components.rest-api.memory_mb`; also of a file that is not well formed, as far as it is.
#[derive(Clone, Debug, Default)]
pub(super) struct Locations {
    lines: BTreeMap<String, usize>,
}

impl Locations {
    /// Reads the tables and keys of `text`.
    pub fn of(text: &str) -> Self {
        let mut locations = Self::default();
        let (table, _) = DeTable::parse_recoverable(text);
        locations.add(text, "", table.get_ref());
        locations
    }

    fn add(&mut self, text: &str, path: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let name = key.get_ref();
            let field = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
            self.lines.entry(field.clone()).or_insert_with(|| line_of(text, key.span().start));
            if let DeValue::Table(inner) = value.get_ref() {
                self.add(text, &field, inner);
            }
        }
    }

    /// The line of `field`, or of the nearest thing around it.
    pub fn line(&self, field: &str) -> Option<usize> {
        let mut path = field;
        loop {
            if let Some(line) = self.lines.get(path) {
                return Some(*line);
            }
            path = path.rsplit_once('.')?.0;
        }
    }

    /// Whether the file has this very field.
    pub fn has(&self, field: &str) -> bool {
        self.lines.contains_key(field)
    }

    /// The field on `line`: the innermost, where there are several.
    pub fn field_at(&self, line: usize) -> Option<&str> {
        let there = self.lines.iter().filter(|(_, at)| **at == line).map(|(field, _)| field.as_str());
        there.max_by_key(|field| field.matches('.').count())
    }
}

/// The line that byte `at` of `text` is on.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}
