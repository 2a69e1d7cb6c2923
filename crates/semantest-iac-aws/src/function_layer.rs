//! `aws.lambda_layer`: files that functions find under `/opt`. Every change of them publishes a version; functions move on to
//! it. Layers have no tags: whose one is stands in the description of each version.

use async_trait::async_trait;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{LayerVersionContentInput, LayerVersionsListItem};
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::compute::function_layer::{FunctionLayer, LayerArn, is_arn};
use semantest_iac_core::domain::compute::serverless_function::ServerlessFunction;
use semantest_iac_core::domain::deployment::resource::{Properties, Reference, Resource};
use semantest_iac_core::domain::names::physical_name;
use semantest_iac_core::ports::provider::{
    Applied, Change, Discovered, Observed, Operation, ResourceHandle, Scope,
};
use semantest_iac_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::error::{Failure, failed, foreign, gone, seen};
use crate::function_state::hex_of;
use crate::ownership::{self, Tags};
use crate::package_upload::{self, Code, Upload};
use crate::resource_kind::{ResourceKind, properties, read};
use crate::retries::OnlyThrottled;

pub(crate) const WORD: &str = "aws.lambda_layer";

/// Within Lambda's limit of 140 letters.
const NAME_LIMIT: usize = 100;
/// Longest name of a layer within its component.
const SLUG_LIMIT: usize = 50;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Inputs {
    region: String,
    layer_name: String,
    package: String,
}

/// The layers of `function` as it is told them: ARNs that are known, and references to those that are published with it.
///
/// # Errors
/// `InvalidInput` for a layer of another region.
pub(crate) fn arns(function: &ServerlessFunction, region: &str) -> Result<Vec<String>> {
    let arn = |layer: &FunctionLayer| {
        if !is_arn(&layer.source) {
            return Ok(Reference::text(&address(&layer.source).into(), "arn"));
        }
        match LayerArn::parse(&layer.source) {
            Ok(arn) if arn.region != region => {
                let text = format!(
                    "layer `{}` of function `{}` is in {}, and the function in {region}: Lambda takes layers of its own \
                     region only; name one that is published there",
                    layer.source, function.role, arn.region
                );
                Err(Error::new(ErrorKind::InvalidInput, "aws.lower", text).with("field", "layers"))
            }
            _ => Ok(layer.source.clone()),
        }
    };
    function.layers.iter().map(arn).collect()
}

/// The layers that are published for `blueprint`, each once.
pub(crate) fn lower(blueprint: &Blueprint, region: &str) -> Vec<Resource> {
    let mut layers: Vec<&FunctionLayer> = blueprint.functions.iter().flat_map(|one| &one.layers).collect();
    layers.sort();
    layers.dedup();
    let published = layers.into_iter().filter_map(|layer| Some((&layer.source, layer.package.as_ref()?)));
    let resource = |(source, package): (&String, &String)| {
        let (project, environment) = (blueprint.project.as_str(), blueprint.environment.as_str());
        let inputs = Inputs {
            region: region.to_owned(),
            layer_name: physical_name(
                &[project, environment, &blueprint.component, &slug(source)],
                NAME_LIMIT,
            ),
            package: package.clone(),
        };
        let mut resource = Resource::new(address(source), WORD, properties(&inputs));
        resource.replace_on.insert("layer_name".into());
        // Each version has an ARN of its own, which functions refer to.
        resource.volatile_outputs.extend(["arn".to_owned(), "version".to_owned()]);
        resource
    };
    published.map(resource).collect()
}

fn address(source: &str) -> String {
    format!("layer.{}", slug(source))
}

/// What a layer is called within its component: its path, and another name for another path.
fn slug(source: &str) -> String {
    match source.contains("--") {
        false => physical_name(&[&source.replace('/', "--")], SLUG_LIMIT),
        // What is no plain name ends with a digest.
        true => physical_name(&[source, "/"], SLUG_LIMIT),
    }
}

pub(crate) struct Layer;

#[async_trait]
impl ResourceKind for Layer {
    fn word(&self) -> &'static str {
        WORD
    }

    async fn observe(&self, aws: &Clients, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let Some(name) = name(resource) else { return Ok(None) };
        let newest = versions(aws, &name).await?.into_iter().next();
        let newest = newest.filter(|newest| ownership::is_owned(&newest.tags, &resource.tags));
        let Some(newest) = newest else { return Ok(None) };
        let Some(package) = package_of(aws, &name, &newest).await? else { return Ok(None) };
        let inputs = properties(&json!({ "layer_name": name, "package": package }));
        Ok(Some(Observed { id: name, inputs, outputs: newest.outputs() }))
    }

    async fn apply(&self, aws: &Clients, change: &Change, operation: &Operation) -> Result<Applied> {
        let wanted: Inputs = read(&change.resource)?;
        let name = &wanted.layer_name;
        let versions = versions(aws, name).await?;
        let newest = versions.first();
        if newest.is_some_and(|newest| !ownership::is_owned(&newest.tags, &change.resource.tags)) {
            return Err(foreign("layer", name));
        }
        // Published by a try whose answer was lost, or by a former deployment.
        let there = match newest {
            Some(newest) if package_of(aws, name, newest).await?.as_ref() == Some(&wanted.package) => {
                Some(newest.clone())
            }
            _ => None,
        };
        let is_found = change.resource.id.is_none();
        let adopted =
            there.as_ref().is_some_and(|one| is_found && !ownership::is_made_by(&one.tags, operation));
        let now = match there {
            Some(there) => there,
            None => publish(aws, change, operation, &wanted).await?,
        };
        // Functions have the version before until they have moved on.
        let before = change.resource.outputs.get("version").and_then(Value::as_i64);
        for old in versions.iter().filter(|old| old.number != now.number && Some(old.number) != before) {
            if ownership::is_owned(&old.tags, &change.resource.tags) {
                delete(aws, name, old.number).await?;
            }
        }
        Ok(Applied { id: name.clone(), outputs: now.outputs(), adopted })
    }

    async fn delete(&self, aws: &Clients, resource: &ResourceHandle) -> Result<()> {
        let Some(name) = name(resource) else { return Ok(()) };
        for version in versions(aws, &name).await? {
            if ownership::is_owned(&version.tags, &resource.tags) {
                delete(aws, &name, version.number).await?;
            }
        }
        Ok(())
    }

    async fn discover(&self, aws: &Clients, scope: &Scope) -> Result<Vec<Discovered>> {
        let pages = aws.lambda.list_layers().into_paginator().items().send();
        let all = pages.try_collect().await.map_err(|error| failed("lambda.ListLayers", error))?;
        let prefix = crate::discovery::prefix_of(&scope.project);
        let found = all.iter().filter_map(|layer| {
            let name = layer.layer_name().filter(|name| name.starts_with(&prefix))?;
            let tags = ownership::described(layer.latest_matching_version()?.description()?);
            let tags = ownership::owner_in(&tags, scope)?;
            Some(Discovered { tags, kind: WORD.into(), id: name.to_owned() })
        });
        Ok(found.collect())
    }
}

/// What the layer is called: an orphan has nothing but its id.
fn name(resource: &ResourceHandle) -> Option<String> {
    let of_inputs = resource.inputs.get("layer_name").and_then(Value::as_str).map(str::to_owned);
    of_inputs.or_else(|| resource.id.clone())
}

/// A published version.
#[derive(Clone, Debug)]
struct Version {
    number: i64,
    arn: String,
    /// From its description.
    tags: Tags,
}

impl Version {
    fn of(found: &LayerVersionsListItem) -> Self {
        Self {
            number: found.version(),
            arn: found.layer_version_arn().unwrap_or_default().to_owned(),
            tags: ownership::described(found.description().unwrap_or_default()),
        }
    }

    fn outputs(&self) -> Properties {
        properties(&json!({ "arn": self.arn, "version": self.number }))
    }
}

/// The versions of a layer, the newest first; none where there is no such layer.
async fn versions(aws: &Clients, name: &str) -> Result<Vec<Version>> {
    let pages = aws.lambda.list_layer_versions().layer_name(name).into_paginator().items().send();
    let found = match pages.try_collect().await {
        Ok(found) => found,
        Err(error) => match Failure::of(&error) {
            failure if failure.is_not_found() => Vec::new(),
            failure => return Err(failure.into_error("lambda.ListLayerVersions")),
        },
    };
    let mut versions: Vec<Version> = found.iter().map(Version::of).collect();
    versions.sort_by_key(|version| std::cmp::Reverse(version.number));
    Ok(versions)
}

/// SHA-256 (hex) of a version's package; nothing where it has gone.
async fn package_of(aws: &Clients, name: &str, version: &Version) -> Result<Option<String>> {
    let call = aws.lambda.get_layer_version().layer_name(name).version_number(version.number);
    let found = seen("lambda.GetLayerVersion", call.send().await)?;
    Ok(found.and_then(|found| hex_of(found.content()?.code_sha256()?)))
}

/// Publishes a version. There is no token by which a second one would be known as the same: the SDK does not repeat it, and
/// whoever tries again looks for its content first.
async fn publish(aws: &Clients, change: &Change, operation: &Operation, wanted: &Inputs) -> Result<Version> {
    let (name, user) = (&wanted.layer_name, Tags::new());
    let upload = Upload { package: &wanted.package, of: name, tags: &user };
    let code = package_upload::code(aws, change, operation, &upload).await?;
    let content = LayerVersionContentInput::builder();
    let content = match &code {
        Code::Inline(zip) => content.zip_file(Blob::new(zip.clone())),
        Code::InBucket { bucket, key } => content.s3_bucket(bucket).s3_key(key),
    };
    let description = ownership::description(&change.resource.tags, operation);
    let call = aws.lambda.publish_layer_version().layer_name(name).description(&description);
    let once = aws_sdk_lambda::config::Config::builder().retry_classifier(OnlyThrottled);
    let sent = call.content(content.build()).customize().config_override(once).send().await;
    package_upload::clean_up(aws, &code).await;
    let made = sent.map_err(|error| failed("lambda.PublishLayerVersion", error))?;
    Ok(Version {
        number: made.version(),
        arn: made.layer_version_arn().unwrap_or_default().to_owned(),
        tags: ownership::described(&description),
    })
}

/// Functions that have the version keep it.
///
/// Source: Lambda API reference, `DeleteLayerVersion`.
async fn delete(aws: &Clients, name: &str, number: i64) -> Result<()> {
    let call = aws.lambda.delete_layer_version().layer_name(name).version_number(number);
    gone("lambda.DeleteLayerVersion", call.send().await)
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn two_paths_never_give_one_layer() {
        assert_eq!(slug("layers/common"), "layers--common");
        let paths = [
            "layers/common",
            "layers-common",
            "layers--common",
            "layers/Common",
            "layers/common.zip",
            "a/b",
            "a--b/",
        ];
        let names: std::collections::BTreeSet<String> = paths.iter().map(|path| slug(path)).collect();
        assert_eq!(names.len(), paths.len(), "{names:?}");
    }
}
