//! Secrets that AWS keeps, and what `doctor` sees of an account.

use crate::aws::projects::hello;
use crate::aws::{AwsProject, boto3, eventually, get};
use crate::program;
use serde_json::{Value, json};

const CANARY: &str = "canary-4b1d88e0c7";

/// Sets a secret in both of the places that AWS has for them.
const KEEP: &str = r#"
name, value = sys.argv[1:]
secrets, parameters = boto3.client("secretsmanager"), boto3.client("ssm")
try:
    secrets.create_secret(Name=name, SecretString=value)
except secrets.exceptions.ResourceExistsException:
    secrets.put_secret_value(SecretId=name, SecretString=value)
parameters.put_parameter(Name="/" + name, Value=value, Type="SecureString", Overwrite=True)
"#;

fn with_reference(name: &str, reference: &str) -> AwsProject {
    let aws = hello(name);
    let secret = format!("GREETING = {{ secret = \"{reference}\" }}");
    aws.project.replace("semantest.toml", "GREETING = \"hello\"", &secret);
    aws
}

#[test]
fn a_secret_of_aws_reaches_the_function_and_nothing_that_is_kept_or_said() {
    for (scheme, story) in [("aws-secretsmanager:", "secret-manager"), ("aws-ssm:/", "secret-parameter")] {
        boto3(KEEP, &[story, CANARY]);
        let mut aws = with_reference(story, &format!("{scheme}{story}"));
        // The SDK's finest messages hold what it sends and is sent.
        aws.project.environment.push(("SEMANTEST_LOG", "trace".into()));
        let mut said = String::new();
        let mut run = |verb: &[&str]| -> Value {
            let ran = aws.json(verb);
            said.push_str(&ran.stdout);
            said.push_str(&ran.stderr);
            ran.ok()
        };
        let endpoint = run(&["deploy"])["endpoint"].as_str().expect("an endpoint").to_owned();
        assert_eq!(get(&endpoint, "/hello"), (200, format!("{CANARY} one")));
        assert_eq!(run(&["deploy"])["status"], "unchanged");
        assert_eq!(run(&["refresh"])["drift"], json!([]));
        boto3(KEEP, &[story, &format!("{CANARY}-2")]);
        assert_eq!(run(&["deploy"])["status"], "deployed", "another value is a change");
        eventually("the new value", || {
            (get(&endpoint, "/hello").1 == format!("{CANARY}-2 one")).then_some(())
        });
        for verb in [&["history"][..], &["events"], &["status"], &["plan"], &["outputs"]] {
            run(verb);
        }
        assert!(!said.contains(CANARY), "{scheme} nothing that was printed holds it");
        for file in program::files(aws.project.path()) {
            let bytes = std::fs::read(&file).expect("a file");
            let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
            assert!(!found, "{scheme} {} holds it", file.display());
        }
        aws.ok(&["destroy", "--yes"]);
        assert_eq!(aws.inventory(), json!({}));
    }
}

#[test]
fn a_secret_that_is_not_there_is_named_before_anything_is_made() {
    for reference in ["aws-secretsmanager:never-made", "aws-ssm:/never/made"] {
        let aws = with_reference("secret-missing", reference);
        let refused = aws.json(&["deploy"]);
        assert_eq!(refused.code, 1);
        let error = refused.json()["error"].clone();
        assert_eq!(error["kind"], "secret_unresolved", "{error}");
        assert!(error["message"].as_str().expect("words").contains("never"), "{error}");
        assert_eq!(aws.inventory(), json!({}));
    }
}

#[test]
fn the_variables_of_an_environment_file_reach_aws_and_nothing_that_is_kept_or_said() {
    let mut aws = hello("env-file");
    aws.project.replace(
        "semantest.toml",
        "environment_variables = { GREETING = \"hello\" }",
        "env_file = \"a.env\"",
    );
    aws.project.write("a.env", &format!("GREETING={CANARY}\n"));
    aws.project.environment.push(("SEMANTEST_LOG", "trace".into()));
    let deployed = aws.json(&["deploy"]);
    assert!(!format!("{}{}", deployed.stdout, deployed.stderr).contains(CANARY));
    let endpoint = deployed.ok()["endpoint"].as_str().expect("an endpoint").to_owned();
    assert_eq!(get(&endpoint, "/hello"), (200, format!("{CANARY} one")));
    assert_eq!(aws.ok(&["deploy"])["status"], "unchanged");
    assert_eq!(aws.ok(&["refresh"])["drift"], json!([]));
    for file in program::files(&aws.project.file(".semantest")) {
        let bytes = std::fs::read(&file).expect("a file");
        let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
        assert!(!found, "{} holds it", file.display());
    }
    aws.ok(&["destroy", "--yes"]);
}

#[test]
fn doctor_says_whom_aws_sees_and_changes_nothing() {
    let aws = hello("doctor");
    let answer = aws.ok(&["doctor", "--provider", "aws"]);
    assert_eq!(answer["ok"], true, "{answer:#}");
    assert!(answer["checks"].to_string().contains("123456789012"), "{answer:#}");
    assert!(aws.changing_calls().is_empty());
}

#[test]
fn an_account_that_cannot_be_reached_is_an_error_that_says_so() {
    let mut aws = hello("unreachable");
    aws.project.environment.retain(|(name, _)| *name != "AWS_ACCESS_KEY_ID");
    let refused = aws.json(&["deploy"]);
    assert_eq!(refused.code, 1, "{}", refused.stdout);
    let message = refused.json()["error"]["message"].as_str().expect("words").to_owned();
    assert!(message.contains("credentials"), "{message}");
}
