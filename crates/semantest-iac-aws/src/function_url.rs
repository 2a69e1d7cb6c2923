//! `aws.lambda_function_url`: a function's own address, which leads to its alias. Where everybody may call it, the statements
//! of the alias's policy that let them do so are part of it: a URL is not open before it is meant to be. It has no tags: it is
//! part of its function.
//!
//! Source: AWS Lambda developer guide, "Control access to Lambda function URLs".

use async_trait::async_trait;
use aws_sdk_lambda::types::{Cors as AwsCors, FunctionUrlAuthType, InvokeMode as AwsInvokeMode};
use semantest_iac_core::Result;
use semantest_iac_core::domain::compute::serverless_function::ServerlessFunction;
use semantest_iac_core::domain::deployment::resource::{Properties, Reference, Resource, ResourceRole};
use semantest_iac_core::domain::networking::api_gateway::Cors;
use semantest_iac_core::domain::networking::function_url::{InvokeMode, UrlAuthorization};
use semantest_iac_core::ports::provider::{
    Applied, Change, ChangeAction, Observed, Operation, ResourceHandle,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::error::{Failure, failed, gone, seen};
use crate::function_alias;
use crate::function_permission::{remove_statement, statements};
use crate::resource_kind::{ResourceKind, properties, read};

pub(crate) const WORD: &str = "aws.lambda_function_url";

/// The statement that lets everybody use the URL.
const MAY_USE: &str = "function-url";
/// The statement that lets everybody run the function, if through its URL.
const MAY_RUN: &str = "function-url-invoke";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Inputs {
    region: String,
    function_name: String,
    alias_name: String,
    authorization: UrlAuthorization,
    invoke_mode: InvokeMode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cors: Option<Cors>,
}

/// The URL of `function`, which is lowered to `resource` and called by `alias`; nothing where it has none.
pub(crate) fn lower(
    region: &str,
    function: &ServerlessFunction,
    resource: &Resource,
    alias: &Resource,
) -> Option<Resource> {
    let url = function.url.as_ref()?;
    let inputs = Inputs {
        region: region.to_owned(),
        function_name: Reference::text(&resource.address, "function_name"),
        alias_name: function_alias::NAME.into(),
        authorization: url.authorization,
        invoke_mode: url.invoke_mode,
        cors: url.cors.clone(),
    };
    let mut lowered = Resource::new(format!("{}.url", resource.address), WORD, properties(&inputs));
    lowered.role = Some(ResourceRole::FunctionUrl);
    lowered.depends_on.insert(alias.address.clone());
    lowered.replace_on.extend(["function_name".to_owned(), "alias_name".to_owned()]);
    Some(lowered)
}

pub(crate) struct FunctionUrl;

#[async_trait]
impl ResourceKind for FunctionUrl {
    fn word(&self) -> &'static str {
        WORD
    }

    async fn observe(&self, aws: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let asked: Inputs = read(resource)?;
        let call = aws.lambda.get_function_url_config().function_name(&asked.function_name);
        let sent = call.qualifier(&asked.alias_name).send().await;
        let Some(found) = seen("lambda.GetFunctionUrlConfig", sent)? else { return Ok(None) };
        let authorization = match found.auth_type {
            FunctionUrlAuthType::AwsIam => json!(UrlAuthorization::Iam),
            // It is as it should be only with what lets everybody in.
            _ if is_open(aws, &asked).await? => json!(UrlAuthorization::None),
            _ => json!("closed"),
        };
        let invoke_mode = match found.invoke_mode {
            Some(AwsInvokeMode::ResponseStream) => InvokeMode::ResponseStream,
            _ => InvokeMode::Buffered,
        };
        let mut inputs = properties(&json!({
            "function_name": asked.function_name, "alias_name": asked.alias_name,
            "authorization": authorization, "invoke_mode": invoke_mode,
        }));
        let cors = found.cors.as_ref().map(cors_found).filter(|cors| *cors != Cors::default());
        if asked.cors.is_some() || cors.is_some() {
            inputs.insert("cors".into(), json!(cors));
        }
        let outputs = outputs(&asked, &found.function_url);
        Ok(Some(Observed { id: id(&asked), inputs, outputs }))
    }

    async fn apply(&self, aws: &Clients, change: &Change, _operation: &Operation) -> Result<Applied> {
        let wanted: Inputs = read(&change.resource)?;
        let url = match change.action {
            ChangeAction::Update => update(aws, &wanted).await?,
            _ => create(aws, &wanted).await?,
        };
        match wanted.authorization {
            UrlAuthorization::None => open(aws, &wanted).await?,
            // A new one has none.
            UrlAuthorization::Iam if change.action == ChangeAction::Create => {}
            UrlAuthorization::Iam => close(aws, &wanted).await?,
        }
        Ok(Applied { id: id(&wanted), outputs: outputs(&wanted, &url), adopted: false })
    }

    async fn delete(&self, aws: &Clients, resource: &ResourceHandle) -> Result<()> {
        let there: Inputs = read(resource)?;
        let call = aws.lambda.delete_function_url_config().function_name(&there.function_name);
        let sent = call.qualifier(&there.alias_name).send().await;
        gone("lambda.DeleteFunctionUrlConfig", sent)?;
        match there.authorization {
            UrlAuthorization::None => close(aws, &there).await,
            UrlAuthorization::Iam => Ok(()),
        }
    }
}

fn id(inputs: &Inputs) -> String {
    format!("{}:{}/url", inputs.function_name, inputs.alias_name)
}

fn outputs(inputs: &Inputs, url: &str) -> Properties {
    properties(&json!({ "function_name": inputs.function_name, "endpoint": url.trim_end_matches('/') }))
}

async fn create(aws: &Clients, wanted: &Inputs) -> Result<String> {
    let call = aws.lambda.create_function_url_config().function_name(&wanted.function_name);
    let call = call.qualifier(&wanted.alias_name).auth_type(auth_type(wanted));
    let call = call.invoke_mode(invoke_mode(wanted)).set_cors(wanted.cors.as_ref().map(cors_wanted));
    match call.send().await.map_err(|error| Failure::of(&error)) {
        Ok(made) => Ok(made.function_url),
        // It is there already: the alias is ours, and so is its URL.
        Err(failure) if failure.is(&["ResourceConflict"]) => update(aws, wanted).await,
        // An alias that was made this moment may not be seen everywhere yet.
        Err(failure) if failure.is_not_found() => {
            Err(failure.into_error("lambda.CreateFunctionUrlConfig").retry_later())
        }
        Err(failure) => Err(failure.into_error("lambda.CreateFunctionUrlConfig")),
    }
}

async fn update(aws: &Clients, wanted: &Inputs) -> Result<String> {
    let call = aws.lambda.update_function_url_config().function_name(&wanted.function_name);
    let call = call.qualifier(&wanted.alias_name).auth_type(auth_type(wanted));
    // What is left out stays as it is: no settings are empty ones.
    let cors = wanted.cors.as_ref().map_or_else(|| AwsCors::builder().build(), cors_wanted);
    let sent = call.invoke_mode(invoke_mode(wanted)).cors(cors).send().await;
    Ok(sent.map_err(|error| failed("lambda.UpdateFunctionUrlConfig", error))?.function_url)
}

/// Lets everybody in: since October 2025 that takes two statements.
async fn open(aws: &Clients, wanted: &Inputs) -> Result<()> {
    let call = || aws.lambda.add_permission().function_name(&wanted.function_name).principal("*");
    let call = || call().qualifier(&wanted.alias_name);
    let use_it = call().statement_id(MAY_USE).action("lambda:InvokeFunctionUrl");
    let use_it = use_it.function_url_auth_type(FunctionUrlAuthType::None);
    let run_it = call().statement_id(MAY_RUN).action("lambda:InvokeFunction").invoked_via_function_url(true);
    for statement in [use_it, run_it] {
        match statement.send().await.map_err(|error| Failure::of(&error)) {
            // One of that name is there, and names are ours on our alias.
            Err(failure) if failure.is(&["ResourceConflict"]) => {}
            Err(failure) => return Err(failure.into_error("lambda.AddPermission")),
            Ok(_) => {}
        }
    }
    Ok(())
}

async fn close(aws: &Clients, there: &Inputs) -> Result<()> {
    for statement in [MAY_USE, MAY_RUN] {
        remove_statement(aws, &there.function_name, &there.alias_name, statement).await?;
    }
    Ok(())
}

/// Whether the alias's policy lets everybody in.
async fn is_open(aws: &Clients, asked: &Inputs) -> Result<bool> {
    let there = statements(aws, &asked.function_name, &asked.alias_name).await?;
    let has = |id: &str| there.iter().any(|statement: &Value| statement["Sid"] == id);
    Ok(has(MAY_USE) && has(MAY_RUN))
}

fn auth_type(wanted: &Inputs) -> FunctionUrlAuthType {
    match wanted.authorization {
        UrlAuthorization::None => FunctionUrlAuthType::None,
        UrlAuthorization::Iam => FunctionUrlAuthType::AwsIam,
    }
}

fn invoke_mode(wanted: &Inputs) -> AwsInvokeMode {
    match wanted.invoke_mode {
        InvokeMode::Buffered => AwsInvokeMode::Buffered,
        InvokeMode::ResponseStream => AwsInvokeMode::ResponseStream,
    }
}

fn cors_wanted(cors: &Cors) -> AwsCors {
    let list = |texts: &[String]| (!texts.is_empty()).then(|| texts.to_vec());
    AwsCors::builder()
        .set_allow_origins(list(&cors.allow_origins))
        .set_allow_methods(list(&cors.allow_methods))
        .set_allow_headers(list(&cors.allow_headers))
        .set_expose_headers(list(&cors.expose_headers))
        .allow_credentials(cors.allow_credentials)
        .set_max_age(cors.max_age_s.and_then(|age| i32::try_from(age).ok()))
        .build()
}

fn cors_found(cors: &AwsCors) -> Cors {
    Cors {
        allow_origins: cors.allow_origins().to_vec(),
        allow_methods: cors.allow_methods().to_vec(),
        allow_headers: cors.allow_headers().to_vec(),
        expose_headers: cors.expose_headers().to_vec(),
        allow_credentials: cors.allow_credentials().unwrap_or_default(),
        max_age_s: cors.max_age().filter(|age| *age > 0).and_then(|age| u32::try_from(age).ok()),
    }
}
