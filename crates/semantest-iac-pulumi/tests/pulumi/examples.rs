//! `examples/pulumi` does what its README shows, with the real `pulumi`.

use crate::real::{Stack, get_path};

/// Deploys, looks, and takes away the program in `folder`.
fn run(folder: &str, health: &str) {
    let stack = Stack::example();
    stack.pulumi_in(folder, &["stack", "init", "production"]).ok();
    stack.up_in(folder).ok().saying("2 created");
    let output = |name| stack.pulumi_in(folder, &["stack", "output", name]).ok().stdout.trim().to_owned();
    let endpoint = output("endpoint");
    assert_eq!(get_path(&endpoint, "/hello/Ada"), r#"{"message": "hello, Ada"}"#);
    assert_eq!(get_path(&endpoint, "/health"), health);
    stack.up_in(folder).ok().saying("2 unchanged");
    let destroy = ["destroy", "--yes", "--non-interactive", "--skip-preview"];
    stack.pulumi_in(folder, &destroy).ok().saying("2 deleted");
}

#[test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
fn the_yaml_program_runs() {
    run("", r#"{"status": "ok", "secret": false}"#);
}

#[test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
fn the_python_program_runs() {
    run("python", r#"{"status": "ok", "secret": true}"#);
}

#[test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
fn the_typescript_program_runs() {
    run("typescript", r#"{"status": "ok", "secret": true}"#);
}
