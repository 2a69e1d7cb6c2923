//! Code that is too large to go with the call goes by way of a bucket, of which nothing is left.

use std::collections::BTreeSet;
use std::io::{Cursor, Write};

use crate::emulated::{Cloud, REGION, properties, tags};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, tls};
use semantest_iac_core::domain::deployment::resource::Properties;
use semantest_iac_core::ports::artifact_store::ArtifactStore;
use semantest_iac_core::ports::provider::{Change, ChangeAction, Operation, Provider, ResourceHandle};
use semantest_iac_core::ports::secret_resolver::ResolvedSecrets;
use semantest_iac_testkit::aws_emulator::AwsEmulator;
use serde_json::json;

/// A zip of more than Lambda takes with a call.
fn large_zip() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("app.py", stored).expect("an entry");
    zip.write_all(b"def handler(event, context):\n    return event\n").expect("content");
    zip.start_file("model.bin", stored).expect("an entry");
    zip.write_all(&vec![7; 51_000_000]).expect("content");
    zip.finish().expect("a zip").into_inner()
}

fn function(package: &str) -> Properties {
    properties(json!({
        "region": REGION, "function_name": "large-dev", "runtime": "python3.12", "handler": "app.handler",
        "memory_mb": 256, "timeout_s": 10, "package": package, "tags": {},
        "role": "arn:aws:iam::123456789012:role/large", "environment_variables": {},
    }))
}

fn change(action: ChangeAction, inputs: Properties, there: Option<&ResourceHandle>) -> Change {
    let resource = ResourceHandle {
        tags: tags("large", "function.rest-api"),
        kind: "aws.lambda_function".into(),
        inputs,
        id: there.and_then(|there| there.id.clone()),
        outputs: there.map(|there| there.outputs.clone()).unwrap_or_default(),
    };
    Change {
        action,
        resource,
        previous_inputs: there.map(|there| there.inputs.clone()),
        changed: BTreeSet::from(["package".to_owned()]),
        secrets: ResolvedSecrets::default(),
    }
}

#[tokio::test]
async fn code_over_fifty_megabytes_is_deployed_and_no_bucket_is_left() {
    let url = AwsEmulator::shared().url();
    let cloud = Cloud::at(&url);
    let operation = |id: &str| Operation { id: id.into(), attempt: 1 };
    let small = cloud.package("def handler(event, context):\n    return 1\n").await;
    let create = change(ChangeAction::Create, function(&small), None);
    let made = cloud.provider.apply(&create, &operation("one")).await.expect("created");
    let there = ResourceHandle { id: Some(made.id), outputs: made.outputs, ..create.resource };

    let large = cloud.artifacts.put(large_zip()).await.expect("put");
    let update = change(ChangeAction::Update, function(&large), Some(&there));
    let updated = cloud.provider.apply(&update, &operation("two")).await.expect("updated");
    assert_eq!(updated.outputs["version"], "2");
    let seen = cloud.provider.observe(&there).await.expect("a look").expect("it is there");
    assert_eq!(seen.inputs["package"], large.as_str(), "Lambda holds this very package");

    let http = Builder::new().tls_provider(tls::Provider::Rustls(CryptoMode::Ring)).build_https();
    let s3 = aws_sdk_s3::config::Builder::from(&cloud.sdk).http_client(http).force_path_style(true).build();
    let buckets = aws_sdk_s3::Client::from_conf(s3).list_buckets().send().await.expect("a list");
    let names: Vec<&str> = buckets.buckets().iter().filter_map(|bucket| bucket.name()).collect();
    assert!(!names.iter().any(|name| name.starts_with("semantest-")), "{names:?}");
    cloud.provider.delete(&there, &operation("three")).await.expect("gone");
}
