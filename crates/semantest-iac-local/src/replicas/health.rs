//! Whether a replica is well: it listens, and answers a GET of the health check's path with 200 to 399 in time.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::header::{CONNECTION, HOST, USER_AGENT};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A replica that takes longer to answer is not well.
const ANSWER_TIME: Duration = Duration::from_secs(5);

/// What a look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Well,
    /// Nobody listens.
    Deaf,
    /// It listens, and this is what is wrong.
    Unwell(String),
}

/// Looks once.
pub(crate) async fn look(port: u16, path: &str) -> Health {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let Ok(stream) = TcpStream::connect(address).await else { return Health::Deaf };
    match tokio::time::timeout(ANSWER_TIME, ask(stream, address, path)).await {
        Ok(Ok(status)) if status.is_success() || status.is_redirection() => Health::Well,
        Ok(Ok(status)) => Health::Unwell(format!(
            "it answers GET {path} with {}, and 200 to 399 is well (`health_check_path` names another path)",
            status.as_u16()
        )),
        Ok(Err(error)) => Health::Unwell(format!("its answer to GET {path} is no HTTP: {error}")),
        Err(_) => {
            Health::Unwell(format!("it does not answer GET {path} within {} seconds", ANSWER_TIME.as_secs()))
        }
    }
}

async fn ask(stream: TcpStream, address: SocketAddr, path: &str) -> hyper::Result<StatusCode> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let request = Request::get(path)
        .header(HOST, address.to_string())
        .header(USER_AGENT, "semantest-iac-health")
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new());
    // The path was judged before anything was deployed.
    let Ok(request) = request else { return Ok(StatusCode::BAD_REQUEST) };
    let answered = sender.send_request(request).await.map(|response| response.status());
    driver.abort();
    answered
}
