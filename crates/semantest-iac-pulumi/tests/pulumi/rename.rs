//! A resource that gets another name keeps its deployment, with the real `pulumi`.

use crate::real::{PROGRAM, Stack, get};

/// The program of the first user, whose resource has another name.
fn renamed(stack: &Stack) {
    stack.program(&PROGRAM.replace("component", "renamed"));
}

/// Checks that what runs is as it was before, and that nothing but Pulumi's state has changed.
async fn kept(stack: &Stack, endpoint: &str, made: usize) {
    assert_eq!((get(endpoint).as_str(), stack.output("endpoint").as_str()), ("hello", endpoint));
    let history = stack.history("rest-api").await;
    assert!(!history.contains(&"InfrastructureRemoved".to_owned()), "{history:?}");
    assert_eq!(created(&history), made, "{history:?}");
    let state = stack.deployments();
    assert_eq!(state.len(), 1, "{state:#?}");
    assert!(state[0]["urn"].as_str().is_some_and(|urn| urn.ends_with("::renamed")), "{state:#?}");
}

fn created(history: &[String]) -> usize {
    history.iter().filter(|event| *event == "ResourceCreated").count()
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn a_renamed_resource_keeps_its_deployment_and_pulumi_says_so() {
    let stack = Stack::new();
    stack.up().ok();
    let (endpoint, made) = (stack.output("endpoint"), created(&stack.history("rest-api").await));
    renamed(&stack);
    stack.up().ok().saying("`shop/production/rest-api` stays").saying("aliases: [{ name: component }]");
    kept(&stack, &endpoint, made).await;
    stack.up().ok().saying("2 unchanged");
    stack.run("destroy").ok();
    let history = stack.history("rest-api").await;
    assert_eq!(history.last().map(String::as_str), Some("InfrastructureRemoved"), "{history:?}");
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn a_rename_that_was_broken_off_before_its_end_keeps_the_deployment_too() {
    let stack = Stack::new();
    stack.up().ok();
    let (endpoint, made) = (stack.output("endpoint"), created(&stack.history("rest-api").await));
    renamed(&stack);
    let urn = "urn:pulumi:production::shop-infrastructure::semantest:index:Deployment::renamed";
    let only = ["up", "-s", "production", "--target", urn, "--yes", "--non-interactive", "--skip-preview"];
    stack.pulumi(&only).ok();
    assert_eq!(stack.deployments().len(), 2, "the old name is still there");
    stack.up().ok().saying("stays");
    kept(&stack, &endpoint, made).await;
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn with_an_alias_a_renamed_resource_is_unchanged() {
    let stack = Stack::new();
    stack.up().ok();
    let (endpoint, before) = (stack.output("endpoint"), stack.history("rest-api").await);
    stack.program(&PROGRAM.replace("component", "renamed").replace(
        "type: semantest:Deployment",
        "type: semantest:Deployment\n    options: { aliases: [ { name: component } ] }",
    ));
    stack.up().ok().saying("2 unchanged");
    kept(&stack, &endpoint, created(&before)).await;
    assert_eq!(stack.history("rest-api").await, before);
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn two_resources_that_exchange_their_components_keep_both_deployments() {
    let program = |first: &str, second: &str| {
        format!(
            "
resources:
  first: {{ type: semantest:Deployment, properties: {{ component: {first} }} }}
  second: {{ type: semantest:Deployment, properties: {{ component: {second} }} }}
outputs:
  first: ${{first.endpoint}}
  second: ${{second.endpoint}}
"
        )
    };
    let stack = Stack::with_program(&program("rest-api", "orders"));
    stack.run("up").ok();
    let (first, second) = (stack.output("first"), stack.output("second"));
    stack.program(&program("orders", "rest-api"));
    stack.run("up").ok();
    assert_eq!((stack.output("first"), stack.output("second")), (second.clone(), first.clone()));
    assert_eq!((get(&first), get(&second)), ("hello".into(), "orders".into()));
    stack.run("up").ok().saying("3 unchanged");
}

#[test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
fn two_resources_for_one_component_are_refused_before_anything_is_made() {
    let stack = Stack::with_program(
        "
resources:
  first: { type: semantest:Deployment, properties: { component: rest-api } }
  second: { type: semantest:Deployment, properties: { component: rest-api } }
",
    );
    let refused = stack.pulumi(&["preview", "-s", "production", "--non-interactive"]).failed();
    assert!(refused.says("by one resource"), "{}\n{}", refused.stdout, refused.stderr);
    assert!(!stack.file(".semantest/local").exists(), "nothing was begun");
}
