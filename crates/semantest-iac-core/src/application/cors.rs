//! Origins that cross-origin settings may name.
//!
//! Source: API Gateway developer guide, "Configure CORS for HTTP APIs"; the form of an origin is RFC 6454's, section 6.2.

use crate::application::component_handler::Wanted;
use crate::domain::networking::api_gateway::Cors;
use crate::error::Result;

/// The only patterns there are.
const PATTERNS: [&str; 3] = ["*", "http://*", "https://*"];

/// Checks the settings of the component's API.
pub(crate) fn check(wanted: &Wanted<'_>) -> Result<()> {
    let Some(cors) = &wanted.definition.cors else { return Ok(()) };
    check_origins(wanted, "cors", cors)?;
    if cors.allow_credentials && cors.allow_origins.iter().any(|origin| origin == "*") {
        let text = "no cloud and no browser lets credentials go to every origin (`*`): name the origins in \
                    `cors.allow_origins`, or remove it";
        return Err(wanted.invalid("cors.allow_credentials", text.into()));
    }
    Ok(())
}

/// Checks the origins of the settings at `field`: what can never match a browser's `Origin` is refused.
pub(crate) fn check_origins(wanted: &Wanted<'_>, field: &str, cors: &Cors) -> Result<()> {
    let Some(wrong) = cors.allow_origins.iter().find(|origin| !is_known(origin)) else { return Ok(()) };
    let text = format!(
        "`{}` matches no origin: use `scheme://host` or `scheme://host:port` without a path, or one of {} \
         (other patterns are none on AWS)",
        wrong.escape_debug(),
        PATTERNS.join(", ")
    );
    Err(wanted.invalid(&format!("{field}.allow_origins"), text))
}

fn is_known(origin: &str) -> bool {
    if PATTERNS.contains(&origin) || origin == "null" {
        return true;
    }
    let Some((scheme, host)) = origin.split_once("://") else { return false };
    let in_scheme = |letter: char| letter.is_ascii_alphanumeric() || "+-.".contains(letter);
    let in_host = |letter: char| letter.is_ascii_graphic() && !"*/?#@,\"'\\".contains(letter);
    !scheme.is_empty() && scheme.chars().all(in_scheme) && !host.is_empty() && host.chars().all(in_host)
}

#[cfg(test)]
mod tests {
    use super::is_known;

    #[test]
    fn an_origin_is_what_browsers_send_or_one_of_the_few_patterns() {
        let known =
            ["*", "http://*", "https://*", "https://app.example", "http://localhost:3000", "http://[::1]:80"];
        for origin in known.into_iter().chain(["capacitor://localhost", "chrome-extension://abcdef", "null"])
        {
            assert!(is_known(origin), "{origin}");
        }
        let unknown = [
            "",
            "app.example",
            "https://",
            "://app.example",
            "https://*.example",
            "*.example",
            "https://a.example/",
        ];
        for origin in
            unknown.into_iter().chain(["https://a.example,https://b.example", "https://a b", "https://a\n"])
        {
            assert!(!is_known(origin), "{origin}");
        }
    }
}
