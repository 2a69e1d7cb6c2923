//! Layers on this machine: functions find in them what they find on AWS, and they are versioned like code.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::program::dev::{Dev, wait_for};
use crate::program::{Project, get};
use serde_json::{Value, json};

const PROJECT: &str = r#"project = "shop"

[environments.dev]
provider = "local"

[components.api]
kind = "rest-api"
code = "api"
runtime = "python3.12"
memory_mb = 128
timeout_s = 10
layers = ["layers/common", "layers/late.zip"]

[components.api.functions.python]
handler = "app.handler"
routes = ["GET /python"]
environment_variables = { AWS_LAMBDA_EXEC_WRAPPER = "/opt/wrapper" }

[components.api.functions.searching]
handler = "app.handler"
routes = ["GET /searching"]
environment_variables = { PYTHONPATH = "/nowhere" }

[components.api.functions.inside]
handler = "inside.handler"
routes = ["GET /inside"]

[components.api.functions.node]
runtime = "nodejs20.x"
handler = "index.handler"
routes = ["GET /node"]

[components.api.functions.wrapped]
runtime = "nodejs20.x"
handler = "/opt/nodejs/node_modules/early/index.wrapped"
routes = ["GET /wrapped"]

[components.api.functions.shell]
runtime = "provided.al2023"
layers = ["layers/runtime"]
routes = ["GET /shell"]

[components.api.functions.limits]
handler = "app.limits"
timeout_s = 3
routes = ["GET /sleep", "GET /memory"]
"#;

const PYTHON: &str = r#"
import os, shutil, subprocess, sys, time

def handler(event, context):
    found = {"opt": os.environ["SEMANTEST_OPT"], "wrapped": os.environ.get("WRAPPED"), "user": os.getuid()}
    try:
        import both, late, own, site_module
        found["modules"] = [both.TEXT, late.TEXT, own.TEXT, site_module.TEXT]
    except ImportError as error:
        return {**found, "missing": str(error)}
    found["tool"] = subprocess.check_output(["greet"], text=True).strip()
    found["tool_in_opt"] = shutil.which("greet") == found["opt"] + "/bin/greet"
    found["libraries"] = os.environ["LD_LIBRARY_PATH"].split(":")[-1] == found["opt"] + "/lib"
    root = os.environ["LAMBDA_TASK_ROOT"]
    site = found["opt"] + "/python/lib/python3.12/site-packages"
    found["order"] = sys.path[:3] == [root, site, found["opt"] + "/python"]
    with open(found["opt"] + "/data.txt") as file:
        found["data"] = file.read()
    return found

def limits(event, context):
    if event["rawPath"] == "/memory":
        hog = bytearray(400 * 1024 * 1024)
    subprocess.Popen(["sleep", "300"], env={**os.environ, "MARK": os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]})
    print("mark", os.environ["AWS_LAMBDA_LOG_STREAM_NAME"], flush=True)
    time.sleep(60)
"#;

const NODE: &str = "
const early = require('early');
exports.handler = async () => ({ early: early.text, late: require('late').text, both: require('both').text });
";

const SHELL: &str = r#"#!/bin/sh
# A runtime of its own in a layer.
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
exec python3 -c '
import http.client, json, os
while True:
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    event = api.getresponse()
    request_id, text = event.headers["Lambda-Runtime-Aws-Request-Id"], event.read()
    body = json.dumps("from " + os.environ["LAMBDA_TASK_ROOT"] + " by a layer")
    api.request("POST", f"/2018-06-01/runtime/invocation/{request_id}/response", body)
    api.getresponse().read()
'
"#;

/// Packs files into a zip, by Python: names and texts in turn, `!` before the name of what may be run.
const PACK: &str = r#"
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as package:
    for name, text in zip(sys.argv[2::2], sys.argv[3::2]):
        entry = zipfile.ZipInfo(name.lstrip("!"))
        entry.external_attr = (0o755 if name.startswith("!") else 0o644) << 16
        package.writestr(entry, text)
"#;

fn zip(project: &Project, to: &str, files: &[(&str, &str)]) {
    let files = files.iter().flat_map(|(name, text)| [*name, *text]);
    let packed = Command::new("python3").args(["-c", PACK]).arg(project.file(to)).args(files).status();
    assert!(packed.expect("Python runs").success());
}

fn write(project: &Project, path: &str, text: &str) {
    std::fs::create_dir_all(project.file(path).parent().expect("a parent")).expect("a folder");
    project.write(path, text);
}

fn executable(project: &Project, path: &str, text: &str) {
    write(project, path, text);
    assert!(Command::new("chmod").arg("+x").arg(project.file(path)).status().expect("chmod").success());
}

fn project() -> Project {
    let project = Project::empty();
    project.write("semantest.toml", PROJECT);
    write(&project, "api/app.py", PYTHON);
    write(&project, "api/own.py", "TEXT = 'own code first'");
    write(&project, "api/index.js", NODE);
    write(&project, "layers/common/python/both.py", "TEXT = 'from the first'");
    write(&project, "layers/common/python/own.py", "TEXT = 'a layer'");
    write(
        &project,
        "layers/common/python/inside.py",
        "def handler(event, context): return 'handler in a layer'",
    );
    write(&project, "layers/common/python/lib/python3.12/site-packages/site_module.py", "TEXT = 'site'");
    write(&project, "layers/common/data.txt", "data of a layer");
    executable(&project, "layers/common/bin/greet", "#!/bin/sh\necho hello from bin\n");
    executable(&project, "layers/common/wrapper", "#!/bin/sh\nexport WRAPPED=yes\nexec \"$@\"\n");
    write(
        &project,
        "layers/common/nodejs/node_modules/early/index.js",
        "exports.text = 'early'; exports.wrapped = async () => 'handler at /opt';",
    );
    write(&project, "layers/common/nodejs/node_modules/both/index.js", "exports.text = 'any';");
    write(&project, "layers/common/nodejs/node20/node_modules/both/index.js", "exports.text = 'node20';");
    executable(&project, "layers/runtime/bootstrap", SHELL);
    let late = [
        ("python/both.py", "TEXT = 'from the last'"),
        ("python/late.py", "TEXT = 'late'"),
        ("nodejs/node_modules/late/index.js", "exports.text = 'late'"),
    ];
    zip(&project, "layers/late.zip", &late);
    project
}

fn deployed(project: &Project) -> String {
    let answer = project.json(&["deploy"]).ok();
    answer["endpoint"].as_str().expect("an endpoint").to_owned()
}

fn asked(endpoint: &str, path: &str) -> Value {
    let (status, body) = get(endpoint, path);
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap_or_else(|_| json!(body))
}

fn logged(project: &Project) -> String {
    let lines = project.json(&["logs", "--limit", "1000"]).ok();
    let lines = lines["lines"].as_array().expect("lines").iter();
    lines.filter_map(|line| line["message"].as_str()).collect::<Vec<_>>().join("\n")
}

#[test]
fn functions_find_in_their_layers_what_they_find_on_aws() {
    let project = project();
    let endpoint = deployed(&project);
    let python = asked(&endpoint, "/python");
    let modules = json!(["from the last", "late", "own code first", "site"]);
    assert_eq!(python["modules"], modules, "later layers before earlier ones, and code before all: {python}");
    assert_eq!(python["tool"], "hello from bin");
    assert_eq!(python["data"], "data of a layer");
    for what in ["tool_in_opt", "libraries", "order"] {
        assert_eq!(python[what], true, "{what}: {python}");
    }
    assert_eq!(python["wrapped"], "yes", "the wrapper in the layer has started the runtime");
    assert_eq!(python["user"].to_string(), user(), "the function is who deployed it");
    if python["opt"] != "/opt" {
        assert!(logged(&project).contains("cannot be mounted at /opt here"), "{}", logged(&project));
    }
    let searching = asked(&endpoint, "/searching");
    assert_eq!(searching["missing"], "No module named 'both'", "a PYTHONPATH takes the layers' place");
    assert_eq!(asked(&endpoint, "/inside"), "handler in a layer");
    assert_eq!(asked(&endpoint, "/node"), json!({ "early": "early", "late": "late", "both": "node20" }));
    assert_eq!(asked(&endpoint, "/wrapped"), "handler at /opt");
    let shell = asked(&endpoint, "/shell").to_string();
    assert!(shell.contains("/packages/") && shell.contains(" by a layer"), "{shell}");
    for wrong in ["/opt/data.txt", "/opt/python"] {
        assert!(!Path::new(wrong).exists(), "nobody but the functions has it at {wrong}");
    }

    changes_and_goes_back(&project, &endpoint);
    is_ended_with_its_children(&project, &endpoint);
}

fn user() -> String {
    let id = Command::new("id").arg("-u").output().expect("id");
    String::from_utf8_lossy(&id.stdout).trim().to_owned()
}

fn changes_and_goes_back(project: &Project, endpoint: &str) {
    assert_eq!(project.json(&["deploy"]).ok()["status"], "unchanged");
    write(project, "layers/common/data.txt", "other data");
    let plan = project.json(&["plan"]).ok();
    let steps = plan["steps"].as_array().expect("steps").iter();
    let updated: Vec<&str> =
        steps.filter(|step| step["action"] == "update").filter_map(|step| step["address"].as_str()).collect();
    assert_eq!(updated.len(), 6, "those with the layer, and no other: {updated:?}");
    assert!(!updated.contains(&"function.shell"), "{updated:?}");
    let answer = project.json(&["deploy"]).ok();
    assert_eq!(answer["changes"]["updated"], 6, "{answer}");
    assert_eq!(asked(endpoint, "/python")["data"], "other data");
    project.json(&["rollback"]).ok();
    assert_eq!(asked(endpoint, "/python")["data"], "data of a layer", "the old layer is back");
    project.replace(
        "semantest.toml",
        r#"["layers/common", "layers/late.zip"]"#,
        r#"["layers/late.zip", "layers/common"]"#,
    );
    project.json(&["deploy"]).ok();
    assert_eq!(asked(endpoint, "/python")["modules"][0], "from the first", "the order counts");
}

fn is_ended_with_its_children(project: &Project, endpoint: &str) {
    for path in ["/sleep", "/memory"] {
        assert_eq!(get(endpoint, path).0, 500, "{path}");
    }
    let log = logged(project);
    assert!(
        log.contains("Task timed out after 3.00 seconds") && log.contains("memory above 128 MB"),
        "{log}"
    );
    let marks: Vec<&str> = log.lines().filter_map(|line| line.strip_prefix("mark ")).collect();
    assert!(!marks.is_empty(), "{log}");
    nothing_runs_with("a child of a function that was killed", |variables| {
        marks.iter().any(|mark| variables.contains(&format!("MARK={mark}")))
    });
    asked(endpoint, "/python");
    let host = std::fs::read_to_string(project.file(".semantest/local/host.lock")).expect("a host");
    let host: String = host.chars().filter(char::is_ascii_digit).collect();
    assert!(Command::new("kill").args(["-KILL", &host]).status().expect("kill").success());
    let state = std::fs::canonicalize(project.file(".semantest")).expect("its folder").display().to_string();
    nothing_runs_with("a worker of a host that was killed", |variables| {
        variables.contains(&format!("LAMBDA_TASK_ROOT={state}"))
    });
}

/// Waits until there is no such process.
fn nothing_runs_with(what: &str, is_it: impl Fn(&str) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    let environments = || {
        let processes = std::fs::read_dir("/proc").expect("proc").flatten();
        processes.filter_map(|process| std::fs::read(process.path().join("environ")).ok())
    };
    while environments().any(|bytes| is_it(&String::from_utf8_lossy(&bytes))) {
        assert!(Instant::now() < deadline, "{what} lives on");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_layer_that_is_saved_is_served() {
    let project = Project::init("python");
    project.replace(
        "semantest.toml",
        "code = \"rest-api\"",
        "code = \"rest-api\"\nlayers = [\"layers/words\"]",
    );
    write(&project, "layers/words/python/words.py", "TEXT = 'first words'");
    project.write("rest-api/app.py", "import words\ndef handler(event, context):\n    return words.TEXT\n");
    let mut dev = Dev::start(&project, &[]);
    let endpoint = dev.ready();
    wait_for(&endpoint, "first words");
    project.write("layers/words/python/words.py", "TEXT = 'other words'");
    wait_for(&endpoint, "other words");
    assert_eq!(dev.end(), 130);
}

#[test]
fn layers_that_cannot_be_had_here_are_refused_with_file_and_line_before_anything_is_made() {
    let project = Project::init("python");
    std::fs::create_dir(project.file("layers")).expect("a folder");
    zip(&project, "layers/hostile.zip", &[("../../escaped.py", "")]);
    project.write("layers/torn.zip", "no zip");
    project.replace("semantest.toml", "code = \"rest-api\"", "code = \"rest-api\"\nlayers = []");
    let arn = "arn:aws:lambda:eu-west-1:123456789012:layer:tools:3";
    let mut written = "[]".to_owned();
    for (layers, why) in [
        (
            arn,
            "aws lambda get-layer-version-by-arn --arn arn:aws:lambda:eu-west-1:123456789012:layer:tools:3",
        ),
        ("layers/hostile.zip", "`../../escaped.py` of the package leads out of the package"),
        ("layers/torn.zip", "is neither a folder nor a zip that can be read"),
        ("layers/none", "does not exist"),
        ("../layers", "must be a path inside the project folder"),
    ] {
        let wanted = format!("[\"{layers}\"]");
        project.replace("semantest.toml", &format!("layers = {written}"), &format!("layers = {wanted}"));
        written = wanted;
        let refused = project.json(&["deploy"]);
        let error = refused.json()["error"].clone();
        assert!(error["message"].as_str().is_some_and(|message| message.contains(why)), "{layers}: {error}");
        assert!(error["message"].to_string().contains("semantest.toml, line "), "{layers}: {error}");
        assert_eq!(error["context"]["field"], "components.rest-api.layers", "{layers}: {error}");
    }
    assert!(!project.file(".semantest/local/host.lock").exists(), "no host was started");
    assert!(
        !project.file("escaped.py").exists()
            && !project.path().parent().expect("a parent").join("escaped.py").exists()
    );
}
