//! The proxy in front of a server that counts what reaches it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// A server that answers every request with what it got, and counts.
struct Upstream {
    url: String,
    served: Arc<AtomicUsize>,
    _stop: oneshot::Sender<()>,
}

impl Upstream {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        listener.set_nonblocking(true).expect("not blocking");
        let served = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&served);
        let (stop, stopped) = oneshot::channel::<()>();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                tokio::select! { () = echo(listener, counted) => {}, _ = stopped => {} }
            });
        });
        Self { url, served, _stop: stop }
    }

    fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }
}

async fn echo(listener: tokio::net::TcpListener, served: Arc<AtomicUsize>) {
    while let Ok((stream, _)) = listener.accept().await {
        let served = Arc::clone(&served);
        let service = service_fn(move |request: Request<Incoming>| {
            served.fetch_add(1, Ordering::SeqCst);
            async move {
                let host = request.headers()["host"].to_str().expect("text").to_owned();
                let line = format!("{} {} {host} ", request.method(), request.uri());
                let body = request.into_body().collect().await?.to_bytes();
                let text = [line.as_bytes(), &body].concat();
                Ok::<_, hyper::Error>(
                    Response::builder().status(201).body(Full::new(Bytes::from(text))).unwrap(),
                )
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// Sends a call as an SDK would; status, and head and body as text.
fn call(
    proxy: &FaultProxy,
    service: &str,
    method: &str,
    path: &str,
    body: &str,
) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(authority(proxy.url()))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: aws.example\r\nconnection: close\r\ncontent-length: {}\r\n\
         authorization: AWS4-HMAC-SHA256 Credential=k/20261125/eu-west-1/{service}/aws4_request\r\n\r\n{body}",
        body.len()
    )?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok((text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0), text))
}

fn create_function(proxy: &FaultProxy) -> std::io::Result<(u16, String)> {
    call(proxy, "lambda", "POST", "/2015-03-31/functions", "{}")
}

/// Sends a call and reads nothing.
fn unanswered(proxy: &FaultProxy) -> TcpStream {
    let mut stream = TcpStream::connect(authority(proxy.url())).expect("a connection");
    let head = "POST /2015-03-31/functions HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\
                authorization: AWS4-HMAC-SHA256 Credential=k/1/r/lambda/aws4_request\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("a request");
    stream
}

fn disturbed(fault: Fault) -> (Upstream, FaultProxy) {
    let upstream = Upstream::start();
    let proxy = FaultProxy::start(&upstream.url);
    proxy.inject(Rule::new("lambda:CreateFunction", Which::First(1), fault));
    (upstream, proxy)
}

#[test]
fn an_undisturbed_call_passes_unchanged_and_is_recorded() {
    let upstream = Upstream::start();
    let proxy = FaultProxy::start(&upstream.url);
    let (status, text) =
        call(&proxy, "iam", "POST", "/?a=b", "Action=CreateRole&RoleName=x").expect("an answer");
    assert_eq!(status, 201);
    assert!(text.ends_with("POST /?a=b aws.example Action=CreateRole&RoleName=x"), "{text}");
    let calls = proxy.take_calls();
    assert_eq!((calls[0].name().as_str(), calls[0].status), ("iam:CreateRole", Some(201)));
    assert!(calls[0].changes_something() && calls[0].fault.is_none());
    assert_eq!((proxy.calls().len(), proxy.most_in_flight()), (0, 1));
}

#[test]
fn services_can_live_in_different_places() {
    let (one, other) = (Upstream::start(), Upstream::start());
    let proxy = FaultProxy::start(&one.url);
    proxy.send_to("ecs", &other.url);
    call(&proxy, "ecs", "POST", "/", "").expect("an answer");
    call(&proxy, "sts", "POST", "/", "").expect("an answer");
    call(&proxy, "sts", "POST", "/", "").expect("an answer");
    assert_eq!((one.served(), other.served()), (2, 1));
}

#[test]
fn errors_before_a_call_keep_it_from_the_service_and_speak_its_language() {
    for (fault, status, word) in [
        (Fault::Throttle, 429, "x-amzn-errortype: TooManyRequestsException"),
        (Fault::ServerError, 500, "InternalServerException"),
        (Fault::ROLE_NOT_ASSUMABLE, 400, "cannot be assumed by Lambda"),
        (Fault::UPDATE_IN_PROGRESS, 409, "ResourceConflictException"),
    ] {
        let (upstream, proxy) = disturbed(fault);
        let (answered, text) = create_function(&proxy).expect("an answer");
        assert_eq!((answered, upstream.served()), (status, 0));
        assert!(text.contains(word), "{text}");
        assert_eq!(create_function(&proxy).expect("an answer").0, 201, "only the first");
    }
}

#[test]
fn an_error_afterwards_hides_that_the_call_took_effect() {
    let (upstream, proxy) = disturbed(Fault::ServerErrorAfterwards);
    assert_eq!(create_function(&proxy).expect("an answer").0, 500);
    assert_eq!(upstream.served(), 1);
}

#[test]
fn a_connection_is_reset_before_or_after_a_call_took_effect() {
    for (fault, served) in [(Fault::Reset, 0), (Fault::ResetAfterwards, 1)] {
        let (upstream, proxy) = disturbed(fault);
        let error = create_function(&proxy).expect_err("no answer");
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        assert_eq!((upstream.served(), proxy.calls()[0].status), (served, None));
    }
}

#[test]
fn a_call_that_hangs_ends_only_by_the_caller() {
    let (upstream, proxy) = disturbed(Fault::HangAfterwards);
    let mut stream = unanswered(&proxy);
    stream.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
    assert!(stream.read(&mut [0]).is_err(), "no answer");
    assert_eq!(upstream.served(), 1);
}

#[test]
fn a_call_beyond_the_quota_is_throttled() {
    let upstream = Upstream::start();
    let proxy = FaultProxy::start(&upstream.url);
    proxy.enforce(vec![Quota::one_in("lambda:CreateFunction", Duration::from_secs(3600))]);
    assert_eq!(create_function(&proxy).expect("an answer").0, 201);
    let (status, text) = create_function(&proxy).expect("an answer");
    assert_eq!(status, 429);
    assert!(text.contains("retry-after: 1"), "{text}");
    assert!(proxy.calls()[1].was_throttled());
    proxy.calm();
    assert_eq!(create_function(&proxy).expect("an answer").0, 201);
}

#[test]
fn a_program_is_held_before_or_after_one_of_its_calls() {
    for (moment, served) in [(Moment::Before(2), 1), (Moment::After(2), 2), (Moment::AfterChange(2), 2)] {
        let upstream = Upstream::start();
        let proxy = FaultProxy::start(&upstream.url);
        let hold = proxy.hold(moment);
        assert_eq!(create_function(&proxy).expect("an answer").0, 201);
        let mut held = unanswered(&proxy);
        assert!(hold.reached(Duration::from_secs(10)));
        assert_eq!(upstream.served(), served);
        assert_eq!(create_function(&proxy).expect("an answer").0, 201, "others go on");
        held.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
        assert!(held.read(&mut [0]).is_err(), "it never gets its answer");
    }
}

#[test]
fn calls_that_are_open_at_once_are_counted() {
    let upstream = Upstream::start();
    let proxy = FaultProxy::start(&upstream.url);
    proxy.set_latency(Duration::from_millis(300));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| create_function(&proxy).expect("an answer"));
        }
    });
    assert!((2..=4).contains(&proxy.most_in_flight()));
}
