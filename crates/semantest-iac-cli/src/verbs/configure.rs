//! `configure`

use std::collections::BTreeMap;

use semantest_iac::domain::environment::{SecretSetting, SettingValue};
use semantest_iac::events::request::EnvironmentConfigurationRequested;
use semantest_iac::{Error, ErrorKind, Result};

use super::conclude;
use crate::Exit;
use crate::arguments::ConfigureArguments;
use crate::session::Session;

pub(super) async fn run(session: &Session, arguments: &ConfigureArguments) -> Result<Exit> {
    let mut variables = BTreeMap::new();
    for text in &arguments.variables {
        let (name, value) = pair(text)?;
        variables.insert(name, SettingValue::Plain(value));
    }
    for text in &arguments.secrets {
        let (name, secret) = pair(text)?;
        variables.insert(name, SettingValue::Secret(SecretSetting { secret, digest: None }));
    }
    let iac = session.open_with_progress().await?;
    let request = EnvironmentConfigurationRequested {
        component: session.component(&iac)?,
        environment: session.global.environment.clone(),
        variables,
        unset: arguments.unset.clone(),
        tags: BTreeMap::new(),
    };
    let answer = iac.configure(request, &session.cancel).await?;
    Ok(conclude(&session.output, &[answer]))
}

fn pair(text: &str) -> Result<(String, String)> {
    match text.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => {
            let text = format!("`{text}` is no setting: write KEY=VALUE");
            Err(Error::new(ErrorKind::InvalidInput, "configure.read", text))
        }
    }
}
