//! The configuration file that a stack is run with: the program's own, with the component's `config` laid over it.
//!
//! It lies in the project's state folder. The program's own file stays as it is.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use semantest_iac_core::domain::environment::SettingValue;
use semantest_iac_core::ports::secret_resolver::ResolvedSecrets;
use semantest_iac_core::{Error, ErrorKind, Result};

use crate::cli::{Cli, argument};
use crate::error::{disk, failed};
use crate::stack::StackInputs;

/// Keys of the file that say how its secrets are encrypted: Pulumi writes them once, and needs them ever after.
///
/// Source: Pulumi, sdk/go/common/workspace/project.go, `ProjectStack`.
const ENCRYPTION: [&str; 3] = ["encryptionsalt:", "encryptedkey:", "secretsprovider:"];

/// Where the files are.
pub(crate) struct ConfigFile {
    /// In our folder.
    ours: PathBuf,
    /// Beside the program.
    programs: PathBuf,
}

impl ConfigFile {
    /// The file of a stack; `state` is the component's folder.
    pub fn of(state: &Path, program: &Path, inputs: &StackInputs) -> Self {
        let name = format!("Pulumi.{}.yaml", inputs.name());
        Self { ours: state.join(&name), programs: folder_of_files(program).join(name) }
    }

    /// Its path, as an argument.
    ///
    /// # Errors
    /// As [`argument`].
    pub fn argument(&self) -> Result<&str> {
        argument(&self.ours)
    }

    /// Writes it anew.
    ///
    /// # Errors
    /// `Storage`, `SecretUnresolved`, and what Pulumi says of a key or a value.
    pub async fn write(&self, cli: &Cli, inputs: &StackInputs, secrets: &ResolvedSecrets) -> Result<()> {
        self.begin()?;
        let file = self.argument()?;
        let about = ["--stack", &inputs.stack, "--config-file", file];
        let plain: Vec<String> = inputs
            .config
            .iter()
            .filter_map(|(key, value)| match value {
                SettingValue::Plain(text) => Some(format!("{key}={text}")),
                SettingValue::Secret(_) => None,
            })
            .collect();
        if !plain.is_empty() {
            let pairs = plain.iter().flat_map(|pair| ["--plaintext", pair]);
            let arguments: Vec<&str> = ["config", "set-all"].into_iter().chain(about).chain(pairs).collect();
            said(cli.run(&arguments).await?, inputs)?;
        }
        for (key, reference) in inputs.config.iter().filter_map(|(key, value)| Some((key, value.secret()?))) {
            let value = secrets.get(reference).ok_or_else(|| {
                let text = format!("the secret of `{key}` has no value");
                Error::new(ErrorKind::SecretUnresolved, "pulumi.config", text).with("reference", reference)
            })?;
            let arguments: Vec<&str> = ["config", "set", "--secret", key].into_iter().chain(about).collect();
            // Pulumi takes one line end away.
            said(cli.run_with(&arguments, &format!("{}\n", value.reveal())).await?, inputs)?;
        }
        Ok(())
    }

    /// Runs what may write the program's own file, and takes what it wrote into ours.
    ///
    /// # Errors
    /// Those of `run`, and `Storage`.
    pub async fn keeping<T>(&self, run: impl Future<Output = Result<T>>) -> Result<T> {
        let before = text(&self.programs)?;
        let done = run.await;
        let after = text(&self.programs)?;
        if after != before {
            if let Some(after) = &after {
                private(&self.ours, after)?;
            }
            match before {
                Some(before) => {
                    fs::write(&self.programs, before).map_err(|error| disk(&self.programs, error))?
                }
                None => fs::remove_file(&self.programs).map_err(|error| disk(&self.programs, error))?,
            }
        }
        done
    }

    /// The program's own text, with what an earlier run of ours got for encrypting.
    fn begin(&self) -> Result<()> {
        let mut begun = text(&self.programs)?.unwrap_or_default();
        if encryption(&begun).is_empty() {
            let earlier = text(&self.ours)?.unwrap_or_default();
            let lines: String = encryption(&earlier).into_iter().map(|line| format!("{line}\n")).collect();
            begun.insert_str(0, &lines);
        }
        private(&self.ours, &begun)
    }
}

/// Where a program keeps the files of its stacks: beside its Pulumi.yaml, or where that says.
///
/// Source: Pulumi, sdk/go/common/workspace/paths.go, `DetectProjectStackPath`.
fn folder_of_files(program: &Path) -> PathBuf {
    let project = fs::read_to_string(program.join("Pulumi.yaml")).unwrap_or_default();
    let named = project.lines().find_map(|line| line.strip_prefix("stackConfigDir:"));
    named.map_or_else(|| program.to_owned(), |named| program.join(named.trim().trim_matches(['"', '\''])))
}

fn encryption(text: &str) -> Vec<&str> {
    text.lines().filter(|line| ENCRYPTION.iter().any(|key| line.starts_with(key))).collect()
}

fn text(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(disk(path, error)),
    }
}

/// Writes a file that only its owner can read.
pub(crate) fn private(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| disk(folder, error))?;
    let opened = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    opened.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| disk(path, error))
}

fn said(ran: crate::cli::Ran, inputs: &StackInputs) -> Result<()> {
    if ran.success { Ok(()) } else { Err(failed("config", &inputs.stack, &ran.stderr)) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn inputs() -> StackInputs {
        StackInputs {
            directory: "infra".into(),
            program: String::new(),
            stack: "acme/net/dev".into(),
            region: None,
            config: BTreeMap::new(),
            environment_variables: BTreeMap::new(),
        }
    }

    #[test]
    fn ours_begins_with_the_programs_own_and_keeps_what_encrypts() {
        let folder = tempfile::tempdir().expect("a folder");
        let (state, program) = (folder.path().join("state"), folder.path().join("infra"));
        fs::create_dir(&program).expect("a folder");
        let file = ConfigFile::of(&state, &program, &inputs());
        private(&file.ours, "encryptionsalt: v1:ours\nconfig:\n  net:old: gone\n").expect("written");
        fs::write(program.join("Pulumi.dev.yaml"), "config:\n  net:size: 3\n").expect("a file");
        file.begin().expect("begun");
        let begun = fs::read_to_string(&file.ours).expect("a file");
        assert_eq!(begun, "encryptionsalt: v1:ours\nconfig:\n  net:size: 3\n");
        fs::write(program.join("Pulumi.dev.yaml"), "encryptionsalt: v1:theirs\n").expect("a file");
        file.begin().expect("begun");
        assert_eq!(fs::read_to_string(&file.ours).expect("a file"), "encryptionsalt: v1:theirs\n");
    }

    #[test]
    fn the_programs_files_are_looked_for_where_it_says() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(folder_of_files(folder.path()), folder.path());
        fs::write(folder.path().join("Pulumi.yaml"), "name: net\nstackConfigDir: 'stacks'\n")
            .expect("a file");
        assert_eq!(folder_of_files(folder.path()), folder.path().join("stacks"));
    }

    #[tokio::test]
    async fn what_is_written_into_the_programs_folder_is_taken_over_and_the_folder_left_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let (state, program) = (folder.path().join("state"), folder.path().join("infra"));
        fs::create_dir(&program).expect("a folder");
        let file = ConfigFile::of(&state, &program, &inputs());
        for before in [None, Some("config: {}\n")] {
            before.into_iter().for_each(|text| fs::write(&file.programs, text).expect("a file"));
            let write = async {
                fs::write(&file.programs, "encryptionsalt: v1:new\n").expect("a file");
                Ok(())
            };
            file.keeping(write).await.expect("run");
            assert_eq!(text(&file.programs).expect("readable").as_deref(), before);
            assert_eq!(text(&file.ours).expect("readable").as_deref(), Some("encryptionsalt: v1:new\n"));
        }
    }
}
