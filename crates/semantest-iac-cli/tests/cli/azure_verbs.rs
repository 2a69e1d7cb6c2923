//! What is done to a deployment on Azure after its first deploy, and where its secrets come from: through the real
//! program, against a simulated Azure.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::azure::{AzureProject, changes, hello};
use semantest_iac_testkit::arm_simulator::TOKEN;
use serde_json::{Value, json};

/// Settings of the one function app there is.
fn settings(azure: &AzureProject) -> Value {
    let site = azure.azure.ids().into_iter().find(|id| id.contains("/sites/")).expect("an app");
    let settings = azure.azure.document(&format!("{site}/config/appsettings")).expect("settings");
    settings["properties"].clone()
}

/// Address of the package that the app runs, without its signature, which holds a time.
fn package(azure: &AzureProject) -> String {
    let address = settings(azure)["WEBSITE_RUN_FROM_PACKAGE"].as_str().expect("an address").to_owned();
    address.split('?').next().unwrap_or_default().to_owned()
}

#[test]
fn configure_changes_settings_and_nothing_else_and_a_deploy_keeps_them() {
    let azure = hello("configure");
    azure.ok(&["deploy"]);
    let code = package(&azure);
    let answer = azure.ok(&["configure", "--component", "hello", "GREETING=good evening"]);
    assert_eq!(answer["status"], "deployed", "{answer:#}");
    assert_eq!(changes(&answer)[0], 0, "nothing is made anew: {answer:#}");
    assert_eq!(settings(&azure)["GREETING"], "good evening");
    assert_eq!(package(&azure), code, "the code is untouched");
    assert_eq!(azure.ok(&["deploy"])["status"], "unchanged", "what was configured holds");
    assert_eq!(settings(&azure)["GREETING"], "good evening");
    azure.ok(&["destroy", "--yes"]);
}

#[test]
fn scale_bounds_the_apps_instances_and_is_an_event() {
    let azure = hello("scale");
    azure.ok(&["deploy"]);
    azure.azure.take_calls();
    let answer = azure.ok(&["scale", "--component", "hello", "--reserved-concurrency", "7"]);
    assert_eq!(answer["status"], "deployed", "{answer:#}");
    let touched = azure.changing_calls();
    assert!(!touched.is_empty() && touched.iter().all(|call| call.contains("sites")), "{touched:?}");
    let site = azure.azure.ids().into_iter().find(|id| id.contains("/sites/")).expect("an app");
    let found = azure.azure.resource(&site).expect("the app");
    assert_eq!(found["properties"]["siteConfig"]["functionAppScaleLimit"], 7, "{found:#}");
    let events = azure.ok(&["history", "--component", "hello"]).to_string();
    assert!(events.contains("ScalingTriggered"), "{events}");
    azure.ok(&["destroy", "--yes"]);
}

#[test]
fn a_reference_that_the_app_resolves_itself_is_passed_on_as_it_is() {
    let azure = hello("passed-on");
    let reference = "@Microsoft.KeyVault(SecretUri=https://shop.vault.azure.net/secrets/db/)";
    azure.project.replace("semantest.toml", "GREETING = \"hello\"", &format!("GREETING = \"{reference}\""));
    azure.ok(&["deploy"]);
    assert_eq!(settings(&azure)["GREETING"], reference);
    assert_eq!(azure.ok(&["refresh"])["drift"], json!([]));
    azure.ok(&["destroy", "--yes"]);
}

const VAULTS: &str = "canary-out-of-the-vault";

/// Answers one question for a secret; it says what was asked.
fn vault() -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("its address"));
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a caller");
        let mut asked = Vec::new();
        while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
            let mut part = [0; 1024];
            match stream.read(&mut part).expect("it is read") {
                0 => break,
                read => asked.extend_from_slice(&part[..read]),
            }
        }
        let body = json!({ "value": VAULTS, "id": "db" }).to_string();
        let length = body.len();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
        write!(stream, "{head}\r\ncontent-length: {length}\r\n\r\n{body}").expect("it is answered");
        String::from_utf8_lossy(&asked).into_owned()
    });
    (address, asked)
}

#[test]
fn a_secret_of_a_vault_reaches_the_app_and_the_token_goes_to_the_vault() {
    let azure = hello("vault");
    let (address, asked) = vault();
    azure.project.replace(
        "semantest.toml",
        "env:HELLO_PASSWORD",
        &format!("azure-keyvault:{address}/secrets/db"),
    );
    let ran = azure.json(&["deploy", "--verbose"]);
    ran.ok();
    assert_eq!(settings(&azure)["DB_PASSWORD"], VAULTS);
    let asked = asked.join().expect("the vault was asked");
    assert!(asked.starts_with("GET /secrets/db?api-version="), "{asked}");
    assert!(asked.contains(TOKEN), "with the token");
    for text in [ran.stdout, ran.stderr, azure.json(&["history"]).stdout, azure.json(&["events"]).stdout] {
        assert!(!text.contains(VAULTS) && !text.contains(TOKEN), "{text}");
    }
}

#[test]
fn an_app_that_does_not_answer_is_called_once_and_the_error_says_so() {
    let azure = hello("access");
    // Nobody is there: the port of a listener that is gone.
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    azure.azure.run_functions_at(&nobody.to_string());
    azure.ok(&["deploy"]);
    let ran = azure.json(&["invoke", "--component", "hello", "--data", "{}"]);
    let error = &ran.json()["error"];
    assert_eq!(
        (ran.code, &error["kind"], &error["retry"]),
        (1, &json!("unavailable"), &json!("never")),
        "{error:#}"
    );
    assert!(error["message"].as_str().expect("a message").contains(&nobody.to_string()), "{error:#}");
    let ran = azure.json(&["invoke", "--component", "hello", "--async"]);
    let error = &ran.json()["error"];
    assert_eq!((ran.code, &error["kind"]), (1, &json!("unsupported")), "{error:#}");
    assert!(error["message"].as_str().expect("a message").contains("leave --async out"), "{error:#}");
    azure.ok(&["destroy", "--yes"]);
}
