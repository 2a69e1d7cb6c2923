//! Which route answers: API Gateway's precedence for HTTP APIs.
//!
//! Source: API Gateway developer guide, "Create routes for HTTP APIs": a full match before a `{proxy+}`, `$default`
//! last; within a path, the method before `ANY`.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use crate::host::definition::Route;

/// A route that matches, and what its parameters stand for.
pub(crate) struct Matched<'a> {
    pub route: &'a Route,
    pub parameters: BTreeMap<&'a str, String>,
}

/// The best route for a request; `path` as it came, still percent-encoded.
pub(crate) fn best<'a>(routes: &'a [Route], method: &str, path: &str) -> Option<Matched<'a>> {
    let segments: Vec<&str> = split(path);
    let matching = routes.iter().filter_map(|route| {
        let (rank, parameters) = rank(&route.route_key, method, &segments)?;
        Some((rank, Matched { route, parameters }))
    });
    matching.max_by(|(one, _), (other, _)| one.cmp(other)).map(|(_, matched)| matched)
}

/// Higher is better: each segment as exact (2), parameter (1) or greedy (0), then the method over `ANY`. The
/// `$default` route has no segments and ranks last.
type Rank = (bool, Vec<u8>, bool);

fn rank<'a>(key: &'a str, method: &str, segments: &[&str]) -> Option<(Rank, BTreeMap<&'a str, String>)> {
    let mut parameters = BTreeMap::new();
    let Some((wanted, pattern)) = key.split_once(' ') else {
        return (key == "$default").then_some(((false, Vec::new(), false), parameters));
    };
    if wanted != "ANY" && wanted != method {
        return None;
    }
    let pattern = split(pattern);
    let mut ranks = Vec::with_capacity(pattern.len());
    for (at, part) in pattern.iter().enumerate() {
        let name = part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        match name.map(|name| (name, name.strip_suffix('+'))) {
            Some((_, Some(greedy))) => {
                // It stands for something: `/{proxy+}` is not the route of `/`.
                let rest = segments.get(at..).filter(|rest| rest.iter().any(|part| !part.is_empty()))?;
                parameters.insert(greedy, decode(&rest.join("/")));
                ranks.push(0);
                return Some(((true, ranks, wanted != "ANY"), parameters));
            }
            Some((name, None)) => {
                let segment = segments.get(at).filter(|segment| !segment.is_empty())?;
                parameters.insert(name, decode(segment));
                ranks.push(1);
            }
            None => {
                segments.get(at).filter(|segment| decode(segment) == **part)?;
                ranks.push(2);
            }
        }
    }
    (pattern.len() == segments.len()).then_some(((true, ranks, wanted != "ANY"), parameters))
}

fn split(path: &str) -> Vec<&str> {
    path.strip_prefix('/').unwrap_or(path).split('/').collect()
}

/// Percent-decoded; bytes that are no UTF-8 are replaced.
pub(crate) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes() -> Vec<Route> {
        let keys = [
            "$default",
            "GET /orders",
            "ANY /orders",
            "GET /orders/{id}",
            "GET /orders/new",
            "ANY /{proxy+}",
            "GET /orders/{id}/items/{item}",
            "GET /",
        ];
        keys.map(|key| Route { route_key: key.into(), function: "f".into(), ..Route::default() }).to_vec()
    }

    fn chosen(method: &str, path: &str) -> (String, BTreeMap<String, String>) {
        let routes = routes();
        let matched = best(&routes, method, path).expect("the default route matches everything");
        let parameters =
            matched.parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        (matched.route.route_key.clone(), parameters)
    }

    #[test]
    fn the_most_specific_route_answers() {
        let cases = [
            ("GET", "/orders", "GET /orders"),
            ("POST", "/orders", "ANY /orders"),
            ("GET", "/orders/new", "GET /orders/new"),
            ("GET", "/orders/7", "GET /orders/{id}"),
            ("POST", "/orders/7", "ANY /{proxy+}"),
            ("GET", "/elsewhere", "ANY /{proxy+}"),
            ("GET", "/", "GET /"),
        ];
        for (method, path, key) in cases {
            assert_eq!(chosen(method, path).0, key, "{method} {path}");
        }
    }

    #[test]
    fn parameters_are_decoded() {
        let (_, parameters) = chosen("GET", "/orders/a%2Fb%20c/items/%C3%BC");
        assert_eq!(parameters["id"], "a/b c");
        assert_eq!(parameters["item"], "\u{fc}");
        assert_eq!(chosen("PUT", "/a/b%20/c").1["proxy"], "a/b /c");
    }

    #[test]
    fn a_greedy_parameter_stands_for_at_least_one_segment() {
        let keys = ["ANY /{proxy+}", "GET /it/{rest+}"];
        let routes =
            keys.map(|key| Route { route_key: key.into(), function: "f".into(), ..Route::default() });
        assert!(best(&routes, "GET", "/").is_none());
        let chosen = best(&routes, "GET", "/it/").expect("a route");
        assert_eq!((chosen.route.route_key.as_str(), chosen.parameters["proxy"].as_str()), (keys[0], "it/"));
        assert_eq!(best(&routes, "GET", "/it/a/").expect("a route").parameters["rest"], "a/");
    }

    #[test]
    fn without_a_default_route_there_may_be_none() {
        assert!(
            best(
                &[Route { route_key: "GET /a".into(), function: "f".into(), ..Route::default() }],
                "POST",
                "/a"
            )
            .is_none()
        );
    }
}
