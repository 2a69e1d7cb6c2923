//! A project whose component `network` is a stack of a Pulumi program beside it.

use std::ops::Deref;
use std::process::Command;

use semantest_iac::answer::{DeployAnswer, RunStatus};
use semantest_iac::events::envelope::Envelope;
use semantest_iac::events::request::{DeploymentRequested, RemovalRequested};
use semantest_iac::{CancellationToken, Iac};
use serde_json::Value;

use crate::real::{Folder, files, tool};

pub const CANARY: &str = "canary-77b1e0";

const CODE: &str = r#"import os

def handler(event, context):
    return {"statusCode": 200, "body": os.environ.get("GREETING", "")}
"#;

/// The program's own project: what our plugin deploys in the stack.
const INNER: &str = r#"project = "inner"

[environments.production]
provider = "local"

[components.rest-api]
code = "code"
runtime = "python3.12"
handler = "hello.handler"
"#;

/// The program.
const PROGRAM: &str = "name: infra
runtime: yaml
plugins: { providers: [ { name: semantest, path: ../bin } ] }
config:
  greeting: { type: string }
  token: { type: string, secret: true }
resources:
  api:
    type: semantest:Deployment
    properties:
      component: rest-api
      environmentVariables: { GREETING: \"${greeting}\" }
outputs:
  endpoint: ${api.endpoint}
  greeting: ${greeting}
  token: ${token}
";

pub struct Stacked {
    folder: Folder,
}

impl Deref for Stacked {
    type Target = Folder;

    fn deref(&self) -> &Folder {
        &self.folder
    }
}

pub fn request() -> DeploymentRequested {
    DeploymentRequested {
        component: "network".into(),
        environment: "production".into(),
        ..DeploymentRequested::default()
    }
}

pub fn removal() -> RemovalRequested {
    RemovalRequested { component: "network".into(), environment: "production".into() }
}

impl Stacked {
    pub fn new() -> Self {
        let stacked = Self { folder: Folder::new() };
        std::fs::create_dir_all(stacked.file("infra/code")).expect("a folder");
        stacked.write("infra/Pulumi.yaml", PROGRAM);
        stacked.write("infra/semantest.toml", INNER);
        stacked.write("infra/code/hello.py", CODE);
        stacked.write("stack.env", "PULUMI_CONFIG_PASSPHRASE=\"correct horse\"\n");
        stacked.write("canary.txt", CANARY);
        stacked.write("semantest.toml", &stacked.project());
        stacked
    }

    /// The project file. All that `pulumi` needs stands in it: the test's own environment is that of other tests too.
    fn project(&self) -> String {
        let pulumi = tool("SEMANTEST_PULUMI");
        let path = format!(
            "{}:{}",
            pulumi.parent().expect("a folder").display(),
            std::env::var("PATH").unwrap_or_default()
        );
        format!(
            r#"project = "shop"

[environments.production]
provider = "pulumi"

[components.network]
kind = "pulumi-stack"
code = "infra"
env_file = "stack.env"
config = {{ "greeting" = "hello", "infra:token" = {{ secret = "file:canary.txt" }} }}

[components.network.environment_variables]
PATH = "{path}"
PULUMI_HOME = "{home}"
PULUMI_BACKEND_URL = "file://{backend}"
PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION = "true"
"#,
            home = self.file("home").display(),
            backend = self.file("backend").display(),
        )
    }

    pub async fn iac(&self) -> Iac {
        Iac::builder(self.path()).open().await.expect("the project")
    }

    /// A run, however it ends.
    pub async fn deploy(&self) -> DeployAnswer {
        self.iac().await.deploy(request(), &CancellationToken::new()).await.expect("a run")
    }

    /// A run that ends well.
    pub async fn deployed(&self) -> DeployAnswer {
        let answer = self.deploy().await;
        assert!(matches!(answer.status, RunStatus::Deployed | RunStatus::Unchanged), "{answer:#?}");
        answer
    }

    pub async fn history(&self) -> Vec<Envelope> {
        self.iac().await.history("production", "network").await.expect("a history")
    }

    /// Outputs of the stack, as the log tells them.
    pub async fn outputs(&self) -> Value {
        let status = self.iac().await.status(Some("production"), Some("network")).await.expect("a status");
        status.deployments[0].resources[0].outputs["outputs"].clone()
    }

    /// `pulumi`, run by hand for the same stack.
    pub fn pulumi(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = Command::new(tool("SEMANTEST_PULUMI"));
        command
            .args(arguments)
            .current_dir(self.file("infra"))
            .env("PULUMI_HOME", self.file("home"))
            .env("PULUMI_BACKEND_URL", format!("file://{}", self.file("backend").display()))
            .env("PULUMI_CONFIG_PASSPHRASE", "correct horse");
        command.output().expect("pulumi runs")
    }

    /// An output of the stack, secret or not.
    pub fn program_says(&self, output: &str) -> String {
        let said = self.pulumi(&["stack", "output", output, "--show-secrets", "--stack", "production"]);
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8_lossy(&said.stdout).trim().to_owned()
    }

    /// What is in the stack.
    pub fn resources(&self) -> Vec<Value> {
        let said = self.pulumi(&["stack", "export", "--stack", "production"]);
        let state: Value = serde_json::from_slice(&said.stdout).expect("a state");
        state["deployment"]["resources"].as_array().cloned().unwrap_or_default()
    }

    /// Takes the function in the stack away behind everybody's back.
    pub fn lose_the_function(&self) {
        self.stop_host();
        let functions = files(&self.file("infra/.semantest/local/functions"));
        assert!(!functions.is_empty());
        functions.into_iter().for_each(|file| std::fs::remove_file(file).expect("a definition"));
    }

    fn stop_host(&self) {
        let lock = std::fs::read_to_string(self.file("infra/.semantest/local/host.lock"));
        if let Some(process) = lock.ok().map(|lock| lock.trim().to_owned()).filter(|lock| !lock.is_empty()) {
            let _ = Command::new("kill").arg(process).output();
        }
    }
}

impl Drop for Stacked {
    fn drop(&mut self) {
        self.stop_host();
    }
}
