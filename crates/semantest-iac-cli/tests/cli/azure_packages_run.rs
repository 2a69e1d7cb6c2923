//! What was deployed to a simulated Azure really runs: the package is taken from where the app's settings say it is, and
//! run with these settings by a stand-in for the Functions host.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::azure::{AzureProject, semantest};
use semantest_iac_testkit::http_exchange::send;
use serde_json::{Value, json};

/// The Functions host's stand-in, of the azure provider's own tests.
const HOST: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../semantest-iac-azure/tests/shim/functions_host.mjs");

/// A component on a simulated Azure whose function app is at a port of this machine.
struct Deployed {
    azure: AzureProject,
    answer: Value,
    settings: Vec<(String, String)>,
    port: u16,
    host: Child,
}

impl Drop for Deployed {
    fn drop(&mut self) {
        let _ = self.host.kill();
        let _ = self.host.wait();
    }
}

impl Deployed {
    fn new(component: &'static str) -> Self {
        let azure = semantest(component);
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        azure.azure.run_functions_at(&format!("127.0.0.1:{port}"));
        let answer = azure.ok(&["deploy"]);
        let settings = settings(&azure);
        let folder = azure.project.file("deployed");
        unpacked(&settings, &folder);
        let mut command = Command::new("node");
        command.arg(HOST).arg(&folder).arg(port.to_string()).envs(settings.iter().cloned());
        command.env_remove("WEBSITE_SITE_NAME").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut host = command.spawn().expect("node starts");
        let mut line = String::new();
        let output = host.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("its port");
        assert_eq!(line.trim(), port.to_string());
        Self { azure, answer, settings, port, host }
    }

    fn setting(&self, name: &str) -> &str {
        let found = self.settings.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_else(|| panic!("no setting {name}"))
    }
}

/// The app's settings, as they are at Azure.
fn settings(azure: &AzureProject) -> Vec<(String, String)> {
    let ids = azure.azure.ids();
    let document = ids.iter().find_map(|id| azure.azure.document(&format!("{id}/config/appsettings")));
    let document = document.expect("an app with settings");
    let pairs = document["properties"].as_object().expect("settings").iter();
    pairs.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

/// Takes the package from where the host would, and unpacks it.
fn unpacked(settings: &[(String, String)], folder: &Path) {
    let url = settings.iter().find(|(name, _)| name == "WEBSITE_RUN_FROM_PACKAGE").expect("a package");
    let rest = url.1.strip_prefix("http://127.0.0.1:").expect("an address of this machine");
    let (port, path) = rest.split_once('/').expect("a path");
    let answer = send(port.parse().expect("a port"), "GET", &format!("/{path}"), &[], b"");
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    std::fs::create_dir(folder).expect("a folder");
    let file = folder.join("package.zip");
    std::fs::write(&file, answer.body).expect("the package");
    let mut unzip = Command::new("python3");
    let ran = unzip.args(["-m", "zipfile", "-e"]).arg(&file).arg(folder).status().expect("python3");
    assert!(ran.success());
}

#[test]
fn the_deployed_rest_api_answers_requests_and_direct_calls() {
    let app = Deployed::new("rest-api");
    let endpoint = app.answer["endpoint"].as_str().expect("an endpoint");
    assert!(endpoint.ends_with(&format!("127.0.0.1:{}", app.port)), "{endpoint}");
    let answer = send(app.port, "GET", "/health", &[], b"");
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let called = app.azure.ok(&[
        "invoke",
        "--data",
        r#"{"rawPath":"/health","requestContext":{"http":{"method":"GET","path":"/health"}}}"#,
    ]);
    assert_eq!(called["error_type"], Value::Null, "{called:#}");
    assert_eq!(called["payload"]["statusCode"], json!(200), "{called:#}");
    assert!(called["request_id"].as_str().is_some_and(|id| id.len() == 36), "{called:#}");
}

#[test]
fn the_deployed_websocket_component_tells_clients_where_to_connect_and_takes_web_pubsubs_events() {
    let app = Deployed::new("websocket");
    let ticket = send(app.port, "GET", "/negotiate", &[], b"").json();
    let endpoint = app.answer["endpoint"].as_str().expect("an endpoint");
    assert_eq!(ticket["baseUrl"], json!(endpoint), "{ticket:#}");
    assert!(app.setting("SEMANTEST_WEB_PUBSUB_CONNECTION_STRING").contains("AccessKey="));
    let question = [("WebHook-Request-Origin", "any.webpubsub.azure.com"), ("ce-awpsversion", "1.0")];
    let allowed = send(app.port, "OPTIONS", "/_semantest/web-pubsub", &question, b"");
    let host = endpoint.split('/').nth(2).expect("a host");
    assert_eq!((allowed.status, allowed.header("webhook-allowed-origin")), (200, Some(host)));
    let forged = send(
        app.port,
        "POST",
        "/_semantest/web-pubsub",
        &[("ce-type", "azure.webpubsub.sys.connect")],
        b"{}",
    );
    assert_eq!(forged.status, 401);
}
