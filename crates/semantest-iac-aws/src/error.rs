//! From the SDK's errors to ours: what went wrong, whether another try can help, and what to do.

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::{ErrorMetadata, ProvideErrorMetadata};
use semantest_iac_core::{Error, ErrorKind, Result};

/// How a call failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The service said no: HTTP status, its code, its words.
    Refused { status: u16, code: String, message: String },
    /// It may or may not have taken effect.
    Unknown { timed_out: bool, detail: String },
    /// It was never made: what it needs could not be had.
    NotMade(Error),
    /// It was never sent.
    NotSent { credentials: bool, detail: String },
}

impl Failure {
    /// What `error` means.
    pub fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        match error {
            SdkError::ServiceError(refusal) => {
                Self::refused(refusal.raw().status().as_u16(), refusal.err().meta())
            }
            SdkError::ResponseError(answer) => {
                let detail = format!("the answer cannot be read (status {})", answer.raw().status());
                Self::Unknown { timed_out: false, detail }
            }
            SdkError::TimeoutError(_) => Self::Unknown { timed_out: true, detail: words(error) },
            SdkError::DispatchFailure(failure) if comes_of_credentials(error) || failure.is_user() => {
                Self::NotSent { credentials: comes_of_credentials(error), detail: words(error) }
            }
            SdkError::DispatchFailure(failure) => {
                Self::Unknown { timed_out: failure.is_timeout(), detail: words(error) }
            }
            _ => Self::NotSent { credentials: comes_of_credentials(error), detail: words(error) },
        }
    }

    fn refused(status: u16, said: &ErrorMetadata) -> Self {
        let code = said.code().unwrap_or_default().to_owned();
        let message = said.message().unwrap_or_default().to_owned();
        match status {
            500.. => Self::Unknown { timed_out: false, detail: format!("{status} {code} {message}") },
            _ => Self::Refused { status, code, message },
        }
    }

    /// Whether the service refused with one of `codes`.
    pub fn is(&self, codes: &[&str]) -> bool {
        matches!(self, Self::Refused { code, .. } if codes.iter().any(|one| code.starts_with(one)))
    }

    /// Whether the service refused with `code` and these words.
    pub fn says(&self, code: &str, words: &str) -> bool {
        self.is(&[code]) && matches!(self, Self::Refused { message, .. } if message.contains(words))
    }

    /// Whether there is no such thing.
    pub fn is_not_found(&self) -> bool {
        self.is(&NOT_FOUND) || matches!(self, Self::Refused { status: 404, .. })
    }

    /// Whether it may have taken effect.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }

    /// As an error of the call `operation` (`lambda.CreateFunction`).
    pub fn into_error(self, operation: &str) -> Error {
        let called = format!("aws.{operation}");
        match self {
            Self::Unknown { timed_out, detail } => {
                let kind = if timed_out { ErrorKind::Timeout } else { ErrorKind::Unavailable };
                Error::new(kind, called, format!("{operation} was not answered: {detail}")).retry_later()
            }
            Self::NotMade(error) => error,
            Self::NotSent { credentials: true, detail } => {
                let tried: Vec<&str> = detail.lines().map(str::trim).collect();
                let text = format!(
                    "no credentials for AWS: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in \
                     (aws sso login); {}",
                    tried.join(", ")
                );
                Error::new(ErrorKind::Unauthenticated, called, text)
            }
            Self::NotSent { detail, .. } => Error::new(
                ErrorKind::InvalidInput,
                called,
                format!("{operation} could not be sent: {detail}"),
            ),
            Self::Refused { status, code, message } => refusal(operation, called, status, &code, &message),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::NotMade(error)
    }
}

const NOT_FOUND: [&str; 14] = [
    "NoSuchEntity",
    "ResourceNotFoundException",
    "NotFoundException",
    "ClusterNotFoundException",
    "ServiceNotFoundException",
    "NoSuchBucket",
    "ObjectNotFoundException",
    "LoadBalancerNotFound",
    "ListenerNotFound",
    "TargetGroupNotFound",
    "InvalidGroup.NotFound",
    "InvalidSubnetID.NotFound",
    "InvalidVpcID.NotFound",
    "ParameterNotFound",
];

fn refusal(operation: &str, called: String, status: u16, code: &str, message: &str) -> Error {
    let begins = |codes: &[&str]| codes.iter().any(|one| code.starts_with(one));
    let said = [code, message].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ");
    let text = match said.is_empty() {
        true => format!("{operation}: status {status}, and not a word why"),
        false => format!("{operation}: {said}"),
    };
    let error = |kind, text: String| Error::new(kind, called.clone(), text).with("code", code);
    if status == 429 || begins(&["Throttl", "TooManyRequests", "RequestLimitExceeded", "SlowDown"]) {
        return error(ErrorKind::Throttled, text).retry_later();
    }
    if begins(&["AccessDenied", "UnauthorizedOperation", "NotAuthorized"]) {
        let text = format!("{text}; `semantest-iac doctor --provider aws` shows what this identity may do");
        return error(ErrorKind::PermissionDenied, text);
    }
    if begins(&[
        "ExpiredToken",
        "InvalidClientTokenId",
        "UnrecognizedClient",
        "SignatureDoesNotMatch",
        "InvalidSignature",
        "InvalidAccessKeyId",
        "AuthFailure",
        "MissingAuthenticationToken",
    ]) {
        return error(ErrorKind::Unauthenticated, format!("{text}; log in again or set other credentials"));
    }
    if NOT_FOUND.contains(&code) || status == 404 {
        return error(ErrorKind::NotFound, text);
    }
    if begins(&[
        "Conflict",
        "ResourceConflict",
        "OperationAborted",
        "ConcurrentModification",
        "ResourceInUse",
    ]) || begins(&["DeleteConflict", "DependencyViolation", "ResourceNotReady", "UpdateInProgress"])
    {
        return error(ErrorKind::Unavailable, text).retry_later();
    }
    if code.contains("LimitExceeded") || code.contains("QuotaExceeded") {
        let text = format!("{text}; ask AWS for a higher quota, or remove what is not needed");
        return error(ErrorKind::Provider, text);
    }
    error(ErrorKind::Provider, text)
}

/// An error of a call, where nothing more is to be made of it.
pub(crate) fn failed<E>(operation: &str, error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    Failure::of(&error).into_error(operation)
}

/// Of a deletion: it is gone, also where it was gone before.
pub(crate) fn gone<T, E>(operation: &str, sent: Result<T, SdkError<E, HttpResponse>>) -> Result<()>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    seen(operation, sent).map(drop)
}

/// Of a look: the answer, or nothing where there is no such thing.
pub(crate) fn seen<T, E>(operation: &str, sent: Result<T, SdkError<E, HttpResponse>>) -> Result<Option<T>>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match sent.map_err(|error| Failure::of(&error)) {
        Ok(answer) => Ok(Some(answer)),
        Err(failure) if failure.is_not_found() => Ok(None),
        Err(failure) => Err(failure.into_error(operation)),
    }
}

/// It is there and not ours: left alone.
pub(crate) fn foreign(what: &str, name: &str) -> Error {
    let text = format!(
        "there is a {what} `{name}` already that does not carry this deployment's tags: it is left alone; remove or rename \
         it, or use another project, environment or component name"
    );
    Error::new(ErrorKind::AlreadyExists, "aws.apply", text).with("name", name)
}

/// The words of an error and its causes, each once.
pub(crate) fn words(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let said = error.to_string();
        if !text.contains(&said) {
            text = if text.is_empty() { said } else { format!("{text}: {said}") };
        }
        next = error.source();
    }
    text
}

fn comes_of_credentials(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.downcast_ref::<CredentialsError>().is_some() || error.to_string().contains("credentials") {
            return true;
        }
        next = error.source();
    }
    false
}
