//! One exception class for each kind of error.

use super::super::model::{Model, error_class};
use super::layout::{docstring, exploded};
use super::module::Module;

/// Kinds that Python has a class for already, which ours is one of as well: kind, class, module it must be named with.
const BUILT_IN: [(&str, &str, &str); 2] =
    [("invalid_input", "ValueError", ""), ("timeout", "TimeoutError", "builtins")];

/// The module.
pub(super) fn module(model: &Model) -> Result<Module, String> {
    let mut module = Module::new("errors", "Exceptions: one class for each kind of error.");
    module.import("collections.abc", "Mapping");
    module.import("typing", "Final");
    module.import_ours("_error", "Error");
    module.export("Error");
    let mut classes = Vec::new();
    for (kind, docs) in model.error_kinds()? {
        let name = error_class(kind);
        let mut bases = "Error".to_owned();
        if let Some((_, base, place)) = BUILT_IN.iter().find(|(known, _, _)| known == kind) {
            match *place {
                "" => bases += &format!(", {base}"),
                place => {
                    module.import(place, "");
                    bases += &format!(", {place}.{base}");
                }
            }
        }
        let docs = docstring(4, docs, "", &[]);
        module.class(&name, &format!("class {name}({bases}):\n{docs}\n    kind = \"{kind}\"\n"));
        classes.push(format!("\"{kind}\": {name}"));
    }
    let text = exploded(0, "ERROR_CLASSES: Final[Mapping[str, type[Error]]] = {", &classes, "}");
    module.value("ERROR_CLASSES", &format!("{text}\"\"\"Every class by the kind it is for.\"\"\"\n"));
    Ok(module)
}
