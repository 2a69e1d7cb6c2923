//! What is deployed is seen as it was asked for, what somebody changed is seen property by property and brought back, and
//! nothing is left after all of it is taken away.

use crate::simulated::{Azure, Cloud, Deployed, PASSWORD, container_service, ids_under, rest_api, websocket};
use semantest_iac_core::ErrorKind;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::compute::hosting_plan::HostingPlan;
use semantest_iac_core::domain::environment::SettingValue;
use semantest_iac_core::ports::provider::{Operation, Provider};
use semantest_iac_testkit::arm_simulator::{ArmSimulator, Delay};
use serde_json::{Value, json};

fn settings(azure: &ArmSimulator, app: &str) -> Value {
    azure.document(&format!("{app}/config/appsettings")).expect("the app has settings")["properties"].clone()
}

#[tokio::test]
async fn a_rest_api_is_there_as_it_was_asked_for() {
    let azure = Azure::start();
    azure.operations_take(Delay::Polls(2));
    let cloud = Cloud::at(azure.url());
    let deployed = Deployed::new(&cloud, rest_api(&cloud, "1").await).await;
    assert_eq!(deployed.drift().await, Vec::<String>::new());

    let settings = settings(&azure, &deployed.output("function_app", "arn"));
    assert_eq!(settings["FUNCTIONS_WORKER_RUNTIME"], "node");
    assert_eq!(settings["FUNCTIONS_EXTENSION_VERSION"], "~4");
    assert_eq!((&settings["API_VERSION"], &settings["DB_PASSWORD"]), (&json!("v1"), &json!(PASSWORD)));
    let package = settings["WEBSITE_RUN_FROM_PACKAGE"].as_str().expect("a package");
    assert!(package.contains("&sig=") && package.starts_with(azure.blob_url()), "{package}");
    let path =
        package.split('?').next().expect("a path").strip_prefix(azure.blob_url()).expect("of the store");
    assert_eq!(azure.blobs(), [path.trim_start_matches('/')]);

    let site = azure.resource(&deployed.output("function_app", "arn")).expect("the app is there");
    let config = &site["properties"]["siteConfig"];
    assert_eq!((&site["properties"]["httpsOnly"], &config["ftpsState"]), (&json!(true), &json!("Disabled")));
    assert_eq!(config["linuxFxVersion"], "NODE|20");
    assert_eq!(config["cors"]["allowedOrigins"], json!(["https://example.com"]));
    assert_eq!(site["identity"]["type"], "SystemAssigned");
    let function = deployed.output("function.list", "arn");
    assert!(function.ends_with("/functions/shop-dev-rest-api-list"), "{function}");
    assert!(azure.calls().iter().any(|call| call.path.ends_with("/syncfunctiontriggers")));
}

#[tokio::test]
async fn nothing_of_a_secret_is_in_what_the_log_gets() {
    let azure = Azure::start();
    let cloud = Cloud::at(azure.url());
    for blueprint in [rest_api(&cloud, "1").await, websocket(&cloud).await, container_service(&cloud).await] {
        let deployed = Deployed::new(&cloud, blueprint).await;
        let mut told = String::new();
        for (address, (resource, applied)) in &deployed.resources {
            let seen = cloud.provider.observe(&deployed.at(address.as_str())).await.expect("observed");
            told += &format!("{resource:?} {applied:?} {seen:?}");
        }
        for secret in [
            PASSWORD,
            semantest_iac_testkit::arm_simulator::STORAGE_KEY,
            "sig=",
            "AccessKey",
            "InstrumentationKey",
        ] {
            assert!(!told.contains(secret), "{secret} is told");
        }
    }
}

#[tokio::test]
async fn what_somebody_changed_of_a_rest_api_is_seen_and_brought_back() {
    let azure = Azure::start();
    let cloud = Cloud::at(azure.url());
    let mut deployed = Deployed::new(&cloud, rest_api(&cloud, "1").await).await;
    let app = deployed.output("function_app", "arn");
    for (address, pointer, value, property) in [
        ("function_app", "/properties/httpsOnly", json!(false), "https_only"),
        ("function_app", "/properties/siteConfig/ftpsState", json!("AllAllowed"), "ftps"),
        ("function_app", "/properties/siteConfig/minTlsVersion", json!("1.0"), "minimum_tls"),
        ("function_app", "/properties/siteConfig/linuxFxVersion", json!("NODE|18"), "runtime"),
        ("function_app", "/properties/siteConfig/cors/allowedOrigins", json!(["*"]), "cors.origins"),
        ("function_app", "/properties/siteConfig/cors/allowedOrigins", json!(null), "cors.origins"),
        ("function_app", "/identity/type", json!("None"), "identity"),
        ("function_app", "/tags/team", json!("two"), "tags.team"),
        ("storage", "/properties/allowBlobPublicAccess", json!(true), "public_blobs"),
        ("storage", "/properties/minimumTlsVersion", json!("TLS1_0"), "minimum_tls"),
        ("workspace", "/properties/retentionInDays", json!(365), "retention_days"),
        ("storage.container", "/properties/publicAccess", json!("Blob"), "public_access"),
    ] {
        let id = deployed.at(address).id.expect("it is there");
        azure.tamper(&id, |resource| {
            *resource.pointer_mut(pointer).unwrap_or_else(|| panic!("{address} has no {pointer}")) =
                value.clone();
        });
        let drift = deployed.drift().await;
        let expected = format!("{address}: {property}");
        assert!(drift.iter().any(|found| found.starts_with(&expected)), "{expected} is not in {drift:?}");
        assert_eq!(drift.len(), 1, "{drift:?}");
        deployed.repair(address, property.split('.').next().unwrap_or(property)).await;
        assert_eq!(deployed.drift().await, Vec::<String>::new(), "{address} {property} was brought back");
    }
    assert_eq!(
        settings(&azure, &app)["DB_PASSWORD"],
        json!(PASSWORD),
        "the app's own changes leave its settings alone"
    );
}

#[tokio::test]
async fn a_setting_that_no_longer_gives_access_is_seen_and_renewed() {
    let azure = Azure::start();
    let cloud = Cloud::at(azure.url());
    let mut deployed = Deployed::new(&cloud, rest_api(&cloud, "1").await).await;
    let app = deployed.output("function_app", "arn");
    let address = format!("{app}/config/appsettings");
    for (name, value) in [
        ("WEBSITE_RUN_FROM_PACKAGE", "https://example.com/x.zip?sig=1"),
        ("AzureWebJobsStorage", "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=eA=="),
        ("APPLICATIONINSIGHTS_CONNECTION_STRING", "InstrumentationKey=other"),
        ("FUNCTIONS_WORKER_RUNTIME", "python"),
        ("DB_PASSWORD", "guessed"),
        ("API_VERSION", "v0"),
        ("ADDED", "by hand"),
    ] {
        let mut all = settings(&azure, &app);
        all[name] = value.into();
        put_settings(&azure, &address, &all).await;
        let drift = deployed.drift().await;
        assert!(
            !drift.is_empty() && drift.iter().all(|found| found.starts_with("function_app.settings: ")),
            "{name}: {drift:?}"
        );
        deployed.repair("function_app.settings", "connections").await;
        assert_eq!(deployed.drift().await, Vec::<String>::new(), "{name} was brought back");
    }
}

/// As somebody in the portal does it.
async fn put_settings(azure: &ArmSimulator, path: &str, settings: &Value) {
    let url = format!("{}{path}?api-version=2023-12-01", azure.url());
    let client =
        hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let body = http_body_util::Full::new(bytes::Bytes::from(json!({ "properties": settings }).to_string()));
    let request = hyper::Request::put(url)
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {}", semantest_iac_testkit::arm_simulator::TOKEN))
        .body(body)
        .expect("a request");
    let answer = client.request(request).await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.status());
}

#[tokio::test]
async fn two_functions_may_give_one_variable_different_values() {
    let azure = Azure::start();
    let cloud = Cloud::at(azure.url());
    let mut blueprint = rest_api(&cloud, "1").await;
    let plain = |value: &str| SettingValue::Plain(value.into());
    for (function, value) in blueprint.functions.iter_mut().zip(["debug", "info"]) {
        function.environment_variables.insert("LOG_LEVEL".into(), plain(value));
    }
    let deployed = Deployed::new(&cloud, blueprint).await;
    let settings = settings(&azure, &deployed.output("function_app", "arn"));
    assert_eq!(settings["LOG_LEVEL"], "debug");
    assert_eq!(settings["SEMANTEST_VARIABLE_2_LOG_LEVEL"], "info");
    let functions = &deployed.at("package").inputs["description"]["functions"];
    let names = [0, 1].map(|at| functions[at]["environment_variables"]["LOG_LEVEL"].clone());
    assert_eq!(names, [json!("LOG_LEVEL"), json!("SEMANTEST_VARIABLE_2_LOG_LEVEL")]);
    assert_eq!(deployed.drift().await, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_gone_with_others_is_missing_and_no_error() {
    for address in ["storage", "insights", "workspace", "function_app", "web_pubsub", "plan.consumption"] {
        let azure = Azure::start();
        let cloud = Cloud::at(azure.url());
        let deployed = Deployed::new(&cloud, websocket(&cloud).await).await;
        azure.remove(&deployed.at(address).id.expect("it is there"));
        let drift = deployed.drift().await;
        assert!(drift.contains(&format!("{address}: missing")), "{address}: {drift:?}");
        let told = drift.iter().any(|found| found == "function_app.settings: connections");
        assert_eq!(told, ["storage", "insights", "web_pubsub"].contains(&address), "{address}: {drift:?}");
    }
}

#[tokio::test]
async fn new_code_changes_the_package_and_what_is_told_of_it_and_the_last_one_stays() {
    let azure = Azure::start();
    let cloud = Cloud::at(azure.url());
    let mut deployed = Deployed::new(&cloud, rest_api(&cloud, "1").await).await;
    let mut names = vec![deployed.output("package", "blob")];
    for code in ["2", "3"] {
        let done = deployed.change_to(rest_api(&cloud, code).await).await;
        assert_eq!(done, ["package", "function_app.settings", "function.create", "function.list"]);
        names.push(deployed.output("package", "blob"));
    }
    let blobs = azure.blobs();
    let is_there = |name: &String| blobs.iter().any(|blob| blob.ends_with(name.as_str()));
    assert_eq!(names.iter().map(is_there).collect::<Vec<_>>(), [false, true, true]);
    assert_eq!(deployed.drift().await, Vec::<String>::new());
    let done = deployed.change_to(rest_api(&cloud, "1").await).await;
    assert_eq!(done.len(), 4, "what is no longer there is uploaded again: {done:?}");
    assert_eq!(deployed.output("package", "blob"), names[0]);
    assert_eq!(deployed.drift().await, Vec::<String>::new());
}

#[tokio::test]
async fn nothing_is_left_of_what_is_taken_away() {
    let azure = Azure::start();
    azure.operations_take(Delay::Polls(2));
    let cloud = Cloud::at(azure.url());
    for blueprint in [rest_api(&cloud, "1").await, websocket(&cloud).await, container_service(&cloud).await] {
        let deployed = Deployed::new(&cloud, blueprint).await;
        assert_ne!(azure.ids(), Vec::<String>::new());
        deployed.remove().await;
        assert_eq!(azure.ids(), Vec::<String>::new());
        deployed.remove().await;
    }
}

#[tokio::test]
async fn a_group_with_something_of_somebody_elses_stays() {
    let azure = Azure::start();
    let cloud = Cloud::at(azure.url());
    let deployed = Deployed::new(&cloud, rest_api(&cloud, "1").await).await;
    let plan = deployed.at("plan.consumption").id.expect("it is there");
    let operation = Operation { id: "x".into(), attempt: 1 };
    azure.tamper(&plan, |plan| plan["tags"] = json!({ "owner": "somebody else" }));
    let refused = cloud.provider.delete(&deployed.at("resource_group"), &operation).await;
    let error = refused.expect_err("it would take the plan along");
    assert_eq!(error.kind(), ErrorKind::Provider);
    assert!(error.message().contains("shop-dev-rest-api-y1"), "{error}");
    assert_ne!(ids_under(&azure, "shop-dev-rest-api-westeurope"), Vec::<String>::new());
}

#[tokio::test]
async fn a_websocket_is_there_as_it_was_asked_for() {
    let azure = Azure::start();
    azure.operations_take(Delay::Polls(1));
    let cloud = Cloud::at(azure.url());
    let mut deployed = Deployed::new(&cloud, websocket(&cloud).await).await;
    assert_eq!(deployed.drift().await, Vec::<String>::new());
    let endpoint = deployed.output("web_pubsub.hub", "endpoint");
    assert!(
        endpoint.starts_with("wss://shop-dev-websocket-") && endpoint.ends_with("/client/hubs/semantest"),
        "{endpoint}"
    );
    assert!(deployed.output("web_pubsub.hub", "negotiate_endpoint").ends_with("/negotiate"));
    let settings = settings(&azure, &deployed.output("function_app", "arn"));
    assert_eq!(settings["SEMANTEST_WEB_PUBSUB_HUB"], "semantest");
    let connection =
        settings["SEMANTEST_WEB_PUBSUB_CONNECTION_STRING"].as_str().expect("a connection string");
    assert!(connection.starts_with("Endpoint=https://"), "{connection}");
    let hub = deployed.at("web_pubsub.hub").id.expect("it is there");
    azure.tamper(&hub, |hub| {
        hub["properties"]["eventHandlers"][0]["urlTemplate"] = "https://example.com".into()
    });
    assert_eq!(deployed.drift().await, ["web_pubsub.hub: events_url"]);
    deployed.repair("web_pubsub.hub", "events_url").await;
    azure.tamper(&hub, |hub| hub["properties"]["anonymousConnectPolicy"] = "deny".into());
    assert_eq!(deployed.drift().await, ["web_pubsub.hub: anonymous"]);
    deployed.repair("web_pubsub.hub", "anonymous").await;
    assert_eq!(deployed.drift().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_container_service_is_there_as_it_was_asked_for() {
    let azure = Azure::start();
    azure.operations_take(Delay::Polls(1));
    let cloud = Cloud::at(azure.url());
    let mut deployed = Deployed::new(&cloud, container_service(&cloud).await).await;
    assert_eq!(deployed.drift().await, Vec::<String>::new());
    assert!(deployed.output("load_balancer", "endpoint").starts_with("https://shop-dev-container-service."));
    for (pointer, value, property) in [
        ("/properties/template/scale/maxReplicas", json!(9), "max_replicas"),
        ("/properties/template/scale/rules/0/custom/metadata/value", json!("90"), "target_cpu_percent"),
        ("/properties/template/scale/rules", json!([]), "target_cpu_percent"),
        ("/properties/template/containers/0/probes", json!(null), "health_check_path"),
        ("/properties/template/containers/0/image", json!("other:1"), "image"),
        ("/properties/template/containers/0/resources/memory", json!("2Gi"), "memory"),
        ("/properties/template/containers/0/env/0/value", json!("c"), "environment_variables.A"),
        ("/properties/configuration/secrets/0/value", json!("guessed"), "environment_variables.PASSWORD"),
        ("/properties/configuration/ingress/external", json!(false), "external"),
    ] {
        let id = deployed.at("service").id.expect("it is there");
        azure.tamper(&id, |app| *app.pointer_mut(pointer).expect(pointer) = value.clone());
        let drift = deployed.drift().await;
        let expected = format!("service: {property}");
        assert!(drift.len() == 1 && drift[0].starts_with(&expected), "{expected}: {drift:?}");
        deployed.repair("service", property.split('.').next().unwrap_or(property)).await;
        assert_eq!(deployed.drift().await, Vec::<String>::new(), "{property} was brought back");
    }
}

#[tokio::test]
async fn other_plans_carry_a_rest_api_too() {
    for hosting in [HostingPlan::FlexConsumption, HostingPlan::Premium] {
        let azure = Azure::start();
        let cloud = Cloud::at(azure.url());
        let blueprint = Blueprint { plan: Some(hosting), ..rest_api(&cloud, "1").await };
        let deployed = Deployed::new(&cloud, blueprint).await;
        assert_eq!(deployed.drift().await, Vec::<String>::new(), "{hosting:?}");
        let settings = settings(&azure, &deployed.output("function_app", "arn"));
        let is_flex = hosting == HostingPlan::FlexConsumption;
        assert_eq!(settings["WEBSITE_RUN_FROM_PACKAGE"].is_null(), is_flex, "{hosting:?}");
        deployed.remove().await;
        assert_eq!(azure.ids(), Vec::<String>::new());
    }
}
