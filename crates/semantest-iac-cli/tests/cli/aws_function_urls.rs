//! URLs of functions on AWS: through the real program, against an emulator that serves them.

use crate::aws::projects::orders;
use crate::aws::{AwsProject, boto3, changes, eventually, get};
use semantest_iac_testkit::aws_emulator::AwsEmulator;
use semantest_iac_testkit::fault_proxy::Moment;
use serde_json::{Value, json};

/// Two functions: one behind the API, one with a URL.
fn with_url(name: &str, url: &str) -> AwsProject {
    let aws = orders(name);
    aws.project.replace("semantest.toml", "routes = [\"POST /orders\"]", &format!("url = {url}"));
    aws
}

const OPEN: &str = "{ invoke_mode = \"response-stream\", cors = { allow_origins = [\"https://app.example\"], max_age_s = 60 } }";

/// Where a function is called, as `path` of what listens for all of them.
fn url_of(answer: &Value, role: &str) -> String {
    let functions = answer["functions"].as_array().expect("functions").iter();
    let mut found =
        functions.filter(|one| one["function_name"].as_str().is_some_and(|name| name.ends_with(role)));
    found.next().and_then(|one| one["endpoint"].as_str()).expect("an endpoint").to_owned()
}

/// The emulator serves them all on its own port.
fn by_path(url: &str) -> String {
    let id = url.trim_start_matches("https://").split('.').next().expect("an id");
    format!("/_aws/lambda-url/{id}")
}

fn urls(aws: &AwsProject) -> Value {
    let inventory = aws.inventory();
    let functions = inventory["functions"].as_array().expect("functions").iter();
    let mut found = functions.filter(|one| one["urls"].is_array());
    found.next().map(|one| one["urls"][0].clone()).unwrap_or_default()
}

fn statements(aws: &AwsProject) -> Vec<String> {
    let inventory = aws.inventory();
    let functions = inventory["functions"].as_array().expect("functions").iter();
    let of_url = functions.filter(|one| one["name"].as_str().is_some_and(|name| name.ends_with("create")));
    let all = of_url.flat_map(|one| one["policies"]["live"].as_array().expect("statements").clone());
    all.map(|one| format!("{} {} {}", one["Sid"], one["Action"], one["Condition"])).collect()
}

#[test]
fn a_url_is_made_changed_found_wrong_and_taken_away_on_aws() {
    let aws = with_url("own-url-story", OPEN);
    let deployed = aws.ok(&["deploy"]);
    let url = url_of(&deployed, "create");
    assert!(url.starts_with("https://") && url.ends_with(".lambda-url.eu-west-1.on.aws"), "{url}");
    assert_eq!(url_of(&deployed, "list"), deployed["endpoint"], "the other one is behind the API");
    let cors = json!({ "AllowCredentials": false, "AllowOrigins": ["https://app.example"], "MaxAge": 60 });
    assert_eq!(urls(&aws), json!({ "AuthType": "NONE", "InvokeMode": "RESPONSE_STREAM", "Cors": cors }));
    // Since October 2025 everybody needs both.
    let both = [
        r#""function-url" "lambda:InvokeFunctionUrl" {"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}"#,
        r#""function-url-invoke" "lambda:InvokeFunction" {"Bool":{"lambda:InvokedViaFunctionUrl":"true"}}"#,
    ];
    assert_eq!(statements(&aws), both);
    let emulator = AwsEmulator::shared().url();
    let (status, body) = get(&emulator, &by_path(&url));
    assert_eq!(status, 200, "{body}");

    aws.calls();
    assert_eq!(aws.ok(&["deploy"])["status"], "unchanged");
    assert_eq!(aws.calls(), Vec::<String>::new());
    assert_eq!(aws.ok(&["refresh"])["drift"], json!([]));

    // Somebody closes it by hand: that is found, and the next deploy opens it.
    boto3(
        "boto3.client('lambda').remove_permission(FunctionName=sys.argv[1], Qualifier='live', StatementId='function-url-invoke')",
        &["own-url-story-dev-orders-create"],
    );
    let drift = aws.ok(&["refresh"])["drift"].to_string();
    assert!(drift.contains("\"authorization\"") && drift.contains("closed"), "{drift}");
    aws.ok(&["deploy"]);
    assert_eq!(statements(&aws), both);

    // From everybody to who signs: the same URL.
    aws.project.replace("semantest.toml", OPEN, "{ authorization = \"iam\" }");
    aws.calls();
    let changed = aws.ok(&["deploy"]);
    assert_eq!((changes(&changed), url_of(&changed, "create")), (json!([0, 1, 0, 0]), url.clone()));
    assert_eq!(
        aws.changing_calls(),
        ["lambda:RemovePermission", "lambda:RemovePermission", "lambda:UpdateFunctionUrlConfig"]
    );
    assert_eq!(statements(&aws), Vec::<String>::new());
    assert_eq!((&urls(&aws)["AuthType"], &urls(&aws)["InvokeMode"]), (&json!("AWS_IAM"), &json!("BUFFERED")));
    eventually("the closed URL", || (get(&emulator, &by_path(&url)).0 == 403).then_some(()));
    assert_eq!(aws.ok(&["refresh"])["drift"], json!([]), "no settings across origins are empty ones");

    printed_as_it_comes(&aws);
    aws.project.replace("semantest.toml", "url = { authorization = \"iam\" }", "routes = [\"POST /orders\"]");
    let changed = aws.ok(&["deploy"]);
    assert_eq!((url_of(&changed, "create"), urls(&aws)), (url_of(&changed, "list"), Value::Null));
    aws.ok(&["destroy", "--yes"]);
    assert_eq!(aws.inventory(), json!({}));
}

fn printed_as_it_comes(aws: &AwsProject) {
    let streamed =
        aws.project.run(&["invoke", "--function", "create", "--stream", "--data", "{\"body\":\"{}\"}"]);
    let whole = aws.json(&["invoke", "--function", "create", "--data", "{\"body\":\"{}\"}"]).json();
    let printed: Value = serde_json::from_str(&streamed.stdout).expect("what the handler returned");
    assert_eq!(printed, whole["payload"], "{}", streamed.stderr);
}

#[test]
fn a_run_that_is_killed_while_it_makes_a_url_leaves_one_and_no_other() {
    let undisturbed = with_url("own-url-whole", "true");
    undisturbed.ok(&["deploy"]);
    let calls = undisturbed.proxy.take_calls();
    let first = calls.iter().filter(|call| call.changes_something());
    let first = first.map(|call| call.name()).collect::<Vec<_>>();
    let at = first.iter().position(|name| name == "lambda:CreateFunctionUrlConfig").expect("the call") + 1;
    let aws = with_url("own-url-killed", "true");
    // What comes after that call is lost with the program.
    for moment in [Moment::AfterChange(at), Moment::AfterChange(at + 1)] {
        let hold = aws.proxy.hold(moment);
        let mut command = aws.command(&["deploy"]);
        let quiet = std::process::Stdio::null;
        let mut child = command.stdout(quiet()).stderr(quiet()).spawn().expect("the program runs");
        eventually("the moment, or the end", || {
            let reached = hold.reached(std::time::Duration::from_millis(50));
            (reached || matches!(child.try_wait(), Ok(Some(_)))).then_some(())
        });
        child.kill().expect("kill -9");
        child.wait().expect("its end");
        aws.proxy.calm();
    }
    aws.ok(&["deploy"]);
    assert_eq!(aws.ok(&["refresh"])["drift"], json!([]));
    assert_eq!(urls(&aws), urls(&undisturbed));
    assert_eq!(statements(&aws).len(), 2);
    for one in [&aws, &undisturbed] {
        one.ok(&["destroy", "--yes"]);
        assert_eq!(one.inventory(), json!({}));
    }
}
