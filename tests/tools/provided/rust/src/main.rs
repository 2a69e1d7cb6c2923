//! A handler in Rust, with AWS's own client, for the tests of `provided` runtimes. What it answers is what `main.go` does.

use lambda_runtime::{Diagnostic, Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
    let LambdaEvent { payload, context } = event;
    if let Some(path) = payload["rawPath"].as_str() {
        let method = payload["requestContext"]["http"]["method"].as_str().unwrap_or_default();
        return Ok(json!({ "statusCode": 201, "body": format!("{method} {path}"), "cookies": ["a=1", "b=2"] }));
    }
    let failed = |error_type: &str, error_message: &str| Diagnostic {
        error_type: error_type.to_owned(),
        error_message: error_message.to_owned(),
    };
    match payload.as_str() {
        Some("context") => Ok(json!({
            "request_id": context.request_id, "arn": context.invoked_function_arn, "deadline": context.deadline > 0,
            "name": context.env_config.function_name, "memory": context.env_config.memory,
            "variable": std::env::var("GREETING").unwrap_or_default(),
        })),
        Some("error") => Err(failed("errorString", "failed on purpose")),
        Some("typed") => Err(failed("teapot", "short and stout")),
        Some("panic") => panic!("panicked on purpose"),
        Some("print") => {
            println!("printed by the program");
            Ok(json!({ "got": payload }))
        }
        _ => Ok(json!({ "got": payload })),
    }
}
