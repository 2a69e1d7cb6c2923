//! A handler in Rust with AWS's own client, which does what handlers do and fails as they fail, each act under its name:
//! `oracle names` lists them. `crates/semantest-iac-cli/tests/cli/runtime_clients` runs it where the host stands in for AWS.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use lambda_runtime::{Context, Diagnostic, Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};

type Outcome = Result<Value, Diagnostic>;

/// Acts that answer, by what they answer with.
fn answers() -> Vec<(&'static str, Value)> {
    vec![
        ("answers an object", json!({ "a": 1, "b": [true, null], "é": "\u{1F600}" })),
        ("answers a list", json!([1, "two", 3.5])),
        ("answers a text", json!("text with \"quotes\", \\ and \u{7}")),
        ("answers an empty text", json!("")),
        ("answers a number", json!(5)),
        ("answers a large number", json!(18_446_744_073_709_551_615_u64)),
        ("answers a fraction", json!(1.5e300)),
        ("answers true", json!(true)),
        ("answers null", Value::Null),
        ("answers 1 MB", json!("x".repeat(1 << 20))),
        (
            "answers with bytes",
            json!({ "statusCode": 200, "isBase64Encoded": true, "body": "AAEC/f7/" }),
        ),
    ]
}

const ERRORS: [&str; 6] = [
    "fails with a type of its own",
    "fails with an error of the standard library",
    "fails with a boxed error",
    "fails with a text",
    "fails in several lines",
    "fails without words",
];
const PANICS: [&str; 3] = ["panics", "panics with a value", "panics with something else"];
const PRINTS: [&str; 6] = [
    "prints a line",
    "prints to both outputs",
    "prints several lines",
    "prints without an end of line",
    "prints an empty line",
    "prints what is not ASCII",
];
const ENDS: [&str; 3] = ["ends with 3", "ends with 0", "ends by a signal"];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if std::env::args().nth(1).as_deref() == Some("names") {
        let answers: Vec<&str> = answers().into_iter().map(|(name, _)| name).collect();
        let acts = [&answers[..], &ERRORS, &PANICS, &PRINTS].concat();
        println!("{}", json!({ "acts": acts, "ends": ENDS }));
        return Ok(());
    }
    if std::env::var("_HANDLER").is_ok_and(|handler| handler == "fails") {
        println!("printed before it fails");
        return Err("it cannot start".into());
    }
    run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Value>) -> Outcome {
    let LambdaEvent { payload, context } = event;
    let named = payload["act"].as_str().or_else(|| payload["queryStringParameters"]["act"].as_str());
    let Some(act) = named else { return Ok(json!({ "got": payload })) };
    if let Some((_, answer)) = answers().into_iter().find(|(name, _)| *name == act) {
        return Ok(answer);
    }
    match act {
        "tells the context" => Ok(told(&context)),
        "tells the time that is left" => Ok(json!(left_ms(&context))),
        "tells the variables" => {
            let mut names: Vec<String> = std::env::vars().map(|(name, _)| name).collect();
            names.sort();
            Ok(json!(names))
        }
        "waits" => {
            std::thread::sleep(std::time::Duration::from_secs(60));
            Ok(Value::Null)
        }
        _ => prints(act).or_else(|| fails(act)).unwrap_or_else(|| Ok(json!({ "got": payload }))),
    }
}

fn told(context: &Context) -> Value {
    json!({
        "request_id": context.request_id, "deadline": context.deadline, "arn": context.invoked_function_arn,
        "trace": context.xray_trace_id, "trace_variable": std::env::var("_X_AMZN_TRACE_ID").ok(),
        "client_context": context.client_context, "identity": context.identity, "tenant": context.tenant_id,
        "name": context.env_config.function_name, "memory": context.env_config.memory,
        "version": context.env_config.version, "log_group": context.env_config.log_group,
        "log_stream": context.env_config.log_stream,
    })
}

fn left_ms(context: &Context) -> i128 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_millis();
    i128::from(context.deadline) - i128::try_from(now).expect("a time")
}

fn prints(act: &str) -> Option<Outcome> {
    match act {
        "prints a line" => println!("a line"),
        "prints to both outputs" => {
            println!("to the output");
            eprintln!("to the errors");
        }
        "prints several lines" => println!("first\nsecond\n  third"),
        "prints without an end of line" => {
            print!("no end");
            std::io::stdout().flush().expect("an output");
        }
        "prints an empty line" => println!("\nafter an empty line"),
        "prints what is not ASCII" => println!("größe \u{65e5}\u{672c} \u{1F600}"),
        _ => return None,
    }
    Some(Ok(json!("printed")))
}

fn fails(act: &str) -> Option<Outcome> {
    let own = |error_type: &str, error_message: &str| Diagnostic {
        error_type: error_type.to_owned(),
        error_message: error_message.to_owned(),
    };
    Some(Err(match act {
        "fails with a type of its own" => own("Teapot", "short and stout"),
        "fails with an error of the standard library" => {
            std::io::Error::new(std::io::ErrorKind::NotFound, "not there").into()
        }
        "fails with a boxed error" => Error::from("text".parse::<i32>().expect_err("no number")).into(),
        "fails with a text" => Diagnostic::from("in words"),
        "fails in several lines" => Diagnostic::from("first\nsecond \u{1F600}".to_owned()),
        "fails without words" => own("", ""),
        "panics" => panic!("on purpose"),
        "panics with a value" => panic!("{} on purpose", 7),
        "panics with something else" => std::panic::panic_any(7),
        "ends with 3" => std::process::exit(3),
        "ends with 0" => std::process::exit(0),
        "ends by a signal" => std::process::abort(),
        _ => return None,
    }))
}
