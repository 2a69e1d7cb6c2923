//! Deploying to AWS: an emulated one behind a proxy that takes 50 ms for each call.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use semantest_iac_testkit::aws_emulator::{AwsEmulator, tools};
use semantest_iac_testkit::fault_proxy::{Call, FaultProxy, Quota};

const LATENCY: Duration = Duration::from_millis(50);

/// Each figure is the median of so many runs.
const RUNS: usize = 3;

fn main() {
    let emulator = AwsEmulator::start();
    let proxy = FaultProxy::start(&emulator.url());
    proxy.set_latency(LATENCY);
    println!("every call takes 50 ms more than the emulator; medians of {RUNS} runs");
    four_functions(&proxy);
    many_functions(&proxy, 50);
    proxy.enforce(Quota::documented());
    twenty_components(&proxy);
}

/// A project in a folder of its own, with another name in every run.
struct Project {
    folder: tempfile::TempDir,
    endpoint: String,
    quotas: &'static str,
}

impl Project {
    fn new(proxy: &FaultProxy, definition: &str, quotas: &'static str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("code")).expect("a folder");
        std::fs::write(folder.path().join("code/app.py"), "def handler(event, context):\n    return event\n")
            .expect("code");
        std::fs::write(folder.path().join("semantest.toml"), definition).expect("a project file");
        Self { folder, endpoint: proxy.url().to_owned(), quotas }
    }

    /// How long the program takes.
    fn run(&self, arguments: &[&str]) -> Duration {
        let own = std::env::current_exe().expect("this program");
        let program = own.parent().and_then(Path::parent).expect("target/release").join("semantest-iac");
        let mut command = Command::new(program);
        command.args(arguments).arg("--quiet").current_dir(self.folder.path());
        command.envs(AwsEmulator::environment(&self.endpoint)).env("SEMANTEST_AWS_QUOTAS", self.quotas);
        let start = Instant::now();
        let output = command.output().expect("the program: build it with `cargo build --release`");
        let said = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
        assert!(output.status.success(), "{}{}", said(&output.stdout), said(&output.stderr));
        start.elapsed()
    }
}

fn head(name: &str) -> String {
    format!("project = \"{name}\"\n[environments.dev]\nprovider = \"aws\"\nregion = \"eu-west-1\"\n")
}

/// `count` functions behind one API.
fn rest_api(component: &str, count: usize) -> String {
    let mut text =
        format!("[components.{component}]\nkind = \"rest-api\"\ncode = \"code\"\nruntime = \"python3.12\"\n");
    for number in 0..count {
        let _ = writeln!(
            text,
            "[components.{component}.functions.f{number}]\nhandler = \"app.handler\"\nroutes = [\"GET /f{number}\"]"
        );
    }
    text
}

/// The first user's workload: a REST API of one function, a WebSocket of three.
fn workload() -> String {
    let mut text = rest_api("rest-api", 1);
    text.push_str("[components.websocket]\ncode = \"code\"\nruntime = \"python3.12\"\n");
    for role in ["connect", "disconnect", "message"] {
        let _ = writeln!(text, "[components.websocket.functions.{role}]\nhandler = \"app.handler\"");
    }
    text
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn four_functions(proxy: &FaultProxy) {
    let (mut walls, mut ratios, mut idle, mut code) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut calls, mut code_calls) = (0, 0);
    for run in 0..RUNS {
        let project = Project::new(proxy, &(head(&format!("bench-four-{run}")) + &workload()), "documented");
        proxy.take_calls();
        let wall = project.run(&["deploy"]).as_secs_f64();
        let made = proxy.take_calls();
        calls = made.len();
        ratios.push(wall / longest_chain(&made));
        walls.push(wall);
        idle.push(project.run(&["deploy"]).as_secs_f64());
        assert_eq!(proxy.take_calls().len(), 0, "a deploy with nothing to do calls nobody");
        std::fs::write(
            project.folder.path().join("code/app.py"),
            "def handler(event, context):\n    return 2\n",
        )
        .expect("code");
        code.push(project.run(&["deploy"]).as_secs_f64());
        code_calls = proxy.take_calls().len();
        project.run(&["destroy", "--yes"]);
    }
    println!(
        "four functions, two APIs: {:.2} s, {calls} calls, {:.2} x the longest chain of dependent calls",
        median(walls),
        median(ratios)
    );
    println!("nothing to do: {:.0} ms, 0 calls", median(idle) * 1000.0);
    println!("other code for all four: {:.2} s, {code_calls} calls", median(code));
}

/// The longest way from a first call to a last one in which each needs the one before: a log group and its retention, the
/// function, until it is ready, its alias, the API's permission. As it took in this run, without any waiting in between.
fn longest_chain(calls: &[Call]) -> f64 {
    const CHAIN: [&str; 5] = [
        "logs:CreateLogGroup",
        "logs:PutRetentionPolicy",
        "lambda:CreateFunction",
        "lambda:CreateAlias",
        "lambda:AddPermission",
    ];
    let found = CHAIN.iter().filter(|name| calls.iter().any(|call| call.name() == **name)).count();
    assert_eq!(found, CHAIN.len(), "the chain has other calls than this benchmark knows");
    // The emulator keeps a function pending for half a second; a look tells when that is over.
    (LATENCY * (found as u32 + 1)).as_secs_f64() + 0.5
}

fn many_functions(proxy: &FaultProxy, count: usize) {
    let (mut ours, mut by_hand) = (Vec::new(), Vec::new());
    let mut calls = 0;
    for run in 0..RUNS {
        let definition = head(&format!("bench-many-{run}")) + &rest_api("orders", count);
        let project = Project::new(proxy, &definition, "off");
        proxy.take_calls();
        ours.push(project.run(&["deploy"]).as_secs_f64());
        calls = proxy.take_calls().len();
        project.run(&["destroy", "--yes"]);
        let fresh = AwsEmulator::start();
        let slow = FaultProxy::start(&fresh.url());
        slow.set_latency(LATENCY);
        by_hand.push(script(&slow, count).as_secs_f64());
    }
    let (ours, by_hand) = (median(ours), median(by_hand));
    println!(
        "{count} functions behind one API, no quotas: {ours:.2} s, {calls} calls; a script of 16 threads: {by_hand:.2} s; \
         ratio {:.2}",
        ours / by_hand
    );
}

fn script(proxy: &FaultProxy, count: usize) -> Duration {
    let folder = tempfile::tempdir().expect("a folder");
    let zip = folder.path().join("code.zip");
    let source = "import sys, zipfile; zipfile.ZipFile(sys.argv[1], 'w').writestr('app.py', 'def handler(e, c): pass')";
    let python = tools().join("venv/bin/python");
    let packed = Command::new(&python).args(["-c", source]).arg(&zip).status().expect("python");
    assert!(packed.success());
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tools/aws_script.py");
    let start = Instant::now();
    let ran = Command::new(&python)
        .arg(script)
        .arg(count.to_string())
        .arg(&zip)
        .envs(AwsEmulator::environment(proxy.url()))
        .status();
    assert!(ran.expect("python").success());
    start.elapsed()
}

fn twenty_components(proxy: &FaultProxy) {
    let components: Vec<String> = (0..20).map(|number| rest_api(&format!("api-{number}"), 1)).collect();
    let project = Project::new(proxy, &(head("bench-twenty") + &components.concat()), "documented");
    proxy.take_calls();
    let wall = project.run(&["deploy"]);
    let calls = proxy.take_calls();
    let throttled = calls.iter().filter(|call| call.was_throttled()).count();
    println!(
        "20 components at once under AWS's documented quotas: {:.1} s, {} calls, {throttled} throttled",
        wall.as_secs_f64(),
        calls.len()
    );
}
