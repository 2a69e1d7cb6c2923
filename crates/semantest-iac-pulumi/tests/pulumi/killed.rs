//! kill -9 in the middle, and Ctrl-C: the same command again ends as if nothing had happened, with the real `pulumi`.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::real::{self, COMMAND, Stack, get};
use semantest_iac::ports::event_store::Position;

/// The moments, in milliseconds from the first entry in the log.
const MOMENTS: [u64; 6] = [0, 2, 6, 14, 30, 60];

/// How long anything that is waited for may take, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(120);

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

/// Waits until the log has its first entry; whether that was before the end.
async fn begun(stack: &Stack, child: &mut Child) -> bool {
    let iac = stack.iac().await;
    let deadline = Instant::now() + PATIENCE;
    while iac.head().await.expect("the log") == Position::default() {
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

/// Kills a first `up` at `moment`; whether it was in the middle of it.
async fn killed(stack: &Stack, victim: Victim, moment: Duration) -> bool {
    let mut child = start(stack);
    begun(stack, &mut child).await;
    std::thread::sleep(moment);
    // The plugin stands in a group of its own.
    let mut victims = plugins(child.id());
    if victim == Victim::Everybody {
        victims.push(format!("-{}", child.id()));
    }
    victims.iter().for_each(|target| signal("-KILL", target));
    await_that("no plugin is left", || left(stack).is_empty());
    child.wait().expect("its end");
    let history = stack.history("rest-api").await;
    !history.iter().any(|event| event == "InfrastructureUpdated" || event == "InfrastructureUpdateFailed")
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
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Kills a first `up` at several moments, runs it again, and looks at what is there.
async fn walk(victim: Victim) {
    let mut in_the_middle = 0;
    // A busy machine may miss a moment: then they come again.
    for (round, moment) in MOMENTS.iter().cycle().take(3 * MOMENTS.len()).enumerate() {
        if round >= MOMENTS.len() && in_the_middle >= 2 {
            break;
        }
        let moment = Duration::from_millis(*moment);
        let stack = Stack::new();
        in_the_middle += u32::from(killed(&stack, victim, moment).await);
        // What Pulumi's own file backend asks for after a crash: its lock is a file that stayed.
        stack.pulumi(&["cancel", "--yes", "-s", "production"]);
        stack.up().ok();
        assert_eq!(get(&stack.output("endpoint")), "hello", "{victim:?}, {moment:?}");
        stack.up().ok().saying("2 unchanged");
        let history = stack.history("rest-api").await;
        let made = history.iter().filter(|event| *event == "ResourceCreated").count();
        assert_eq!(made, 2, "{victim:?}, {moment:?}: {history:?}");
        stack.run("destroy").ok();
        let functions = real::files(&stack.file(".semantest/local/functions"));
        assert!(functions.is_empty(), "{victim:?}, {moment:?}: {functions:?}");
    }
    assert!(in_the_middle >= 2, "{victim:?}: only {in_the_middle} kills were in the middle");
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

#[tokio::test]
#[ignore = "needs a real pulumi: cargo xtask pulumi"]
async fn ctrl_c_ends_in_good_order_and_the_next_up_goes_on() {
    for moment in [0, 10, 40].map(Duration::from_millis) {
        let stack = Stack::new();
        let mut child = start(&stack);
        begun(&stack, &mut child).await;
        std::thread::sleep(moment);
        signal("-INT", &child.id().to_string());
        child.wait().expect("its end");
        await_that("the plugin ends with its engine", || left(&stack).is_empty());
        let history = stack.history("rest-api").await;
        let last = history.last().map(String::as_str);
        let in_order = ["InfrastructureUpdated", "InfrastructureUpdateFailed"];
        assert!(last.is_some_and(|last| in_order.contains(&last)), "{moment:?}: {history:?}");
        stack.up().ok();
        assert_eq!(get(&stack.output("endpoint")), "hello", "{moment:?}");
        stack.up().ok().saying("2 unchanged");
    }
}
