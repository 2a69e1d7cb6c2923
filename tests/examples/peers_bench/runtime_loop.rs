//! The least that can be under a gateway: one worker that is given the next event as soon as it has answered.
//!
//! Over what the local host uses: pipes for our own bootstraps, TCP for another program.
//!
//! `peers_bench runtime-loop pipes|tcp COUNT PROGRAM...` is a process of its own, so that its processor time and its worker's are counted
//! as those of the local host and its workers are.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};

/// As a small request to an HTTP API becomes an event.
const EVENT: &str = include_str!("../../vectors/parity/aws-event.json");

/// Gives `count` events to a worker over one kept connection, as the Runtime API does.
pub fn run(over: &str, count: usize, command: &[String]) {
    let (program, arguments) = command.split_first().expect("a program");
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
    if over == "pipes" {
        let (theirs_to_read, ours_to_write) = std::io::pipe().expect("a pipe");
        let (ours_to_read, theirs_to_write) = std::io::pipe().expect("a pipe");
        let mappings = vec![
            FdMapping { parent_fd: theirs_to_read.into(), child_fd: 3 },
            FdMapping { parent_fd: theirs_to_write.into(), child_fd: 4 },
        ];
        command.env("SEMANTEST_RUNTIME_PIPES", "3,4").fd_mappings(mappings).expect("two descriptors");
        let worker = command.spawn().expect("a worker");
        drop(command);
        return give(count, worker, ours_to_read, ours_to_write);
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    command.env("AWS_LAMBDA_RUNTIME_API", listener.local_addr().expect("an address").to_string());
    let mut worker = command.spawn().expect("a worker");
    let stream = connected(&listener, &mut worker);
    stream.set_nodelay(true).expect("nodelay");
    give(count, worker, stream.try_clone().expect("a descriptor"), stream);
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

fn give(count: usize, mut worker: Child, reads: impl Read, mut writes: impl Write) {
    let mut reads = BufReader::new(reads);
    // As the host does where both come in one piece: the answer to what was sent goes with the next event.
    let mut held = Vec::new();
    let event: serde_json::Value = serde_json::from_str(EVENT).expect("an event");
    let event = event.to_string();
    let mut left = count;
    while let Some(post) = request(&mut reads) {
        if post {
            held.extend_from_slice(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n");
            if reads.buffer().is_empty() {
                writes.write_all(&std::mem::take(&mut held)).expect("an answer");
            }
        } else if left == 0 {
            break;
        } else {
            left -= 1;
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nlambda-runtime-aws-request-id: {left}\r\n\
                 lambda-runtime-deadline-ms: 9999999999999\r\nlambda-runtime-invoked-function-arn: arn:aws:lambda:us-east-1:000000000000:function:bench\r\n\
                 content-length: {}\r\n\r\n{event}",
                event.len()
            );
            held.extend_from_slice(answer.as_bytes());
            writes.write_all(&std::mem::take(&mut held)).expect("an event");
        }
    }
    let _ = worker.kill();
    let _ = worker.wait();
}

/// Reads one request; whether it is a POST.
fn request(stream: &mut impl BufRead) -> Option<bool> {
    let (mut line, mut length, mut post) = (String::new(), 0, None);
    loop {
        line.clear();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        post = post.or(Some(line.starts_with("POST")));
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            break;
        }
    }
    stream.read_exact(&mut vec![0; length]).ok()?;
    post
}
