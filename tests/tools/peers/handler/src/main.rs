//! The handler that the benchmark measures, as a program on AWS's own runtime client.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};

async fn handler(_event: LambdaEvent<Value>) -> Result<Value, Error> {
    let headers = json!({ "content-type": "application/json" });
    // All keys: cargo-lambda's gateway refuses an answer without them.
    Ok(json!({
        "statusCode": 200, "headers": headers, "multiValueHeaders": {}, "body": r#"{"status":"ok"}"#, "isBase64Encoded": false, "cookies": []
    }))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(handler)).await
}
