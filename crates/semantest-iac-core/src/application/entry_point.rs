//! Where a function begins: its handler, judged before anything is deployed.

/// Judges `handler` for `runtime` against the names of the files in the package, where they are known.
///
/// # Errors
/// What is wrong, in words that say what to do.
pub(crate) fn check(runtime: &str, handler: &str, files: Option<&[String]>) -> Result<(), String> {
    if handler.is_empty() || handler.chars().any(char::is_control) {
        return Err(format!("`{}` is no handler: write it like `index.handler`", handler.escape_debug()));
    }
    let Some(stem) = stem(runtime, handler)? else { return Ok(()) };
    let inside = |file: &String| match file.strip_prefix(&stem) {
        Some("") => true,
        Some(rest) => rest.starts_with(['.', '/']),
        None => false,
    };
    let Some(files) = files else { return Ok(()) };
    let found: Vec<&String> = files.iter().filter(|file| inside(file)).collect();
    match found.first() {
        None => Err(missing(runtime, handler, &stem)),
        Some(file) if runtime.starts_with("nodejs") && found.iter().all(|file| is_typescript(file)) => {
            Err(format!(
                "handler `{handler}` is TypeScript (`{file}`), which is not run as it is: compile it, and let `code` name what comes out"
            ))
        }
        Some(_) => Ok(()),
    }
}

/// Whether Node.js's bootstrap passes over it: it looks for `.js`, `.mjs` and `.cjs`.
fn is_typescript(file: &str) -> bool {
    [".ts", ".mts", ".cts"].iter().any(|ending| file.ends_with(ending))
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
    use super::check;

    #[test]
    fn a_handler_is_found_where_aws_looks_for_it() {
        let files = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        for (runtime, handler, names) in [
            ("python3.12", "app.handler", vec!["app.py"]),
            ("python3.12", "shop/orders.list", vec!["shop/orders.py"]),
            ("python3.12", "shop.orders.list", vec!["shop/orders/__init__.py"]),
            ("nodejs20.x", "index.handler", vec!["index.mjs"]),
            ("nodejs20.x", "./src/index.api.get", vec!["src/index.cjs"]),
            ("provided.al2023", "anything", vec!["bootstrap"]),
        ] {
            assert_eq!(check(runtime, handler, Some(&files(&names))), Ok(()), "{runtime} {handler}");
            let why = check(runtime, handler, Some(&files(&["other.txt"]))).expect_err(handler);
            assert!(why.contains("has no"), "{why}");
        }
    }

    #[test]
    fn typescript_that_was_not_compiled_is_refused_with_what_to_do() {
        let files = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        for name in ["index.ts", "index.mts", "index.cts"] {
            let why = check("nodejs20.x", "index.handler", Some(&files(&[name]))).expect_err(name);
            assert!(why.contains(name) && why.contains("compile it"), "{why}");
        }
        let compiled = files(&["index.d.ts", "index.js", "index.ts"]);
        assert_eq!(check("nodejs20.x", "index.handler", Some(&compiled)), Ok(()));
    }

    #[test]
    fn what_cannot_be_a_handler_is_refused() {
        for handler in ["", "index", "../x.handler", "/etc/passwd.x", "a\0.b", ".handler", "index."] {
            check("python3.12", handler, None).expect_err(handler);
        }
        assert_eq!(check("java21", "com.shop.Orders::list", None), Ok(()), "not ours to judge");
    }
}
