//! The calls that a step can make.

use std::ffi::OsString;

use semantest_iac::{CancellationToken, Iac, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Teller;

/// More events than any story has.
const ALL: usize = 10_000;

impl Teller<'_> {
    /// Does what `name` says, and gives the answer as JSON.
    pub(super) async fn call(&mut self, name: &str, given: Value) -> Result<Value> {
        match name {
            "write" | "remove_file" => {
                let path = given["path"].as_str().expect("a path");
                if path == "semantest.toml" {
                    self.iac = None;
                }
                match name {
                    "write" => self.write(path, &given["lines"]),
                    _ => std::fs::remove_file(self.file(path)).expect("the file"),
                }
                Ok(Value::Null)
            }
            "stop_host" => self.stop_host().await.map(|_| Value::Null),
            _ => {
                if self.iac.is_none() {
                    self.iac = Some(self.open().await?);
                }
                ask(self.iac.as_ref().expect("an open project"), name, given).await
            }
        }
    }

    async fn open(&self) -> Result<Iac> {
        let program = [env!("CARGO_BIN_EXE_semantest-iac"), "local", "host", "--project"];
        Iac::builder(self.folder.path()).host_command(program.map(OsString::from).to_vec()).open().await
    }

    pub(super) async fn stop_host(&self) -> Result<()> {
        match self.file(".semantest/local").is_dir() {
            true => semantest_iac::stop_local_host(self.folder.path()).await.map(drop),
            false => Ok(()),
        }
    }

    /// What the log has since it was asked last.
    pub(super) async fn recorded(&mut self) -> Vec<Value> {
        let Some(iac) = &self.iac else { return Vec::new() };
        let events = iac.events(self.position, ALL).await.expect("the log");
        self.position = events.last().map_or(self.position, |last| last.position);
        events.iter().map(|event| event.envelope().expect("an event").to_value()).collect()
    }
}

async fn ask(iac: &Iac, name: &str, given: Value) -> Result<Value> {
    let cancel = CancellationToken::new();
    let environment = given["environment"].as_str().unwrap_or("dev").to_owned();
    let component = given["component"].as_str().map(str::to_owned);
    match name {
        "deploy" => data(iac.deploy(request(given), &cancel).await),
        "destroy" => data(iac.destroy(request(given), &cancel).await),
        "rollback" => data(iac.rollback(request(given), &cancel).await),
        "scale" => data(iac.scale(request(given), &cancel).await),
        "configure" => data(iac.configure(request(given), &cancel).await),
        "plan" => data(iac.plan(request(given)).await),
        "plan_removal" => data(iac.plan_removal(request(given)).await),
        "publish" => {
            let event = iac.read_event(given["event"].to_string().as_bytes())?;
            let (answer, failed) = iac.publish_and_report(event, &cancel).await;
            assert!(failed.is_empty(), "deliveries failed: {failed:?}");
            data(answer)
        }
        "history" => {
            let events = iac.history(&environment, &component.expect("a component")).await?;
            Ok(json!({ "events": events.iter().map(|event| event.to_value()).collect::<Vec<_>>() }))
        }
        "events" => events(iac, &given).await,
        "drift" => {
            question(iac, "refresh", json!({ "environment": environment, "component": component })).await
        }
        "status" => question(iac, name, given).await,
        _ => {
            let mut about = given;
            about["environment"] = json!(environment);
            if name == "invoke" && about.get("payload").is_none() {
                about["payload"] = Value::Null;
            }
            question(iac, name, about).await
        }
    }
}

async fn question(iac: &Iac, name: &str, about: Value) -> Result<Value> {
    let answer = iac.query(&json!({ name: about }).to_string()).await?;
    Ok(serde_json::from_str(&answer).expect("JSON"))
}

/// Events of the log of these names, of this place.
async fn events(iac: &Iac, given: &Value) -> Result<Value> {
    let is_wanted = |event: &Value| {
        let name = super::name_of(event);
        let mut place = event["subject"].as_str().unwrap_or_default().split('/').skip(1);
        let mut is_in = |key: &str| {
            let part = place.next();
            given[key].as_str().is_none_or(|wanted| part == Some(wanted))
        };
        let at_place = is_in("environment") && is_in("component");
        at_place && given["names"].as_array().is_none_or(|names| names.iter().any(|wanted| wanted == name))
    };
    let mut found = Vec::new();
    for recorded in iac.events(0, ALL).await? {
        found.push(recorded.envelope()?.to_value());
    }
    found.retain(is_wanted);
    Ok(json!({ "events": found }))
}

/// The arguments of a step are the data of the request.
fn request<T: DeserializeOwned>(given: Value) -> T {
    serde_json::from_value(given).expect("a request")
}

fn data(answer: Result<impl Serialize>) -> Result<Value> {
    answer.map(|answer| serde_json::to_value(answer).expect("JSON"))
}
