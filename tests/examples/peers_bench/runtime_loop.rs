//! The least that can be under a gateway: one worker that is given the next event as soon as it has answered; and the least
//! gateway, which looks at nothing and passes on.
//!
//! Over what the local host uses: pipes for our own bootstraps, TCP for another program.
//!
//! `peers_bench runtime-loop pipes|tcp COUNT PROGRAM...` and `peers_bench least-gateway pipes|tcp ADDRESS PROGRAM...` are processes of their own, so
//! that their processor time and their worker's are counted as those of the local host and its workers are.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};

/// As a small request to an HTTP API becomes an event.
const EVENT: &str = include_str!("../../vectors/parity/aws-event.json");

/// A worker that has asked for an event.
struct Worker {
    process: Child,
    reads: BufReader<Box<dyn Read>>,
    writes: Box<dyn Write>,
    /// What goes out with the next event: as the host does it where both come in one piece.
    held: Vec<u8>,
    event: Vec<u8>,
}

/// Gives `count` events to a worker over one kept connection, as the Runtime API does.
pub fn run(over: &str, count: usize, command: &[String]) {
    let mut worker = Worker::start(over, command);
    for _ in 0..count {
        worker.answer();
        worker.asks();
    }
    worker.end();
}

/// Gives an event for each request that comes to `address`, one connection after the other; what the worker answers is the
/// response. Ends when it is told to.
pub fn gateway(over: &str, address: &str, command: &[String]) {
    let listener = TcpListener::bind(address).expect("the address");
    let mut worker = Worker::start(over, command);
    for client in listener.incoming() {
        let mut client = client.expect("a client");
        client.set_nodelay(true).expect("nodelay");
        while asked(&mut client) {
            let payload = worker.answer();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", payload.len());
            client.write_all(&[head.as_bytes(), &payload].concat()).expect("a response");
            worker.asks();
        }
    }
}

/// Reads a request without a body; whether there was one more.
fn asked(client: &mut TcpStream) -> bool {
    let (mut head, mut part) = (Vec::new(), [0; 4096]);
    while !head.ends_with(b"\r\n\r\n") {
        match client.read(&mut part) {
            Ok(count) if count > 0 => head.extend_from_slice(&part[..count]),
            _ => return false,
        }
    }
    true
}

impl Worker {
    fn start(over: &str, command: &[String]) -> Self {
        let (program, arguments) = command.split_first().expect("a program");
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
        let mut worker = if over == "pipes" { Self::over_pipes(command) } else { Self::over_tcp(command) };
        worker.asks();
        worker
    }

    fn over_pipes(mut command: Command) -> Self {
        let (theirs_to_read, ours_to_write) = std::io::pipe().expect("a pipe");
        let (ours_to_read, theirs_to_write) = std::io::pipe().expect("a pipe");
        let mappings = vec![
            FdMapping { parent_fd: theirs_to_read.into(), child_fd: 3 },
            FdMapping { parent_fd: theirs_to_write.into(), child_fd: 4 },
        ];
        command.env("SEMANTEST_RUNTIME_PIPES", "3,4").fd_mappings(mappings).expect("two descriptors");
        let process = command.spawn().expect("a worker");
        Self::new(process, Box::new(ours_to_read), Box::new(ours_to_write))
    }

    fn over_tcp(mut command: Command) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        command.env("AWS_LAMBDA_RUNTIME_API", listener.local_addr().expect("an address").to_string());
        let mut process = command.spawn().expect("a worker");
        let stream = connected(&listener, &mut process);
        stream.set_nodelay(true).expect("nodelay");
        Self::new(process, Box::new(stream.try_clone().expect("a descriptor")), Box::new(stream))
    }

    fn new(process: Child, reads: Box<dyn Read>, writes: Box<dyn Write>) -> Self {
        let event: serde_json::Value = serde_json::from_str(EVENT).expect("an event");
        let event = event.to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nlambda-runtime-aws-request-id: 1\r\n\
             lambda-runtime-deadline-ms: 9999999999999\r\n\
             lambda-runtime-invoked-function-arn: arn:aws:lambda:us-east-1:000000000000:function:bench\r\n\
             content-length: {}\r\n\r\n",
            event.len()
        );
        let event = [head.as_bytes(), event.as_bytes()].concat();
        Self { process, reads: BufReader::new(reads), writes, held: Vec::new(), event }
    }

    /// Waits until it asks for an event.
    fn asks(&mut self) {
        let (post, _) = request(&mut self.reads);
        assert!(!post, "it answers what it was not given");
    }

    /// Gives it an event; its answer.
    fn answer(&mut self) -> Vec<u8> {
        self.held.extend_from_slice(&self.event);
        self.writes.write_all(&self.held).expect("an event");
        let (post, payload) = request(&mut self.reads);
        assert!(post, "it asks for more than one");
        self.held = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n".to_vec();
        if self.reads.buffer().is_empty() {
            self.writes.write_all(&std::mem::take(&mut self.held)).expect("an answer");
        }
        payload
    }

    fn end(mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The worker's connection. One that ends before it connects would be waited for without end.
fn connected(listener: &TcpListener, worker: &mut Child) -> TcpStream {
    listener.set_nonblocking(true).expect("a listener");
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).expect("a connection");
                return stream;
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
        }
        if let Some(status) = worker.try_wait().expect("a worker") {
            panic!("the worker has ended before it asked for anything: {status}");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Reads one request: whether it is a POST, and its body.
fn request(stream: &mut impl BufRead) -> (bool, Vec<u8>) {
    let (mut line, mut length, mut post) = (String::new(), 0, None);
    loop {
        line.clear();
        assert!(stream.read_line(&mut line).expect("a request") > 0, "the worker has ended");
        post = post.or(Some(line.starts_with("POST")));
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("a body");
    (post == Some(true), body)
}
