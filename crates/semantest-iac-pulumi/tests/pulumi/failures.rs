//! What goes wrong half-way, and what Pulumi and our log know differently, with the real `pulumi`.

use crate::real::{Stack, get};

/// In the way of the provider's own folder: planned well, and then not carried out.
const IN_THE_WAY: &str = ".semantest/local/functions";

fn block(stack: &Stack) {
    std::fs::create_dir_all(stack.file(".semantest/local")).expect("a folder");
    stack.write(IN_THE_WAY, "in the way");
}

fn unblock(stack: &Stack) {
    std::fs::remove_file(stack.file(IN_THE_WAY)).expect("what was in the way");
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn what_failed_half_way_is_in_pulumis_state_and_the_next_up_goes_on() {
    let stack = Stack::new();
    block(&stack);
    stack.up().failed().saying("functions");
    let half = stack.deployments();
    assert_eq!(half.len(), 1, "{half:#?}");
    assert_eq!(half[0]["id"], "shop/production/rest-api");
    assert!(half[0]["initErrors"].as_array().is_some_and(|errors| !errors.is_empty()), "{half:#?}");
    unblock(&stack);
    stack.up().ok().saying("1 updated");
    assert_eq!(get(&stack.output("endpoint")), "hello");
    assert!(stack.deployments()[0]["initErrors"].is_null());
    stack.up().ok().saying("2 unchanged");
    let history = stack.history("rest-api").await;
    assert_eq!(history.iter().filter(|event| *event == "ResourceCreated").count(), 2, "{history:?}");
}

#[test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
fn what_failed_half_way_can_be_destroyed() {
    let stack = Stack::new();
    block(&stack);
    stack.up().failed();
    unblock(&stack);
    stack.run("destroy").ok();
    assert!(stack.deployments().is_empty());
    stack.up().ok();
    assert_eq!(get(&stack.output("endpoint")), "hello");
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn an_update_that_fails_leaves_what_ran_running() {
    let stack = Stack::new();
    stack.up().ok();
    let endpoint = stack.output("endpoint");
    stack.replace("semantest.toml", "hello.handler", "missing.handler");
    stack.up().failed().saying("missing");
    assert_eq!(get(&endpoint), "hello");
    stack.replace("semantest.toml", "missing.handler", "hello.handler");
    stack.up().ok();
    assert_eq!(get(&endpoint), "hello");
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn what_pulumi_forgot_is_taken_over_as_it_is() {
    let stack = Stack::new();
    stack.up().ok();
    let (endpoint, before) = (stack.output("endpoint"), stack.history("rest-api").await);
    let urn = stack.deployments()[0]["urn"].as_str().expect("a URN").to_owned();
    stack.pulumi(&["state", "delete", &urn, "--yes", "-s", "production"]).ok();
    stack.up().ok().saying("1 created");
    assert_eq!(stack.output("endpoint"), endpoint);
    let after = stack.history("rest-api").await;
    let made = |events: &[String]| events.iter().filter(|event| *event == "ResourceCreated").count();
    assert_eq!(made(&after), made(&before), "{after:?}");
}

#[test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
fn a_program_may_lie_elsewhere_than_the_project() {
    let stack = Stack::with_program(
        "
resources:
  there:
    type: pulumi:providers:semantest
    properties: { component: rest-api, directory: infrastructure }
  component:
    type: semantest:Deployment
    options: { provider: \"${there}\" }
outputs:
  endpoint: ${component.endpoint}
",
    );
    std::fs::create_dir(stack.file("infrastructure")).expect("a folder");
    for name in ["semantest.toml", "code"] {
        std::fs::rename(stack.file(name), stack.file("infrastructure").join(name)).expect(name);
    }
    stack.run("up").ok().saying("3 created");
    assert_eq!(get(&stack.output("endpoint")), "hello");
    assert!(stack.file("infrastructure/.semantest").is_dir() && !stack.file(".semantest").exists());
    stack.run("up").ok().saying("3 unchanged");
    stack.run("destroy").ok().saying("3 deleted");
}
