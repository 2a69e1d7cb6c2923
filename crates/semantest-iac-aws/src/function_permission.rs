//! `aws.lambda_permission`: lets one API, and nothing else, call a function. It has no tags: it is part of its function.

use async_trait::async_trait;
use semantest_iac_core::Result;
use semantest_iac_core::domain::deployment::resource::{Address, Reference, Resource};
use semantest_iac_core::ports::provider::{
    Applied, Change, ChangeAction, Observed, Operation, ResourceHandle,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::error::{Failure, gone, seen};
use crate::function_alias;
use crate::resource_kind::{ResourceKind, properties, read};

pub(crate) const WORD: &str = "aws.lambda_permission";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Inputs {
    region: String,
    function_name: String,
    alias_name: String,
    statement_id: String,
    principal: String,
    api_id: String,
}

/// Lets the API at `api` call the alias of `function`.
pub(crate) fn lower(region: &str, function: &Resource, alias: &Resource, api: &Address) -> Resource {
    let inputs = Inputs {
        region: region.to_owned(),
        function_name: Reference::text(&function.address, "function_name"),
        alias_name: function_alias::NAME.into(),
        statement_id: "api".into(),
        principal: "apigateway.amazonaws.com".into(),
        api_id: Reference::text(api, "api_id"),
    };
    let address = format!("{}.permission", function.address);
    let mut resource = Resource::new(address, WORD, properties(&inputs));
    resource.depends_on.insert(alias.address.clone());
    resource
}

pub(crate) struct FunctionPermission;

#[async_trait]
impl ResourceKind for FunctionPermission {
    fn word(&self) -> &'static str {
        WORD
    }

    async fn observe(&self, aws: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let asked: Inputs = read(resource)?;
        let Some(statement) = statement(aws, &asked).await? else { return Ok(None) };
        let text = |pointer: &str| statement.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let source = ["ArnLike", "ArnEquals", "StringLike", "StringEquals"]
            .iter()
            .find_map(|test| statement["Condition"][test]["AWS:SourceArn"].as_str())
            .or_else(|| statement["Condition"]["ArnLike"]["aws:SourceArn"].as_str())
            .unwrap_or_default();
        let api_id = match source == source_arn(aws, &asked).await? {
            true => asked.api_id.clone(),
            false => {
                source.rsplit(':').next().unwrap_or_default().split('/').next().unwrap_or_default().to_owned()
            }
        };
        let inputs = json!({
            "function_name": asked.function_name, "statement_id": asked.statement_id,
            "principal": text("/Principal/Service"), "api_id": api_id,
        });
        Ok(Some(Observed { id: id(&asked), inputs: properties(&inputs), outputs: Default::default() }))
    }

    async fn apply(&self, aws: &Clients, change: &Change, _operation: &Operation) -> Result<Applied> {
        let wanted: Inputs = read(&change.resource)?;
        if change.action != ChangeAction::Create {
            remove(aws, &wanted).await?;
        }
        match add(aws, &wanted).await {
            Ok(()) => {}
            Err(failure) if failure.is(&["ResourceConflict"]) => {
                // There is one of that name: as wanted, unless somebody changed it.
                let seen = self.observe(aws, &change.resource).await?;
                let same = |seen: &Observed| {
                    ["principal", "api_id"]
                        .iter()
                        .all(|key| seen.inputs.get(*key) == change.resource.inputs.get(*key))
                };
                if !seen.as_ref().is_some_and(same) {
                    remove(aws, &wanted).await?;
                    add(aws, &wanted).await.map_err(|failure| failure.into_error("lambda.AddPermission"))?;
                }
            }
            // An alias that was made this moment may not be seen everywhere yet.
            Err(failure) if failure.is_not_found() => {
                return Err(failure.into_error("lambda.AddPermission").retry_later());
            }
            Err(failure) => return Err(failure.into_error("lambda.AddPermission")),
        }
        Ok(Applied { id: id(&wanted), outputs: Default::default(), adopted: false })
    }

    async fn delete(&self, aws: &Clients, resource: &ResourceHandle) -> Result<()> {
        remove(aws, &read(resource)?).await
    }
}

fn id(inputs: &Inputs) -> String {
    format!("{}:{}/{}", inputs.function_name, inputs.alias_name, inputs.statement_id)
}

/// Every stage and route of the one API.
async fn source_arn(aws: &Clients, wanted: &Inputs) -> Result<String> {
    let arn = format!("arn:${{partition}}:execute-api:${{region}}:${{account}}:{}/*", wanted.api_id);
    aws.expand(&arn).await
}

async fn add(aws: &Clients, wanted: &Inputs) -> Result<(), Failure> {
    let source = source_arn(aws, wanted).await?;
    let call = aws.lambda.add_permission().function_name(&wanted.function_name).qualifier(&wanted.alias_name);
    let call = call.statement_id(&wanted.statement_id).action("lambda:InvokeFunction");
    let sent = call.principal(&wanted.principal).source_arn(source).send().await;
    sent.map(drop).map_err(|error| Failure::of(&error))
}

async fn remove(aws: &Clients, there: &Inputs) -> Result<()> {
    remove_statement(aws, &there.function_name, &there.alias_name, &there.statement_id).await
}

async fn statement(aws: &Clients, asked: &Inputs) -> Result<Option<Value>> {
    let statements = statements(aws, &asked.function_name, &asked.alias_name).await?;
    Ok(statements.into_iter().find(|statement| statement["Sid"] == asked.statement_id.as_str()))
}

/// Takes a statement out of the policy of a function's alias.
pub(crate) async fn remove_statement(aws: &Clients, function: &str, alias: &str, id: &str) -> Result<()> {
    let call = aws.lambda.remove_permission().function_name(function).qualifier(alias);
    gone("lambda.RemovePermission", call.statement_id(id).send().await)
}

/// What the policy of a function's alias says.
pub(crate) async fn statements(aws: &Clients, function: &str, alias: &str) -> Result<Vec<Value>> {
    let call = aws.lambda.get_policy().function_name(function).qualifier(alias);
    let Some(answer) = seen("lambda.GetPolicy", call.send().await)? else { return Ok(Vec::new()) };
    let policy: Value = serde_json::from_str(answer.policy().unwrap_or_default()).unwrap_or_default();
    Ok(policy["Statement"].as_array().cloned().unwrap_or_default())
}
