//! Functions are called directly and their logs are read, with the calls that Azure documents for that.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::simulated::{Azure, Cloud, Deployed, rest_api};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use semantest_iac_core::ports::provider::{InvokeRequest, LogQuery, Provider};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// A request as it came: its path, its key, whether it had a token, and its body.
type Seen = Arc<Mutex<Vec<(String, String, bool, String)>>>;

/// Something that answers every request with what `answer` makes of its path and body.
async fn serve(answer: fn(&str, &str) -> Response<Full<Bytes>>) -> (SocketAddr, Seen) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let seen = Seen::default();
    let kept = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let seen = kept.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let seen = seen.clone();
                async move {
                    let text = |name: &str| {
                        let value = request.headers().get(name).and_then(|value| value.to_str().ok());
                        value.unwrap_or_default().to_owned()
                    };
                    let (path, key) = (request.uri().path().to_owned(), text("x-functions-key"));
                    let has_token = !text("authorization").is_empty();
                    let body = request.into_body().collect().await.expect("a body").to_bytes();
                    let body = String::from_utf8_lossy(&body).into_owned();
                    let reply = answer(&path, &body);
                    seen.lock().expect("not poisoned").push((path, key, has_token, body));
                    Ok::<_, Infallible>(reply)
                }
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    (address, seen)
}

fn app(path: &str, body: &str) -> Response<Full<Bytes>> {
    let builder = Response::builder().header("x-semantest-request-id", "r-1");
    let builder = builder.header("x-semantest-duration-ms", "12.5");
    if path.ends_with("/create") {
        let error = r#"{"errorType":"ValueError","errorMessage":"no"}"#;
        let builder = builder.header("x-semantest-function-error", "Unhandled");
        return builder.body(Full::new(Bytes::from(error))).expect("an answer");
    }
    builder.body(Full::new(Bytes::from(body.to_owned()))).expect("an answer")
}

#[tokio::test]
async fn a_function_is_called_with_the_event_as_it_is_and_its_failure_is_an_answer() {
    let (address, seen) = serve(app).await;
    let azure = Azure::start();
    azure.run_functions_at(&address.to_string());
    let cloud = Cloud::at(azure.url());
    let deployed = Deployed::new(&cloud, rest_api(&cloud, "1").await).await;
    let call = async |address: &str, event: &str| {
        let payload = RawValue::from_string(event.to_owned()).expect("JSON");
        let request = InvokeRequest { function: deployed.at(address), payload };
        cloud.provider.functions().expect("it can").invoke(&request).await.expect("an answer")
    };
    let event = r#"{"big":12345678901234567890123,"text":"ü"}"#;
    let answer = call("function.list", event).await;
    assert_eq!(answer.payload.get(), event, "byte for byte");
    assert_eq!((answer.request_id.as_str(), answer.duration_ms), ("r-1", Some(12.5)));
    assert_eq!(answer.error_type, None);
    let answer = call("function.create", "{}").await;
    assert_eq!(answer.error_type.as_deref(), Some("ValueError"));
    let seen = seen.lock().expect("not poisoned");
    let (path, key, has_token, _) = &seen[0];
    assert_eq!(path, "/_semantest/invoke/list");
    assert!(!key.is_empty() && !has_token, "the app gets its key, and not the token for Azure");
}

fn logs(_path: &str, _body: &str) -> Response<Full<Bytes>> {
    let line = |id: &str, time: &str, function: &str, message: &str| {
        let written =
            json!({ "function_name": function, "request_id": "r-1", "message": message }).to_string();
        // The shim writes the keys in this order.
        json!([time, time, written, id])
    };
    let name = "shop-dev-rest-api-list";
    let columns =
        ["TimeGenerated", "Ingested", "Message", "Id"].map(|name| json!({ "name": name, "type": "string" }));
    let table = json!({ "tables": [{
        "name": "PrimaryResult", "columns": columns,
        "rows": [
            line("1", "2026-11-30T21:00:01Z", name, "one"), line("2", "2026-11-30T21:00:02Z", name, "two"),
            line("3", "2026-11-30T21:00:03Z", "somebody-elses", "three"),
            line("4", "2026-11-30T20:59:59Z", name, "before"),
        ],
    }]});
    Response::new(Full::new(Bytes::from(table.to_string())))
}

#[tokio::test]
async fn lines_of_a_function_are_given_once_and_in_order() {
    let (address, seen) = serve(logs).await;
    let azure = Azure::start();
    let cloud = Cloud::logging(azure.url(), &format!("http://{address}"));
    let deployed = Deployed::new(&cloud, rest_api(&cloud, "1").await).await;
    let query = |cursor: Option<String>| LogQuery {
        function: deployed.at("function.list"),
        cursor,
        since: Some("2026-11-30T21:00:00Z".parse().expect("a time")),
        limit: 100,
        wait: Duration::ZERO,
    };
    let access = cloud.provider.functions().expect("it can");
    let page = access.logs(&query(None)).await.expect("lines");
    let messages: Vec<&str> = page.lines.iter().map(|line| line.message.as_str()).collect();
    assert_eq!(messages, ["one", "two"]);
    assert_eq!(page.lines[0].request_id.as_deref(), Some("r-1"));
    let next = access.logs(&query(Some(page.cursor))).await.expect("nothing new");
    assert_eq!(next.lines, []);
    let seen = seen.lock().expect("not poisoned");
    let (path, _, has_token, body) = &seen[0];
    let workspace = deployed.output("workspace", "customer_id");
    assert_eq!(*path, format!("/v1/workspaces/{workspace}/query"));
    assert!(has_token, "Log Analytics has to know who asks");
    let body: Value = serde_json::from_str(body).expect("JSON");
    assert!(body["query"].as_str().expect("a query").contains("shop-dev-rest-api-list"));
}
