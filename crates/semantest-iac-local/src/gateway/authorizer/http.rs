//! Authorizers of HTTP APIs: which routes a request may reach, and what their functions are told of who sent it.
//!
//! Sources: API Gateway developer guide, "Control access to HTTP APIs with JWT authorizers" and "… with AWS Lambda
//! authorizers"; RFC 6750, section 3 (`WWW-Authenticate`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::StatusCode;
use hyper::header::{HeaderValue, WWW_AUTHENTICATE};
use semantest_iac_core::domain::networking::authorizer::{JwtAuthorizer, LambdaAuthorizer};
use semantest_iac_core::ports::clock::Timestamp;
use serde_json::{Value, json};

use super::answer::Answer;
use super::cache::{Cache, Question};
use super::identity::Looked;
use super::jwt::{self, Refusal};
use super::{NoAnswer, arn, ask};
use crate::gateway::http_event::{ACCOUNT, HttpRequest};
use crate::gateway::http_response::internal_error;
use crate::gateway::websocket_handshake::forbidden;
use crate::host::definition::Authorization;
use crate::http_server::{FullResponse, json as respond};
use crate::runtime::invocation::Invoker;

/// The gateway waits no longer for an authorizer's function (API Gateway quotas, HTTP APIs).
const AUTHORIZER_TIME: Duration = Duration::from_secs(10);

/// The authorizers of one API, and what their functions have answered.
#[derive(Default)]
pub(crate) struct HttpAuthorizers {
    cache: Cache,
}

impl HttpAuthorizers {
    /// Judges a request: what its function is told of who sent it; nothing where everybody may call the route.
    ///
    /// # Errors
    /// The answer to who may not.
    pub async fn judge(
        &self,
        authorization: Option<&Authorization>,
        request: &HttpRequest<'_>,
        invoker: &Arc<dyn Invoker>,
    ) -> Result<Option<Value>, FullResponse> {
        let Some(name) = &request.route().authorizer else { return Ok(None) };
        let authorization = authorization.ok_or_else(internal_error)?;
        if let Some(authorizer) = authorization.jwt.get(name) {
            return by_token(authorizer, request).map(Some).map_err(Challenge::response);
        }
        // A route whose authorizer is not there is no open route.
        let authorizer = authorization.lambda.get(name).ok_or_else(internal_error)?;
        let looking = By { name, authorizer, region: &authorization.region, request, invoker };
        self.by_function(looking).await.map(Some)
    }

    async fn by_function(&self, by: By<'_>) -> Result<Value, FullResponse> {
        let By { name, authorizer, region, request, invoker } = by;
        let context = |variable: &str| request.context_variable(variable);
        let looked = looked(request, &context);
        let Some(identities) = looked.all(&authorizer.identity_source) else { return Err(unauthorized()) };
        let route = format!("$default/{}{}", request.method(), request.path());
        let arn = arn(region, ACCOUNT, request.api_id(), &route);
        let question = Question {
            authorizer: name.to_owned(),
            function: (authorizer.function.clone(), invoker.generation(&authorizer.function)),
            simple: authorizer.simple_responses,
            identities,
        };
        let cached = (authorizer.ttl_s > 0).then(|| self.cache.get(&question, Instant::now())).flatten();
        let answer = match cached {
            Some(answer) => answer,
            None => self.asked(authorizer, request, &arn, question, invoker).await?,
        };
        match answer.allows(&arn) {
            true => Ok(json!({ "lambda": answer.context })),
            false => Err(forbidden()),
        }
    }

    async fn asked(
        &self,
        authorizer: &LambdaAuthorizer,
        request: &HttpRequest<'_>,
        arn: &str,
        question: Question,
        invoker: &Arc<dyn Invoker>,
    ) -> Result<Answer, FullResponse> {
        let function = &authorizer.function;
        let event = request.authorizer_event(arn, &question.identities);
        let (request_id, payload) =
            ask(invoker, function, event, AUTHORIZER_TIME).await.map_err(|none| match none {
                NoAnswer::Unauthorized => unauthorized(),
                NoAnswer::Failed => internal_error(),
            })?;
        let answer = Answer::read(&payload, authorizer.simple_responses).map_err(|wrong| {
            invoker.log(
                function,
                &request_id,
                &format!("[ERROR] the authorizer's answer cannot be used: {wrong}"),
            );
            internal_error()
        })?;
        if authorizer.ttl_s > 0 {
            let ttl = Duration::from_secs(authorizer.ttl_s.into());
            self.cache.put(question, answer.clone(), ttl, Instant::now());
        }
        Ok(answer)
    }
}

/// A Lambda authorizer that judges a request.
struct By<'a> {
    name: &'a str,
    authorizer: &'a LambdaAuthorizer,
    region: &'a str,
    request: &'a HttpRequest<'a>,
    invoker: &'a Arc<dyn Invoker>,
}

fn looked<'a>(
    request: &'a HttpRequest<'_>,
    context: &'a (dyn Fn(&str) -> Option<String> + Sync),
) -> Looked<'a> {
    Looked {
        headers: request.headers(),
        query: request.query(),
        stage_variables: request.stage_variables(),
        context,
    }
}

fn by_token(authorizer: &JwtAuthorizer, request: &HttpRequest<'_>) -> Result<Value, Challenge> {
    let context = |variable: &str| request.context_variable(variable);
    let token = looked(request, &context).one(&authorizer.identity_source);
    let Some(token) = token else {
        return Err(Challenge { status: StatusCode::UNAUTHORIZED, said: "Bearer".to_owned() });
    };
    let now = Timestamp::now().as_millisecond() as f64 / 1000.0;
    let scopes = &request.route().authorization_scopes;
    let told = jwt::judge(authorizer, &token, scopes, now).map_err(|refusal| {
        let (status, error, why) = match refusal {
            Refusal::Invalid(why) => (StatusCode::UNAUTHORIZED, "invalid_token", why),
            Refusal::Scopes => {
                (StatusCode::FORBIDDEN, "insufficient_scope", "the token has none of the route's scopes")
            }
        };
        let scopes = scopes.join(" ");
        let said = format!(r#"Bearer scope="{scopes}" error="{error}" error_description="{why}""#);
        Challenge { status, said }
    });
    told.map(|jwt| json!({ "jwt": jwt }))
}

/// Says which token is missing, or what is wrong with the one that came.
struct Challenge {
    status: StatusCode,
    said: String,
}

impl Challenge {
    fn response(self) -> FullResponse {
        let mut response = if self.status == StatusCode::FORBIDDEN { forbidden() } else { unauthorized() };
        if let Ok(said) = HeaderValue::from_str(&self.said) {
            response.headers_mut().insert(WWW_AUTHENTICATE, said);
        }
        response
    }
}

/// `401 {"message":"Unauthorized"}`.
pub(crate) fn unauthorized() -> FullResponse {
    respond(StatusCode::UNAUTHORIZED, r#"{"message":"Unauthorized"}"#)
}
