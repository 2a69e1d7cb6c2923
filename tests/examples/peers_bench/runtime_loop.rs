//! The least that can be under a gateway: one worker that is given the next event as soon as it has answered.
//!
//! `peers_bench runtime-loop COUNT PROGRAM...` is a process of its own, so that its processor time and its worker's are counted
//! as those of the local host and its workers are.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

/// As a small request to an HTTP API becomes an event.
const EVENT: &str = include_str!("../../vectors/parity/aws-event.json");

/// Gives `count` events to a worker over one kept connection, as the Runtime API does.
pub fn run(count: usize, command: &[String]) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let (program, arguments) = command.split_first().expect("a program");
    let mut worker = Command::new(program)
        .args(arguments)
        .env("AWS_LAMBDA_RUNTIME_API", address)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("a worker");
    let (stream, _) = listener.accept().expect("a connection");
    stream.set_nodelay(true).expect("nodelay");
    let mut stream = BufReader::new(stream);
    let event: serde_json::Value = serde_json::from_str(EVENT).expect("an event");
    let event = event.to_string();
    let mut left = count;
    while let Some(post) = request(&mut stream) {
        if post {
            stream
                .get_mut()
                .write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")
                .expect("an answer");
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
            stream.get_mut().write_all(answer.as_bytes()).expect("an event");
        }
    }
    let _ = worker.kill();
    let _ = worker.wait();
}

/// Reads one request; whether it is a POST.
fn request(stream: &mut BufReader<TcpStream>) -> Option<bool> {
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
