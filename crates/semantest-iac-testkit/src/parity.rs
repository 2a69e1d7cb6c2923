//! The table of requests that every gateway in front of the same handler answers alike: `tests/vectors/parity`.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::http_exchange::{Answer, send};

/// Longer texts are told by their length.
const LONG: usize = 4000;

/// The table, and the handler's files.
#[derive(Debug)]
pub struct Parity {
    table: Value,
}

impl Parity {
    /// Reads the table.
    ///
    /// # Panics
    /// Where it is not there.
    pub fn read() -> Self {
        let text = fs::read(folder().join("requests.json")).expect("the table of requests");
        Self { table: serde_json::from_slice(&text).expect("the table is JSON") }
    }

    /// Routes of the handler's function.
    pub fn routes(&self) -> Vec<&str> {
        self.table["routes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// The handler in each language (`index.handler`) and as a program: name, content, whether it is run.
    ///
    /// # Panics
    /// Where a file is not there.
    pub fn code() -> Vec<(&'static str, Vec<u8>, bool)> {
        [("index.js", false), ("index.py", false), ("bootstrap", true)]
            .into_iter()
            .map(|(name, executable)| (name, fs::read(folder().join(name)).expect(name), executable))
            .collect()
    }

    /// Sends every request of the table to `port` and compares the answers. `gateway` is what the table calls it where
    /// it says that something cannot be there: then it must not be.
    ///
    /// # Panics
    /// At the first answer that is not as the table says.
    pub fn check(&self, port: u16, gateway: &str) {
        let cases = self.table["cases"].as_array().expect("cases");
        assert!(cases.len() > 40, "{} cases", cases.len());
        for case in cases {
            let answer = told(&ask(port, &case["request"]));
            let unlike = case["unlike"][gateway].is_string();
            assert_eq!(
                answer != case["answer"],
                unlike,
                "{}\nanswered: {answer}\nexpected: {}",
                case["name"],
                case["answer"]
            );
        }
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/parity")
}

fn ask(port: u16, request: &Value) -> Answer {
    let text = |value: &Value| value.as_str().map(str::to_owned).unwrap_or_default();
    let pairs: Vec<(String, String)> = request["headers"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|pair| (text(&pair[0]), text(&pair[1])))
        .collect();
    let headers: Vec<(&str, &str)> =
        pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    send(port, &text(&request["method"]), &text(&request["target"]), &headers, &body(&request["body"]))
}

fn body(body: &Value) -> Vec<u8> {
    if let Some(octets) = body["octets"].as_array() {
        return octets.iter().filter_map(|octet| octet.as_u64()?.try_into().ok()).collect();
    }
    match body["repeat"].as_u64() {
        Some(times) => vec![b'x'; usize::try_from(times).unwrap_or_default()],
        None => body.as_str().unwrap_or_default().as_bytes().to_vec(),
    }
}

/// An answer in the table's words: cookies in their order, other headers by name.
fn told(answer: &Answer) -> Value {
    let (cookies, mut headers): (Vec<_>, Vec<_>) =
        answer.headers.iter().partition(|(name, _)| name == "set-cookie");
    headers.sort();
    headers.extend(cookies);
    let body = match std::str::from_utf8(&answer.body) {
        Ok(text) if text.len() <= LONG => json!(text),
        Ok(text) if text.bytes().all(|byte| byte == b'x') => json!({ "repeat": text.len() }),
        _ => json!({ "octets": answer.body }),
    };
    json!({ "status": answer.status, "headers": headers, "body": body })
}
