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
    let mut set = |name: String, value: SettingValue| match variables.insert(name.clone(), value) {
        Some(_) => Err(refused(format!("`{name}` is given twice: give it one value"))),
        None => Ok(()),
    };
    for text in &arguments.variables {
        let (name, value) = pair(text)?;
        set(name, SettingValue::Plain(value))?;
    }
    for text in &arguments.secrets {
        let (name, secret) = pair(text)?;
        set(name, SettingValue::Secret(SecretSetting { secret, digest: None }))?;
    }
    if let Some(both) = arguments.unset.iter().find(|name| variables.contains_key(*name)) {
        return Err(refused(format!("`{both}` is both given a value and unset: say one of them")));
    }
    let iac = session.open_with_progress().await?;
    session.check_environment(&iac).await?;
    let component = session.component(&iac).await?;
    let request = EnvironmentConfigurationRequested {
        component,
        environment: session.global.environment.clone(),
        variables,
        unset: arguments.unset.clone(),
        tags: BTreeMap::new(),
    };
    let answer = iac.configure(request, &session.cancel).await?;
    Ok(conclude(&session.output, answer))
}

fn pair(text: &str) -> Result<(String, String)> {
    match text.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err(refused(format!("`{text}` is no setting: write KEY=VALUE"))),
    }
}

fn refused(text: String) -> Error {
    Error::new(ErrorKind::InvalidInput, "configure.read", text)
}
