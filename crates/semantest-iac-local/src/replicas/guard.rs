//! Sees to it that no replica outlives the host, not even its children: the kernel ends only the process that the host itself has
//! started. A shell of its own waits for the end of a pipe that the host alone holds open; what is then still on its list it kills.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;

use crate::replicas::environment::{REPLICA, of_engine};

/// Reads lines `add <group>`, `remove <group>`, `container <name> <engine>`; `$1` is a pattern of the variable that replicas of this host
/// have in their environments. What has left its group is found by that, where the system shows environments (Linux).
const SCRIPT: &str = r#"
groups=" "
containers="
"
while read -r word what engine; do
  case "$word" in
    add) groups="$groups$what " ;;
    remove) case "$groups" in *" $what "*) groups="${groups%% $what *} ${groups#* $what }" ;; esac ;;
    container) containers="$containers$what $engine
" ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
printf %s "$containers" | while read -r name engine; do
  [ -n "$name" ] && "$engine" rm --force "$name" >/dev/null 2>&1
done
for round in 1 2 3 4 5; do
  left=$(grep -lsz -e "$1" /proc/[0-9]*/environ 2>/dev/null)
  [ -n "$left" ] || break
  for one in $left; do
    one=${one#/proc/}; one=${one%/environ}
    [ "$one" = "$$" ] || kill -s KILL "$one" 2>/dev/null
  done
done
"#;

/// What is on the list.
#[derive(Clone, Debug)]
pub(crate) enum Guarded {
    /// The process group that this process leads.
    Group(u32),
    /// A container.
    Container { engine: PathBuf, name: String },
}

/// The shell that watches over the replicas of a host.
pub(crate) struct Guard {
    /// Tells replicas of this host from those of the one that takes its place.
    run: String,
    shell: Mutex<Option<(Child, ChildStdin)>>,
}

impl Guard {
    /// Nothing is started before there is something on the list.
    pub fn new() -> Self {
        Self { run: short_id(8), shell: Mutex::default() }
    }

    /// Who a replica is: no two are called the same, and this guard knows its own.
    pub fn identity(&self, service: &str, number: u32) -> String {
        format!("{service}-{number}-{}{}", self.run, short_id(4))
    }

    /// Puts it on the list.
    pub fn add(&self, what: &Guarded) {
        let line = match what {
            Guarded::Group(leader) => format!("add {leader}\n"),
            Guarded::Container { engine, name } => format!("container {name} {}\n", engine.display()),
        };
        self.tell(&line);
    }

    /// The group has ended: its number may come again.
    pub fn remove(&self, leader: u32) {
        self.tell(&format!("remove {leader}\n"));
    }

    fn tell(&self, line: &str) {
        let mut shell = self.shell.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if shell.as_mut().is_none_or(|(child, _)| !matches!(child.try_wait(), Ok(None))) {
            *shell = self.start();
        }
        let told = shell.as_mut().map(|(_, input)| input.write_all(line.as_bytes()));
        if let Some(Err(error)) = told {
            eprintln!("the guard of replicas cannot be told: {error}");
        }
    }

    fn start(&self) -> Option<(Child, ChildStdin)> {
        let mut command = Command::new("/bin/sh");
        let pattern = format!("^{REPLICA}=.*-{}....$", self.run);
        command.args(["-c", SCRIPT, "semantest-replica-guard", &pattern]).env_clear();
        // An engine without a daemon finds its containers by these: podman's are below HOME and XDG_RUNTIME_DIR.
        command.envs(of_engine(&std::env::var("PATH").unwrap_or_default())).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // A signal to the host's group is not meant for it.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        match command.spawn() {
            Ok(mut child) => child.stdin.take().map(|input| (child, input)),
            Err(error) => {
                eprintln!("replicas are not guarded: /bin/sh cannot be started: {error}");
                None
            }
        }
    }
}

/// So many hexadecimal digits.
fn short_id(digits: usize) -> String {
    let mut id = uuid::Uuid::new_v4().simple().to_string();
    id.truncate(digits);
    id
}

impl Drop for Guard {
    /// The end of its input is what it waits for.
    fn drop(&mut self) {
        let shell = self.shell.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        if let Some((mut child, input)) = shell {
            drop(input);
            let _ = child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;

    use super::*;

    fn sleeper(identity: Option<String>) -> Child {
        let mut command = Command::new("sleep");
        command.arg("600").process_group(0);
        command.envs(identity.map(|identity| (REPLICA, identity)));
        command.spawn().expect("a process")
    }

    #[test]
    fn what_is_on_the_list_or_marked_ends_with_the_host_and_nothing_else() {
        let (guard, other) = (Guard::new(), Guard::new());
        let (mut listed, mut taken_off) = (sleeper(None), sleeper(None));
        let mut marked = sleeper(Some(guard.identity("shop-dev-web", 1)));
        let mut of_another = sleeper(Some(other.identity("shop-dev-web", 1)));
        guard.add(&Guarded::Group(taken_off.id()));
        guard.add(&Guarded::Group(listed.id()));
        guard.remove(taken_off.id());
        drop(guard);
        assert!(!listed.wait().expect("its end").success());
        if cfg!(target_os = "linux") {
            assert!(!marked.wait().expect("its end").success());
        }
        assert!(matches!(taken_off.try_wait(), Ok(None)), "it was taken off the list");
        assert!(matches!(of_another.try_wait(), Ok(None)), "another host's");
        for child in [&mut taken_off, &mut marked, &mut of_another] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
