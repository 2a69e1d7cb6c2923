//! What runs handlers in Python and in Node: small programs that ask the Lambda Runtime API for events and answer them.
//!
//! A provider that runs handlers itself puts the files of a language into one folder, and starts the first of them there with
//! the environment that Lambda documents for its runtimes.

/// A file's name, and its text.
pub type BootstrapFile = (&'static str, &'static str);

macro_rules! files {
    ($($name:literal),+ $(,)?) => { &[$(($name, include_str!($name))),+] };
}

/// For handlers in Python.
pub const PYTHON: &[BootstrapFile] = files!("python.py", "semantest_lambda.py");

/// For handlers in Node.
pub const NODE: &[BootstrapFile] =
    files!("node.mjs", "node_errors.mjs", "node_module.mjs", "node_stream.mjs");
