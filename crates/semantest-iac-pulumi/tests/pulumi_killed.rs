//! kill -9 in the middle, and Ctrl-C: the same command again ends as if nothing had happened, with the real `pulumi`.

mod real;

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use real::{COMMAND, Stack, get};

/// How far apart the moments after the log was begun are, and how many there are.
const STEP: Duration = Duration::from_millis(6);
const MOMENTS: u32 = 6;

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Victim {
    /// Engine, plugin and language host.
    Everybody,
    /// The plugin; the engine lives on and has to tell of it.
    Plugin,
}

/// Starts the literal command in a process group of its own.
fn start(stack: &Stack) -> Child {
    let arguments = [&COMMAND[..], &["--yes", "--non-interactive", "--skip-preview"]].concat();
    let mut command = stack.command(&arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).spawn().expect("pulumi runs")
}

fn signal(name: &str, target: &str) {
    let _ = Command::new("kill").args([name, "--", target]).stderr(Stdio::null()).status();
}

/// Waits until the deployment is begun, which is when the log is; whether it is.
fn begun(stack: &Stack, child: &mut Child) -> bool {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !stack.file(".semantest").exists() {
        if child.try_wait().expect("pulumi").is_some() {
            return false;
        }
        assert!(Instant::now() < deadline, "it never began");
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

/// The plugin that the engine `group` started: it is no child of ours, and others run beside it.
fn plugins(group: u32) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").expect("proc").flatten();
    let ids = processes.filter_map(|entry| entry.file_name().into_string().ok());
    ids.filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()) && is_plugin(id, group)).collect()
}

/// A plugin of that engine; not the host of functions, which is the same program and lives on.
fn is_plugin(id: &str, engine: u32) -> bool {
    let process = Path::new("/proc").join(id);
    let stat = std::fs::read_to_string(process.join("stat")).unwrap_or_default();
    let parent = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)?.parse::<u32>().ok());
    let words = std::fs::read(process.join("cmdline")).unwrap_or_default();
    parent == Some(engine) && String::from_utf8_lossy(&words).contains("pulumi-resource-semantest")
}

/// Kills a first `up` at `moment`; whether it had not ended by itself.
fn killed(stack: &Stack, victim: Victim, moment: u32) -> bool {
    let mut child = start(stack);
    let mut under_way = begun(stack, &mut child);
    std::thread::sleep(STEP * moment);
    under_way &= matches!(child.try_wait(), Ok(None));
    match victim {
        Victim::Everybody => signal("-KILL", &format!("-{}", child.id())),
        Victim::Plugin => plugins(child.id()).iter().for_each(|id| signal("-KILL", id)),
    }
    // Plugins may stand in groups of their own: none of this engine's is left to go on.
    if victim == Victim::Everybody {
        await_that("no plugin is left", || left(stack).is_empty());
    }
    child.wait().expect("its end");
    under_way
}

/// Plugins that still run in the stack's folder.
fn left(stack: &Stack) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").expect("proc").flatten();
    let ids = processes.filter_map(|entry| entry.file_name().into_string().ok());
    let here = stack.path().canonicalize().expect("a folder");
    ids.filter(|id| {
        let process = Path::new("/proc").join(id);
        let words = std::fs::read(process.join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).into_owned();
        let is_host = words.contains("local\0host");
        words.contains("pulumi-resource-semantest")
            && !is_host
            && std::fs::read_link(process.join("cwd")).is_ok_and(|folder| folder.starts_with(&here))
    })
    .collect()
}

fn await_that(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Kills a first `up` at several moments, runs it again, and looks at what is there.
async fn walk(victim: Victim) {
    let mut in_time = 0;
    for moment in 0..MOMENTS {
        let stack = Stack::new();
        in_time += u32::from(killed(&stack, victim, moment));
        // What Pulumi's own file backend asks for after a crash: its lock is a file that stayed.
        stack.pulumi(&["cancel", "--yes", "-s", "production"]);
        stack.up().ok();
        assert_eq!(get(&stack.output("endpoint")), "hello", "{victim:?}, moment {moment}");
        stack.up().ok().saying("2 unchanged");
        let history = stack.history("rest-api").await;
        let made = history.iter().filter(|event| *event == "ResourceCreated").count();
        assert_eq!(made, 2, "{victim:?}, moment {moment}: {history:?}");
        stack.run("destroy").ok();
        let functions = real::files(&stack.file(".semantest/local/functions"));
        assert!(functions.is_empty(), "{victim:?}, moment {moment}: {functions:?}");
    }
    assert!(in_time >= 2, "{victim:?}: only {in_time} of {MOMENTS} moments were in time");
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn an_up_that_was_killed_with_everything_is_taken_up_by_the_next() {
    walk(Victim::Everybody).await;
}

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn an_up_whose_plugin_was_killed_is_taken_up_by_the_next() {
    walk(Victim::Plugin).await;
}

#[test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
fn ctrl_c_ends_in_good_order_and_the_next_up_goes_on() {
    for moment in 0..3 {
        let stack = Stack::new();
        let mut child = start(&stack);
        begun(&stack, &mut child);
        std::thread::sleep(STEP * moment * 2);
        signal("-INT", &child.id().to_string());
        child.wait().expect("its end");
        await_that("the plugin ends with its engine", || left(&stack).is_empty());
        stack.up().ok();
        assert_eq!(get(&stack.output("endpoint")), "hello", "moment {moment}");
        stack.up().ok().saying("2 unchanged");
    }
}
