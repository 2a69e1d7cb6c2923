//! A function URL: an address of one function's own, with no API in front.
//!
//! Source: AWS Lambda developer guide, "Creating and managing Lambda function URLs".

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::domain::networking::api_gateway::Cors;

/// Who may call a function URL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UrlAuthorization {
    /// Everybody.
    #[default]
    None,
    /// Who signs as somebody that the cloud's access management lets in.
    Iam,
}

impl UrlAuthorization {
    /// Every way.
    pub const ALL: [Self; 2] = [Self::None, Self::Iam];

    /// The word in the project file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Iam => "iam",
        }
    }
}

/// When a response is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InvokeMode {
    /// Once it is whole.
    #[default]
    Buffered,
    /// As the function writes it.
    ResponseStream,
}

impl InvokeMode {
    /// Every mode.
    pub const ALL: [Self; 2] = [Self::Buffered, Self::ResponseStream];

    /// The word in the project file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Buffered => "buffered",
            Self::ResponseStream => "response-stream",
        }
    }
}

/// The keys of a function's `url`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FunctionUrlSettings {
    /// `none` (the default: everybody may call it) or `iam` (requests are signed).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization: Option<UrlAuthorization>,
    /// `buffered` (the default) or `response-stream`: whether a response is sent once it is whole, or as the function writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoke_mode: Option<InvokeMode>,
    /// Cross-origin settings of the URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cors: Option<Cors>,
}

/// `url` of a function: whether it has one, or what it is like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum UrlSetting {
    /// `true`: one that everybody may call; `false`: none.
    Switch(bool),
    /// One like this.
    Settings(FunctionUrlSettings),
}

impl UrlSetting {
    /// What the URL is like; nothing where there is none.
    pub fn settings(&self) -> Option<FunctionUrlSettings> {
        match self {
            Self::Switch(true) => Some(FunctionUrlSettings::default()),
            Self::Switch(false) => None,
            Self::Settings(settings) => Some(settings.clone()),
        }
    }
}

/// Read by hand: what is wrong inside the table is told by its own name.
impl<'de> Deserialize<'de> for UrlSetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = UrlSetting;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("true, false or a table")
            }

            fn visit_bool<E>(self, value: bool) -> Result<UrlSetting, E> {
                Ok(UrlSetting::Switch(value))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<UrlSetting, A::Error> {
                FunctionUrlSettings::deserialize(MapAccessDeserializer::new(map)).map(UrlSetting::Settings)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// The URL of a function, as any cloud could serve it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FunctionUrl {
    /// Who may call it.
    #[serde(default)]
    pub authorization: UrlAuthorization,
    /// When its responses are sent.
    #[serde(default)]
    pub invoke_mode: InvokeMode,
    /// Cross-origin settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors: Option<Cors>,
}

/// The keys of a `url`; a test compares them with the type's schema.
pub const URL_KEYS: &[&str] = &["authorization", "invoke_mode", "cors"];

/// The keys of its `cors`.
pub const CORS_KEYS: &[&str] =
    &["allow_origins", "allow_methods", "allow_headers", "expose_headers", "allow_credentials", "max_age_s"];
