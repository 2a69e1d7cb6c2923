//! What stands before the body of a response that is written in parts: status, headers and cookies, as JSON and eight zero
//! bytes.
//!
//! Source: AWS Lambda's runtime clients (`HttpResponseStream` in aws-lambda-ric, `lambdaurl` in aws-lambda-go).

use bytes::{Bytes, BytesMut};
use hyper::Response;
use hyper::header::HeaderValue;
use serde_json::Value;

use crate::gateway::http_response::head;
use crate::runtime::invocation::ResponseStream;

/// What a runtime calls a response that begins so.
pub(crate) const CONTENT_TYPE: &str = "application/vnd.awslambda.http-integration-response";
const DELIMITER: [u8; 8] = [0; 8];
/// Longest that is read before the delimiter, in bytes.
const LIMIT: usize = 64 * 1024;

/// Reads what stands before the body: the response without it, and what came of the body with it. Nothing where the response
/// ended with an error before.
///
/// # Errors
/// What is wrong with it, in words for the function's log.
pub(crate) async fn read(stream: &mut ResponseStream) -> Result<Option<(Response<()>, Bytes)>, String> {
    let mut begun = BytesMut::new();
    loop {
        if let Some(at) = begun.windows(DELIMITER.len()).position(|window| window == DELIMITER) {
            let rest = begun.split_off(at + DELIMITER.len()).freeze();
            return parsed(&begun[..at]).map(|head| Some((head, rest)));
        }
        if begun.len() > LIMIT {
            return Err(format!("the response's metadata takes more than {LIMIT} bytes"));
        }
        if let Some(part) = stream.parts.recv().await {
            begun.extend_from_slice(&part);
            continue;
        }
        let ended = (&mut stream.end).await;
        if !ended.is_ok_and(|outcome| outcome.is_success()) {
            return Ok(None);
        }
        let text = "the response ended before its metadata did (HttpResponseStream.from needs a write before the end)";
        return Err(text.to_owned());
    }
}

fn parsed(text: &[u8]) -> Result<Response<()>, String> {
    let metadata: Value = serde_json::from_slice(text)
        .map_err(|error| format!("the response's metadata is not JSON: {error}"))?;
    let Value::Object(map) = &metadata else { return Err("the response's metadata is no object".to_owned()) };
    head(map, HeaderValue::from_static("application/octet-stream"))
}

#[cfg(test)]
mod tests {
    use tokio::sync::{mpsc, oneshot};

    use super::*;
    use crate::runtime::invocation::InvocationOutcome;

    /// What comes of these parts, and of what follows them.
    async fn read_from(
        written: &[&[u8]],
        end: InvocationOutcome,
    ) -> Result<Option<(Response<()>, Bytes)>, String> {
        let (parts_in, parts) = mpsc::channel(written.len().max(1));
        for part in written {
            parts_in.send(Bytes::copy_from_slice(part)).await.expect("room");
        }
        drop(parts_in);
        let (end_in, ended) = oneshot::channel();
        end_in.send(end).expect("somebody waits");
        let (request_id, content_type) = (String::new(), CONTENT_TYPE.to_owned());
        read(&mut ResponseStream { request_id, content_type, parts, end: ended }).await
    }

    fn success() -> InvocationOutcome {
        InvocationOutcome::Success { request_id: String::new(), payload: Bytes::new() }
    }

    #[tokio::test]
    async fn metadata_is_found_wherever_it_is_cut() {
        let text = b"{\"statusCode\":418,\"headers\":{\"x-a\":\"b\"},\"cookies\":[\"c=1\",\"d=2\"]}\0\0\0\0\0\0\0\0the body";
        for cut in 0..=text.len() {
            let read = read_from(&[&text[..cut], &text[cut..]], success()).await.expect("read");
            let (head, rest) = read.expect("a response");
            assert_eq!(
                (head.status().as_u16(), &head.headers()["x-a"]),
                (418, &HeaderValue::from_static("b"))
            );
            assert_eq!(head.headers().get_all("set-cookie").iter().count(), 2);
            assert_eq!(head.headers()["content-type"], "application/octet-stream");
            assert!(b"the body".starts_with(&rest), "{rest:?}");
        }
    }

    #[tokio::test]
    async fn what_is_wrong_with_metadata_is_said() {
        let long = vec![b' '; LIMIT + 1];
        let cases: [(&[u8], &str); 5] = [
            (b"{\"statusCode\":200}", "ended before"),
            (b"not JSON\0\0\0\0\0\0\0\0", "is not JSON"),
            (b"[]\0\0\0\0\0\0\0\0", "no object"),
            (b"{\"statusCode\":\"x\"}\0\0\0\0\0\0\0\0", "statusCode is"),
            (&long, "more than"),
        ];
        for (text, said) in cases {
            let error = read_from(&[text], success()).await.expect_err(said);
            assert!(error.contains(said), "{error}");
        }
        let (request_id, error_type) = (String::new(), "Error".to_owned());
        let failed = InvocationOutcome::FunctionError { request_id, error_type, payload: Bytes::new() };
        assert!(read_from(&[b"{"], failed).await.expect("told elsewhere").is_none());
    }
}
