//! `pulumi up -s production -c semantest:component=rest-api`, word for word, with the real `pulumi`.

use crate::real::{self, Stack, get};

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn the_literal_command_deploys_and_the_log_tells_what_it_did() {
    let stack = Stack::new();
    stack.up().ok().saying("2 created");
    assert_eq!(get(&stack.output("endpoint")), "hello");
    let history = stack.history("rest-api").await;
    for wanted in ["DeploymentRequested", "DeploymentPlanned", "FunctionDeployed", "InfrastructureUpdated"] {
        assert!(history.iter().any(|event| event == wanted), "{wanted} in {history:?}");
    }
    let state = stack.deployments();
    assert_eq!(state.len(), 1);
    assert_eq!(state[0]["outputs"]["status"], "deployed", "{state:#?}");
    assert_eq!(state[0]["inputs"]["component"], "rest-api", "{state:#?}");
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn a_second_up_changes_nothing_and_leaves_the_log_as_it_is() {
    let stack = Stack::new();
    stack.up().ok();
    let before = stack.history("rest-api").await;
    stack.up().ok().saying("2 unchanged");
    assert_eq!(stack.history("rest-api").await, before);
}

#[test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
fn a_changed_component_is_updated_in_place() {
    let stack = Stack::new();
    stack.up().ok();
    let (endpoint, id) = (stack.output("endpoint"), stack.deployments()[0]["id"].clone());
    stack.replace("semantest.toml", r#"GREETING = "hello""#, r#"GREETING = "hi""#);
    stack.up().ok().saying("1 updated");
    assert_eq!((get(&endpoint).as_str(), &stack.output("endpoint")), ("hi", &endpoint));
    stack.replace("code/hello.py", "os.environ.get(\"GREETING\", \"\")", "\"code\"");
    stack.up().ok().saying("1 updated");
    assert_eq!(get(&endpoint), "code");
    assert_eq!(stack.deployments()[0]["id"], id);
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn another_component_takes_the_place_of_the_first() {
    let stack = Stack::new();
    stack.up().ok();
    stack.up_for("orders").ok().saying("1 replaced");
    assert_eq!(get(&stack.output("endpoint")), "orders");
    let first = stack.history("rest-api").await;
    assert_eq!(first.last().map(String::as_str), Some("InfrastructureRemoved"), "{first:?}");
    assert_eq!(stack.deployments().len(), 1);
}

#[test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
fn a_preview_shows_the_plan_and_touches_nothing() {
    let stack = Stack::new();
    stack.pulumi(&["config", "set", "semantest:component", "rest-api", "-s", "production"]).ok();
    let preview = |arguments: &[&str]| {
        stack.pulumi(&[&["preview", "-s", "production", "--non-interactive"], arguments].concat()).ok()
    };
    preview(&[]).saying("2 to create");
    assert!(stack.host().is_none(), "a preview runs no functions");
    stack.up().ok();
    preview(&["--expect-no-changes"]);
    stack.replace("semantest.toml", r#"GREETING = "hello""#, r#"GREETING = "hi""#);
    let shown = preview(&["--diff"]).saying("1 to update");
    assert!(shown.says("GREETING"), "{}", shown.stdout);
    assert_eq!(get(&stack.output("endpoint")), "hello");
}

#[test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
fn a_bad_component_is_refused_with_a_message_that_helps() {
    let stack = Stack::new();
    let refused = stack.up_for("rest-apj").failed();
    assert!(refused.says("rest-apj") && refused.says("`rest-api`"), "{}\n{}", refused.stdout, refused.stderr);
    assert!(stack.deployments().is_empty());
    assert!(!stack.file(".semantest/local").exists(), "nothing was begun");
    stack.up().ok();
    assert_eq!(get(&stack.output("endpoint")), "hello");
}

#[test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
fn a_stack_that_is_no_environment_is_refused_with_those_there_are() {
    let stack = Stack::new();
    stack.pulumi(&["stack", "init", "prodution"]).ok();
    let arguments =
        ["up", "-s", "prodution", "-c", "semantest:component=rest-api", "--yes", "--skip-preview"];
    let refused = stack.pulumi(&arguments).failed();
    assert!(
        refused.says("prodution") && refused.says("production"),
        "{}\n{}",
        refused.stdout,
        refused.stderr
    );
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn destroy_leaves_nothing() {
    let stack = Stack::new();
    stack.up().ok();
    stack.run("destroy").ok().saying("2 deleted");
    assert!(stack.deployments().is_empty());
    let history = stack.history("rest-api").await;
    assert_eq!(history.last().map(String::as_str), Some("InfrastructureRemoved"), "{history:?}");
    let left = real::files(&stack.file(".semantest/local/functions"));
    assert!(left.is_empty(), "{left:?}");
    stack.run("destroy").ok();
}

#[test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
fn several_components_of_one_program_are_deployed_together() {
    let stack = Stack::with_program(
        "
resources:
  first: { type: semantest:Deployment, properties: { component: rest-api } }
  second: { type: semantest:Deployment, properties: { component: orders } }
  third:
    type: semantest:Deployment
    properties:
      component: orders
      environment: staging
      configuration: { environment_variables: { GREETING: \"of ${first.endpoint}\" } }
outputs:
  first: ${first.endpoint}
  second: ${second.endpoint}
  third: ${third.endpoint}
",
    );
    stack.replace(
        "semantest.toml",
        "[components.rest-api]",
        "[environments.staging]\nprovider = \"local\"\n\n[components.rest-api]",
    );
    stack.run("up").ok().saying("4 created");
    let first = stack.output("first");
    assert_eq!((get(&first), get(&stack.output("second"))), ("hello".into(), "orders".into()));
    assert_eq!(get(&stack.output("third")), format!("of {first}"));
    stack.run("up").ok().saying("4 unchanged");
}

#[test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
fn a_secret_of_pulumi_is_in_no_state_and_in_no_log() {
    const CANARY: &str = "canary-35f0a77c1e";
    let stack = Stack::with_program(
        "
config:
  token: { type: string, secret: true }
resources:
  component:
    type: semantest:Deployment
    properties:
      configuration: { environment_variables: { TOKEN: \"${token}\" } }
outputs:
  endpoint: ${component.endpoint}
",
    );
    stack.pulumi(&["config", "set", "--secret", "token", CANARY, "-s", "production"]).ok();
    let up = stack.up().ok();
    assert!(!up.says(CANARY));
    assert_eq!(get(&stack.output("endpoint")), format!("hello{CANARY}"));
    stack.up().ok().saying("2 unchanged");
    let refreshed = stack.run("refresh").ok();
    assert!(!refreshed.says(CANARY));
    for folder in [".semantest", "backend", "home"] {
        for file in real::files(&stack.file(folder)) {
            let text = String::from_utf8_lossy(&std::fs::read(&file).expect("a file")).into_owned();
            assert!(!text.contains(CANARY), "{} holds it", file.display());
        }
    }
}

#[test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
fn what_the_program_ignores_is_left_as_it_is() {
    let program = |greeting: &str| {
        format!(
            "
resources:
  component:
    type: semantest:Deployment
    properties:
      configuration: {{ environment_variables: {{ GREETING: {greeting} }} }}
    options: {{ ignoreChanges: [configuration] }}
outputs:
  endpoint: ${{component.endpoint}}
"
        )
    };
    let stack = Stack::with_program(&program("first"));
    stack.up().ok();
    stack.program(&program("second"));
    stack.up().ok().saying("2 unchanged");
    assert_eq!(get(&stack.output("endpoint")), "first");
}

#[test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
fn pulumi_takes_our_schema() {
    let stack = Stack::new();
    let schema = stack.pulumi(&["package", "get-schema", "./bin/pulumi-resource-semantest"]).ok();
    assert_eq!(schema.json()["name"], "semantest");
    stack.write("schema.json", &schema.stdout);
    stack.pulumi(&["schema", "check", "schema.json"]).ok();
}
