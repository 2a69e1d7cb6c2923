//! Where a deployment goes to, and stays.

use semantest_iac_core::application::answer::RunStatus;
use semantest_iac_core::application::inspect::At;
use semantest_iac_core::domain::deployment::resource::Properties;
use semantest_iac_core::events::Event;
use semantest_iac_core::events::request::DeploymentRequested;
use semantest_iac_testkit::world::{World, orders, request};
use tokio_util::sync::CancellationToken;

async fn deploy_to(world: &World, region: Option<&str>) -> semantest_iac_core::Result<RunStatus> {
    let service = world.service();
    let request = DeploymentRequested { region: region.map(str::to_owned), ..request() };
    let envelope = service.envelope(request.clone());
    service.deploy(envelope, &request, &CancellationToken::new()).await.map(|answer| answer.status)
}

/// The region of every plan that was recorded.
async fn planned_regions(world: &World) -> Vec<Option<String>> {
    let events = world.service().history("dev", "orders").await.expect("a history");
    let planned = events.into_iter().filter_map(|event| match event.data {
        Event::DeploymentPlanned(planned) => Some(planned.region),
        _ => None,
    });
    planned.collect()
}

#[tokio::test]
async fn a_deployment_stays_in_the_region_that_the_machine_was_set_up_for_when_it_was_made() {
    let world = World::new();
    world.provider.set_default_region("eu-west-1");
    assert_eq!(deploy_to(&world, None).await.expect("a run"), RunStatus::Deployed);
    world.provider.set_default_region("us-east-1");
    assert_eq!(deploy_to(&world, None).await.expect("a run"), RunStatus::Unchanged);
    let mut other = orders();
    other["memory_mb"] = 512.into();
    world.project.define_component("orders", other);
    assert_eq!(deploy_to(&world, None).await.expect("a run"), RunStatus::Deployed);
    let stayed = Some("eu-west-1".to_owned());
    assert_eq!(planned_regions(&world).await, vec![stayed.clone(), stayed.clone(), stayed]);
}

#[tokio::test]
async fn a_region_that_is_named_comes_before_the_machines() {
    let world = World::new();
    world.provider.set_default_region("eu-west-1");
    deploy_to(&world, Some("us-east-1")).await.expect("a run");
    assert_eq!(planned_regions(&world).await, vec![Some("us-east-1".to_owned())]);
    let moved = deploy_to(&world, Some("eu-west-1")).await.expect_err("it does not move");
    assert!(moved.message().contains("region `us-east-1`, not `eu-west-1`"), "{moved}");
}

#[tokio::test]
async fn what_was_deployed_without_a_region_gets_none_later() {
    let world = World::new();
    deploy_to(&world, None).await.expect("a run");
    world.provider.set_default_region("eu-west-1");
    assert_eq!(deploy_to(&world, None).await.expect("a run"), RunStatus::Unchanged);
    assert_eq!(planned_regions(&world).await, vec![None, None]);
}

#[tokio::test]
async fn what_was_removed_is_deployed_where_the_machine_is_set_up_for_now() {
    let world = World::new();
    world.provider.set_default_region("eu-west-1");
    deploy_to(&world, None).await.expect("a run");
    world.destroy().await;
    world.provider.set_default_region("us-east-1");
    deploy_to(&world, None).await.expect("a run");
    assert_eq!(planned_regions(&world).await.last(), Some(&Some("us-east-1".to_owned())));
}

#[tokio::test]
async fn a_plan_made_anew_shows_what_the_log_holds_and_records_nothing() {
    let world = World::new();
    world.provider.set_default_region("eu-west-1");
    deploy_to(&world, None).await.expect("a run");
    let (service, events) = (world.service(), world.history().await.len());
    // The machine is set up for another one: what is deployed stays where it is.
    world.provider.set_default_region("us-east-1");
    let plan = service.plan_anew(&request()).await.expect("a plan");
    let (deployed, _) = service.state_at("dev", "orders", At::Version(1)).await.expect("a deployment");
    assert_eq!(plan.changes.created, deployed.resources.len());
    for step in &plan.steps {
        let logged = deployed.resources.iter().find(|resource| resource.address == step.address);
        let logged = logged.and_then(|resource| resource.inputs.clone()).expect("inputs");
        let wanted = step.diff.iter().map(|change| (change.property.clone(), change.after.clone()));
        let wanted: Properties = wanted.map(|(name, value)| (name, value.expect("a value"))).collect();
        assert_eq!(logged, wanted, "{}", step.address);
    }
    assert_eq!(world.history().await.len(), events);
}

#[tokio::test]
async fn a_plan_made_anew_can_be_for_another_place() {
    let world = World::new();
    deploy_to(&world, Some("us-east-1")).await.expect("a run");
    let elsewhere = DeploymentRequested { region: Some("eu-west-1".to_owned()), ..request() };
    world.service().plan(&elsewhere).await.expect_err("it does not move");
    assert!(world.service().plan_anew(&elsewhere).await.expect("a plan").changes.created > 0);
}
