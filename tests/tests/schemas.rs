//! The schemas that are checked in are those of the types.

use std::path::Path;

#[test]
fn the_schemas_that_are_checked_in_are_those_of_the_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the root").join("schemas");
    for (path, document) in semantest_iac_cli::schemas() {
        let text = std::fs::read_to_string(folder.join(&path)).unwrap_or_default();
        let kept: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        assert!(kept == document, "schemas/{path} is out of date: run `cargo xtask codegen`");
    }
}

#[test]
fn every_schema_is_a_valid_json_schema() {
    for (path, document) in semantest_iac_cli::schemas() {
        if path != "asyncapi.json" {
            let checked = jsonschema::meta::validate(&document);
            assert!(checked.is_ok(), "{path}: {:?}", checked.err().map(|error| error.to_string()));
        }
    }
}
