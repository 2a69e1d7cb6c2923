//! Where a function finds the files of its layers: at `/opt`, as on AWS, where this machine lets its process have mounts of
//! its own (Linux, by util-linux's `unshare` and `mount`); else in the folder that they are in.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::host::definition::FunctionDefinition;
use crate::program_path::in_search_path;
use crate::runtime::interpreter::RuntimeFamily;

/// Where layers are on AWS.
const OPT: &str = "/opt";
/// Tells a function where they are here.
pub(crate) const VARIABLE: &str = "SEMANTEST_OPT";
/// Tells the bootstrap in Python which folders come after the function's own; it takes it out of the environment.
const PYTHON_FOLDERS: &str = "SEMANTEST_PYTHON_FOLDERS";
/// Where the system's own programs are: those on the user's `PATH` may be others.
const SYSTEM_PATH: &str = "/usr/bin:/bin:/usr/sbin:/sbin";
/// Layers cannot be written to on AWS. A mount with restrictions of its own may not be made read-only: then it is as it is.
const MOUNT: &str = r#"mount=$1; "$mount" --bind -o ro "$2" /opt 2>/dev/null || "$mount" --bind "$2" /opt || exit 125
shift 2; exec "$@""#;

/// How a process gets mounts of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mounts {
    unshare: PathBuf,
    mount: PathBuf,
    shell: PathBuf,
    /// Whether it needs a user namespace for that; within, it is this user again.
    own_user: bool,
}

/// The place of one function's layers.
#[derive(Debug)]
pub(crate) struct LayersPlace<'a> {
    folder: &'a Path,
    mounts: Option<&'static Mounts>,
}

impl<'a> LayersPlace<'a> {
    /// Of the layers in `folder`. What the function `needs` must not be hidden by them.
    pub fn of(folder: &'a Path, needs: &[&Path]) -> Self {
        let is_hidden = |path: &&Path| {
            let real = path.canonicalize();
            path.starts_with(OPT) || real.is_ok_and(|real| real.starts_with(OPT))
        };
        let mounts = if needs.iter().any(is_hidden) { None } else { Mounts::possible(folder) };
        Self { folder, mounts }
    }

    /// What whoever reads the function's log should know.
    pub fn warning(&self) -> Option<String> {
        let folder = self.folder.display();
        let text = format!(
            "the files of its layers are in {folder} ({VARIABLE}), which cannot be mounted at {OPT} here"
        );
        self.mounts.is_none().then_some(text)
    }

    /// The folder as the function sees it.
    pub fn seen(&self) -> &Path {
        self.mounts.map_or(self.folder, |_| Path::new(OPT))
    }

    /// A file of the layers as the function sees it.
    pub fn as_seen(&self, file: &Path) -> PathBuf {
        file.strip_prefix(self.folder).map_or_else(|_| file.to_owned(), |inside| self.seen().join(inside))
    }

    /// A path that begins with `/opt` on AWS, as the function sees it; any other is left as it is.
    pub fn translated(&self, told: &str) -> String {
        let inside = told.strip_prefix(OPT).and_then(|rest| rest.strip_prefix('/'));
        inside.map_or_else(|| told.to_owned(), |inside| self.seen().join(inside).to_string_lossy().into())
    }

    /// A command that runs `program` and sees the layers.
    pub fn command(&self, program: &Path) -> Command {
        match self.mounts {
            Some(mounts) => mounts.command(self.folder, program),
            None => Command::new(program),
        }
    }

    /// What the runtime finds them by, where the user does not say otherwise.
    ///
    /// Source: AWS Lambda developer guide, "Layer paths for each Lambda runtime" and "Defined runtime environment variables".
    pub fn variables(&self, function: &FunctionDefinition) -> Vec<(&'static str, String)> {
        let opt = self.seen().display();
        let code = function.code_dir.display();
        let mut all = vec![
            ("PATH", format!("{}:{opt}/bin", function.search_path)),
            ("LD_LIBRARY_PATH", format!("{code}:{code}/lib:{opt}/lib")),
        ];
        match RuntimeFamily::parse(&function.runtime) {
            Some(RuntimeFamily::Node(major)) => {
                all.push((
                    "NODE_PATH",
                    format!("{opt}/nodejs/node{major}/node_modules:{opt}/nodejs/node_modules"),
                ));
            }
            // A search path of the user's own takes their place, as on AWS.
            Some(RuntimeFamily::Python(minor))
                if !function.environment_variables.contains_key("PYTHONPATH") =>
            {
                all.push((
                    PYTHON_FOLDERS,
                    format!("{opt}/python/lib/python3.{minor}/site-packages:{opt}/python"),
                ));
            }
            _ => {}
        }
        all
    }
}

impl Mounts {
    /// How it is done on this machine; asked once.
    fn possible(folder: &Path) -> Option<&'static Self> {
        static FOUND: OnceLock<Option<Mounts>> = OnceLock::new();
        FOUND.get_or_init(|| Self::find(folder)).as_ref()
    }

    fn find(folder: &Path) -> Option<Self> {
        let program = |name: &str| in_search_path(name, SYSTEM_PATH);
        let (unshare, mount, shell) = (program("unshare")?, program("mount")?, program("sh")?);
        // Who may mount anyway stays who he is: in a user namespace files of others would be closed to him.
        let own_user = [false, true].into_iter().filter(|own| *own || rustix::process::geteuid().is_root());
        let mut ways = own_user.map(|own_user| Self {
            unshare: unshare.clone(),
            mount: mount.clone(),
            shell: shell.clone(),
            own_user,
        });
        let nothing = program("true")?;
        ways.find(|way| {
            let mut command = way.command(folder, &nothing);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.env_clear().status().is_ok_and(|status| status.success())
        })
    }

    /// One process from beginning to end: each program gives way to the next.
    fn command(&self, folder: &Path, program: &Path) -> Command {
        let mut command = Command::new(&self.unshare);
        if self.own_user {
            command.args(["--user", "--map-root-user"]);
        }
        command
            .args(["--mount", "--"])
            .arg(&self.shell)
            .args(["-c", MOUNT, "sh"])
            .arg(&self.mount)
            .arg(folder);
        let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
        if self.own_user && !user.is_root() {
            command.arg(&self.unshare).arg("--user");
            command.arg(format!("--map-user={}", user.as_raw()));
            command.arg(format!("--map-group={}", group.as_raw())).arg("--");
        }
        command.arg(program);
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beside(folder: &Path) -> LayersPlace<'_> {
        // What it needs lies there itself.
        LayersPlace::of(folder, &[Path::new("/opt/python/bin/python3")])
    }

    #[test]
    fn where_opt_holds_what_the_function_needs_its_layers_are_beside_it() {
        let place = beside(Path::new("/state/packages/ab"));
        assert_eq!(place.translated("/opt/nodejs/wrap.handler"), "/state/packages/ab/nodejs/wrap.handler");
        assert_eq!(place.translated("/optional/wrap.handler"), "/optional/wrap.handler");
        assert_eq!(
            place.as_seen(Path::new("/state/packages/ab/bootstrap")),
            Path::new("/state/packages/ab/bootstrap")
        );
        assert_eq!(place.command(Path::new("/usr/bin/node")).get_program(), "/usr/bin/node");
        assert!(place.warning().expect("a warning").contains("/state/packages/ab (SEMANTEST_OPT)"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_with_mounts_of_its_own_is_this_user_and_sees_the_layers_at_opt() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("mark"), "from a layer").expect("a file");
        let place = LayersPlace::of(folder.path(), &[]);
        if place.mounts.is_none() {
            return assert!(place.warning().is_some(), "this machine lets nobody mount, and the log says so");
        }
        let shell = in_search_path("sh", SYSTEM_PATH).expect("sh");
        let script = "cat /opt/mark; id -u; touch /opt/mark 2>/dev/null && echo written";
        let output = place.command(&shell).args(["-c", script]).output().expect("it runs");
        let user = rustix::process::geteuid().as_raw();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            said.starts_with(&format!("from a layer{user}\n")),
            "{said} {}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(!Path::new("/opt/mark").exists(), "nobody else sees it");
    }
}
