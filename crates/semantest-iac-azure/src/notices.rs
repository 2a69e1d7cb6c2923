//! What a deployment asks for and Azure does otherwise, where that is no reason to refuse it: said when it is planned.

use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::networking::api_gateway::Cors;

use crate::workspace::LEAST_DAYS;

/// What there is to say about `blueprint`.
pub(crate) fn of(blueprint: &Blueprint) -> Vec<String> {
    let cors = blueprint.api.as_ref().and_then(|api| api.cors.as_ref());
    let of_cors = cors.and_then(unlimited);
    [retention(blueprint), of_cors, recorded(blueprint), code(blueprint)].into_iter().flatten().collect()
}

fn code(blueprint: &Blueprint) -> Option<String> {
    blueprint.service.as_ref()?.package.as_ref()?;
    Some("code: without effect on Azure, its containers hold what is in the `image`".to_owned())
}

fn retention(blueprint: &Blueprint) -> Option<String> {
    let of_functions = blueprint.functions.iter().map(|function| function.log_retention_days);
    let of_api = blueprint.api.iter().map(|api| api.log_retention_days);
    let of_service = blueprint.service.iter().map(|service| service.log_retention_days);
    let asked = of_functions.chain(of_api).chain(of_service).flatten().next()?;
    let text = format!(
        "log_retention_days {asked}: logs are kept for {LEAST_DAYS} days, Log Analytics keeps none for less"
    );
    (asked < LEAST_DAYS).then_some(text)
}

/// The platform answers preflights, and knows origins and credentials only.
fn unlimited(cors: &Cors) -> Option<String> {
    let limits = |list: &[String]| !list.is_empty() && !list.iter().any(|word| word == "*");
    let without_effect = [
        ("cors.allow_methods", limits(&cors.allow_methods)),
        ("cors.allow_headers", limits(&cors.allow_headers)),
        ("cors.max_age_s", cors.max_age_s.is_some()),
    ];
    let keys: Vec<&str> = without_effect.iter().filter(|(_, given)| *given).map(|(key, _)| *key).collect();
    let text = format!(
        "{}: without effect, Azure allows browsers every method and header and says not how long that holds",
        keys.join(", ")
    );
    (!keys.is_empty()).then_some(text)
}

/// The platform records requests, whatever is asked for.
fn recorded(blueprint: &Blueprint) -> Option<String> {
    blueprint.api.as_ref()?.access_log?;
    Some("access_log: without effect, Application Insights has a record of every request".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn notices(parts: Value) -> Vec<String> {
        let mut whole =
            json!({ "project": "shop", "environment": "dev", "component": "x", "kind": "rest-api" });
        whole.as_object_mut().expect("an object").extend(parts.as_object().expect("an object").clone());
        of(&serde_json::from_value(whole).expect("a blueprint"))
    }

    fn api(own: Value) -> Value {
        let mut api = json!({ "protocol": "http", "routes": [] });
        api.as_object_mut().expect("an object").extend(own.as_object().expect("an object").clone());
        json!({ "api": api })
    }

    #[test]
    fn logs_that_are_kept_for_longer_than_asked_are_told_of() {
        let told = notices(api(json!({ "log_retention_days": 7 })));
        assert!(told.len() == 1 && told[0].contains("log_retention_days 7"), "{told:?}");
        assert!(told[0].contains("kept for 30 days"), "{told:?}");
        let service = json!({
            "image": "x", "port": 1, "cpu": 1, "memory_mb": 512, "replicas": {}, "log_retention_days": 14,
        });
        assert_eq!(notices(json!({ "service": service })).len(), 1);
        assert_eq!(notices(api(json!({ "log_retention_days": 30 }))), Vec::<String>::new());
        assert_eq!(notices(api(json!({}))), Vec::<String>::new());
    }

    #[test]
    fn a_record_of_requests_cannot_be_asked_for_or_refused() {
        for asked in [true, false] {
            let told = notices(api(json!({ "access_log": asked })));
            assert!(told.len() == 1 && told[0].starts_with("access_log: without effect"), "{told:?}");
        }
    }

    #[test]
    fn code_beside_an_image_is_told_to_have_no_effect() {
        let service = |own: Value| {
            let mut service = json!({ "image": "x", "port": 1, "cpu": 1, "memory_mb": 512, "replicas": {} });
            service.as_object_mut().expect("an object").extend(own.as_object().expect("an object").clone());
            json!({ "service": service })
        };
        let told = notices(service(json!({ "command": ["serve"], "package": "0" })));
        assert!(told.len() == 1 && told[0].contains("without effect on Azure"), "{told:?}");
        assert_eq!(notices(service(json!({}))), Vec::<String>::new());
    }

    #[test]
    fn limits_of_cors_that_the_platform_does_not_keep_are_told_of() {
        let cors = json!({ "allow_methods": ["GET"], "allow_headers": ["x-one"], "max_age_s": 600 });
        let told = notices(api(json!({ "cors": cors })));
        let keys = "cors.allow_methods, cors.allow_headers, cors.max_age_s: without effect";
        assert!(told.len() == 1 && told[0].starts_with(keys), "{told:?}");
        let kept = json!({
            "allow_origins": ["https://example.com"], "allow_methods": ["*"], "allow_headers": ["*"],
            "expose_headers": ["x-two"], "allow_credentials": true,
        });
        assert_eq!(notices(api(json!({ "cors": kept }))), Vec::<String>::new());
    }
}
