//! The same handler answers the same requests alike behind every gateway: here, on this machine. The azure provider's own
//! tests send the same table to packaged function apps.

use crate::program::Project;
use semantest_iac_testkit::parity::Parity;

fn answers_as_the_table_says(runtime: &str) {
    let parity = Parity::read();
    let routes: Vec<String> = parity.routes().into_iter().map(|key| format!("{key:?}")).collect();
    let project = Project::init("python");
    for (name, content, _) in Parity::code() {
        project.write(&format!("rest-api/{name}"), std::str::from_utf8(&content).expect("text"));
    }
    let made = std::process::Command::new("chmod").arg("+x").arg(project.file("rest-api/bootstrap")).status();
    assert!(made.expect("chmod").success());
    project.write(
        "semantest.toml",
        &format!(
            "project = \"shop\"\n[environments.dev]\nprovider = \"local\"\n[components.rest-api]\n\
             code = \"rest-api\"\nruntime = \"{runtime}\"\nhandler = \"index.handler\"\nroutes = [{}]\n",
            routes.join(", ")
        ),
    );
    let answer = project.json(&["deploy"]).ok();
    let endpoint = answer["endpoint"].as_str().expect("an endpoint");
    let port = endpoint.trim_end_matches('/').rsplit(':').next().and_then(|port| port.parse().ok());
    parity.check(port.expect("a port"), "local");
}

#[test]
fn a_node_handler_answers_as_on_aws() {
    answers_as_the_table_says("nodejs20.x");
}

#[test]
fn a_python_handler_answers_as_on_aws() {
    answers_as_the_table_says("python3.12");
}

#[test]
fn a_program_of_the_users_own_answers_as_on_aws() {
    answers_as_the_table_says("provided.al2023");
}
