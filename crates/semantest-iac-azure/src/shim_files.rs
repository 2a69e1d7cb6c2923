//! What is added to users' code: the shim, as files of the package. Its sources are in `shim/`.

use sha2::{Digest, Sha256};

/// Raised when the layout of packages changes.
const FORMAT: &str = "1";

/// A file's path in the package, and what is in it.
type File = (&'static str, &'static str);

macro_rules! files {
    ($from:literal, $to:literal, [$($name:literal),+ $(,)?]) => {
        &[$((concat!($to, $name), include_str!(concat!("../shim/", $from, $name)))),+]
    };
}

/// Between the host and functions, in Node.
const NODE: &[File] = files!(
    "node/",
    "semantest/",
    [
        "cors.mjs",
        "definition.mjs",
        "environment.mjs",
        "gateway.mjs",
        "http_event.mjs",
        "http_response.mjs",
        "platform.mjs",
        "pool.mjs",
        "program.mjs",
        "routes.mjs",
        "signed_request.mjs",
        "text.mjs",
        "web_pubsub.mjs",
        "websocket_api.mjs",
        "websocket_event.mjs",
        "worker.mjs",
    ]
);
/// Runs handlers in Node.
const NODE_BOOTSTRAP: &[File] = files!(
    "node/",
    "semantest/",
    [
        "bootstrap/node.mjs",
        "bootstrap/node_errors.mjs",
        "bootstrap/node_module.mjs",
        "bootstrap/node_stream.mjs"
    ]
);
/// What Lambda's Node has and Azure's has not. Beside users' code, where Node looks after their own.
const NODE_RUNTIME: &[File] = files!(
    "node/runtime/client-apigatewaymanagementapi/",
    "code/node_modules/@aws-sdk/client-apigatewaymanagementapi/",
    ["index.js", "package.json"]
);
/// For the host's Node worker.
const NODE_FUNCTIONS: &[File] = files!("node/", "semantest/", ["functions.mjs"]);
/// For the host's custom handlers.
const CUSTOM_HANDLER: &[File] = files!("node/", "semantest/", ["custom_handler.mjs"]);
/// Microsoft's library of the programming model, and what it needs.
const NODE_LIBRARIES: &[&[File]] = &[
    files!(
        "node/vendor/functions/",
        "semantest/node_modules/@azure/functions/",
        ["LICENSE", "azure-functions.min.js", "package.json",]
    ),
    files!(
        "node/vendor/functions-extensions-base/",
        "semantest/node_modules/@azure/functions-extensions-base/",
        ["LICENSE", "azure-functions-extensions-base.min.js", "package.json",]
    ),
    files!("node/vendor/cookie/", "semantest/node_modules/cookie/", ["LICENSE", "index.js"]),
];
/// Where the host's Node worker begins.
const NODE_ENTRY: &[File] = files!("node/", "", ["package.json"]);

/// Between the host and functions, in Python, and what runs handlers.
const PYTHON: &[File] = files!(
    "python/",
    "semantest/",
    [
        "__init__.py",
        "bootstrap/python.py",
        "bootstrap/semantest_lambda.py",
        "cors.py",
        "definition.py",
        "environment.py",
        "functions.py",
        "gateway.py",
        "http_event.py",
        "http_response.py",
        "platform.py",
        "pool.py",
        "routes.py",
        "runtime/boto3/__init__.py",
        "runtime/botocore/__init__.py",
        "runtime/botocore/exceptions.py",
        "signed_request.py",
        "text.py",
        "web_pubsub.py",
        "websocket_api.py",
        "websocket_event.py",
        "worker.py",
    ]
);
/// Where the host's Python worker begins.
const PYTHON_ENTRY: &[File] = files!("python/", "", ["function_app.py"]);

/// How the host runs a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shim {
    /// By its Node worker.
    Node,
    /// By its Python worker.
    Python,
    /// As a custom handler, a program in Node, which runs the user's own.
    CustomHandler,
}

impl Shim {
    /// For functions of `runtime`; nothing where there is none.
    pub fn of(runtime: &str) -> Option<Self> {
        match runtime {
            _ if runtime.starts_with("nodejs") => Some(Self::Node),
            _ if runtime.starts_with("python") => Some(Self::Python),
            _ if runtime == "provided" || runtime.starts_with("provided.") => Some(Self::CustomHandler),
            _ => None,
        }
    }

    /// Its files.
    pub fn files(self) -> impl Iterator<Item = File> {
        let parts: Vec<&[File]> = match self {
            Self::Node => {
                let libraries = NODE_LIBRARIES.iter().copied();
                [NODE_ENTRY, NODE, NODE_BOOTSTRAP, NODE_RUNTIME, NODE_FUNCTIONS]
                    .into_iter()
                    .chain(libraries)
                    .collect()
            }
            Self::Python => vec![PYTHON_ENTRY, PYTHON],
            Self::CustomHandler => vec![NODE, CUSTOM_HANDLER],
        };
        parts.into_iter().flatten().copied()
    }
}

/// Stands for all that is added to users' code: another one makes other packages of the same code.
pub(crate) fn shim_digest() -> String {
    let mut digest = Sha256::new();
    digest.update(FORMAT);
    for (path, text) in [Shim::Node, Shim::Python, Shim::CustomHandler].into_iter().flat_map(Shim::files) {
        // Lengths keep a path and a text apart.
        digest.update(path.len().to_le_bytes());
        digest.update(path);
        digest.update(text.len().to_le_bytes());
        digest.update(text);
    }
    hex::encode(digest.finalize())
}
