//! Where in a request an authorizer finds who is asking.
//!
//! Source: Amazon API Gateway v2 API reference, `CreateAuthorizer` (`IdentitySource`).

use crate::domain::networking::api_gateway::ApiProtocol;

/// What stands before a name of a header, of a parameter, of a stage variable or of the context, by protocol.
fn prefixes(protocol: ApiProtocol) -> [&'static str; 4] {
    match protocol {
        ApiProtocol::Http => ["$request.header.", "$request.querystring.", "$stageVariables.", "$context."],
        ApiProtocol::Websocket => {
            ["route.request.header.", "route.request.querystring.", "stageVariables.", "context."]
        }
    }
}

/// The source of an authorizer that names none.
pub(crate) fn default_of(protocol: ApiProtocol) -> &'static str {
    match protocol {
        ApiProtocol::Http => "$request.header.Authorization",
        ApiProtocol::Websocket => "route.request.header.Authorization",
    }
}

/// Whether it is something that clients send.
pub(crate) fn is_of_client(source: &str) -> bool {
    source.starts_with("$request.")
}

/// Checks how `source` is written.
pub(crate) fn check(protocol: ApiProtocol, source: &str) -> Result<(), String> {
    let name = prefixes(protocol).into_iter().find_map(|prefix| source.strip_prefix(prefix));
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!#$%&'*+^`|~[]".contains(&byte);
    if name.is_some_and(|name| !name.is_empty() && name.bytes().all(is_letter)) {
        return Ok(());
    }
    let ([_, query, ..], source) = (prefixes(protocol), source.escape_debug());
    Err(format!(
        "`{source}` is no identity source here: write it like {} or {query}token",
        default_of(protocol)
    ))
}
