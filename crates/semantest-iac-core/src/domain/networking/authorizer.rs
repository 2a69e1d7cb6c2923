//! Authorizers: who may call the routes of an API.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::networking::key_set::KeySet;

/// What takes a route out of its component's authorizer.
pub const NO_AUTHORIZER: &str = "none";

/// How an authorizer judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AuthorizerKind {
    /// By a JSON Web Token.
    Jwt,
    /// By what a function says.
    Lambda,
}

/// The keys of `[components.<name>.authorizers.<authorizer>]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthorizerSettings {
    /// `jwt` or `lambda`.
    #[serde(rename = "type")]
    pub kind: AuthorizerKind,
    /// `jwt`: who issues the tokens, exactly as in their `iss`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// `jwt`: whom tokens must be for (`aud`, or `client_id`); one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Vec<String>>,
    /// `jwt`: file with the issuer's public keys (a JSON Web Key Set), relative to the project file. Only `local` needs it:
    /// clouds fetch them from the issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<String>,
    /// `lambda`: the function of this component that is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// Where in a request the identity is: `$request.header.Authorization` (the default), `$request.querystring.token`; for
    /// a websocket `route.request.header.Authorization`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_source: Option<IdentitySource>,
    /// `lambda` of a rest-api: whether the function answers `{ isAuthorized }` instead of an IAM policy; default: a policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simple_responses: Option<bool>,
    /// `lambda` of a rest-api: for how many seconds an answer holds for the same identity (0 to 3600); default: 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_s: Option<u32>,
}

/// One place in a request, or several that must all be there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum IdentitySource {
    /// One.
    One(String),
    /// Several, or none.
    Several(Vec<String>),
}

impl IdentitySource {
    /// All of them.
    pub fn all(&self) -> &[String] {
        match self {
            Self::One(source) => std::slice::from_ref(source),
            Self::Several(sources) => sources,
        }
    }
}

/// Lets in who brings a token that the issuer has signed for this audience.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JwtAuthorizer {
    /// As in the tokens' `iss`.
    pub issuer: String,
    /// One of these is in the tokens' `aud`, or is their `client_id`.
    pub audience: Vec<String>,
    /// Where in a request the token is.
    pub identity_source: String,
    /// The issuer's public keys, for whoever does not fetch them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<KeySet>,
}

/// Lets in whom a function lets in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LambdaAuthorizer {
    /// Role of the function.
    pub function: String,
    /// What a request must have to be worth asking about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity_source: Vec<String>,
    /// Whether it answers `{ isAuthorized }` instead of an IAM policy.
    #[serde(default)]
    pub simple_responses: bool,
    /// For how many seconds an answer holds for the same identity; 0: for one request.
    #[serde(default)]
    pub ttl_s: u32,
}

/// The keys an authorizer may have; a test compares them with the type's schema.
pub const AUTHORIZER_KEYS: &[&str] =
    &["type", "issuer", "audience", "jwks", "function", "identity_source", "simple_responses", "ttl_s"];
