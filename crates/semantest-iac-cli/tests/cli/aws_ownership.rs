//! Whose a resource is: without our tags it is left alone, with them it is taken over.

use crate::aws::projects::hello;
use crate::aws::{AwsProject, at_once, boto3, comparable, get, inventories};
use serde_json::{Value, json};

/// Makes a resource of the name that ours will have, with the tags that are given.
const MAKE: &str = r#"
kind, name, tags = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
         "Principal": {"Service": "lambda.amazonaws.com"}}]}
if kind == "roles":
    path = {"Path": sys.argv[4]} if len(sys.argv) > 4 else {}
    boto3.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust), Tags=pairs, **path)
elif kind == "log_groups":
    boto3.client("logs").create_log_group(logGroupName=name, **({"tags": tags} if tags else {}))
elif kind == "apis":
    boto3.client("apigatewayv2").create_api(Name=name, ProtocolType="HTTP", Tags=tags)
elif kind == "functions":
    import io, zipfile
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as package:
        package.writestr("theirs.py", "def handler(event, context): return 'theirs'")
    boto3.client("lambda").create_function(FunctionName=name, Runtime="python3.12", Handler="theirs.handler",
        Role="arn:aws:iam::123456789012:role/theirs", Code={"ZipFile": code.getvalue()}, Tags=tags)
"#;

/// Something that carries the tags of a project and that no log knows.
const ORPHAN: &str = r#"
tags = {"semantest:project": sys.argv[1], "semantest:environment": "dev", "semantest:component": "hello",
        "semantest:address": "log_group.forgotten"}
boto3.client("logs").create_log_group(logGroupName=f"/aws/lambda/{sys.argv[1]}-dev-forgotten", tags=tags)
"#;

/// Kinds that are found by their names, or could be mistaken for ours because of them.
const KINDS: [&str; 4] = ["roles", "log_groups", "functions", "apis"];

/// The names and tags that a project's resources have: learnt from a deployment that is destroyed again.
fn learnt(aws: &AwsProject) -> Value {
    aws.ok(&["deploy"]);
    let held = aws.inventory();
    aws.ok(&["destroy", "--yes"]);
    assert_eq!(aws.inventory(), json!({}));
    std::fs::remove_dir_all(aws.project.file(".semantest")).expect("what this machine remembers");
    held
}

fn make(project: &str, kind: &str, like: &Value, tags: &Value) {
    let name = like["name"].as_str().expect("a name").replace("<project>", project);
    let tags = tags.to_string().replace("<project>", project);
    let path = like["path"].as_str().unwrap_or("/").replace("<project>", project);
    boto3(MAKE, &[kind, &name, &tags, &path]);
}

#[test]
fn what_exists_without_our_tags_is_refused_and_left_alone() {
    at_once(&KINDS, KINDS.len(), |kind| {
        let name = format!("theirs-{}", kind.replace('_', "-"));
        let aws = hello(&name);
        let held = learnt(&aws);
        make(&name, kind, &held[kind][0], &json!({}));
        let theirs = aws.inventory()[kind][0].clone();
        let refused = aws.json(&["deploy"]);
        assert_eq!(refused.code, 1, "{kind}: {}", refused.stdout);
        let message = refused.json()["error"]["message"].to_string();
        assert!(message.contains("already") && message.contains("tags"), "{kind}: {message}");
        let history = aws.ok(&["history", "--component", "hello"]).to_string();
        assert!(history.contains("already_exists"), "{kind}: {history}");
        assert!(aws.inventory()[kind].as_array().expect(kind).contains(&theirs), "it is as it was");
        aws.ok(&["destroy", "--yes"]);
        assert_eq!(aws.inventory(), json!({ *kind: [theirs] }), "only what is not ours is left");
    });
}

#[test]
fn what_exists_with_our_tags_is_adopted_and_brought_to_what_is_wanted() {
    at_once(&KINDS, KINDS.len(), |kind| {
        let name = format!("ours-{}", kind.replace('_', "-"));
        let aws = hello(&name);
        let held = learnt(&aws);
        make(&name, kind, &held[kind][0], &held[kind][0]["tags"]);
        let answer = aws.ok(&["deploy"]);
        let mut now = inventories(&[&name])[&name].clone();
        // Theirs has become the function's first code.
        now["functions"][0]["versions"] = held["functions"][0]["versions"].clone();
        now["functions"][0]["aliases"] = held["functions"][0]["aliases"].clone();
        assert_eq!(now, held, "{kind}");
        assert_eq!(get(answer["endpoint"].as_str().expect("an endpoint"), "/hello").0, 200);
        aws.ok(&["destroy", "--yes"]);
        assert_eq!(aws.inventory(), json!({}));
    });
}

#[test]
fn what_carries_our_tags_and_no_log_knows_is_listed_and_taken_away_when_asked() {
    let aws = hello("orphans");
    aws.ok(&["deploy"]);
    let whole = aws.inventory();
    boto3(ORPHAN, &["orphans"]);
    let found = aws.ok(&["discover", "--provider", "aws"]);
    assert_eq!(found["orphans"].as_array().map(Vec::len), Some(1), "{found:#}");
    assert!(found.to_string().contains("orphans-dev-forgotten"), "{found:#}");
    assert_eq!(aws.ok(&["deploy"])["status"], "unchanged");
    aws.ok(&["destroy", "--orphans", "--yes", "--provider", "aws"]);
    assert_eq!(aws.inventory(), whole, "only the orphan is gone");
    aws.ok(&["destroy", "--yes"]);
    assert_eq!(aws.inventory(), json!({}));
}

#[test]
fn a_machine_that_has_lost_its_log_takes_its_deployment_over_again() {
    let aws = hello("lost-log");
    aws.ok(&["deploy"]);
    let whole = aws.inventory();
    std::fs::remove_dir_all(aws.project.file(".semantest")).expect("what this machine remembers");
    let answer = aws.ok(&["deploy"]);
    assert_eq!(get(answer["endpoint"].as_str().expect("an endpoint"), "/hello").0, 200);
    assert_eq!(comparable(&aws.inventory()), comparable(&whole), "one of each");
    aws.ok(&["destroy", "--yes"]);
    assert_eq!(aws.inventory(), json!({}));
}
