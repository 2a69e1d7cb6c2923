//! On which line a field of the project file stands.

use std::collections::BTreeMap;

/// Lines by field, e.g. `components.rest-api.memory_mb`. Read off the text as people write it; what is written in a
/// way that is not understood here has no line of its own, and the line of what is around it is named instead.
#[derive(Clone, Debug, Default)]
pub(super) struct Locations {
    lines: BTreeMap<String, usize>,
}

impl Locations {
    /// Reads the tables and keys of `text`.
    pub fn of(text: &str) -> Self {
        let mut lines = BTreeMap::new();
        let mut table = String::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
                table = plain(header.trim_start_matches('['));
                lines.entry(table.clone()).or_insert(at + 1);
            } else if let Some((key, _)) = line.split_once('=')
                && !line.starts_with('#')
            {
                let key = plain(key);
                let field = if table.is_empty() { key } else { format!("{table}.{key}") };
                lines.entry(field).or_insert(at + 1);
            }
        }
        Self { lines }
    }

    /// The line of `field`, or of the nearest thing around it.
    pub fn line(&self, field: &str) -> Option<usize> {
        let mut path = field.trim_end_matches('.');
        loop {
            if let Some(line) = self.lines.get(path) {
                return Some(*line);
            }
            path = path.rsplit_once('.')?.0;
        }
    }

    /// The field on `line`.
    pub fn field_at(&self, line: usize) -> Option<&str> {
        self.lines.iter().find(|(_, at)| **at == line).map(|(field, _)| field.as_str())
    }
}

fn plain(path: &str) -> String {
    path.split('.').map(|part| part.trim().trim_matches(['"', '\''])).collect::<Vec<_>>().join(".")
}
