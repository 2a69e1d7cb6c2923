//! Code behaves under the embedded bootstraps as under AWS's own clients (awslambdaric, aws-lambda-ric).

use crate::program::Project;
use serde_json::{Value, json};

/// A deployed function; `runtime` is its name on AWS.
fn deployed(runtime: &str, file: &str, code: &str) -> Project {
    let project = Project::init(if runtime.starts_with("python") { "python" } else { "node" });
    let toml = std::fs::read_to_string(project.file("semantest.toml")).expect("a project");
    let line = toml.lines().find(|line| line.starts_with("runtime")).expect("a runtime");
    project.replace("semantest.toml", line, &format!("runtime = \"{runtime}\"\ntimeout_s = 20"));
    if file == "index.js" {
        std::fs::remove_file(project.file("rest-api/index.mjs")).expect("removed");
    }
    project.write(&format!("rest-api/{file}"), code);
    project.json(&["deploy"]).ok();
    project
}

fn invoked(project: &Project, event: &str) -> Value {
    project.json(&["invoke", "--data", event]).json()
}

/// What the function printed in this invocation, or all of it.
fn logged(project: &Project, invoked: Option<&Value>) -> String {
    let lines = project.json(&["logs", "--limit", "1000"]).ok();
    let lines = lines["lines"].as_array().expect("lines");
    let mine = lines.iter().filter(|line| invoked.is_none_or(|of| of["request_id"] == line["request_id"]));
    let texts = mine.filter_map(|line| line["message"].as_str());
    texts.filter(|text| !["START ", "END ", "REPORT "].iter().any(|start| text.starts_with(start))).fold(
        String::new(),
        |mut all, text| {
            all += text;
            all.push('\n');
            all
        },
    )
}

/// The text with its times, ISO 8601, taken out.
fn without_times(text: &str) -> String {
    let is_time = |part: &str| part.len() == 24 && part.ends_with('Z') && part.contains('T');
    let part = |part: &str| if is_time(part) { "TIME".to_owned() } else { part.to_owned() };
    let lines = text.lines().map(|line| line.split('\t').map(part).collect::<Vec<_>>().join("\t") + "\n");
    lines.collect()
}

#[test]
fn python_loggers_print_through_a_handler_that_is_there_before_the_module() {
    let code = r#"
import logging
log = logging.getLogger()
log.setLevel(logging.INFO)
logging.basicConfig(format="mine %(message)s", level=logging.DEBUG)

def handler(event, context):
    log.debug("not shown")
    log.info("number %s", 5)
    logging.getLogger("named").warning("careful")
    context.log("plain\n")
"#;
    let project = deployed("python3.12", "app.py", code);
    let answer = invoked(&project, "null");
    let id = answer["request_id"].as_str().expect("an id");
    let wanted = format!("[INFO]\tTIME\t{id}\tnumber 5\n[WARNING]\tTIME\t{id}\tcareful\nplain\n");
    assert_eq!(without_times(&logged(&project, Some(&answer))), wanted);
}

#[test]
fn python_answers_become_json_as_on_aws() {
    let code = r#"
from collections import namedtuple
from decimal import Decimal
Point = namedtuple("Point", "x y")

def handler(event, context):
    answers = {
        "decimals": {"price": Decimal("1.10"), "all": [Decimal(5)]},
        "names": [Point(1, Decimal(2)), (3, 4)],
        "bytes": b'{"raw": true}',
        "text": "\u00e9".encode("latin-1").decode("latin-1"),
        "context": [repr(context.identity), context.tenant_id, repr(context)[:15]],
    }
    return answers[event]
"#;
    let project = deployed("python3.12", "app.py", code);
    let payload = |event: &str| invoked(&project, &format!("\"{event}\""))["payload"].clone();
    assert_eq!(payload("decimals"), json!({ "price": 1.1, "all": [5] }));
    assert_eq!(payload("names"), json!([{ "x": 1, "y": 2 }, [3, 4]]));
    assert_eq!(payload("bytes"), json!({ "raw": true }));
    assert_eq!(payload("text"), "é");
    let identity = "CognitoIdentity([cognito_identity_id=None,cognito_identity_pool_id=None])";
    assert_eq!(payload("context"), json!([identity, null, "LambdaContext(["]));
}

#[test]
fn lone_surrogates_are_escaped_below_python_3_12() {
    // Checked where the encoding is: a lone surrogate is no text that could come through.
    let code = "import sys\ndef handler(event, context):\n    \
                return sys.modules['semantest_lambda'].encode('\\ud800\\u00e9')\n";
    let project = deployed("python3.11", "app.py", code);
    assert_eq!(invoked(&project, "null")["payload"], r#""\ud800\u00e9""#);
}

#[test]
fn python_failures_are_told_as_by_awslambdaric() {
    let project = deployed(
        "python3.12",
        "app.py",
        "def handler(event, context):\n    raise ValueError('bad' if event else '')\n",
    );
    let failed = invoked(&project, "1");
    let stack = failed["payload"]["stackTrace"].as_array().expect("a stack");
    let frame = stack[0].as_str().expect("a frame");
    assert!(
        stack.len() == 1 && frame.ends_with("in handler\n    raise ValueError('bad' if event else '')\n"),
        "{frame}"
    );
    assert!(
        logged(&project, Some(&failed))
            .starts_with("[ERROR] ValueError: bad\nTraceback (most recent call last):\n")
    );
    let failed = invoked(&project, "0");
    assert!(logged(&project, Some(&failed)).starts_with("[ERROR] ValueError\nTraceback"));
    project.write("rest-api/app.py", "import nothing_of_that_name\n");
    project.json(&["deploy"]).ok();
    assert_eq!(invoked(&project, "0")["payload"]["stackTrace"], json!([]));
    for (code, status) in
        [("import sys\nsys.exit(3)\n", "exit status 3"), ("raise KeyboardInterrupt\n", "signal: interrupt")]
    {
        project.write("rest-api/app.py", code);
        project.json(&["deploy"]).ok();
        let failed = invoked(&project, "0");
        assert_eq!(failed["error_type"], "Runtime.ExitError", "{failed}");
        assert!(failed.to_string().contains(status), "{failed}");
    }
}

#[test]
fn a_node_handler_answers_by_promise_or_callback_and_with_null_once_nothing_is_left_to_do() {
    let code = r#"
exports.returns = () => ({ body: "taken" });
exports.timer = (event, context) => setTimeout(() => context.succeed("timed"), 20);
exports.nothing = (event, context, callback) => {};
exports.waits = (event, context, callback) => { setTimeout(() => {}, 50); };
exports.never = async () => new Promise(() => {});
exports.promise = () => Promise.resolve("promised");
exports.succeed = (event, context) => { setTimeout(() => context.succeed("succeeded"), 20); };
exports.done = (event, context) => { setTimeout(() => context.done(null, "done"), 20); };
exports.early = async (event, context, callback) => { callback(null, "called"); return "returned"; };
exports.drained = (event, context, callback) => {
  const state = { drained: false };
  setTimeout(() => { state.drained = true; }, 50);
  callback(null, state);
};
exports.leaves = (event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = false;
  setInterval(() => {}, 1000);
  callback(null, "left");
};
exports.fail = (event, context) => { setTimeout(() => context.fail(new RangeError("failed")), 20); };
"#;
    let project = deployed("nodejs20.x", "index.js", code);
    let mut handler = "index.handler".to_owned();
    let mut named = |name: &str| {
        let next = format!("index.{name}");
        project.replace("semantest.toml", &format!("\"{handler}\""), &format!("\"{next}\""));
        handler = next;
        project.json(&["deploy"]).ok();
        // Twice: the worker lives on.
        let first = invoked(&project, "{}")["payload"].clone();
        assert_eq!(invoked(&project, "{}")["payload"], first, "{name}");
        first
    };
    for name in ["nothing", "waits", "never"] {
        assert_eq!(named(name), Value::Null, "{name}");
    }
    assert_eq!(named("returns"), json!({ "body": "taken" }));
    let logged = project.json(&["logs"]).ok()["lines"].to_string();
    assert!(logged.contains("make it async"), "with a warning: {logged}");
    let answers = [
        ("promise", "promised"),
        ("timer", "timed"),
        ("succeed", "succeeded"),
        ("done", "done"),
        ("early", "called"),
        ("leaves", "left"),
    ];
    for (name, wanted) in answers {
        assert_eq!(named(name), wanted, "{name}");
    }
    assert_eq!(named("drained"), json!({ "drained": true }));
    assert_eq!(named("fail")["errorType"], "RangeError");
}

#[test]
fn what_a_node_handler_returns_counts_from_node_24_on() {
    let project = deployed("nodejs24.x", "index.js", "exports.handler = () => 'returned';");
    assert_eq!(invoked(&project, "{}")["payload"], "returned");
}

#[test]
fn node_console_lines_and_errors_read_as_in_lambdas_log() {
    let code = r#"
exports.handler = async (event) => {
  console.log("%s and %d", "text", 1, { a: 1 });
  for (const level of ["debug", "warn", "error"]) console[level](level);
  process.stdout.write("plain\n");
  throw Object.assign(new TypeError("bad"), { code: "E_BAD", stack: "TypeError: bad" });
};"#;
    let project = deployed("nodejs20.x", "index.js", code);
    let failed = invoked(&project, "{}");
    let id = failed["request_id"].as_str().expect("an id");
    let error = r#"{"errorType":"TypeError","errorMessage":"bad","code":"E_BAD","stack":["TypeError: bad"]}"#;
    let wanted = format!(
        "TIME\t{id}\tINFO\ttext and 1 {{ a: 1 }}\nTIME\t{id}\tDEBUG\tdebug\nTIME\t{id}\tWARN\twarn\n\
         TIME\t{id}\tERROR\terror\nplain\nTIME\t{id}\tERROR\tInvoke Error \t{error}\n"
    );
    assert_eq!(without_times(&logged(&project, Some(&failed))), wanted);
    for (code, wanted) in [
        (
            "Promise.reject(new Error('late')); await new Promise((go) => setTimeout(go, 9999));",
            "Unhandled Promise Rejection",
        ),
        (
            "setTimeout(() => { throw new Error('late'); }); await new Promise((go) => setTimeout(go, 9999));",
            "Uncaught Exception",
        ),
    ] {
        project.write("rest-api/index.js", &format!("exports.handler = async () => {{ {code} }};"));
        project.json(&["deploy"]).ok();
        let failed = invoked(&project, "{}");
        assert!(
            logged(&project, Some(&failed)).contains(&format!("\tERROR\t{wanted} \t{{\"errorType\"")),
            "{failed}"
        );
    }
}

#[test]
fn a_node_module_that_fails_at_its_start_is_run_once_and_told() {
    let handler = "exports.handler = async () => 1;";
    let rejected = format!("Promise.reject(new Error('at start')); {handler}");
    let project = deployed("nodejs20.x", "index.js", &rejected);
    let failed = invoked(&project, "{}");
    assert_eq!(failed["payload"]["errorType"], "Runtime.UnhandledPromiseRejection", "{failed}");
    project.write(
        "rest-api/index.js",
        &format!("process.stdout.write('run\\n'); JSON.parse('{{bad'); {handler}"),
    );
    project.json(&["deploy"]).ok();
    assert_eq!(invoked(&project, "{}")["payload"]["errorType"], "Runtime.UserCodeSyntaxError");
    assert_eq!(logged(&project, None).matches("run\n").count(), 1, "{}", logged(&project, None));
    project.write("rest-api/index.js", "exports.handler = 5;");
    project.json(&["deploy"]).ok();
    assert_eq!(invoked(&project, "{}")["payload"]["errorMessage"], "index.handler is not a function");
    project.write("rest-api/index.js", "exports.other = 5;");
    project.json(&["deploy"]).ok();
    assert_eq!(
        invoked(&project, "{}")["payload"]["errorMessage"],
        "index.handler is undefined or not exported"
    );
}
