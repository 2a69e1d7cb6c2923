//! Projects that are deployed to a simulated Azure.

use std::process::Command;
use std::time::{Duration, Instant};

use semantest_iac_testkit::arm_simulator::{ArmSimulator, Delay, LOCATION, SUBSCRIPTION, TOKEN};
use serde_json::{Value, json};

use crate::program::{Project, Ran};

/// How long anything that is waited for may take, on a machine that does other things too.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A project with an Azure of its own.
pub struct AzureProject {
    pub project: Project,
    pub azure: ArmSimulator,
    /// What every command is given, beside its own arguments.
    pub place: Vec<&'static str>,
}

impl AzureProject {
    /// Nothing of this machine's own Azure is known to the program.
    pub fn new(mut project: Project) -> Self {
        let azure = ArmSimulator::start();
        azure.operations_take(Delay::Polls(1));
        project.environment = vec![
            ("SEMANTEST_AZURE_ENDPOINT", azure.url().to_owned()),
            ("SEMANTEST_AZURE_TOKEN", TOKEN.to_owned()),
            ("AZURE_SUBSCRIPTION_ID", SUBSCRIPTION.to_owned()),
            ("AZURE_CONFIG_DIR", project.file("no-azure-here").display().to_string()),
        ];
        Self { project, azure, place: Vec::new() }
    }

    /// Runs with `--output json`.
    pub fn json(&self, arguments: &[&str]) -> Ran {
        self.project.json(&[arguments, &self.place].concat())
    }

    /// As [`Self::json`], and it has to go well.
    pub fn ok(&self, arguments: &[&str]) -> Value {
        self.json(arguments).ok()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        self.project.command(&[arguments, &self.place, &["--output", "json"]].concat())
    }

    /// Names of the calls that change something since the last look, without the waiting, sorted.
    pub fn changing_calls(&self) -> Vec<String> {
        let changes = |method: &str| matches!(method, "PUT" | "PATCH" | "DELETE");
        let calls = self.azure.take_calls();
        let mut names: Vec<String> =
            calls.iter().filter(|call| changes(&call.method)).map(|call| call.name()).collect();
        names.sort();
        names
    }

    /// All there is, without what differs from one making to the next.
    pub fn inventory(&self) -> Value {
        let ids = self.azure.ids();
        let all = ids.iter().map(|id| {
            let mut resource = self.azure.resource(id).unwrap_or_default();
            if let Some(tags) = resource["tags"].as_object_mut() {
                tags.remove("semantest:operation");
            }
            (id.clone(), resource)
        });
        let mut whole: serde_json::Map<String, Value> = all.collect();
        for id in &ids {
            if let Some(settings) = self.azure.document(&format!("{id}/config/appsettings")) {
                whole.insert(format!("{id}/config/appsettings"), compared(&settings["properties"]));
            }
        }
        // Each simulator has a port of its own.
        let text = Value::Object(whole).to_string().replace(self.azure.blob_url(), "<blobs>");
        serde_json::from_str(&text).expect("an inventory")
    }

    /// Writes the calls down for Microsoft's validator, where `SEMANTEST_AZURE_CALLS` names a folder.
    pub fn keep_calls(&self, name: &str) {
        if let Some(folder) = std::env::var_os("SEMANTEST_AZURE_CALLS") {
            let file = std::path::Path::new(&folder).join(format!("{name}.jsonl"));
            self.azure.write_calls(&file).expect("the calls are written");
        }
    }
}

/// The settings of an app. An address is told without its query: its signature holds a time.
fn compared(settings: &Value) -> Value {
    let of = |value: &Value| match value.as_str() {
        Some(text) if text.starts_with("http") => json!(text.split('?').next()),
        _ => value.clone(),
    };
    let settings = settings.as_object().expect("settings");
    Value::Object(settings.iter().map(|(name, value)| (name.clone(), of(value))).collect())
}

const HEAD: &str = "\n[environments.dev]\nprovider = \"azure\"\nregion = \"";

fn own(name: &str, components: &str) -> AzureProject {
    let project = Project::empty();
    let text = format!("project = \"{name}\"\n{HEAD}{LOCATION}\"\n\n{components}");
    project.write("semantest.toml", &text);
    AzureProject::new(project)
}

/// The first user's workload, as it is in the examples, in an Azure environment.
pub fn semantest(component: &'static str) -> AzureProject {
    let project = Project::example("semantest");
    let text = std::fs::read_to_string(project.file("semantest.toml")).expect("a project file");
    project.write(
        "semantest.toml",
        &format!("{text}\n[environments.europe]\nprovider = \"azure\"\nregion = \"{LOCATION}\"\n"),
    );
    let mut azure = AzureProject::new(project);
    azure.place = vec!["--provider", "azure", "--environment", "europe", "--component", component];
    azure
}

/// One Python function behind `GET /hello`, with a secret.
pub fn hello(name: &str) -> AzureProject {
    let mut azure = own(
        name,
        r#"[components.hello]
kind = "rest-api"
code = "hello"
runtime = "python3.12"
handler = "app.handler"
memory_mb = 128
timeout_s = 10
routes = ["GET /hello"]
environment_variables = { GREETING = "hello", DB_PASSWORD = { secret = "env:HELLO_PASSWORD" } }
"#,
    );
    azure.project.environment.push(("HELLO_PASSWORD", SECRET.into()));
    std::fs::create_dir(azure.project.file("hello")).expect("a folder");
    let code = "def handler(event, context):\n    return {\"statusCode\": 200, \"body\": \"one\"}\n";
    azure.project.write("hello/app.py", code);
    azure
}

/// The value of the secret in [`hello`].
pub const SECRET: &str = "canary-of-the-secret";

/// A container with an ingress.
pub fn worker(name: &str) -> AzureProject {
    own(
        name,
        r#"[components.worker]
kind = "container-service"
image = "registry.example/worker:1.4"
port = 8080
cpu = 0.25
memory_mb = 512
replicas = { min = 1, max = 4, target_cpu_percent = 60 }
"#,
    )
}

/// Where two inventories differ, one line each.
pub fn differences(there: &Value, wanted: &Value) -> Vec<String> {
    let (mut found, mut to_do) = (Vec::new(), vec![(String::new(), there, wanted)]);
    while let Some((path, there, wanted)) = to_do.pop() {
        match (there, wanted) {
            (Value::Object(one), Value::Object(other)) => {
                let keys: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
                to_do
                    .extend(keys.into_iter().map(|key| (format!("{path} {key}"), &there[key], &wanted[key])));
            }
            _ if there == wanted => {}
            _ => found.push(format!("{path}: {there}, wanted {wanted}")),
        }
    }
    found
}

/// Waits until there is something.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// How many resources each action touched.
pub fn changes(answer: &Value) -> Value {
    let changes = &answer["changes"];
    json!([changes["created"], changes["updated"], changes["replaced"], changes["deleted"]])
}
