//! The command line of Pulumi, as a program.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use semantest_iac_core::{Error, ErrorKind, Result};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::error::no_pulumi;

/// The oldest version that is taken: it has all that is asked for (`refresh --preview-only`, tags of stacks in every backend). Tests run 3.259.
const OLDEST: (u64, u64) = (3, 200);

/// What keeps `pulumi` from asking, painting, and looking for a newer version of itself.
const QUIET: [&str; 3] = ["--non-interactive", "--color", "never"];

/// Where, and with what, `pulumi` is run.
#[derive(Clone)]
pub(crate) struct Cli {
    /// Folder of the program.
    pub folder: PathBuf,
    /// Environment variables beside those of this process; values may be secret.
    pub environment: Vec<(String, String)>,
}

/// How a command ended.
pub(crate) struct Ran {
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

impl Cli {
    /// A command: in a process group of its own, since only we may interrupt it. `pulumi` takes a second interruption for an
    /// order to drop everything.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("pulumi");
        command.args(arguments).args(QUIET).current_dir(&self.folder);
        command.env("PULUMI_SKIP_UPDATE_CHECK", "true").env_remove("PULUMI_STACK");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        command
    }

    /// Runs a command to its end.
    ///
    /// # Errors
    /// Where it could not be started.
    pub async fn run(&self, arguments: &[&str]) -> Result<Ran> {
        ran(self.command(arguments)).await
    }

    /// The same with `input` on its standard input, where nobody sees it.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn run_with(&self, arguments: &[&str], input: &str) -> Result<Ran> {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).spawn().map_err(no_pulumi)?;
        if let Some(mut stdin) = child.stdin.take() {
            // What it does not read to the end it did not want.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        let output = child.wait_with_output().await.map_err(no_pulumi)?;
        Ok(Ran::from(output))
    }

    /// Checks that there is a `pulumi`, and one that is new enough; returns its version.
    ///
    /// # Errors
    /// `Unsupported`, saying what to do.
    pub async fn version(&self) -> Result<String> {
        let ran = self.run(&["version"]).await?;
        let version = ran.stdout.trim().trim_start_matches('v').to_owned();
        let mut numbers = version.split(['.', '-']).map_while(|part| part.parse::<u64>().ok());
        match (numbers.next(), numbers.next()) {
            (Some(major), Some(minor)) if major == OLDEST.0 && (major, minor) >= OLDEST => Ok(version),
            _ => {
                let text = format!(
                    "`pulumi` is of version `{}`; {}.{} or a later 3.x is needed: install that one",
                    version.escape_debug(),
                    OLDEST.0,
                    OLDEST.1
                );
                Err(Error::new(ErrorKind::Unsupported, "pulumi.version", text))
            }
        }
    }
}

async fn ran(mut command: Command) -> Result<Ran> {
    command.output().await.map(Ran::from).map_err(no_pulumi)
}

impl From<std::process::Output> for Ran {
    fn from(output: std::process::Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { success: output.status.success(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}

/// A path as an argument.
///
/// # Errors
/// `InvalidProject` for one that is no text.
pub(crate) fn argument(path: &Path) -> Result<&str> {
    let text: &OsStr = path.as_os_str();
    text.to_str().ok_or_else(|| {
        let text = format!("`{}` is no UTF-8: rename the folder", path.display());
        Error::new(ErrorKind::InvalidProject, "pulumi.file", text)
    })
}
