//! The authorizers of an API, as this machine's gateways take them.

use semantest_iac_core::domain::networking::api_gateway::ApiGateway;
use semantest_iac_core::{Error, ErrorKind, Result};

use crate::function::DEFAULT_REGION;
use crate::gateway::authorizer::identity;
use crate::host::definition::Authorization;
use crate::http_api::name_of;

/// The authorizers of `api`; nothing where it has none.
///
/// # Errors
/// `InvalidInput` for what a gateway here could not judge by, saying what to do.
pub(crate) fn lower(api: &ApiGateway, region: Option<&str>) -> Result<Option<Authorization>> {
    if api.jwt_authorizers.is_empty() && api.lambda_authorizers.is_empty() {
        return Ok(None);
    }
    for (name, authorizer) in &api.jwt_authorizers {
        if authorizer.jwks.is_none() {
            let text = format!(
                "authorizer `{name}` has no `jwks`: `local` fetches no keys. Save what the issuer's jwks_uri answers as a \
                 file of the project, and name it: jwks = \"keys.json\" (for this environment only, under \
                 [environments.<name>.components.<component>.authorizers.{name}])"
            );
            return Err(invalid(name, "jwks", text));
        }
    }
    for (name, authorizer) in &api.lambda_authorizers {
        if let Some(source) = authorizer.identity_source.iter().find(|source| !identity::is_known(source)) {
            let text = format!(
                "`{source}`: of the context, `local` knows {} as identity sources",
                identity::CONTEXT.join(", ")
            );
            return Err(invalid(name, "identity_source", text));
        }
    }
    let mut lambda = api.lambda_authorizers.clone();
    lambda.values_mut().for_each(|one| one.function = name_of(&one.function));
    let region = region.unwrap_or(DEFAULT_REGION).to_owned();
    Ok(Some(Authorization { region, jwt: api.jwt_authorizers.clone(), lambda }))
}

fn invalid(name: &str, key: &str, text: String) -> Error {
    let field = format!("authorizers.{name}.{key}");
    Error::new(ErrorKind::InvalidInput, "local.lower", text).with("field", field)
}
