//! Whose a resource is: without our tags it is left alone, with them it is taken over.

mod aws;
mod program;

use aws::projects::hello;
use aws::{AwsProject, boto3, get, inventories};
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
elif kind == "functions":
    import io, zipfile
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as package:
        package.writestr("theirs.py", "def handler(event, context): return 'theirs'")
    boto3.client("lambda").create_function(FunctionName=name, Runtime="python3.12", Handler="theirs.handler",
        Role="arn:aws:iam::123456789012:role/theirs", Code={"ZipFile": code.getvalue()}, Tags=tags)
"#;

/// Kinds whose names are unique in an account.
const KINDS: [&str; 3] = ["roles", "log_groups", "functions"];

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
    for kind in KINDS {
        let name = format!("theirs-{}", kind.replace('_', "-"));
        let aws = hello(&name);
        let held = learnt(&aws);
        make(&name, kind, &held[kind][0], &json!({}));
        let before = aws.inventory()[kind].clone();
        let refused = aws.json(&["deploy"]);
        assert_eq!(refused.code, 1, "{kind}: {}", refused.stdout);
        let message = refused.json()["error"]["message"].to_string();
        assert!(message.contains("already") && message.contains("tags"), "{kind}: {message}");
        let history = aws.ok(&["history", "--component", "hello"]).to_string();
        assert!(history.contains("already_exists"), "{kind}: {history}");
        assert_eq!(aws.inventory()[kind], before, "it is as it was");
        aws.ok(&["destroy", "--yes"]);
        assert_eq!(aws.inventory(), json!({ kind: before }), "only what is not ours is left");
    }
}

#[test]
fn what_exists_with_our_tags_is_adopted_and_brought_to_what_is_wanted() {
    for kind in KINDS {
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
    }
}
