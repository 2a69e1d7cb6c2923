//! SDKs are generated from our schema, by Pulumi's own generators.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::real::{self, Stack, ran, tool};
use serde_json::Value;

/// What the real `pulumi` reads of the plugin.
fn schema(stack: &Stack) -> Value {
    stack.pulumi(&["package", "get-schema", "./bin/pulumi-resource-semantest"]).ok().json()
}

/// SDKs for Node and Python, in a folder of the stack's.
fn generated(stack: &Stack) -> PathBuf {
    let (sdks, file) = (stack.file("sdks"), stack.file("schema.json"));
    std::fs::write(&file, schema(stack).to_string()).expect("a schema");
    let generator = tool("SEMANTEST_PULUMI").with_file_name("sdks");
    let mut command = Command::new(generator);
    command.arg(&sdks).stdin(Stdio::from(std::fs::File::open(file).expect("a schema")));
    ran(command.output().expect("the generators run")).ok();
    sdks
}

/// Names of the properties of the resource.
fn properties() -> Vec<String> {
    let schema = semantest_iac_pulumi::schema();
    let properties = &schema["resources"]["semantest:index:Deployment"]["properties"];
    let names: Vec<String> = properties.as_object().expect("properties").keys().cloned().collect();
    assert!(names.iter().any(|name| name == "environmentVariables"), "{names:?}");
    names
}

fn words(name: &str) -> String {
    let letters = name.chars().map(|letter| match letter.is_ascii_uppercase() {
        true => format!("_{}", letter.to_ascii_lowercase()),
        false => letter.to_string(),
    });
    letters.collect()
}

#[test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
fn the_schema_that_pulumi_reads_is_ours() {
    let stack = Stack::new();
    let (read, ours) = (schema(&stack), semantest_iac_pulumi::schema());
    for part in ["name", "version", "description", "config", "provider", "resources", "functions", "types"] {
        assert_eq!(without_defaults(&read[part]), without_defaults(&ours[part]), "{part}");
    }
}

/// What Pulumi writes out though it goes without saying is no difference.
fn without_defaults(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(_, value)| {
                !(value.is_null() || value.as_str() == Some("") || value.as_bool() == Some(false))
            });
            let kept = kept.map(|(key, value)| (key.clone(), without_defaults(value)));
            let kept = kept.filter(|(_, value)| value.as_object().is_none_or(|map| !map.is_empty()));
            Value::Object(kept.collect())
        }
        Value::Array(items) => items.iter().map(without_defaults).collect(),
        other => other.clone(),
    }
}

#[test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
fn the_python_sdk_has_a_class_with_our_properties() {
    let stack = Stack::new();
    let package = generated(&stack).join("python");
    // As if it were installed: it looks its own version up.
    let about = package.join("pulumi_semantest-0.1.0.dist-info");
    std::fs::create_dir(&about).expect("a folder");
    let metadata = "Metadata-Version: 2.1\nName: pulumi_semantest\nVersion: 0.1.0\n";
    std::fs::write(about.join("METADATA"), metadata).expect("a file");
    let names: Vec<String> = properties().iter().map(|name| words(name)).collect();
    let program = format!(
        "import pulumi_semantest as sdk\n\
         missing = [name for name in {names:?} if not isinstance(getattr(sdk.Deployment, name, None), property)]\n\
         assert not missing, missing\n\
         assert callable(sdk.get_deployment) and callable(sdk.get_history)\n"
    );
    let mut python = Command::new(tool("SEMANTEST_PULUMI_PYTHON"));
    python.args(["-c", &program]).env("PYTHONPATH", &package);
    ran(python.output().expect("python runs")).ok();
}

#[test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
fn the_node_sdk_compiles_and_has_a_class_with_our_properties() {
    let stack = Stack::new();
    let package = generated(&stack).join("nodejs");
    let modules = tool("SEMANTEST_PULUMI_NODE").join("node_modules");
    std::os::unix::fs::symlink(&modules, package.join("node_modules")).expect("a link");
    let uses: String = properties().iter().map(|name| format!("used.push(one.{name});\n")).collect();
    let program = format!(
        "import * as semantest from \"./index\";\n\
         export const one = new semantest.Deployment(\"api\", {{ component: \"rest-api\", environmentVariables: {{ A: \"b\" }} }});\n\
         const used: unknown[] = [];\n{uses}"
    );
    std::fs::write(package.join("uses.ts"), program).expect("a program");
    let listed = std::fs::read_to_string(package.join("tsconfig.json")).expect("a configuration");
    std::fs::write(
        package.join("tsconfig.json"),
        listed.replace("\"utilities.ts\"", "\"utilities.ts\", \"uses.ts\""),
    )
    .expect("a configuration");
    compiles(&package, &modules);
    std::fs::write(
        package.join("uses.ts"),
        "import * as s from \"./index\";\nexport const x = s.Deployment.nothing;\n",
    )
    .expect("a program");
    assert_ne!(compiler(&package, &modules).code, 0, "what is not there is noticed");
}

fn compiles(package: &Path, modules: &Path) {
    compiler(package, modules).ok();
}

fn compiler(package: &Path, modules: &Path) -> real::Ran {
    let mut compiler = Command::new("node");
    compiler.arg(modules.join("typescript/bin/tsc")).args(["--noEmit", "-p", "."]).current_dir(package);
    ran(compiler.output().expect("the compiler runs"))
}
