//! Passes a request on as it is, and its answer back.

use std::error::Error;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// The service's answer, or 502 where there is none.
pub(crate) async fn forward(upstream: &str, request: Request<Full<Bytes>>) -> Response<Full<Bytes>> {
    match exchange(upstream, request).await {
        Ok(answer) => answer,
        Err(error) => {
            let mut answer = bad_gateway();
            *answer.body_mut() = Full::new(error.to_string().into());
            answer
        }
    }
}

/// 502 with nothing in it.
pub(crate) fn bad_gateway() -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = hyper::StatusCode::BAD_GATEWAY;
    answer
}

async fn exchange(
    upstream: &str,
    request: Request<Full<Bytes>>,
) -> Result<Response<Full<Bytes>>, Box<dyn Error + Send + Sync>> {
    let stream = TcpStream::connect(upstream).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let (mut head, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    for of_the_connection in ["connection", "keep-alive", "transfer-encoding"] {
        head.headers.remove(of_the_connection);
    }
    Ok(Response::from_parts(head, Full::new(body)))
}
