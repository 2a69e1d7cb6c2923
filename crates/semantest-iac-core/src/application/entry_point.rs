//! Where a function begins: its handler, judged before anything is deployed.

/// The names of the files a function is made of, where they are known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources<'a> {
    /// Those of its own package.
    pub code: Option<&'a [String]>,
    /// Those of each layer; what is published elsewhere is not known.
    pub layers: Vec<Option<&'a [String]>>,
}

/// Where the files of layers are.
const LAYERS: &str = "/opt/";

/// Judges `handler` for `runtime` against what the function is made of. Gives the handler's file where that is TypeScript:
/// whether it runs as it is depends on where.
///
/// # Errors
/// What is wrong, in words that say what to do.
pub(crate) fn check(runtime: &str, handler: &str, sources: &Sources<'_>) -> Result<Option<String>, String> {
    if handler.is_empty() || handler.chars().any(char::is_control) {
        return Err(format!("`{}` is no handler: write it like `index.handler`", handler.escape_debug()));
    }
    let node = runtime.starts_with("nodejs");
    let in_layers = handler.strip_prefix(LAYERS).filter(|_| node && !sources.layers.is_empty());
    let Some(stem) = stem(runtime, in_layers.unwrap_or(handler))? else { return Ok(None) };
    let Some(files) = sources.code else { return Ok(None) };
    let is_own = in_layers.is_none() && files.iter().any(|file| is_entry(runtime, file, &stem));
    let is_layers = |layer: &Option<&[String]>| {
        // What is not known may hold it.
        layer.is_none_or(|files| {
            files.iter().any(|file| looked_for(runtime, file).any(|file| is_entry(runtime, file, &stem)))
        })
    };
    // A module in Node is looked for in layers only where the handler says so.
    let looks_in_layers = !node || in_layers.is_some();
    if is_own || (looks_in_layers && sources.layers.iter().any(is_layers)) {
        return Ok(None);
    }
    if in_layers.is_some() {
        return Err(format!("no layer has `{stem}.js`, `.mjs` or `.cjs`, which handler `{handler}` names"));
    }
    let has = |ending: &&str| files.iter().any(|file| file.strip_prefix(&stem) == Some(*ending));
    match TYPESCRIPT.iter().find(|ending| node && has(ending)) {
        Some(ending) => Ok(Some(format!("{stem}{ending}"))),
        None => Err(missing(runtime, handler, &stem)),
    }
}

/// Whether `file` is what a function of `runtime` begins with.
fn is_entry(runtime: &str, file: &str, stem: &str) -> bool {
    let Some(rest) = file.strip_prefix(stem) else { return false };
    match runtime {
        _ if runtime.starts_with("nodejs") => NODE.contains(&rest),
        _ if runtime.starts_with("python") => is_python(rest),
        _ => rest.is_empty(),
    }
}

/// A file of a layer as it is found: Python looks into two folders, the others at the top.
///
/// Source: AWS Lambda developer guide, "Layer paths for each Lambda runtime".
fn looked_for<'a>(runtime: &str, file: &'a str) -> impl Iterator<Item = &'a str> {
    let folders = match runtime.strip_prefix("python") {
        Some(version) => vec![format!("python/lib/python{version}/site-packages/"), "python/".to_owned()],
        None => vec![String::new()],
    };
    folders.into_iter().filter_map(move |folder| file.strip_prefix(folder.as_str()))
}

/// What may follow the name of a module in Node.js. Source: AWS's runtime client for Node.js, `UserFunction`.
const NODE: [&str; 4] = ["", ".js", ".mjs", ".cjs"];
/// Source: Node.js documentation, "Modules: TypeScript".
const TYPESCRIPT: [&str; 3] = [".ts", ".mts", ".cts"];

/// Whether Python finds a module by a file whose name goes on like this: its source, its byte code, or a library, perhaps
/// with a tag (`.cpython-312-x86_64-linux-gnu.so`); or the start of a package of that name.
fn is_python(rest: &str) -> bool {
    let rest = rest.strip_prefix("/__init__").unwrap_or(rest);
    let library = rest.strip_prefix('.').is_some_and(|rest| rest == "so" || rest.ends_with(".so"));
    rest == ".py" || rest == ".pyc" || (library && !rest.contains('/'))
}

fn missing(runtime: &str, handler: &str, stem: &str) -> String {
    match runtime {
        _ if runtime.starts_with("python") => {
            format!(
                "the code has no `{stem}.py`, which handler `{handler}` names: correct `handler` or `code`"
            )
        }
        _ if runtime.starts_with("nodejs") => format!(
            "the code has no `{stem}.js`, `.mjs` or `.cjs`, which handler `{handler}` names: correct `handler` or `code`"
        ),
        _ => "the code has no `bootstrap` at its top, which is what a provided.* runtime runs".into(),
    }
}

/// Path of the module a handler names, without its ending; nothing for runtimes whose handlers are not files.
///
/// Source: AWS Lambda developer guide, "Lambda function handler in Python" and "… in Node.js".
fn stem(runtime: &str, handler: &str) -> Result<Option<String>, String> {
    if runtime.starts_with("provided") {
        return Ok(Some("bootstrap".into()));
    }
    let (python, node) = (runtime.starts_with("python"), runtime.starts_with("nodejs"));
    if !python && !node {
        return Ok(None);
    }
    let (folder, name) = handler.rsplit_once('/').map_or(("", handler), |(folder, name)| (folder, name));
    let split = if python { name.rsplit_once('.') } else { name.split_once('.') };
    let Some((module, _)) = split.filter(|(module, function)| !module.is_empty() && !function.is_empty())
    else {
        return Err(format!(
            "`{handler}` is no handler: write it as file and function, like `index.handler`"
        ));
    };
    let folder = folder.strip_prefix("./").unwrap_or(folder);
    if folder.starts_with('/') || handler.starts_with('/') || folder.split('/').any(|part| part == "..") {
        return Err(format!("handler `{handler}` leads out of the code: name a file inside it"));
    }
    // A Python module may be written with dots for its folders.
    let module = if python { module.replace('.', "/") } else { module.to_owned() };
    Ok(Some(if folder.is_empty() || folder == "." { module } else { format!("{folder}/{module}") }))
}

#[cfg(test)]
mod tests {
    use super::{Sources, check as check_sources};

    fn check(runtime: &str, handler: &str, files: Option<&[String]>) -> Result<Option<String>, String> {
        check_sources(runtime, handler, &Sources { code: files, layers: Vec::new() })
    }

    #[test]
    fn a_handler_is_found_where_aws_looks_for_it() {
        for (runtime, handler, names) in [
            ("python3.12", "app.handler", vec!["app.py"]),
            ("python3.12", "shop/orders.list", vec!["shop/orders.py"]),
            ("python3.12", "shop.orders.list", vec!["shop/orders/__init__.py"]),
            ("nodejs20.x", "index.handler", vec!["index.mjs"]),
            ("python3.12", "app.handler", vec!["app.cpython-312-x86_64-linux-gnu.so"]),
            ("python3.12", "app.handler", vec!["app.abi3.so"]),
            ("nodejs20.x", "./src/index.api.get", vec!["src/index.cjs"]),
            ("nodejs20.x", "index.handler", vec!["index"]),
            ("provided.al2023", "anything", vec!["bootstrap"]),
        ] {
            assert_eq!(check(runtime, handler, Some(&files(&names))), Ok(None), "{runtime} {handler}");
            let why = check(runtime, handler, Some(&files(&["other.txt"]))).expect_err(handler);
            assert!(why.contains("has no"), "{why}");
        }
    }

    #[test]
    fn typescript_is_told_of_where_nothing_compiled_is_beside_it() {
        for name in ["index.ts", "index.mts", "index.cts"] {
            assert_eq!(check("nodejs22.x", "index.handler", Some(&files(&[name]))), Ok(Some(name.into())));
        }
        let inside = files(&["src/index.ts", "index.js"]);
        let found = check("nodejs22.x", "./src/index.handler", Some(&inside));
        assert_eq!(found, Ok(Some("src/index.ts".into())));
        let compiled = files(&["index.d.ts", "index.js", "index.ts"]);
        assert_eq!(check("nodejs22.x", "index.handler", Some(&compiled)), Ok(None));
        for name in ["index.d.ts", "index.tsx", "index/index.ts"] {
            check("nodejs22.x", "index.handler", Some(&files(&[name]))).expect_err(name);
        }
    }

    #[test]
    fn a_file_that_no_runtime_loads_is_no_handlers_module() {
        for (runtime, handler, names) in [
            ("nodejs20.x", "index.handler", ["index.txt", "index.json", "index/index.js", "index.test.js"]),
            ("python3.12", "app.handler", ["app.txt", "app/other.py", "app.py.bak", "app.d/x.so"]),
            ("provided.al2023", "any", ["bootstrap.sh", "bootstrap/main", "bin/bootstrap", "Bootstrap"]),
        ] {
            for name in names {
                let why = check(runtime, handler, Some(&files(&[name]))).expect_err(name);
                assert!(why.contains("has no"), "{why}");
            }
        }
    }

    fn files(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_cannot_be_a_handler_is_refused() {
        for handler in ["", "index", "../x.handler", "/etc/passwd.x", "a\0.b", ".handler", "index."] {
            check("python3.12", handler, None).expect_err(handler);
        }
        assert_eq!(check("java21", "com.shop.Orders::list", None), Ok(None), "not ours to judge");
    }

    #[test]
    fn a_handler_may_lie_in_a_layer_where_aws_looks_for_it() {
        let code = files(&["other.txt"]);
        for (runtime, handler, file, is_found) in [
            ("python3.12", "app.handler", "python/app.py", true),
            ("python3.12", "app.handler", "python/lib/python3.12/site-packages/app/__init__.py", true),
            ("python3.12", "app.handler", "python/lib/python3.11/site-packages/app.py", false),
            ("python3.12", "app.handler", "app.py", false),
            ("provided.al2023", "any", "bootstrap", true),
            ("provided.al2023", "any", "bin/bootstrap", false),
            (
                "nodejs20.x",
                "/opt/nodejs/node_modules/wrap/index.handler",
                "nodejs/node_modules/wrap/index.mjs",
                true,
            ),
            ("nodejs20.x", "/opt/nodejs/index.handler", "index.js", false),
            ("nodejs20.x", "index.handler", "index.js", false),
        ] {
            let layer = files(&[file]);
            let layers = vec![Some(&[][..]), Some(layer.as_slice())];
            let found = check_sources(runtime, handler, &Sources { code: Some(&code), layers });
            assert_eq!(found.is_ok(), is_found, "{runtime} {handler} {file}: {found:?}");
        }
    }

    #[test]
    fn a_layer_that_is_not_known_may_hold_the_handler() {
        let code = files(&["other.txt"]);
        let sources = Sources { code: Some(&code), layers: vec![None] };
        for (runtime, handler) in [
            ("python3.12", "app.handler"),
            ("provided.al2023", "any"),
            ("nodejs20.x", "/opt/nodejs/index.handler"),
        ] {
            assert_eq!(check_sources(runtime, handler, &sources), Ok(None), "{runtime}");
        }
        check_sources("nodejs20.x", "index.handler", &sources).expect_err("Node looks beside the code only");
        let none = Sources { code: Some(&code), layers: Vec::new() };
        check_sources("nodejs20.x", "/opt/nodejs/index.handler", &none).expect_err("no layer");
    }
}
