//! Layers of functions: which a definition names, and whether a function can have them.

use std::collections::{BTreeMap, BTreeSet};

use crate::application::component_handler::Wanted;
use crate::application::entry_point::Sources;
use crate::domain::component::{ComponentDefinition, ComponentKind, FunctionSettings};
use crate::domain::compute::function_layer::{FunctionLayer, LayerArn, MOST_LAYERS, UNZIPPED_LIMIT, is_arn};
use crate::error::Result;
use crate::ports::project::Package;

/// Every folder or zip that a definition names as a layer, with the key that names it.
pub(crate) fn locations(definition: &ComponentDefinition) -> BTreeMap<String, String> {
    let is_of_functions = matches!(definition.kind, Some(ComponentKind::RestApi | ComponentKind::Websocket));
    if !is_of_functions {
        return BTreeMap::new();
    }
    let functions = &definition.functions;
    let all_have_own = !functions.is_empty() && functions.values().all(|one| one.layers.is_some());
    let of_all = definition.layers.iter().filter(|_| !all_have_own).map(|layers| (field(None), layers));
    let own = functions.iter().filter_map(|(role, one)| Some((field(Some(role)), one.layers.as_ref()?)));
    let named =
        own.chain(of_all).flat_map(|(field, layers)| layers.iter().map(move |one| (field.clone(), one)));
    let paths = named.filter(|(_, source)| !is_arn(source));
    paths.map(|(field, source)| (normal(source), field)).collect()
}

/// The layers of the function with that role.
///
/// # Errors
/// `InvalidProject` for more than it can have, or for two that are one layer.
pub(crate) fn of_function(
    wanted: &Wanted<'_>,
    role: &str,
    own: &FunctionSettings,
) -> Result<Vec<FunctionLayer>> {
    let field = field(own.layers.as_ref().map(|_| role));
    let named = own.layers.as_ref().or(wanted.definition.layers.as_ref());
    let named = named.map(Vec::as_slice).unwrap_or_default();
    if named.len() > MOST_LAYERS {
        let text = format!("{} layers are too many: a function has {MOST_LAYERS} at most", named.len());
        return Err(wanted.invalid(&field, text));
    }
    let (mut seen, mut layers) = (BTreeSet::new(), Vec::new());
    for source in named {
        let invalid = |why: String| wanted.invalid(&field, format!("layer {why}"));
        let source = if is_arn(source) { source.clone() } else { normal(source) };
        let same = match is_arn(&source) {
            true => LayerArn::parse(&source).map_err(invalid)?.layer.to_owned(),
            false if source.is_empty() => {
                let text = "`` names nothing: give a folder, a zip or the ARN of a published layer";
                return Err(invalid(text.into()));
            }
            false => source.clone(),
        };
        if !seen.insert(same) {
            return Err(invalid(format!("`{}` is listed twice", source.escape_debug())));
        }
        // Before anything is packed there is none.
        let package = wanted.packages.get(&source).map(|package| package.address.clone());
        let package = package.or_else(|| (!is_arn(&source)).then(String::new));
        layers.push(FunctionLayer { source, package });
    }
    Ok(layers)
}

/// Checks that code and layers together are no larger than may be, as far as that is known.
pub(crate) fn check_size(
    wanted: &Wanted<'_>,
    role: &str,
    code: Option<&Package>,
    layers: &[FunctionLayer],
) -> Result<()> {
    let size = |package: Option<&Package>| package.and_then(|package| package.unzipped).unwrap_or_default();
    let of_layers = layers.iter().map(|layer| size(wanted.packages.get(&layer.source)));
    let total = of_layers.fold(size(code), u64::saturating_add);
    if layers.is_empty() || total <= UNZIPPED_LIMIT {
        return Ok(());
    }
    let megabytes = |bytes: u64| bytes >> 20;
    let parts = layers
        .iter()
        .map(|layer| format!("{} {} MB", layer.source, megabytes(size(wanted.packages.get(&layer.source)))));
    let text = format!(
        "function `{role}` and its layers have {} MB of files; {} MB is the most (code {} MB, {})",
        megabytes(total),
        megabytes(UNZIPPED_LIMIT),
        megabytes(size(code)),
        parts.collect::<Vec<_>>().join(", ")
    );
    Err(wanted.invalid("layers", text))
}

/// What a handler is looked for in.
pub(crate) fn sources<'a>(
    wanted: &Wanted<'a>,
    code: Option<&'a Package>,
    layers: &[FunctionLayer],
) -> Sources<'a> {
    let files = |package: Option<&'a Package>| package.and_then(|package| package.files.as_deref());
    Sources {
        code: files(code),
        layers: layers.iter().map(|layer| files(wanted.packages.get(&layer.source))).collect(),
    }
}

fn field(role: Option<&str>) -> String {
    role.map_or_else(|| "layers".into(), |role| format!("functions.{role}.layers"))
}

/// A path as it is told from others: `./layers/common/` is `layers/common`.
fn normal(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    // What is absolute stays so, and is refused.
    format!("{}{}", if path.starts_with('/') { "/" } else { "" }, parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(megabytes: u64) -> Package {
        Package { address: "a".repeat(64), files: None, unzipped: Some(megabytes << 20) }
    }

    #[test]
    fn code_and_layers_together_are_no_larger_than_lambda_takes() {
        let packages = BTreeMap::from([("layers/models".to_owned(), package(200))]);
        let wanted = Wanted {
            project: "shop",
            environment: "dev",
            component: "api",
            definition: &ComponentDefinition::default(),
            packages: &packages,
            key_sets: &BTreeMap::new(),
            env_files: &BTreeMap::new(),
            schemes: &[],
        };
        let layer = |source: &str| FunctionLayer { source: source.into(), package: None };
        let arn = "arn:aws:lambda:eu-west-1:123456789012:layer:tools:3";
        let layers = [layer("layers/models"), layer(arn)];
        check_size(&wanted, "api", Some(&package(50)), &layers).expect("as much as may be");
        let refused = check_size(&wanted, "api", Some(&package(51)), &layers).expect_err("too much");
        assert!(refused.message().contains("251 MB of files; 250 MB is the most"), "{refused:?}");
        assert!(refused.message().contains("code 51 MB, layers/models 200 MB"), "{refused:?}");
        check_size(&wanted, "api", Some(&package(300)), &[]).expect("code alone is judged elsewhere");
    }

    #[test]
    fn a_path_is_the_same_however_it_is_written() {
        for path in ["layers/common", "./layers/common/", "layers//common", "layers/./common"] {
            assert_eq!(normal(path), "layers/common");
        }
        assert_eq!(
            (normal("/layers"), normal("../layers"), normal("./")),
            ("/layers".into(), "../layers".into(), String::new())
        );
    }
}
