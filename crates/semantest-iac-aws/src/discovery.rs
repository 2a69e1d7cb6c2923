//! What everything of a project is called alike, for lists that can be asked by a prefix.

use semantest_iac_core::domain::names::physical_name;

/// Names that had to be shortened keep at least this much of their beginning: a load balancer's 32 letters less the
/// digest.
const LEAST_KEPT: usize = 20;

/// The beginning of every physical name of `project`'s resources.
pub(crate) fn prefix_of(project: &str) -> String {
    let clean = physical_name(&[project, "x"], 64);
    let own: String = clean.chars().take(project.chars().count().min(LEAST_KEPT)).collect();
    own.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_project_begins_with_its_prefix() {
        for project in ["shop", "Shop", "a-very-long-name-of-a-project-indeed", "caf_\u{e9}"] {
            for limit in [32, 64] {
                let name = physical_name(&[project, "production", "rest-api", "list"], limit);
                assert!(name.starts_with(&prefix_of(project)), "{name} of {project}");
            }
        }
    }
}
