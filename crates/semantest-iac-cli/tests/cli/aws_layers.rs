//! Layers on AWS: published, attached, replaced and taken away, through the real program against an emulator.

use crate::aws::projects::layered;
use crate::aws::{AwsProject, boto3, changes, eventually, get};
use serde_json::{Value, json};

fn deployed(aws: &AwsProject) -> String {
    let answer = aws.ok(&["deploy"]);
    assert_eq!(answer["status"], "deployed", "{answer}");
    aws.calls();
    answer["endpoint"].as_str().expect("an endpoint").to_owned()
}

/// Publishes a layer of that name which is somebody else's.
const THEIRS: &str = r#"
import io, zipfile
content = io.BytesIO()
with zipfile.ZipFile(content, "w") as package:
    package.writestr("python/theirs.py", "")
made = boto3.client("lambda").publish_layer_version(LayerName=sys.argv[1], Description=sys.argv[2],
    Content={"ZipFile": content.getvalue()})
print(made["LayerVersionArn"])
"#;

#[test]
fn a_layer_is_published_moves_on_with_its_content_and_goes_with_its_deployment() {
    let aws = layered("layer-story");
    let endpoint = deployed(&aws);
    assert_eq!(get(&endpoint, "/hello"), (200, "hello first words".into()));
    let held = aws.inventory();
    assert_eq!(held["layers"][0]["name"], "<project>-dev-hello-layers--words");
    assert_eq!(held["layers"][0]["description"], "semantest:<project>/dev/hello/layer.layers--words");
    assert_eq!(held["functions"][0]["Layers"].as_array().map(Vec::len), Some(1), "{held}");
    assert_eq!(aws.ok(&["deploy"])["status"], "unchanged");
    assert_eq!(aws.calls(), Vec::<String>::new(), "nothing changed, nothing asked");

    aws.project.replace("layers/words/python/words.py", "first", "second");
    assert_eq!(changes(&aws.ok(&["deploy"])), json!([0, 3, 0, 0]), "the layer, its function and the alias");
    let calls = aws.changing_calls();
    let expected = ["PublishLayerVersion", "PublishVersion", "UpdateAlias", "UpdateFunctionConfiguration"]
        .map(|name| format!("lambda:{name}"));
    assert_eq!(calls, expected);
    eventually("the new layer", || (get(&endpoint, "/hello").1 == "hello second words").then_some(()));
    let versions = |aws: &AwsProject| aws.inventory()["layers"][0]["versions"].as_array().map(Vec::len);
    assert_eq!(versions(&aws), Some(2), "the one before stays until functions have moved on");
    aws.ok(&["rollback"]);
    eventually("the old layer", || (get(&endpoint, "/hello").1 == "hello first words").then_some(()));
    assert_eq!(versions(&aws), Some(2), "and goes with the next");

    aws.project.replace("semantest.toml", "layers = [\"layers/words\"]\n", "");
    aws.project.replace("hello/app.py", "from words import TEXT", "TEXT = 'own words'");
    aws.ok(&["deploy"]);
    eventually("its own words", || (get(&endpoint, "/hello").1 == "hello own words").then_some(()));
    let held = aws.inventory();
    assert!(held["layers"].is_null() && held["functions"][0]["Layers"].is_null(), "{held}");
    aws.ok(&["destroy", "--yes"]);
    assert_eq!(aws.inventory(), json!({}));
}

#[test]
fn what_others_do_to_a_layer_is_found_and_mended() {
    let aws = layered("layer-drift");
    let endpoint = deployed(&aws);
    let whole = aws.inventory();
    boto3(
        "boto3.client('lambda').update_function_configuration(FunctionName=sys.argv[1], Layers=[])",
        &["layer-drift-dev-hello"],
    );
    let drift = aws.ok(&["refresh"])["drift"].to_string();
    assert!(drift.contains("layers"), "{drift}");
    aws.ok(&["deploy"]);
    assert_eq!(aws.inventory()["functions"][0]["Layers"], whole["functions"][0]["Layers"]);
    boto3(
        "boto3.client('lambda').delete_layer_version(LayerName=sys.argv[1], VersionNumber=1)",
        &["layer-drift-dev-hello-layers--words"],
    );
    let drift = aws.ok(&["refresh"])["drift"].to_string();
    assert!(drift.contains("aws.lambda_layer"), "{drift}");
    aws.ok(&["deploy"]);
    eventually("its words", || (get(&endpoint, "/hello").1 == "hello first words").then_some(()));
    aws.ok(&["destroy", "--yes"]);
    assert_eq!(aws.inventory(), json!({}));
}

#[test]
fn a_layer_of_that_name_is_taken_over_only_where_it_says_it_is_ours() {
    let name = "layer-theirs-dev-hello-layers--words";
    let aws = layered("layer-theirs");
    boto3(THEIRS, &[name, "tools of the whole company"]);
    let refused = aws.json(&["deploy"]);
    assert_eq!(refused.code, 1, "{}", refused.stdout);
    let message = refused.json()["error"]["message"].to_string();
    assert!(message.contains(&format!("layer `{name}`")) && message.contains("already"), "{message}");
    aws.ok(&["destroy", "--yes"]);
    assert_eq!(aws.inventory()["layers"][0]["description"], "tools of the whole company", "it is left alone");
    boto3("boto3.client('lambda').delete_layer_version(LayerName=sys.argv[1], VersionNumber=1)", &[name]);

    // A run whose log is lost has left one behind.
    boto3(THEIRS, &[name, "semantest:layer-theirs/dev/hello/layer.layers--words 0198-some-run"]);
    let found = aws.ok(&["discover", "--provider", "aws"]);
    assert!(found["orphans"].to_string().contains(name), "{found:#}");
    let endpoint = deployed(&aws);
    assert_eq!(get(&endpoint, "/hello"), (200, "hello first words".into()));
    let found = aws.ok(&["discover", "--provider", "aws"]);
    assert_eq!(found["orphans"], json!([]), "{found:#}");
    aws.ok(&["destroy", "--yes"]);
    assert_eq!(aws.inventory(), json!({}));

    boto3(THEIRS, &[name, "semantest:layer-theirs/dev/hello/layer.layers--words 0198-some-run"]);
    aws.ok(&["destroy", "--orphans", "--yes", "--provider", "aws"]);
    assert_eq!(aws.inventory(), json!({}), "an orphan goes by its name alone");
}

#[test]
fn a_published_layer_is_passed_on_as_it_is_where_it_is_of_the_same_region() {
    let aws = layered("layer-arn");
    let arn = boto3(THEIRS, &["tools-of-layer-arn", "tools"]);
    aws.project.replace("semantest.toml", "[\"layers/words\"]", &format!("[\"layers/words\", \"{arn}\"]"));
    deployed(&aws);
    let layers = aws.inventory()["functions"][0]["Layers"].clone();
    assert_eq!(layers[1]["Arn"], Value::String(arn.replace("layer-arn", "<project>")), "{layers}");
    aws.project.replace("semantest.toml", "arn:aws:lambda:eu-west-1:", "arn:aws:lambda:eu-central-1:");
    let refused = aws.json(&["plan"]);
    let message = refused.json()["error"]["message"].to_string();
    assert!(message.contains("Lambda takes layers of its own region only"), "{message}");
    aws.project.replace("semantest.toml", "arn:aws:lambda:eu-central-1:", "arn:aws:lambda:eu-west-1:");
    aws.ok(&["destroy", "--yes"]);
    assert_eq!(aws.inventory(), json!({}), "and theirs is still there:");
    boto3(
        "boto3.client('lambda').delete_layer_version(LayerName='tools-of-layer-arn', VersionNumber=1)",
        &[],
    );
}
