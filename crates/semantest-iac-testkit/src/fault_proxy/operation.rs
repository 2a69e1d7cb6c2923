//! Which service and operation a request of an AWS client is.

use hyper::Method;
use hyper::header::HeaderMap;
use percent_encoding::percent_decode_str;

/// How a service writes its errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// JSON bodies over paths: lambda, apigateway.
    RestJson,
    /// JSON with `X-Amz-Target`: logs, ecs.
    Json,
    /// Forms in, XML out: iam, sts, elasticloadbalancing.
    Query,
    /// As [`Self::Query`], with errors of its own form.
    Ec2,
    /// XML over paths: s3.
    RestXml,
}

/// A service's name as it signs, and the operation's as the service's manual spells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    pub service: String,
    pub name: String,
}

impl Operation {
    /// `lambda:CreateFunction`
    pub fn full_name(&self) -> String {
        format!("{}:{}", self.service, self.name)
    }

    pub fn protocol(&self) -> Protocol {
        match self.service.as_str() {
            "lambda" | "apigateway" | "execute-api" => Protocol::RestJson,
            "iam" | "sts" | "elasticloadbalancing" => Protocol::Query,
            "ec2" => Protocol::Ec2,
            "s3" => Protocol::RestXml,
            _ => Protocol::Json,
        }
    }

    /// Reads it off a request.
    pub fn of(method: &Method, path_and_query: &str, headers: &HeaderMap, body: &[u8]) -> Self {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let service = service(headers).unwrap_or_else(|| "unsigned".into());
        let name = target(headers)
            .or_else(|| rpc(path))
            .or_else(|| rest(&service, method, path, query))
            .or_else(|| action(query.as_bytes()))
            .or_else(|| action(body))
            .unwrap_or_else(|| format!("{method} {path}"));
        Self { service, name }
    }
}

/// From `Credential=KEY/20261125/eu-west-1/lambda/aws4_request`.
fn service(headers: &HeaderMap) -> Option<String> {
    let authorization = headers.get("authorization")?.to_str().ok()?;
    let scope = authorization.split("Credential=").nth(1)?.split([',', ' ']).next()?;
    scope.split('/').nth(3).map(str::to_owned)
}

/// `X-Amz-Target: Logs_20140328.CreateLogGroup`
fn target(headers: &HeaderMap) -> Option<String> {
    let target = headers.get("x-amz-target")?.to_str().ok()?;
    target.rsplit('.').next().map(str::to_owned)
}

/// `/service/GraniteServiceVersion20100801/operation/PutMetricData`
fn rpc(path: &str) -> Option<String> {
    let mut parts = path.strip_prefix("/service/")?.split('/');
    parts.next()?;
    parts.next().filter(|word| *word == "operation")?;
    parts.next().map(str::to_owned)
}

/// `Action=CreateRole&…`, in a query or a form.
fn action(form: &[u8]) -> Option<String> {
    let form = std::str::from_utf8(form).ok()?;
    let value = form.split('&').find_map(|pair| pair.strip_prefix("Action="))?;
    Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
}

fn rest(service: &str, method: &Method, path: &str, query: &str) -> Option<String> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let name = match service {
        "lambda" => lambda(method.as_str(), parts.get(1..)?, query)?,
        "apigateway" => return api_gateway(method.as_str(), parts.get(1..)?),
        "s3" => s3(method.as_str(), &parts, query)?,
        _ => return None,
    };
    Some(name.to_owned())
}

/// After the version, as in `/2015-03-31/functions/NAME/code`.
fn lambda(method: &str, parts: &[&str], query: &str) -> Option<&'static str> {
    Some(match (method, parts) {
        ("POST", ["functions"]) => "CreateFunction",
        ("GET", ["functions"]) => "ListFunctions",
        ("GET", ["functions", _]) => "GetFunction",
        ("DELETE", ["functions", _]) => "DeleteFunction",
        ("PUT", ["functions", _, "code"]) => "UpdateFunctionCode",
        ("GET", ["functions", _, "configuration"]) => "GetFunctionConfiguration",
        ("PUT", ["functions", _, "configuration"]) => "UpdateFunctionConfiguration",
        ("POST", ["functions", _, "versions"]) => "PublishVersion",
        ("GET", ["functions", _, "versions"]) => "ListVersionsByFunction",
        ("POST", ["functions", _, "aliases"]) => "CreateAlias",
        ("GET", ["functions", _, "aliases"]) => "ListAliases",
        ("GET", ["functions", _, "aliases", _]) => "GetAlias",
        ("PUT", ["functions", _, "aliases", _]) => "UpdateAlias",
        ("DELETE", ["functions", _, "aliases", _]) => "DeleteAlias",
        ("POST", ["functions", _, "policy"]) => "AddPermission",
        ("GET", ["functions", _, "policy"]) => "GetPolicy",
        ("DELETE", ["functions", _, "policy", _]) => "RemovePermission",
        ("POST", ["functions", _, "invocations"]) => "Invoke",
        ("POST", ["functions", _, "response-streaming-invocations"]) => "InvokeWithResponseStream",
        ("GET", ["layers"]) if query.starts_with("find=LayerVersion") => "GetLayerVersionByArn",
        ("GET", ["layers"]) => "ListLayers",
        ("POST", ["layers", _, "versions"]) => "PublishLayerVersion",
        ("GET", ["layers", _, "versions"]) => "ListLayerVersions",
        ("GET", ["layers", _, "versions", _]) => "GetLayerVersion",
        ("DELETE", ["layers", _, "versions", _]) => "DeleteLayerVersion",
        ("POST", ["functions", _, "url"]) => "CreateFunctionUrlConfig",
        ("GET", ["functions", _, "url"]) => "GetFunctionUrlConfig",
        ("PUT", ["functions", _, "url"]) => "UpdateFunctionUrlConfig",
        ("DELETE", ["functions", _, "url"]) => "DeleteFunctionUrlConfig",
        ("PUT", ["functions", _, "concurrency"]) => "PutFunctionConcurrency",
        ("GET", ["functions", _, "concurrency"]) => "GetFunctionConcurrency",
        ("DELETE", ["functions", _, "concurrency"]) => "DeleteFunctionConcurrency",
        ("GET", ["functions", _, "provisioned-concurrency"]) if query.contains("List=ALL") => {
            "ListProvisionedConcurrencyConfigs"
        }
        ("PUT", ["functions", _, "provisioned-concurrency"]) => "PutProvisionedConcurrencyConfig",
        ("GET", ["functions", _, "provisioned-concurrency"]) => "GetProvisionedConcurrencyConfig",
        ("DELETE", ["functions", _, "provisioned-concurrency"]) => "DeleteProvisionedConcurrencyConfig",
        ("POST", ["tags", ..]) => "TagResource",
        ("DELETE", ["tags", ..]) => "UntagResource",
        ("GET", ["tags", ..]) => "ListTags",
        ("GET", ["account-settings"]) => "GetAccountSettings",
        _ => return None,
    })
}

/// After the version, as in `/v2/apis/ID/routes/ID`.
fn api_gateway(method: &str, parts: &[&str]) -> Option<String> {
    Some(match (method, parts) {
        ("POST", ["tags", ..]) => "TagResource".into(),
        ("DELETE", ["tags", ..]) => "UntagResource".into(),
        ("GET", ["tags", ..]) => "GetTags".into(),
        ("PUT", ["apis"]) => "ImportApi".into(),
        ("PUT", ["apis", _]) => "ReimportApi".into(),
        ("DELETE", ["apis", _, "cors"]) => "DeleteCorsConfiguration".into(),
        ("DELETE", ["apis", _, "stages", _, "accesslogsettings"]) => "DeleteAccessLogSettings".into(),
        (_, ["apis", _, "routes", _, "routeresponses", rest @ ..]) => {
            verb(method, "RouteResponse", "RouteResponses", rest.is_empty())?
        }
        (_, [many] | [many, _]) => verb(method, one(many)?, &plural(one(many)?), parts.len() == 1)?,
        (_, ["apis", _, many]) => verb(method, one(many)?, &plural(one(many)?), true)?,
        (_, ["apis", _, many, _]) => verb(method, one(many)?, &plural(one(many)?), false)?,
        _ => return None,
    })
}

fn one(many: &str) -> Option<&'static str> {
    Some(match many {
        "apis" => "Api",
        "authorizers" => "Authorizer",
        "deployments" => "Deployment",
        "integrations" => "Integration",
        "models" => "Model",
        "routes" => "Route",
        "stages" => "Stage",
        "vpclinks" => "VpcLink",
        "domainnames" => "DomainName",
        _ => return None,
    })
}

fn plural(one: &str) -> String {
    format!("{one}s")
}

fn verb(method: &str, one: &str, many: &str, of_all: bool) -> Option<String> {
    Some(match (method, of_all) {
        ("GET", true) => format!("Get{many}"),
        ("GET", false) => format!("Get{one}"),
        ("POST", true) => format!("Create{one}"),
        ("PATCH", false) => format!("Update{one}"),
        ("DELETE", false) => format!("Delete{one}"),
        _ => return None,
    })
}

fn s3(method: &str, parts: &[&str], query: &str) -> Option<&'static str> {
    let tagging = query.split('&').any(|part| part == "tagging" || part == "tagging=");
    Some(match (method, parts) {
        ("GET", [""]) => "ListBuckets",
        ("PUT", [_]) if tagging => "PutBucketTagging",
        ("PUT", [_]) => "CreateBucket",
        ("GET", [_]) if tagging => "GetBucketTagging",
        ("GET", [_]) => "ListObjects",
        ("HEAD", [_]) => "HeadBucket",
        ("DELETE", [_]) => "DeleteBucket",
        ("POST", [_]) => "DeleteObjects",
        ("PUT", _) => "PutObject",
        ("GET", _) => "GetObject",
        ("HEAD", _) => "HeadObject",
        ("DELETE", _) => "DeleteObject",
        ("POST", _) => "MultipartUpload",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(service: &str, method: &str, path: &str, target: &str, body: &str) -> String {
        let mut headers = HeaderMap::new();
        let scope = format!(
            "AWS4-HMAC-SHA256 Credential=test/20261125/eu-west-1/{service}/aws4_request, SignedHeaders=host"
        );
        headers.insert("authorization", scope.parse().expect("a header"));
        if !target.is_empty() {
            headers.insert("x-amz-target", target.parse().expect("a header"));
        }
        let method = method.parse().expect("a method");
        Operation::of(&method, path, &headers, body.as_bytes()).full_name()
    }

    #[test]
    fn calls_of_every_protocol_are_named() {
        for (service, method, path, target, body, name) in [
            ("iam", "POST", "/", "", "Action=CreateRole&Version=2010-05-08", "iam:CreateRole"),
            ("ec2", "GET", "/?Version=1&Action=DescribeVpcs", "", "", "ec2:DescribeVpcs"),
            ("logs", "POST", "/", "Logs_20140328.PutRetentionPolicy", "{}", "logs:PutRetentionPolicy"),
            ("lambda", "POST", "/2015-03-31/functions", "", "", "lambda:CreateFunction"),
            ("lambda", "POST", "/2015-03-31/functions/", "", "", "lambda:CreateFunction"),
            ("lambda", "PUT", "/2015-03-31/functions/a/code", "", "", "lambda:UpdateFunctionCode"),
            ("lambda", "GET", "/2015-03-31/functions/a/policy?Qualifier=live", "", "", "lambda:GetPolicy"),
            ("lambda", "PUT", "/2017-10-31/functions/a/concurrency", "", "", "lambda:PutFunctionConcurrency"),
            ("apigateway", "POST", "/v2/apis", "", "", "apigateway:CreateApi"),
            ("apigateway", "GET", "/v2/apis?maxResults=500", "", "", "apigateway:GetApis"),
            ("apigateway", "PATCH", "/v2/apis/a/stages/$default", "", "", "apigateway:UpdateStage"),
            ("apigateway", "POST", "/v2/apis/a/deployments", "", "", "apigateway:CreateDeployment"),
            ("apigateway", "DELETE", "/v2/apis/a", "", "", "apigateway:DeleteApi"),
            ("apigateway", "POST", "/v2/tags/arn%3Aaws", "", "", "apigateway:TagResource"),
            ("s3", "PUT", "/bucket/key/with/parts", "", "", "s3:PutObject"),
            ("cloud", "POST", "/x", "", "", "cloud:POST /x"),
        ] {
            assert_eq!(named(service, method, path, target, body), name);
        }
    }
}
