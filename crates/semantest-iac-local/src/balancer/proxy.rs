//! Passes requests on to replicas.
//!
//! Each request goes where the fewest are under way, in turn. A replica that cannot be reached is passed over, and looked at. What a
//! replica was sent is not sent again, but for one case: a request without a body and of a method that may be repeated, over a connection
//! that the replica has closed meanwhile; and then to the same replica. Without a replica that is well the answer is 503, where one breaks off it is 502.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{Either, Empty};
use hyper::body::{Body, Incoming};
use hyper::header::EXPECT;
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode, Uri, Version};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::balancer::forwarded;
use crate::balancer::passed::{Passed, Streamed};
use crate::balancer::upstream::{Connection, RequestBody, UnderWay, Upstream};
use crate::host::service_definition::LoadBalancerDefinition;
use crate::http_server::{self, Arrival, FullResponse, Handler, is_for_loopback, json};
use crate::replicas::services::Services;

struct Balancer {
    definition: watch::Receiver<Arc<LoadBalancerDefinition>>,
    services: Arc<Services>,
    shutdown: CancellationToken,
}

/// So long requests under way are waited for once a load balancer is to end: some answers have no end.
const LAST_REQUESTS: Duration = Duration::from_secs(10);

/// So often replicas are looked up for one request: those found first may just have made room for others.
const LOOKS: usize = 2;

/// Serves a load balancer until `shutdown`; requests under way are answered first, where that does not take long.
pub(crate) async fn serve(
    definition: watch::Receiver<Arc<LoadBalancerDefinition>>,
    listener: TcpListener,
    services: Arc<Services>,
    shutdown: CancellationToken,
) {
    let balancer = Arc::new(Balancer { definition, services, shutdown: shutdown.clone() });
    let too_long = async {
        shutdown.cancelled().await;
        tokio::time::sleep(LAST_REQUESTS).await;
    };
    tokio::select! {
        () = http_server::serve(listener, balancer, None, shutdown.clone()) => {}
        // What is left ends with its replica.
        () = too_long => {}
    }
}

/// A request that no replica has seen yet.
type Unsent = (Parts, RequestBody);

/// How an attempt ended.
enum Attempt {
    Answered(Response<Passed>),
    /// It never reached a replica.
    Unsent(Box<Unsent>),
    /// It is not known what became of it.
    Lost,
}

impl Handler for Balancer {
    type Body = Passed;

    async fn handle(self: Arc<Self>, request: Request<Incoming>, peer: SocketAddr) -> Response<Passed> {
        if !is_for_loopback(&request) {
            let text = "this local load balancer answers to 127.0.0.1 and localhost only (Host header)";
            return own(refusal(StatusCode::FORBIDDEN, text));
        }
        let service = self.definition.borrow().service.clone();
        let request = prepared(request, peer);
        let (parts, body) = request.into_parts();
        let mut unsent = (parts, Either::Left(body));
        for _ in 0..LOOKS {
            let upstreams = self.services.upstreams(&service).unwrap_or_default();
            unsent = match self.pass(&upstreams, unsent).await {
                Ok(response) => return response,
                Err(unsent) => *unsent,
            };
        }
        let text = format!(
            "Service Unavailable: no replica of {service} is well now; its log says why (semantest-iac logs)"
        );
        own(refusal(StatusCode::SERVICE_UNAVAILABLE, &text))
    }
}

impl Balancer {
    /// The answer of the first replica that can be reached; the request again where there is none.
    async fn pass(
        &self,
        upstreams: &[Arc<Upstream>],
        mut unsent: Unsent,
    ) -> Result<Response<Passed>, Box<Unsent>> {
        for upstream in upstreams {
            let under_way = upstream.begin();
            let Ok(connection) = upstream.connection().await else {
                upstream.doubt();
                continue;
            };
            // To be sent again: only what may be, and what is not a body that has gone by.
            let again = Some(&unsent.0).filter(|parts| connection.used && parts.method.is_safe());
            let again = again.filter(|_| unsent.1.is_end_stream()).map(copy_of);
            let (next, was_seen) = match self.attempt(upstream, connection, unsent, under_way).await {
                Attempt::Answered(response) => return Ok(response),
                Attempt::Unsent(unsent) => (*unsent, false),
                Attempt::Lost => match again {
                    Some(again) => (again, true),
                    None => return Ok(broken_off(upstream)),
                },
            };
            // The connection was of another time; the replica may be as well as ever. Where it is not, this request may be why: the
            // others are spared it.
            let under_way = upstream.begin();
            let Ok(connection) = upstream.connect().await else {
                upstream.doubt();
                if was_seen {
                    return Ok(broken_off(upstream));
                }
                unsent = next;
                continue;
            };
            unsent = match self.attempt(upstream, connection, next, under_way).await {
                Attempt::Answered(response) => return Ok(response),
                Attempt::Unsent(unsent) if !was_seen => *unsent,
                _ => return Ok(broken_off(upstream)),
            };
        }
        Err(Box::new(unsent))
    }

    async fn attempt(
        &self,
        upstream: &Arc<Upstream>,
        connection: Connection,
        (parts, body): Unsent,
        under_way: UnderWay,
    ) -> Attempt {
        let mut sender = connection.sender;
        let mut request = Request::from_parts(parts, body);
        let client = forwarded::upgrade(request.headers()).map(|_| hyper::upgrade::on(&mut request));
        let answer = match sender.try_send_request(request).await {
            Ok(answer) => answer,
            Err(mut error) => {
                return match error.take_message() {
                    Some(request) => Attempt::Unsent(Box::new(request.into_parts())),
                    None => Attempt::Lost,
                };
            }
        };
        Attempt::Answered(self.answer(upstream, sender, answer, client, under_way))
    }

    fn answer(
        &self,
        upstream: &Arc<Upstream>,
        sender: hyper::client::conn::http1::SendRequest<RequestBody>,
        mut answer: Response<Incoming>,
        client: Option<hyper::upgrade::OnUpgrade>,
        under_way: UnderWay,
    ) -> Response<Passed> {
        let upgraded = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
        let protocol = forwarded::upgrade(answer.headers()).filter(|_| upgraded);
        let replica = upgraded.then(|| hyper::upgrade::on(&mut answer));
        forwarded::strip(answer.headers_mut(), protocol);
        // Of this connection, not of the replica's. But where only the end of the connection ends the answer, as in HTTP/1.0, it is
        // passed on as such: there are clients as simple as that replica.
        if answer.version() != Version::HTTP_10 || answer.body().size_hint().exact().is_some() {
            *answer.version_mut() = Version::HTTP_11;
        }
        match (client, replica) {
            (Some(client), Some(replica)) => {
                let (upstream, shutdown) = (upstream.clone(), self.shutdown.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        () = tunnel(client, replica) => {}
                        () = upstream.closed() => {}
                        () = shutdown.cancelled() => {}
                    }
                    drop(under_way);
                });
                answer.map(|_| Passed::Own(Default::default()))
            }
            _ => {
                let upstream = upstream.clone();
                answer.map(|body| Passed::Replica(Streamed::new(body, upstream, sender, under_way)))
            }
        }
    }
}

/// Passes bytes both ways until one side ends.
async fn tunnel(client: hyper::upgrade::OnUpgrade, replica: hyper::upgrade::OnUpgrade) {
    if let (Ok(client), Ok(replica)) = (client.await, replica.await) {
        // Whoever goes away in the middle is no fault of ours.
        let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(replica)).await;
    }
}

/// The request as a replica gets it.
fn prepared(mut request: Request<Incoming>, peer: SocketAddr) -> Request<Incoming> {
    let port = Arrival::of(request.extensions()).port;
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    // A proxy may be asked with a whole URI, a server is asked with a path.
    let uri = path.parse().unwrap_or_else(|_| Uri::from_static("/"));
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_11;
    let upgrade = forwarded::upgrade(request.headers());
    let headers = request.headers_mut();
    forwarded::strip(headers, upgrade);
    // The server at the front has said `100 Continue` by the time the body comes.
    headers.remove(EXPECT);
    forwarded::say_where_from(headers, peer, port);
    request
}

/// The same request once more; it has no body.
fn copy_of(parts: &Parts) -> Unsent {
    let mut request = Request::new(());
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = parts.uri.clone();
    *request.headers_mut() = parts.headers.clone();
    (request.into_parts().0, Either::Right(Empty::<Bytes>::new()))
}

fn broken_off(upstream: &Upstream) -> Response<Passed> {
    upstream.doubt();
    own(refusal(StatusCode::BAD_GATEWAY, "Bad Gateway: the replica broke off before it answered"))
}

fn refusal(status: StatusCode, text: &str) -> FullResponse {
    json(status, serde_json::json!({ "message": text }).to_string())
}

fn own(response: FullResponse) -> Response<Passed> {
    response.map(Passed::Own)
}
