//! Shapes that neither the simulator nor Microsoft's scenarios have.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, HttpClient, Request};
use serde_json::{Value, json};

use super::{client, operation, settings};
use crate::config::CallSettings;

const ID: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/app";

pub(crate) type Told = (u16, Vec<(&'static str, &'static str)>, Value);

/// Gives the written answers, one after the other, and keeps what was asked.
#[derive(Debug)]
pub(crate) struct Script {
    answers: Mutex<VecDeque<Told>>,
    asked: Mutex<Vec<String>>,
}

impl Script {
    pub(crate) fn of(answers: Vec<Told>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into()), asked: Mutex::default() })
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("asked").clone()
    }
}

#[async_trait::async_trait]
impl HttpClient for Script {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let asked = format!("{} {}", request.method().as_str(), request.url().path());
        self.asked.lock().expect("asked").push(asked);
        let next = self.answers.lock().expect("answers").pop_front();
        let (status, told, body) = next.unwrap_or((500, Vec::new(), json!("the script is over")));
        let mut headers = Headers::new();
        for (name, value) in told {
            headers.insert(name, value);
        }
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        Ok(AsyncRawResponse::from_bytes(status.into(), headers, bytes))
    }
}

fn arm(script: &Arc<Script>) -> super::ArmClient {
    let settings = CallSettings { http_client: Some(script.clone()), ..settings("token") };
    client("https://management.azure.com", &settings)
}

fn state(state: &str) -> Value {
    json!({ "id": ID, "properties": { "provisioningState": state } })
}

#[tokio::test]
async fn an_accepted_deletion_without_a_place_to_look_at_is_looked_at_until_the_resource_is_gone() {
    let script = Script::of(vec![
        (202, vec![], Value::Null),
        (200, vec![], state("Deleting")),
        (404, vec![], json!({ "error": { "code": "ResourceNotFound", "message": "gone" } })),
    ]);
    arm(&script).delete(ID, "1", &operation()).await.expect("gone");
    assert_eq!(script.asked().len(), 3);
}

#[tokio::test]
async fn a_deletion_whose_operation_is_gone_with_the_resource_is_done() {
    let script = Script::of(vec![
        (202, vec![("location", "https://management.azure.com/operations/1?api-version=1")], Value::Null),
        (404, vec![], Value::Null),
        (404, vec![], Value::Null),
    ]);
    arm(&script).delete(ID, "1", &operation()).await.expect("gone");
    assert_eq!(script.asked(), [format!("DELETE {ID}"), "GET /operations/1".into(), format!("GET {ID}")]);
}

#[tokio::test]
async fn an_operation_may_move_while_it_is_looked_at() {
    let script = Script::of(vec![
        (201, vec![("azure-asyncoperation", "https://management.azure.com/operations/1")], state("Creating")),
        (
            200,
            vec![("azure-asyncoperation", "https://management.azure.com/operations/2")],
            json!({ "status": "Running" }),
        ),
        (200, vec![], json!({ "status": "Succeeded" })),
        (200, vec![], state("Succeeded")),
    ]);
    let made = arm(&script).put(ID, "1", &json!({}), &operation()).await.expect("made");
    assert_eq!(made, state("Succeeded"));
    let asked = script.asked();
    assert_eq!(asked[1..], ["GET /operations/1".to_owned(), "GET /operations/2".into(), format!("GET {ID}")]);
}

#[tokio::test]
async fn an_action_with_operation_and_location_answers_at_the_location_when_both_are_done() {
    let place = "https://management.azure.com/results/1";
    let script = Script::of(vec![
        (202, vec![("azure-asyncoperation", "/operations/1"), ("location", place)], Value::Null),
        (200, vec![], json!({ "status": "Succeeded" })),
        (202, vec![], Value::Null),
        (200, vec![], json!({ "content": "x" })),
    ]);
    let answer = arm(&script).post(&format!("{ID}/export"), "1", None, None).await.expect("an answer");
    assert_eq!(answer, json!({ "content": "x" }));
}

#[tokio::test]
async fn a_state_that_nobody_has_heard_of_is_one_of_going_on() {
    let script = Script::of(vec![
        (200, vec![], state("Resolving")),
        (200, vec![], state("AlmostThere")),
        (200, vec![], state("succeeded")),
    ]);
    let made = arm(&script).put(ID, "1", &json!({}), &operation()).await.expect("made");
    assert_eq!(made, state("succeeded"));
}

#[tokio::test]
async fn the_resources_own_failure_tells_why() {
    let mut failed = state("Failed");
    failed["properties"]["provisioningError"] = json!({ "code": "ImagePull", "message": "no such image" });
    let script = Script::of(vec![(201, vec![], state("Creating")), (200, vec![], failed)]);
    let error = arm(&script).put(ID, "1", &json!({}), &operation()).await.expect_err("failed");
    assert!(error.message().contains("ImagePull: no such image"), "{error:?}");
}

#[tokio::test]
async fn a_next_page_on_another_host_is_not_asked_for() {
    let page = json!({ "value": [{}], "nextLink": "https://management.azure.com.example.net/next" });
    let script = Script::of(vec![(200, vec![], page)]);
    let refused = arm(&script).list("/subscriptions", "1").await.expect_err("not followed");
    assert!(refused.message().contains("which is not called"), "{refused:?}");
    assert_eq!(script.asked().len(), 1);
}

#[tokio::test]
async fn an_operation_that_fails_to_answer_is_looked_at_again() {
    let script = Script::of(vec![
        (202, vec![("azure-asyncoperation", "/operations/1")], Value::Null),
        (503, vec![], Value::Null),
        (429, vec![("retry-after", "0")], Value::Null),
        (200, vec![], json!({ "status": "Succeeded" })),
        (200, vec![], state("Succeeded")),
    ]);
    arm(&script).put(ID, "1", &json!({}), &operation()).await.expect("made");
    assert_eq!(script.asked().iter().filter(|asked| asked.starts_with("PUT")).count(), 1, "not put again");
}

#[tokio::test]
async fn without_a_token_nothing_is_sent_in_the_clear_to_another_machine() {
    let settings = settings("token");
    let caller = crate::caller::Caller::new(&settings).expect("a caller");
    let refused = caller.service("http://management.example.com", Some("x")).map(drop).expect_err("refused");
    assert!(refused.message().contains("use https"), "{refused:?}");
}
