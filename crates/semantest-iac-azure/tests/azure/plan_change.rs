//! A component that goes to another plan: nothing of Azure's can do that in place. Through the planner and the executor.

use std::sync::Arc;

use crate::simulated::{Azure, calls, zipped};
use semantest_iac_azure::{AzureConfig, AzureProvider};
use semantest_iac_core::application::answer::{DeployAnswer, RunStatus};
use semantest_iac_core::application::service::DeploymentService;
use semantest_iac_testkit::arm_simulator::{Delay, Fault, Rule};
use semantest_iac_testkit::world::{World, deploy_with, options, orders};
use serde_json::json;

/// The component `orders` of a world whose cloud is an Azure.
struct Orders {
    world: World,
    azure: Azure,
    service: DeploymentService,
}

impl Orders {
    fn new() -> Self {
        let (world, azure) = (World::new(), Azure::start());
        azure.operations_take(Delay::Polls(1));
        world.project.write_code("orders", &zipped("export const handler = async () => ({});"));
        let (artifacts, secrets) = (world.artifacts.clone(), world.secrets.clone());
        let config = AzureConfig { artifacts, secrets, calls: calls(azure.url()) };
        let provider = Arc::new(AzureProvider::new(config));
        let service = world.service_with(provider, world.store.clone(), options(4));
        Self { world, azure, service }
    }

    /// Deploys it on `plan`.
    async fn on(&self, plan: &str) -> DeployAnswer {
        let mut definition = orders();
        definition["plan"] = plan.into();
        self.world.project.define_component("orders", definition);
        deploy_with(&self.service).await.expect("a run")
    }

    /// What was changed of the app and its plans since the last look.
    fn changed(&self) -> Vec<String> {
        let names =
            self.azure.take_calls().into_iter().filter(|call| call.method != "GET").map(|call| call.name());
        let kinds = ["Microsoft.Web/serverfarms", "Microsoft.Web/sites"];
        names.filter(|name| kinds.iter().any(|kind| name.ends_with(kind))).collect()
    }

    fn plans(&self) -> Vec<String> {
        let ids = self.azure.ids().into_iter().filter(|id| id.contains("/serverfarms/"));
        ids.filter_map(|id| id.rsplit('-').next().map(str::to_owned)).collect()
    }
}

const ANEW: [&str; 4] = [
    "PUT Microsoft.Web/serverfarms",
    "DELETE Microsoft.Web/sites",
    "PUT Microsoft.Web/sites",
    "DELETE Microsoft.Web/serverfarms",
];

#[tokio::test]
async fn the_app_is_made_anew_on_the_new_plan_and_the_old_plan_goes_last() {
    let orders = Orders::new();
    let first = orders.on("consumption").await;
    assert_eq!(first.status, RunStatus::Deployed, "{first:?}");
    for (plan, sku) in [("flex-consumption", "fc1"), ("premium", "ep1"), ("consumption", "y1")] {
        orders.azure.take_calls();
        let answer = orders.on(plan).await;
        assert_eq!(answer.status, RunStatus::Deployed, "{plan}: {answer:?}");
        assert_eq!(orders.changed(), ANEW, "{plan}");
        let (created, replaced, deleted) =
            (answer.changes.created, answer.changes.replaced, answer.changes.deleted);
        assert_eq!((created, replaced, deleted), (1, 1, 1), "{plan}: a plan, the app, a plan");
        assert_eq!(orders.plans(), [sku]);
        assert_eq!(answer.endpoint, first.endpoint, "{plan}: it is called where it was");
        let found = orders.service.refresh("dev", "orders").await.expect("a look");
        assert_eq!(json!(found)["drift"], json!([]), "{plan}");
        assert_eq!(orders.on(plan).await.status, RunStatus::Unchanged, "{plan}");
    }
}

#[tokio::test]
async fn what_failed_between_two_plans_is_gone_on_with() {
    let orders = Orders::new();
    orders.on("consumption").await;
    let full = Fault::refused(400, "BadRequest", "No capacity.", None);
    orders.azure.inject(Rule::new("PUT", "Microsoft.Web/sites/", full).times(1));
    let failed = orders.on("premium").await;
    assert_eq!(failed.status, RunStatus::Failed, "{failed:?}");
    assert_eq!(orders.plans(), ["ep1", "y1"], "no plan is taken away from under the app");
    let answer = orders.on("premium").await;
    assert_eq!(answer.status, RunStatus::Deployed, "{answer:?}");
    assert_eq!(orders.plans(), ["ep1"]);
}

#[tokio::test]
async fn who_went_on_and_changes_their_mind_gets_the_first_plan_back() {
    let orders = Orders::new();
    orders.on("premium").await;
    orders.azure.inject(Rule::new(
        "PUT",
        "Microsoft.Web/sites/",
        Fault::refused(400, "BadRequest", "No.", None),
    ));
    assert_eq!(orders.on("flex-consumption").await.status, RunStatus::Failed);
    let answer = orders.on("premium").await;
    assert_eq!(answer.status, RunStatus::Deployed, "{answer:?}");
    assert_eq!(orders.plans(), ["ep1"], "nothing is left of the plan that was not gone to");
}
