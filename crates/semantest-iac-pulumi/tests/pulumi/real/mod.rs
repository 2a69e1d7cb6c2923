//! A program of Pulumi's own YAML runtime in a folder of its own, run by the real `pulumi`.
//!
//! `cargo xtask pulumi` builds it and says where in `SEMANTEST_PULUMI`; without it these tests are ignored.

mod folder;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use semantest_iac::Iac;
use semantest_iac::events::envelope::Envelope;
use serde_json::Value;

pub use folder::Folder;

/// The command of the first user, word for word; what follows keeps it from asking anybody.
pub const COMMAND: [&str; 5] = ["up", "-s", "production", "-c", "semantest:component=rest-api"];
const UNASKED: [&str; 3] = ["--yes", "--non-interactive", "--skip-preview"];

pub const PLUGIN: &str = env!("CARGO_BIN_EXE_pulumi-resource-semantest");

const PROJECT: &str = r#"project = "shop"

[environments.production]
provider = "local"

[components.rest-api]
code = "code"
runtime = "python3.12"
handler = "hello.handler"
environment_variables = { GREETING = "hello" }

[components.orders]
kind = "rest-api"
code = "code"
runtime = "python3.12"
handler = "hello.handler"
environment_variables = { GREETING = "orders" }
"#;

const CODE: &str = r#"import os

def handler(event, context):
    return {"statusCode": 200, "body": os.environ.get("GREETING", "") + os.environ.get("TOKEN", "")}
"#;

/// The whole program of the first user.
pub const PROGRAM: &str = "
resources:
  component:
    type: semantest:Deployment
outputs:
  endpoint: ${component.endpoint}
";

/// A project and a Pulumi program beside it, with a stack `production`; whatever runs for it is stopped when it goes.
pub struct Stack {
    folder: Folder,
}

impl Deref for Stack {
    type Target = Folder;

    fn deref(&self) -> &Folder {
        &self.folder
    }
}

pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// After checking that it went well.
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// After checking that it did not.
    pub fn failed(self) -> Self {
        assert_ne!(self.code, 0, "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Whether either output holds `words`.
    pub fn says(&self, words: &str) -> bool {
        self.stdout.contains(words) || self.stderr.contains(words)
    }

    /// Checks that either output holds `words`.
    pub fn saying(self, words: &str) -> Self {
        assert!(self.says(words), "no `{words}` in\n{}\n{}", self.stdout, self.stderr);
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.stdout))
    }
}

impl Stack {
    /// With the program of the first user.
    pub fn new() -> Self {
        Self::with_program(PROGRAM)
    }

    pub fn with_program(program: &str) -> Self {
        let stack = Self { folder: Folder::new() };
        std::fs::create_dir(stack.file("code")).expect("a folder");
        stack.write("semantest.toml", PROJECT);
        stack.write("code/hello.py", CODE);
        stack.program(program);
        stack.pulumi(&["stack", "init", "production"]).ok();
        stack
    }

    /// A copy of `examples/pulumi` with this plugin, and with hosts for its programs in Python and TypeScript.
    pub fn example() -> Self {
        let stack = Self { folder: Folder::new() };
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        copy(&root.join("examples/pulumi"), stack.path());
        for program in ["Pulumi.yaml", "python/Pulumi.yaml", "typescript/Pulumi.yaml"] {
            let text = std::fs::read_to_string(stack.file(program)).expect(program);
            let line =
                text.lines().find(|line| line.contains("target/release")).expect("a path of the plugin");
            let here = format!("      path: {}", stack.file("bin").display());
            stack.write(program, &text.replace(line, &here));
        }
        let host = root.join("tests/tools/pulumi/language_host.py").canonicalize().expect("a host");
        for language in ["python", "nodejs"] {
            let name = format!("pulumi-language-{language}");
            let script = stack.file(&format!("home/{name}"));
            std::os::unix::fs::symlink(&host, &script).expect("a link");
            let python = tool("SEMANTEST_PULUMI_PYTHON");
            stack.write(
                &format!("bin/{name}"),
                &format!("#!/bin/sh\nexec {} {} \"$@\"\n", python.display(), script.display()),
            );
            let made = Command::new("chmod").arg("+x").arg(stack.file(&format!("bin/{name}"))).status();
            assert!(made.expect("chmod").success());
        }
        let packages = tool("SEMANTEST_PULUMI_NODE").join("node_modules");
        std::os::unix::fs::symlink(packages, stack.file("typescript/node_modules")).expect("a link");
        stack
    }

    /// Writes the program anew.
    pub fn program(&self, resources: &str) {
        let head = "name: shop-infrastructure\nruntime: yaml\n\
                    plugins: { providers: [ { name: semantest, path: ./bin } ] }\n";
        self.write("Pulumi.yaml", &format!("{head}{resources}"));
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let pulumi = tool("SEMANTEST_PULUMI");
        let mut path = self.file("bin").into_os_string();
        for folder in
            [pulumi.parent().expect("a folder").as_os_str(), &std::env::var_os("PATH").unwrap_or_default()]
        {
            path.push(":");
            path.push(folder);
        }
        let mut command = Command::new(pulumi);
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null()).env("PATH", path);
        for name in ["PULUMI_ACCESS_TOKEN", "PULUMI_STACK", "SEMANTEST_ENVIRONMENT", "SEMANTEST_LOG"] {
            command.env_remove(name);
        }
        command
            .env("PULUMI_HOME", self.file("home"))
            .env("PULUMI_BACKEND_URL", format!("file://{}", self.file("backend").display()))
            .env("PULUMI_CONFIG_PASSPHRASE", "test")
            .env("PULUMI_SKIP_UPDATE_CHECK", "true")
            .env("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION", "true")
            .env("NO_COLOR", "1");
        command
    }

    pub fn pulumi(&self, arguments: &[&str]) -> Ran {
        ran(self.command(arguments).output().expect("pulumi runs"))
    }

    /// For the program in `folder`.
    pub fn pulumi_in(&self, folder: &str, arguments: &[&str]) -> Ran {
        ran(self.command(arguments).current_dir(self.file(folder)).output().expect("pulumi runs"))
    }

    /// The first user's command, with nobody asked.
    pub fn up(&self) -> Ran {
        self.up_in("")
    }

    /// The same for the program in `folder`.
    pub fn up_in(&self, folder: &str) -> Ran {
        self.pulumi_in(folder, &[&COMMAND[..], &UNASKED].concat())
    }

    /// The same for another component, which Pulumi then keeps in the stack's configuration.
    pub fn up_for(&self, component: &str) -> Ran {
        let component = format!("semantest:component={component}");
        self.pulumi(&[&["up", "-s", "production", "-c", &component][..], &UNASKED].concat())
    }

    /// `verb` for the stack, with nobody asked.
    pub fn run(&self, verb: &str) -> Ran {
        let arguments = [&[verb, "-s", "production"][..], &UNASKED].concat();
        self.pulumi(&arguments)
    }

    /// What the program exports.
    pub fn output(&self, name: &str) -> String {
        self.pulumi(&["stack", "output", name, "-s", "production"]).ok().stdout.trim().to_owned()
    }

    /// Pulumi's state of the stack, secrets encrypted.
    pub fn state(&self) -> Value {
        self.pulumi(&["stack", "export", "-s", "production"]).ok().json()
    }

    /// The resources of our type in Pulumi's state.
    pub fn deployments(&self) -> Vec<Value> {
        let state = self.state();
        let resources = state["deployment"]["resources"].as_array().cloned().unwrap_or_default();
        resources.into_iter().filter(|one| one["type"] == "semantest:index:Deployment").collect()
    }

    /// What the command line and every other front door stand on, in the same folder.
    pub async fn iac(&self) -> Iac {
        let host = [PLUGIN, "local", "host", "--project"].map(Into::into).to_vec();
        Iac::builder(self.path()).host_command(host).open().await.expect("the project")
    }

    /// Types of the events in the log, shortened; what `semantest-iac history` prints.
    pub async fn history(&self, component: &str) -> Vec<String> {
        let events = self.iac().await.history("production", component).await.expect("a history");
        events.iter().map(short_type).collect()
    }

    /// The process that runs the functions.
    pub fn host(&self) -> Option<String> {
        let lock = std::fs::read_to_string(self.file(".semantest/local/host.lock")).ok()?;
        Some(lock.trim().to_owned()).filter(|process| !process.is_empty())
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let elsewhere = std::fs::read_to_string(self.file("infrastructure/.semantest/local/host.lock"));
        for host in self.host().into_iter().chain(elsewhere.ok()) {
            let _ = Command::new("kill").arg(host.trim()).output();
        }
    }
}

/// What `cargo xtask pulumi` set up, by the variable that says where.
pub fn tool(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable).map(PathBuf::from);
    path.unwrap_or_else(|| panic!("{variable} is not set: run these tests with `cargo xtask pulumi`"))
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("an example").flatten() {
        let target = to.join(entry.file_name());
        match entry.path() {
            path if path.ends_with(".semantest") || path.ends_with("node_modules") => {}
            path if path.is_dir() => copy(&path, &target),
            path => drop(std::fs::copy(path, target).expect("a copy")),
        }
    }
}

fn short_type(event: &Envelope) -> String {
    let json = event.to_value();
    json["type"].as_str().unwrap_or_default().trim_start_matches("com.semantest.iac.").to_owned()
}

pub fn ran(output: Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Every file under a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| match entry.path() {
            path if path.is_dir() => files(&path),
            path => vec![path],
        })
        .collect()
}

/// Body of a GET of `/`.
pub fn get(endpoint: &str) -> String {
    get_path(endpoint, "/")
}

/// Body of a GET.
pub fn get_path(endpoint: &str, path: &str) -> String {
    let address = endpoint.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let mut stream = TcpStream::connect(&address).unwrap_or_else(|error| panic!("{endpoint}: {error}"));
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").expect("request");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("response");
    text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
}
