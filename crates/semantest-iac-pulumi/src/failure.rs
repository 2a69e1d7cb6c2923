//! Errors as Pulumi's engine takes them.

use prost::Message;
use prost_types::Any;
use semantest_iac::{Error, ErrorKind, ErrorRecord};
use tonic::{Code, Status};

use crate::configuration::Refused;
use crate::property::{Properties, to_wire};
use crate::protocol::{CheckFailure, ErrorResourceInitFailed};

/// `google.rpc.Status`: what gRPC keeps in an answer's details.
#[derive(Clone, PartialEq, Message)]
struct Details {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// An error as a status. `Unavailable` is never used: the engine takes it for a plugin that is not there.
pub(crate) fn status(error: Error) -> Status {
    Status::new(code(error.kind()), error.to_record().message)
}

/// An input that cannot be used, where it is too late for `check` to say so.
pub(crate) fn refused(refused: Refused) -> Status {
    Status::invalid_argument(format!("{}: {}", refused.property, refused.reason))
}

/// The resource is there, and not as it should be: its id stays in Pulumi's state, and the next run goes on.
pub(crate) fn half_done(id: String, inputs: Properties, outputs: Properties, error: &ErrorRecord) -> Status {
    let failed = ErrorResourceInitFailed {
        id,
        properties: Some(to_wire(outputs)),
        reasons: reasons(error),
        inputs: Some(to_wire(inputs)),
    };
    let any = Any {
        type_url: "type.googleapis.com/pulumirpc.ErrorResourceInitFailed".to_owned(),
        value: failed.encode_to_vec(),
    };
    let details = Details { code: Code::Unknown as i32, message: error.message.clone(), details: vec![any] };
    Status::with_details(Code::Unknown, error.message.clone(), details.encode_to_vec().into())
}

fn reasons(error: &ErrorRecord) -> Vec<String> {
    let facts = error.context.iter().map(|(key, value)| format!("{key}: {value}"));
    std::iter::once(error.message.clone()).chain(facts).collect()
}

/// What `check` says of an error in what the user wrote; nothing where something else is wrong.
pub(crate) fn about_inputs(error: &Error, given: &Properties) -> Option<Refused> {
    let users = [
        ErrorKind::InvalidInput,
        ErrorKind::InvalidProject,
        ErrorKind::InvalidGraph,
        ErrorKind::NotFound,
        ErrorKind::Unsupported,
    ];
    if !users.contains(&error.kind()) {
        return None;
    }
    let fact = |wanted: &str| {
        error
            .context()
            .iter()
            .find(|(key, _)| key == wanted)
            .map(|(_, value)| value.trim_start_matches("an ").trim_start_matches("a ").to_owned())
    };
    let in_file = fact("file").is_some();
    let property = match fact("field").filter(|_| !in_file) {
        Some(field) if given.contains_key(&field) => field,
        Some(_) if given.contains_key("configuration") => "configuration".to_owned(),
        _ if error.operation() == "component.find" => "component".to_owned(),
        _ if error.operation() == "provider.find" && given.contains_key("provider") => "provider".to_owned(),
        _ if error.operation() == "environment.find" => "environment".to_owned(),
        _ => String::new(),
    };
    Some(Refused::new(property, error.to_record().message))
}

/// Inputs that the engine prints whole where one is named in a failure: too much to read, and not for everybody.
const LARGE: [&str; 2] = ["configuration", "environmentVariables"];

impl From<Refused> for CheckFailure {
    fn from(refused: Refused) -> Self {
        let root = refused.property.split('.').next().unwrap_or_default();
        if LARGE.contains(&root) {
            let reason = format!("{}: {}", refused.property, refused.reason);
            return Self { property: String::new(), reason };
        }
        Self { property: refused.property, reason: refused.reason }
    }
}

fn code(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::InvalidInput | ErrorKind::InvalidProject | ErrorKind::InvalidGraph => {
            Code::InvalidArgument
        }
        ErrorKind::NotFound => Code::NotFound,
        ErrorKind::AlreadyExists => Code::AlreadyExists,
        ErrorKind::Held | ErrorKind::VersionConflict => Code::Aborted,
        ErrorKind::Unauthenticated => Code::Unauthenticated,
        ErrorKind::PermissionDenied => Code::PermissionDenied,
        ErrorKind::Throttled => Code::ResourceExhausted,
        ErrorKind::Timeout => Code::DeadlineExceeded,
        ErrorKind::Cancelled => Code::Cancelled,
        ErrorKind::Unsupported | ErrorKind::SecretUnresolved => Code::FailedPrecondition,
        _ => Code::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::property::Property;

    #[test]
    fn a_half_done_resource_keeps_its_id() {
        let error = Error::new(ErrorKind::DeploymentFailed, "deployment.run", "api: refused").to_record();
        let outputs = Properties::from([("status".to_owned(), Property::text("failed"))]);
        let status = half_done("p/e/c".into(), Properties::new(), outputs, &error);
        let details = Details::decode(status.details()).expect("details");
        let failed = ErrorResourceInitFailed::decode(details.details[0].value.as_slice()).expect("a failure");
        assert_eq!(
            (failed.id.as_str(), failed.reasons.as_slice()),
            ("p/e/c", &["api: refused".to_owned()][..])
        );
        assert!(details.details[0].type_url.ends_with("/pulumirpc.ErrorResourceInitFailed"));
    }
}
