//! The few calls of EC2 that are needed, in its Query protocol: its SDK crate is larger than all others together.
//!
//! Source: Amazon EC2 API reference, API version 2016-11-15.

use aws_smithy_types::error::metadata::ErrorMetadata;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use semantest_iac_core::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::clients::Clients;
use crate::error::Failure;
use crate::ownership::Tags;
use crate::signed_request::{Service, SignedRequest, send};

const EC2: Service = Service { id: "EC2", name: "ec2" };

const VERSION: &str = "2016-11-15";

/// `<set><item>…</item><item>…</item></set>`
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Items<T> {
    item: Vec<T>,
}

impl<T> Default for Items<T> {
    fn default() -> Self {
        Self { item: Vec::new() }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Subnet {
    pub subnet_id: String,
    pub vpc_id: String,
    pub availability_zone: String,
    pub default_for_az: bool,
    pub map_public_ip_on_launch: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Vpc {
    vpc_id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tag {
    key: String,
    value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct IpRange {
    cidr_ip: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Ipv6Range {
    cidr_ipv6: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct GroupPair {
    group_id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PrefixList {
    prefix_list_id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct IpPermission {
    ip_protocol: String,
    from_port: Option<i64>,
    to_port: Option<i64>,
    ip_ranges: Items<IpRange>,
    ipv6_ranges: Items<Ipv6Range>,
    groups: Items<GroupPair>,
    prefix_list_ids: Items<PrefixList>,
}

/// Every port: of protocol `-1`, which is all of them.
const ANY_PORT: i64 = -1;

/// A rule of a security group: who may connect to which ports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, Deserialize)]
pub(crate) struct Ingress {
    pub protocol: String,
    pub from_port: i64,
    pub to_port: i64,
    /// A range of addresses (`0.0.0.0/0`), a security group (`sg-…`) or a prefix list (`pl-…`).
    pub from: String,
}

impl Ingress {
    /// To one TCP port.
    pub fn tcp(port: u16, from: impl Into<String>) -> Self {
        Self { protocol: "tcp".into(), from_port: port.into(), to_port: port.into(), from: from.into() }
    }

    /// Where EC2 takes what it comes from.
    fn parameter(&self) -> &'static str {
        match &self.from {
            from if from.starts_with("sg-") => "Groups.1.GroupId",
            from if from.starts_with("pl-") => "PrefixListIds.1.PrefixListId",
            from if from.contains(':') => "Ipv6Ranges.1.CidrIpv6",
            _ => "IpRanges.1.CidrIp",
        }
    }
}

/// A security group as found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SecurityGroup {
    pub group_id: String,
    pub group_name: String,
    pub description: String,
    pub vpc_id: String,
    pub tags: Tags,
    /// Sorted.
    pub ingress: Vec<Ingress>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawGroup {
    group_id: String,
    group_name: String,
    group_description: String,
    vpc_id: String,
    tag_set: Items<Tag>,
    ip_permissions: Items<IpPermission>,
}

impl From<RawGroup> for SecurityGroup {
    fn from(raw: RawGroup) -> Self {
        let mut ingress: Vec<Ingress> = raw.ip_permissions.item.into_iter().flat_map(ingress).collect();
        ingress.sort();
        let tags = raw.tag_set.item.into_iter().map(|tag| (tag.key, tag.value)).collect();
        Self {
            group_id: raw.group_id,
            group_name: raw.group_name,
            description: raw.group_description,
            vpc_id: raw.vpc_id,
            tags,
            ingress,
        }
    }
}

/// EC2 puts all who may connect to the same ports into one.
fn ingress(rule: IpPermission) -> Vec<Ingress> {
    let port = |port: Option<i64>| port.unwrap_or(ANY_PORT);
    let (protocol, from_port, to_port) = (rule.ip_protocol, port(rule.from_port), port(rule.to_port));
    let ranges = rule.ip_ranges.item.into_iter().map(|one| one.cidr_ip);
    let ranges = ranges.chain(rule.ipv6_ranges.item.into_iter().map(|one| one.cidr_ipv6));
    let groups = rule.groups.item.into_iter().map(|one| one.group_id);
    let all = ranges.chain(groups).chain(rule.prefix_list_ids.item.into_iter().map(|one| one.prefix_list_id));
    all.map(|from| Ingress { protocol: protocol.clone(), from_port, to_port, from }).collect()
}

/// Parameters of a call.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub fn new() -> Self {
        Self(Vec::new())
    }

    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.push((key.into(), value.into()));
        self
    }

    /// `Filter.<number>.Name` and `.Value.1…`.
    pub fn filter(self, number: usize, name: &str, value: &str) -> Self {
        self.with(format!("Filter.{number}.Name"), name).with(format!("Filter.{number}.Value.1"), value)
    }

    fn list(self, prefix: &str, values: &[String]) -> Self {
        let all = values.iter().enumerate();
        all.fold(self, |query, (at, value)| query.with(format!("{prefix}.{}", at + 1), value))
    }

    fn tags(self, prefix: &str, tags: &Tags) -> Self {
        tags.iter().enumerate().fold(self, |query, (at, (key, value))| {
            let prefix = format!("{prefix}.{}", at + 1);
            query.with(format!("{prefix}.Key"), key).with(format!("{prefix}.Value"), value)
        })
    }

    fn rules(self, rules: &[Ingress]) -> Self {
        rules.iter().enumerate().fold(self, |query, (at, rule)| {
            let prefix = format!("IpPermissions.{}", at + 1);
            let query = query.with(format!("{prefix}.IpProtocol"), &rule.protocol);
            let query = query.with(format!("{prefix}.{}", rule.parameter()), &rule.from);
            if rule.protocol == "-1" {
                return query;
            }
            query
                .with(format!("{prefix}.FromPort"), rule.from_port.to_string())
                .with(format!("{prefix}.ToPort"), rule.to_port.to_string())
        })
    }

    /// As a form.
    fn body(&self, operation: &str) -> String {
        let mut text = format!("Action={operation}&Version={VERSION}");
        for (key, value) in &self.0 {
            text.push_str(&format!("&{key}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
        }
        text
    }
}

async fn call(aws: &Clients, operation: &'static str, query: Query) -> Result<String, Failure> {
    let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
    let body = query.body(operation);
    send(&aws.config, SignedRequest { service: EC2, operation, headers, body, refusals: refusal }).await
}

/// Calls and reads; what is refused is an error.
async fn ask<T: DeserializeOwned>(aws: &Clients, operation: &'static str, query: Query) -> Result<T> {
    let text = call(aws, operation, query)
        .await
        .map_err(|failure| failure.into_error(&format!("ec2.{operation}")))?;
    read(operation, &text)
}

fn read<T: DeserializeOwned>(operation: &str, text: &str) -> Result<T> {
    quick_xml::de::from_str(text).map_err(|error| {
        let text = format!("the answer to ec2.{operation} cannot be read: {error}");
        Error::new(ErrorKind::Provider, format!("aws.ec2.{operation}"), text)
    })
}

/// `<Response><Errors><Error><Code>…</Code><Message>…</Message></Error></Errors></Response>`
fn refusal(text: &str) -> ErrorMetadata {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "PascalCase", default)]
    struct One {
        code: String,
        message: String,
    }
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "PascalCase", default)]
    struct Errors {
        error: One,
    }
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "PascalCase", default)]
    struct Answer {
        errors: Errors,
        error: One,
    }
    let answer: Answer = quick_xml::de::from_str(text).unwrap_or_default();
    let said = if answer.errors.error.code.is_empty() { answer.error } else { answer.errors.error };
    ErrorMetadata::builder().code(said.code).message(said.message).build()
}

/// The default network of the region, where there is one.
pub(crate) async fn default_vpc(aws: &Clients) -> Result<Option<String>> {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Answer {
        vpc_set: Items<Vpc>,
    }
    let answer: Answer = ask(aws, "DescribeVpcs", Query::new().filter(1, "is-default", "true")).await?;
    Ok(answer.vpc_set.item.into_iter().next().map(|vpc| vpc.vpc_id))
}

async fn subnets(aws: &Clients, query: Query) -> Result<Vec<Subnet>> {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Answer {
        subnet_set: Items<Subnet>,
    }
    let answer: Answer = ask(aws, "DescribeSubnets", query).await?;
    Ok(answer.subnet_set.item)
}

/// All subnets of a network.
pub(crate) async fn subnets_of(aws: &Clients, vpc: &str) -> Result<Vec<Subnet>> {
    subnets(aws, Query::new().filter(1, "vpc-id", vpc)).await
}

/// The subnets with these ids.
pub(crate) async fn given_subnets(aws: &Clients, ids: &[String]) -> Result<Vec<Subnet>> {
    subnets(aws, Query::new().list("SubnetId", ids)).await
}

/// The security groups that `query` selects.
pub(crate) async fn security_groups(aws: &Clients, query: Query) -> Result<Vec<SecurityGroup>, Failure> {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Answer {
        security_group_info: Items<RawGroup>,
    }
    let text = call(aws, "DescribeSecurityGroups", query).await?;
    let answer: Answer = read("DescribeSecurityGroups", &text)
        .map_err(|error| Failure::Unknown { timed_out: false, detail: error.message().to_owned() })?;
    Ok(answer.security_group_info.item.into_iter().map(SecurityGroup::from).collect())
}

/// Makes a security group with its tags; gives its id.
pub(crate) async fn create_security_group(
    aws: &Clients,
    name: &str,
    description: &str,
    vpc: &str,
    tags: &Tags,
) -> Result<String, Failure> {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Answer {
        group_id: String,
    }
    let query = Query::new().with("GroupName", name).with("GroupDescription", description).with("VpcId", vpc);
    let query = query.with("TagSpecification.1.ResourceType", "security-group");
    let text = call(aws, "CreateSecurityGroup", query.tags("TagSpecification.1.Tag", tags)).await?;
    let answer: Answer = read("CreateSecurityGroup", &text)
        .map_err(|error| Failure::Unknown { timed_out: false, detail: error.message().to_owned() })?;
    Ok(answer.group_id)
}

/// Lets in.
pub(crate) async fn authorize(aws: &Clients, group: &str, rules: &[Ingress]) -> Result<(), Failure> {
    let query = Query::new().with("GroupId", group).rules(rules);
    call(aws, "AuthorizeSecurityGroupIngress", query).await.map(drop)
}

/// Lets in no more.
pub(crate) async fn revoke(aws: &Clients, group: &str, rules: &[Ingress]) -> Result<(), Failure> {
    let query = Query::new().with("GroupId", group).rules(rules);
    call(aws, "RevokeSecurityGroupIngress", query).await.map(drop)
}

pub(crate) async fn delete_security_group(aws: &Clients, group: &str) -> Result<(), Failure> {
    call(aws, "DeleteSecurityGroup", Query::new().with("GroupId", group)).await.map(drop)
}

pub(crate) async fn tag(aws: &Clients, resource: &str, tags: &Tags) -> Result<(), Failure> {
    call(aws, "CreateTags", Query::new().with("ResourceId.1", resource).tags("Tag", tags)).await.map(drop)
}

pub(crate) async fn untag<'a>(
    aws: &Clients,
    resource: &str,
    keys: impl IntoIterator<Item = &'a String>,
) -> Result<(), Failure> {
    let query = Query::new().with("ResourceId.1", resource);
    let keys = keys.into_iter().enumerate();
    let query = keys.fold(query, |query, (at, key)| query.with(format!("Tag.{}.Key", at + 1), key));
    call(aws, "DeleteTags", query).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_tells_code_and_words() {
        let text = "<?xml version=\"1.0\"?><Response><Errors><Error><Code>InvalidGroup.Duplicate</Code>\
                    <Message>there</Message></Error></Errors><RequestID>1</RequestID></Response>";
        let said = refusal(text);
        assert_eq!((said.code(), said.message()), (Some("InvalidGroup.Duplicate"), Some("there")));
        assert_eq!(refusal("oops").code(), Some(""));
    }

    #[test]
    fn a_security_group_is_read_with_its_tags_and_rules() {
        let text = "<item><ownerId>1</ownerId><groupId>sg-1</groupId><groupName>shop</groupName>\
            <groupDescription>d</groupDescription><vpcId>vpc-1</vpcId><ipPermissions>\
            <item><ipProtocol>tcp</ipProtocol><fromPort>80</fromPort><toPort>80</toPort><groups/>\
            <ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges><ipv6Ranges/></item>\
            <item><ipProtocol>tcp</ipProtocol><fromPort>8080</fromPort><toPort>8080</toPort>\
            <groups><item><userId>1</userId><groupId>sg-2</groupId></item></groups><ipRanges/></item>\
            <item><ipProtocol>-1</ipProtocol><ipRanges><item><cidrIp>10.0.0.0/8</cidrIp></item></ipRanges></item>\
            </ipPermissions><tagSet><item><key>a</key><value>b</value></item></tagSet></item>";
        let group: SecurityGroup = read::<RawGroup>("x", text).expect("well formed").into();
        let all = Ingress { protocol: "-1".into(), from_port: -1, to_port: -1, from: "10.0.0.0/8".into() };
        assert_eq!(group.ingress, [all, Ingress::tcp(80, "0.0.0.0/0"), Ingress::tcp(8080, "sg-2")]);
        assert_eq!(group.tags.get("a").map(String::as_str), Some("b"));
    }

    #[test]
    fn a_query_is_a_form() {
        let rules = [Ingress::tcp(80, "0.0.0.0/0"), Ingress::tcp(81, "sg-1")];
        let body = Query::new().with("GroupId", "sg-9").rules(&rules).body("AuthorizeSecurityGroupIngress");
        assert!(
            body.starts_with("Action=AuthorizeSecurityGroupIngress&Version=2016-11-15&GroupId=sg%2D9"),
            "{body}"
        );
        assert!(body.contains("&IpPermissions.1.IpRanges.1.CidrIp=0%2E0%2E0%2E0%2F0"), "{body}");
        assert!(body.contains("&IpPermissions.2.Groups.1.GroupId=sg%2D1"), "{body}");
    }
}
