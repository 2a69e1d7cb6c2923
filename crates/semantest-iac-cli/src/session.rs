//! One run of the command line: its options, its project, and whether it was told to stop.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use semantest_iac::events::request::DeploymentRequested;
use semantest_iac::ports::clock::Timestamp;
use semantest_iac::ports::project::Project;
use semantest_iac::project_file::FILE_NAME;
use semantest_iac::{CancellationToken, Error, ErrorKind, Iac, Result, setting};
use serde_json::Map;

use crate::arguments::Global;
use crate::output::Output;
use crate::progress;

/// What every verb needs.
pub(crate) struct Session {
    pub global: Global,
    pub host_command: Option<Vec<OsString>>,
    pub output: Output,
    pub cancel: CancellationToken,
}

impl Session {
    /// The project's folder: the one that was named, or this one, or the nearest around it with a project file.
    pub fn directory(&self) -> PathBuf {
        if let Some(directory) = &self.global.project {
            return directory.clone();
        }
        let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        let found = here.ancestors().find(|folder| folder.join(FILE_NAME).is_file());
        found.map_or_else(|| here.clone(), PathBuf::from)
    }

    /// Opens the project.
    pub async fn open(&self) -> Result<Iac> {
        let mut builder = Iac::builder(self.directory()).lease_wait(Duration::from_secs(self.global.wait));
        if let Some(command) = &self.host_command {
            builder = builder.host_command(command.clone());
        }
        builder.open().await
    }

    /// Opens the project and shows what happens.
    pub async fn open_with_progress(&self) -> Result<Iac> {
        let iac = self.open().await?;
        if self.output.shows_progress() {
            progress::attach(&iac, self.output.is_live()).await?;
        }
        Ok(iac)
    }

    /// Opens the project; progress is shown where something will be done.
    pub async fn open_for_publishing(&self, publishes: bool) -> Result<Iac> {
        if publishes { self.open_with_progress().await } else { self.open().await }
    }

    /// The component that was named, or all.
    ///
    /// # Errors
    /// `InvalidProject` where there is none.
    pub fn components(&self, iac: &Iac) -> Result<Vec<String>> {
        if let Some(component) = &self.global.component {
            return Ok(vec![component.clone()]);
        }
        let all = iac.project().components();
        if all.is_empty() {
            let text = format!("the project defines no component: add [components.<name>] to {FILE_NAME}");
            return Err(Error::new(ErrorKind::InvalidProject, "cli.components", text));
        }
        Ok(all)
    }

    /// The component that was named, or the only one.
    ///
    /// # Errors
    /// `InvalidInput` where it is not clear which.
    pub fn component(&self, iac: &Iac) -> Result<String> {
        let all = self.components(iac)?;
        match all.as_slice() {
            [one] => Ok(one.clone()),
            _ => {
                let text = format!("which component? Name one of {} with --component", all.join(", "));
                Err(Error::new(ErrorKind::InvalidInput, "cli.component", text))
            }
        }
    }

    /// The request to deploy `component`, with the settings of the command line.
    ///
    /// # Errors
    /// `InvalidInput` for a setting that is none.
    pub fn deployment(&self, component: &str) -> Result<DeploymentRequested> {
        let mut configuration = Map::new();
        for text in &self.global.settings {
            setting::set(&mut configuration, text)?;
        }
        Ok(DeploymentRequested {
            component: component.to_owned(),
            provider: self.global.provider.clone(),
            environment: self.global.environment.clone(),
            region: None,
            configuration,
        })
    }
}

/// A moment as people write it.
///
/// # Errors
/// `InvalidInput` with an example.
pub(crate) fn moment(text: &str) -> Result<Timestamp> {
    text.parse().map_err(|_| {
        let text = format!("`{text}` is no time: write it like 2026-11-24T09:00:00Z");
        Error::new(ErrorKind::InvalidInput, "cli.time", text)
    })
}
