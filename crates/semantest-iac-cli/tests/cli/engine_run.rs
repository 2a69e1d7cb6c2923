//! Container services of an image, by the container engine of this machine. Ignored unless asked for: `cargo xtask engine` asks, and
//! says so where it cannot.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use crate::container::{await_that, endpoint, project};
use crate::program::{Project, get};
use serde_json::json;

const CANARY: &str = "canary-84b1c07e55";

/// The first engine that answers.
fn engine() -> &'static str {
    let answers = |engine: &&str| {
        let asked = Command::new(engine).args(["ps", "--quiet"]).stdout(Stdio::null()).status();
        asked.is_ok_and(|status| status.success())
    };
    ["docker", "podman"].into_iter().find(answers).expect("neither docker nor podman answers here")
}

fn told(arguments: &[&str]) -> String {
    let ran = Command::new(engine()).args(arguments).output().expect("the engine runs");
    assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

/// No registry is needed: an image of a static busybox, whose server tells its environment.
fn image(tag: &str, version: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, text).expect("written");
        assert!(Command::new("chmod").arg("755").arg(path).status().expect("chmod").success());
    };
    write("www/index.html", "well");
    write(
        "www/cgi-bin/who",
        &format!(
            "#!/bin/sh\necho Content-type: text/plain; echo; env; echo VERSION={version}; echo NAME=$(hostname)\n"
        ),
    );
    write("serve", "#!/bin/sh\ntrap 'exit 0' TERM\nhttpd -f -p $PORT -h /www &\nwait\n");
    let made = "mkdir bin && cp \"$(command -v busybox)\" bin/ && for name in sh env hostname httpd; do ln -s busybox bin/$name; done \
                && tar cf image.tar bin www serve";
    let made = Command::new("sh").args(["-c", made]).current_dir(folder.path()).status();
    assert!(made.expect("sh").success(), "a static busybox is needed (busybox-static)");
    let tar = folder.path().join("image.tar");
    told(&["import", "--change", "CMD [\"/serve\"]", &tar.display().to_string(), tag]);
}

fn of_image(tag: &str) -> Project {
    let variables = "{ HOME = \"/app\", PATH = \"/bin\", PASSWORD = { secret = \"env:WEB_PASSWORD\" } }";
    let more = format!(
        "port = 8080\nmemory_mb = 128\nreplicas = {{ min = 2, max = 3 }}\nenvironment_variables = {variables}"
    );
    let mut project = project(&more);
    project.replace(
        "semantest.toml",
        "command = [\"python3\", \"server.py\"]",
        &format!("image = \"{tag}\""),
    );
    project.environment.push(("WEB_PASSWORD", CANARY.into()));
    project
}

/// Names of the containers of that project.
fn containers(project: &Project) -> BTreeSet<String> {
    let folder = project.file(".semantest/local").canonicalize().expect("a folder");
    let label = format!("label=semantest-iac.host={}", folder.display());
    let names = told(&["ps", "--all", "--filter", &label, "--format", "{{.Names}}"]);
    names.lines().map(str::to_owned).collect()
}

fn who(endpoint: &str) -> String {
    let (status, body) = get(endpoint, "/cgi-bin/who");
    assert_eq!(status, 200, "{body}");
    body
}

fn replicas(endpoint: &str) -> usize {
    let names =
        (0..12).map(|_| who(endpoint).lines().find(|line| line.starts_with("NAME=")).map(str::to_owned));
    names.collect::<BTreeSet<_>>().len()
}

#[test]
#[ignore = "needs a container engine that answers and a static busybox: `cargo xtask engine`"]
fn a_real_engine_runs_scales_replaces_and_ends_containers() {
    image("localhost/semantest-web:1", "one");
    image("localhost/semantest-web:2", "two");
    let project = of_image("localhost/semantest-web:1");
    let endpoint = endpoint(&project.json(&["deploy"]).ok());
    let environment = who(&endpoint);
    for said in [format!("PASSWORD={CANARY}"), "HOME=/app".into(), "PATH=/bin".into(), "VERSION=one".into()] {
        assert!(environment.lines().any(|line| line == said), "{said}: {environment}");
    }
    let first = containers(&project);
    assert_eq!((first.len(), replicas(&endpoint)), (2, 2), "{first:?}");
    let listing = Command::new("sh").args(["-c", "cat /proc/[0-9]*/cmdline"]).output().expect("a listing");
    assert!(!String::from_utf8_lossy(&listing.stdout).contains(CANARY));

    let killed = first.first().expect("a container").clone();
    told(&["kill", &killed]);
    await_that("another container", || {
        let now = containers(&project);
        now.len() == 2 && !now.contains(&killed) && replicas(&endpoint) == 2
    });
    project.json(&["scale", "--min", "3"]).ok();
    assert_eq!(replicas(&endpoint), 3);
    project.replace("semantest.toml", "semantest-web:1", "semantest-web:2");
    assert_eq!(project.json(&["deploy"]).ok()["status"], "deployed");
    assert!(who(&endpoint).contains("VERSION=two"));
    await_that("the old ones end", || {
        containers(&project).is_disjoint(&first) && containers(&project).len() == 3
    });

    project.replace("semantest.toml", "semantest-web:2", "semantest-no-such-image:1");
    let refused = project.json(&["deploy"]).json();
    let message = refused["error"]["message"].to_string();
    assert!(message.contains("exit code 125") && message.contains("semantest-no-such-image"), "{message}");
    assert!(who(&endpoint).contains("VERSION=two"), "the old one goes on");

    let host = std::fs::read_to_string(project.file(".semantest/local/host.lock")).expect("host.lock");
    assert!(Command::new("kill").args(["-KILL", host.trim()]).status().expect("kill").success());
    await_that("no container outlives the host", || containers(&project).is_empty());
    project.replace("semantest.toml", "semantest-no-such-image:1", "semantest-web:2");
    project.json(&["deploy"]).ok();
    assert!(who(&endpoint).contains("VERSION=two"));
    assert_eq!(project.json(&["destroy", "--yes"]).ok()["status"], json!("removed"));
    assert!(containers(&project).is_empty());
}
