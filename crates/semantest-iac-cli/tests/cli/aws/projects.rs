//! Projects to deploy.

use semantest_iac_testkit::aws_emulator::AwsEmulator;

use super::AwsProject;
use crate::program::Project;

/// The first user's workload, as it is in the examples, in its production environment.
pub fn semantest(name: &str) -> AwsProject {
    let project = Project::example("semantest");
    project.replace("semantest.toml", "project = \"semantest\"", &format!("project = \"{name}\""));
    let mut aws = AwsProject::new(project, name);
    aws.place = vec!["--provider", "aws", "--environment", "production"];
    aws
}

/// Only the WebSocket component of it.
pub fn websocket(name: &str) -> AwsProject {
    let mut aws = semantest(name);
    aws.place.extend(["--component", "websocket"]);
    aws
}

const HEAD: &str = "\n[environments.dev]\nprovider = \"aws\"\nregion = \"eu-west-1\"\n";

fn own(name: &str, components: &str) -> AwsProject {
    let project = Project::empty();
    project.write("semantest.toml", &format!("project = \"{name}\"\n{HEAD}\n{components}"));
    AwsProject::new(project, name)
}

/// One Python function behind `GET /hello`.
pub fn hello(name: &str) -> AwsProject {
    hellos(name, &["hello"])
}

/// Several components of one Python function each.
pub fn hellos(name: &str, components: &[&str]) -> AwsProject {
    let definition = |component: &&str| {
        format!(
            "[components.{component}]\nkind = \"rest-api\"\ncode = \"hello\"\nruntime = \"python3.12\"\n\
             handler = \"app.handler\"\nmemory_mb = 128\ntimeout_s = 10\nroutes = [\"GET /hello\"]\n\
             environment_variables = {{ GREETING = \"hello\" }}\n\n"
        )
    };
    let aws = own(name, &components.iter().map(definition).collect::<String>());
    std::fs::create_dir(aws.project.file("hello")).expect("a folder");
    aws.project.write(
        "hello/app.py",
        r#"import os

def handler(event, context):
    print("greeting", event.get("rawPath"))
    return {"statusCode": 200, "body": os.environ["GREETING"] + " one"}
"#,
    );
    aws
}

/// As [`hello`], with a layer whose words the function answers with.
pub fn layered(name: &str) -> AwsProject {
    let aws = hello(name);
    aws.project.replace(
        "semantest.toml",
        "code = \"hello\"",
        "code = \"hello\"\nlayers = [\"layers/words\"]",
    );
    std::fs::create_dir_all(aws.project.file("layers/words/python")).expect("a folder");
    aws.project.write("layers/words/python/words.py", "TEXT = 'first words'\n");
    aws.project.replace("hello/app.py", "import os", "import os\nfrom words import TEXT");
    aws.project.replace("hello/app.py", "+ \" one\"", "+ \" \" + TEXT");
    aws
}

/// Two Python functions of one component, each with code of its own.
pub fn orders(name: &str) -> AwsProject {
    let aws = own(
        name,
        r#"[components.orders]
kind = "rest-api"
runtime = "python3.12"
memory_mb = 128
timeout_s = 10

[components.orders.functions.list]
code = "list"
handler = "app.handler"
routes = ["GET /orders"]

[components.orders.functions.create]
code = "create"
handler = "app.handler"
routes = ["POST /orders"]
"#,
    );
    for (folder, answer) in [("list", "all orders"), ("create", "created")] {
        std::fs::create_dir(aws.project.file(folder)).expect("a folder");
        let code = format!(
            "def handler(event, context):\n    return {{\"statusCode\": 200, \"body\": \"{answer}\"}}\n"
        );
        aws.project.write(&format!("{folder}/app.py"), &code);
    }
    aws
}

/// A container behind a load balancer, with somebody who serves Application Auto Scaling.
pub fn worker(name: &str) -> AwsProject {
    let aws = own(
        name,
        r#"[components.worker]
kind = "container-service"
image = "registry.example/worker:1.4"
port = 8080
cpu = 0.25
memory_mb = 512
replicas = { min = 1, max = 4, target_cpu_percent = 60 }
"#,
    );
    aws.proxy.send_to("application-autoscaling", &AwsEmulator::shared().scaling_url());
    aws
}
