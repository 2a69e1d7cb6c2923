//! A proxy between a program and the AWS services it calls, which records, slows, limits and disturbs the calls.
//!
//! Emulators forgive everything: no throttling, no half-known roles, no lost answers. This proxy brings them back:
//!
//! ```no_run
//! use semantest_iac_testkit::fault_proxy::{Fault, FaultProxy, Rule, Which};
//!
//! let proxy = FaultProxy::start("http://127.0.0.1:4566");
//! proxy.inject(Rule::new("lambda:CreateFunction", Which::First(2), Fault::ROLE_NOT_ASSUMABLE));
//! // … run a program with AWS_ENDPOINT_URL set to `proxy.url()` …
//! assert!(proxy.calls().iter().any(|call| call.name() == "lambda:CreateFunction"));
//! ```

mod fault;
mod forward;
pub(crate) mod hold;
mod operation;
mod quota;
mod recorder;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;
use tokio::time::Instant;

pub use fault::{Fault, Rule, Which};
pub use hold::{Hold, Moment};
pub use quota::Quota;
pub use recorder::Call;

use fault::Answer;
use hold::{Held, Stop};
use operation::Operation;
use recorder::Recorder;

/// A running proxy on a free port of the loopback interface; it ends when this is dropped.
#[derive(Debug)]
pub struct FaultProxy {
    url: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    started: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    upstream: String,
    upstreams: HashMap<String, String>,
    recorder: Recorder,
    rules: Vec<Rule>,
    quotas: Vec<Quota>,
    latency: Duration,
    held: Option<Held>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FaultProxy {
    /// Starts one in front of the services at `upstream`, an address such as `http://127.0.0.1:4566`.
    ///
    /// # Panics
    ///
    /// Where no port is free.
    pub fn start(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        listener.set_nonblocking(true).expect("a listener that does not block");
        let state = State { upstream: authority(upstream), ..State::default() };
        let shared = Arc::new(Shared { started: Instant::now(), state: Mutex::new(state) });
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || run(listener, &serving, stopped));
        Self { url, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// What programs are given as `AWS_ENDPOINT_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sends the calls of one service (as it signs) somewhere else.
    pub fn send_to(&self, service: &str, upstream: &str) {
        self.shared.state().upstreams.insert(service.into(), authority(upstream));
    }

    /// From now on, this happens too. Where several rules strike, the oldest one does.
    pub fn inject(&self, rule: Rule) {
        self.shared.state().rules.push(rule);
    }

    /// From now on, no rule, quota or hold disturbs any call.
    pub fn calm(&self) {
        let mut state = self.shared.state();
        (state.rules, state.quotas, state.held) = (Vec::new(), Vec::new(), None);
    }

    /// From now on, calls beyond these quotas are throttled.
    pub fn enforce(&self, quotas: Vec<Quota>) {
        self.shared.state().quotas = quotas;
    }

    /// From now on, every call takes so much longer.
    pub fn set_latency(&self, latency: Duration) {
        self.shared.state().latency = latency;
    }

    /// Stops the program at this moment; only the last hold counts.
    pub fn hold(&self, moment: Moment) -> Hold {
        let (held, hold) = Held::new(moment);
        self.shared.state().held = Some(held);
        hold
    }

    /// Every call since the start, or since they were last taken.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.state().recorder.calls()
    }

    /// As [`Self::calls`], and starts anew.
    pub fn take_calls(&self) -> Vec<Call> {
        self.shared.state().recorder.take()
    }

    /// The largest number of calls that were open at once.
    pub fn most_in_flight(&self) -> usize {
        self.shared.state().recorder.most_open()
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn authority(url: &str) -> String {
    url.trim_start_matches("http://").trim_end_matches('/').to_owned()
}

fn run(listener: TcpListener, shared: &Arc<Shared>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        tokio::select! {
            () = accept(listener, shared) => {}
            _ = stopped => {}
        }
    });
}

async fn accept(listener: tokio::net::TcpListener, shared: &Arc<Shared>) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(shared)));
        }
    }
}

async fn serve(stream: tokio::net::TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request| handle(Arc::clone(&shared), request));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if (&mut connection).await.is_err() {
        // A connection that is broken on purpose ends with a reset, not with an orderly end.
        let _ = connection.into_parts().io.into_inner().set_zero_linger();
    }
}

/// The connection is to be reset.
#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("reset on purpose")
    }
}

impl std::error::Error for Broken {}

/// Counts a call as open for as long as it lives.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.state().recorder.end();
    }
}

/// What a call meets.
struct Fate {
    number: usize,
    upstream: String,
    latency: Duration,
    fault: Option<Fault>,
    stop: Option<Stop>,
}

async fn handle(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Broken> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let operation = Operation::of(&head.method, path, &head.headers, &body);
    let fate = decide(&shared, &operation, path, body.len());
    let _open = Open(Arc::clone(&shared));
    let number = fate.number;
    let answer = undergo(fate, &operation, Request::from_parts(head, Full::new(body))).await?;
    if let Some(call) = shared.state().recorder.call(number) {
        call.status = Some(answer.status().as_u16());
    }
    Ok(answer)
}

fn decide(shared: &Shared, operation: &Operation, path: &str, bytes: usize) -> Fate {
    let mut state = shared.state();
    let name = operation.full_name();
    let mut call = Call::new(shared.started.elapsed(), operation, path, bytes);
    let (fault, word) = match quota::admit(&mut state.quotas, &name, Instant::now()) {
        false => (Some(Fault::Throttle), Some("quota")),
        true => {
            // Each rule counts, also where an older one strikes.
            let struck: Vec<Fault> = state.rules.iter_mut().filter_map(|rule| rule.strikes(&name)).collect();
            let fault = struck.into_iter().next();
            let word = fault.as_ref().map(Fault::name);
            (fault, word)
        }
    };
    call.fault = word;
    let changes = call.changes_something();
    let stop = state.held.as_mut().and_then(|held| held.count(changes));
    let number = state.recorder.begin(call);
    let upstream = state.upstreams.get(&operation.service).unwrap_or(&state.upstream).clone();
    Fate { number, upstream, latency: state.latency, fault, stop }
}

async fn undergo(
    fate: Fate,
    operation: &Operation,
    request: Request<Full<Bytes>>,
) -> Result<Response<Full<Bytes>>, Broken> {
    let Fate { upstream, latency, fault, mut stop, .. } = fate;
    if let Some(stop) = stop.take_if(|stop| !stop.after) {
        never(stop.wait().await);
    }
    tokio::time::sleep(latency).await;
    let answer = match &fault {
        Some(fault) if !fault.forwards() => None,
        _ => Some(forward::forward(&upstream, request).await),
    };
    if let Some(stop) = stop {
        never(stop.wait().await);
    }
    match fault {
        None => Ok(answer.unwrap_or_else(forward::bad_gateway)),
        Some(Fault::Slow(time)) => {
            tokio::time::sleep(time).await;
            Ok(answer.unwrap_or_else(forward::bad_gateway))
        }
        Some(Fault::Throttle) => Ok(respond(fault::throttled(operation))),
        Some(Fault::ServerError | Fault::ServerErrorAfterwards) => {
            Ok(respond(fault::server_error(operation)))
        }
        Some(Fault::Refuse { status, code, message }) => {
            Ok(respond(fault::refused(operation, status, code, message)))
        }
        Some(Fault::Reset | Fault::ResetAfterwards) => Err(Broken),
        Some(Fault::Hang | Fault::HangAfterwards) => std::future::pending().await,
    }
}

fn never(nothing: Infallible) {
    match nothing {}
}

fn respond(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Full::new(answer.body.into())).unwrap_or_else(|_| forward::bad_gateway())
}
