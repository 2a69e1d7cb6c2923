//! One error class for each kind of error.

use super::super::model::{Model, error_class};
use super::layout::{comment, exploded};
use super::module::Module;

/// The module.
pub(super) fn module(model: &Model) -> Result<Module, String> {
    let mut module = Module::new("errors", "Errors: one class for each kind.");
    module.import("error", "IacError");
    module.import("error", "known");
    module.export("error", "IacError");
    let mut classes = Vec::new();
    for (kind, docs) in model.error_kinds()? {
        let name = error_class(kind);
        let code = format!("  declare readonly code: \"{kind}\";\n");
        module
            .define(&format!("{}export class {name} extends IacError {{\n{code}}}\n", comment(0, docs, &[])));
        classes.push(format!("{kind}: {name}"));
    }
    let classes = exploded(0, "export const ERROR_CLASSES = Object.freeze({", &classes, "});");
    module.define(&format!("/** Every class by the kind it is for. */\n{classes}"));
    module.define("known(ERROR_CLASSES);\n");
    Ok(module)
}
