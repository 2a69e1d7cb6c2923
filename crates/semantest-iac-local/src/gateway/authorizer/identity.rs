//! Where in a request an authorizer finds who is asking.

use std::collections::BTreeMap;

use hyper::header::HeaderMap;

use crate::gateway::http_event::query_parameters;

/// What of a request's context can be an identity source here.
pub(crate) const CONTEXT: [&str; 7] =
    ["apiId", "domainName", "httpMethod", "identity.sourceIp", "identity.userAgent", "path", "routeKey"];

/// Whether values of `source` can be found; how it is written was judged before.
pub(crate) fn is_known(source: &str) -> bool {
    Place::of(source).is_some_and(|place| match place {
        Place::Context(name) => CONTEXT.contains(&name),
        _ => true,
    })
}

/// A request, as far as identities are looked for in it.
pub(crate) struct Looked<'a> {
    pub headers: &'a HeaderMap,
    pub query: &'a str,
    pub stage_variables: &'a BTreeMap<String, String>,
    /// Of [`CONTEXT`].
    pub context: &'a (dyn Fn(&str) -> Option<String> + Sync),
}

enum Place<'a> {
    Header(&'a str),
    Query(&'a str),
    StageVariable(&'a str),
    Context(&'a str),
}

impl<'a> Place<'a> {
    /// HTTP APIs write `$request.header.x`, WebSocket APIs `route.request.header.x`.
    fn of(source: &'a str) -> Option<Self> {
        let source = source.strip_prefix('$').or_else(|| source.strip_prefix("route.")).unwrap_or(source);
        let after = |prefix: &str| source.strip_prefix(prefix);
        after("request.header.")
            .map(Self::Header)
            .or_else(|| after("request.querystring.").map(Self::Query))
            .or_else(|| after("stageVariables.").map(Self::StageVariable))
            .or_else(|| after("context.").map(Self::Context))
    }
}

impl Looked<'_> {
    /// What stands at each of `sources`; nothing where one of them is absent or empty.
    pub fn all(&self, sources: &[String]) -> Option<Vec<String>> {
        sources.iter().map(|source| self.one(source)).collect()
    }

    /// What stands at `source`, if anything.
    pub fn one(&self, source: &str) -> Option<String> {
        let found = match Place::of(source)? {
            Place::Header(name) => {
                let values = self.headers.get_all(name).iter();
                let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
                values.collect::<Vec<_>>().join(",")
            }
            Place::Query(name) => query_parameters(self.query).remove(name)?,
            Place::StageVariable(name) => self.stage_variables.get(name)?.clone(),
            Place::Context(name) => (self.context)(name)?,
        };
        (!found.is_empty()).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_found_wherever_sources_point_and_all_must_be_there() {
        let headers = HeaderMap::from_iter([("x-one".parse().unwrap(), "1".parse().unwrap())]);
        let variables = BTreeMap::from([("shop".to_owned(), "main".to_owned())]);
        let context = |name: &str| (name == "routeKey").then(|| "GET /a".to_owned());
        let looked = Looked {
            headers: &headers,
            query: "t=a%20b&t=c&e=",
            stage_variables: &variables,
            context: &context,
        };
        let all = |sources: &[&str]| {
            looked.all(&sources.iter().map(|source| (*source).to_owned()).collect::<Vec<_>>())
        };
        let found = all(&["$request.header.X-One", "$request.querystring.t", "$stageVariables.shop"]);
        assert_eq!(found, Some(vec!["1".into(), "a b,c".into(), "main".into()]));
        let found = all(&["route.request.header.x-one", "context.routeKey", "stageVariables.shop"]);
        assert_eq!(found, Some(vec!["1".into(), "GET /a".into(), "main".into()]));
        assert_eq!(all(&[]), Some(Vec::new()));
        for absent in ["$request.header.no", "$request.querystring.e", "$stageVariables.no", "$context.path"]
        {
            assert_eq!(all(&["$request.header.x-one", absent]), None, "{absent}");
        }
    }

    #[test]
    fn only_what_is_told_of_the_context_can_be_a_source() {
        for (source, known) in
            [("$context.routeKey", true), ("$context.integrationLatency", false), ("x", false)]
        {
            assert_eq!(is_known(source), known, "{source}");
        }
    }
}
