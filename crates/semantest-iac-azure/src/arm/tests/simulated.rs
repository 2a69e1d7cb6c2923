use semantest_iac_core::ErrorKind;
use semantest_iac_testkit::arm_simulator::{ArmSimulator, Delay, Fault, LOCATION, Rule, SUBSCRIPTION, TOKEN};
use serde_json::{Value, json};

use super::{client, operation, settings};
use crate::arm::ArmClient;
use crate::config::CallSettings;

const WEB: &str = "2023-12-01";

fn group() -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/shop-dev")
}

fn arm(azure: &ArmSimulator) -> ArmClient {
    client(azure.url(), &settings(TOKEN))
}

async fn make_group(arm: &ArmClient) {
    let body = json!({ "location": LOCATION, "tags": { "a": "b" } });
    arm.put(&group(), "2024-03-01", &body, &operation()).await.expect("a group");
}

fn plan() -> (String, Value) {
    let body = json!({
        "location": LOCATION, "kind": "functionapp", "sku": { "name": "Y1", "tier": "Dynamic" },
        "properties": { "reserved": true },
    });
    (format!("{}/providers/Microsoft.Web/serverfarms/plan", group()), body)
}

/// A plan, made and waited for.
async fn make_plan(arm: &ArmClient) -> semantest_iac_core::Result<Value> {
    let (id, body) = plan();
    arm.put(&id, WEB, &body, &operation()).await
}

#[tokio::test]
async fn every_way_of_doing_things_later_ends_with_the_finished_resource() {
    let azure = ArmSimulator::start();
    let arm = arm(&azure);
    make_group(&arm).await;
    azure.operations_take(Delay::Polls(3));
    let cases = [
        ("Microsoft.Storage/storageAccounts/shopdev", "2023-05-01", "202 and Location"),
        ("Microsoft.Web/serverfarms/plan", WEB, "202 with a body, and Location"),
        ("Microsoft.OperationalInsights/workspaces/logs", "2023-09-01", "provisioningState"),
        ("Microsoft.App/managedEnvironments/environment", "2024-03-01", "Azure-AsyncOperation"),
        ("Microsoft.SignalRService/webPubSub/shop-dev", "2024-03-01", "both"),
    ];
    for (part, api, way) in cases {
        let id = format!("{}/providers/{part}", group());
        let body = json!({ "location": LOCATION, "properties": {} });
        let made = arm.put(&id, api, &body, &operation()).await.expect(way);
        assert_eq!(made["properties"]["provisioningState"], "Succeeded", "{way}");
        assert_eq!(made["id"], id.as_str(), "{way}");
        let looks = azure.take_calls().iter().filter(|call| call.method == "GET").count();
        assert!(looks >= 3, "{way}: it was looked at until it was done, {looks} times");
        arm.delete(&id, api, &operation()).await.expect(way);
        assert_eq!(arm.get(&id, api).await.expect("a look"), None, "{way}: gone");
        arm.delete(&id, api, &operation()).await.expect("gone before");
    }
}

#[tokio::test]
async fn what_azure_accepts_and_does_not_bring_about_is_an_error_that_says_why() {
    let azure = ArmSimulator::start();
    let arm = arm(&azure);
    make_group(&arm).await;
    azure.operations_take(Delay::Polls(2));
    azure.inject(Rule::new("PUT", "webPubSub", Fault::fails("QuotaExceeded", "no more than 5 free units")));
    let id = format!("{}/providers/Microsoft.SignalRService/webPubSub/shop-dev", group());
    let body = json!({ "location": LOCATION, "sku": { "name": "Free_F1" }, "properties": {} });
    let failed = arm.put(&id, "2024-03-01", &body, &operation()).await.expect_err("it failed");
    assert_eq!(failed.kind(), ErrorKind::Provider);
    assert!(failed.message().contains("no more than 5 free units"), "{failed:?}");
    assert!(crate::error::is(&failed, &["QuotaExceeded"]), "{failed:?}");

    azure.inject(Rule::new("PUT", "webPubSub", Fault::canceled()));
    let canceled = arm.put(&id, "2024-03-01", &body, &operation()).await.expect_err("it was canceled");
    assert!(canceled.message().contains("canceled"), "{canceled:?}");
    assert_eq!(canceled.retry(), semantest_iac_core::Retry::Later);
}

#[tokio::test]
async fn throttled_and_failing_calls_are_made_again_and_lost_answers_are_no_harm() {
    let azure = ArmSimulator::start();
    let arm = arm(&azure);
    make_group(&arm).await;
    let faults = [Fault::throttled(0), Fault::unavailable(), Fault::AnswerLost, Fault::RequestLost];
    for fault in faults {
        azure.inject(Rule::new("PUT", "serverfarms", fault.clone()).times(2));
        let made = make_plan(&arm).await.unwrap_or_else(|error| panic!("{fault:?}: {error:?}"));
        assert_eq!(made["name"], "plan");
        azure.calm();
    }
    assert_eq!(azure.ids().iter().filter(|id| id.contains("serverfarms")).count(), 1);
}

#[tokio::test]
async fn a_call_that_is_throttled_for_ever_is_given_up_and_may_be_made_later() {
    let azure = ArmSimulator::start();
    let arm = arm(&azure);
    azure.inject(Rule::new("PUT", "resourceGroups", Fault::throttled(0)).times(100));
    let body = json!({ "location": LOCATION });
    let refused = arm.put(&group(), "2024-03-01", &body, &operation()).await.expect_err("throttled");
    assert_eq!((refused.kind(), refused.retry()), (ErrorKind::Throttled, semantest_iac_core::Retry::Later));
    assert_eq!(azure.calls().len(), 6, "tries");
}

#[tokio::test]
async fn what_is_busy_is_waited_for_and_what_is_taken_is_not() {
    let azure = ArmSimulator::start();
    let arm = arm(&azure);
    make_group(&arm).await;
    azure.inject(Rule::new("PUT", "serverfarms", Fault::busy()).times(3));
    make_plan(&arm).await.expect("made when it was free");
    azure.take_name("shop-dev");
    azure.take_calls();
    let id = format!("{}/providers/Microsoft.Web/sites/shop-dev", group());
    let body =
        json!({ "location": LOCATION, "kind": "functionapp", "properties": { "serverFarmId": plan().0 } });
    let taken = arm.put(&id, WEB, &body, &operation()).await.expect_err("taken");
    assert!(taken.message().contains("already exists"), "{taken:?}");
    assert_eq!(azure.calls().len(), 1, "asked once");
}

#[tokio::test]
async fn a_call_meets_what_an_earlier_run_began_and_waits_for_it() {
    let azure = ArmSimulator::start();
    let arm = arm(&azure);
    make_group(&arm).await;
    azure.operations_take(Delay::Polls(4));
    // The first run is killed right after its call.
    let impatient = CallSettings { operation_timeout: std::time::Duration::ZERO, ..settings(TOKEN) };
    let left = make_plan(&client(azure.url(), &impatient)).await.expect_err("given up");
    assert_eq!(left.kind(), ErrorKind::Timeout, "{left:?}");
    let made = make_plan(&arm).await.expect("made by the second run");
    assert_eq!(made["properties"]["provisioningState"], "Succeeded");
}

#[tokio::test]
async fn a_provider_is_registered_once_however_many_calls_need_it() {
    let azure = ArmSimulator::start();
    let arm = arm(&azure);
    make_group(&arm).await;
    azure.unregister("Microsoft.Web");
    let plans = (0..8).map(|number| {
        let (id, body) = plan();
        let (arm, id) = (&arm, format!("{id}{number}"));
        async move { arm.put(&id, WEB, &body, &operation()).await }
    });
    for made in futures::future::join_all(plans).await {
        made.expect("made");
    }
    let asked = azure.calls().iter().filter(|call| call.path.ends_with("/register")).count();
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn a_provider_is_not_registered_where_that_is_somebody_elses() {
    let azure = ArmSimulator::start();
    let arm = client(azure.url(), &CallSettings { register_providers: false, ..settings(TOKEN) });
    make_group(&arm).await;
    azure.unregister("Microsoft.Web");
    let refused = make_plan(&arm).await.expect_err("not registered");
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    assert!(refused.message().contains("az provider register --namespace Microsoft.Web"), "{refused:?}");
}

#[tokio::test]
async fn lists_are_read_to_their_last_page() {
    let azure = ArmSimulator::start();
    let arm = arm(&azure);
    make_group(&arm).await;
    for number in 0..7 {
        let (id, body) = plan();
        arm.put(&format!("{id}{number}"), WEB, &body, &operation()).await.expect("a plan");
    }
    azure.set_page_size(3);
    let listed = arm.list(&format!("{}/resources", group()), "2024-03-01").await.expect("a list");
    assert_eq!(listed.len(), 7);
}

#[tokio::test]
async fn an_operation_that_not_every_front_end_knows_at_once_is_looked_at_again() {
    let azure = ArmSimulator::start();
    let arm = arm(&azure);
    make_group(&arm).await;
    azure.operations_take(Delay::Polls(2));
    azure.inject(Rule::new("PUT", "serverfarms", Fault::PollsUnknown(2)));
    make_plan(&arm).await.expect("found at the third look");
    azure.inject(Rule::new("PUT", "serverfarms", Fault::PollsUnknown(100)));
    let made = make_plan(&arm).await.expect("known by the resource itself");
    assert_eq!(made["properties"]["provisioningState"], "Succeeded");
}

#[tokio::test]
async fn the_token_goes_to_no_other_host() {
    let azure = ArmSimulator::start();
    let stranger = ArmSimulator::start();
    let arm = arm(&azure);
    make_group(&arm).await;
    azure.operations_take(Delay::Polls(2));
    azure.inject(Rule::new("PUT", "serverfarms", Fault::PollsElsewhere(stranger.url().into())));
    let refused = make_plan(&arm).await.expect_err("not followed");
    assert!(refused.message().contains("which is not called"), "{refused:?}");
    assert!(!refused.message().contains(TOKEN));
    assert!(stranger.calls().is_empty(), "nobody asked the stranger");
}

#[tokio::test]
async fn everything_of_one_operation_is_found_under_its_id_in_the_activity_log() {
    let azure = ArmSimulator::start();
    let arm = arm(&azure);
    make_group(&arm).await;
    make_plan(&arm).await.expect("a plan");
    for call in azure.calls().iter().filter(|call| call.method == "PUT") {
        assert_eq!(call.headers["x-ms-correlation-request-id"], operation().id);
    }
}

#[tokio::test]
async fn a_refused_token_says_what_to_do() {
    let azure = ArmSimulator::start();
    let arm = client(azure.url(), &settings("canary-of-a-token"));
    let refused = arm.get(&group(), "2024-03-01").await.expect_err("refused");
    assert_eq!(refused.kind(), ErrorKind::Unauthenticated);
    assert!(refused.message().contains("az login"), "{refused:?}");
    assert!(!format!("{refused:?}").contains("canary"), "{refused:?}");
}
