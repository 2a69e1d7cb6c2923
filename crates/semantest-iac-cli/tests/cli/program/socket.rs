//! WebSocket connections by hand, and the events that functions print.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Project;

/// Asks for a connection, `more` being header lines: the connection, and the head of the answer.
pub fn handshake(address: &str, path: &str, version: u8, more: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(address).expect("the gateway answers");
    let host = address.replace("127.0.0.1", "localhost");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: {version}\r\n{more}\r\n"
    )
    .expect("request");
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
        head.push(byte[0]);
    }
    (stream, String::from_utf8_lossy(&head).into_owned())
}

/// A frame of a client, masked with zeros.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("a short payload") | 0x80;
    [&[first, length, 0, 0, 0, 0], payload].concat()
}

/// Waits for the event that `wanted` tells from the others; a function's lines come a moment later.
pub fn event(project: &Project, wanted: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let lines = project.json(&["logs", "--limit", "1000"]).ok();
        let lines = lines["lines"].as_array().expect("lines").clone();
        let texts = lines.iter().filter_map(|line| Some(line["message"].as_str()?.split_once("EVENT ")?.1));
        let mut events = texts.map(|text| serde_json::from_str::<Value>(text).expect("JSON"));
        if let Some(found) = events.find(&wanted) {
            return found;
        }
        assert!(Instant::now() < deadline, "no such event: {lines:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The text of the next frame that the gateway sends.
pub fn next_text(stream: &mut TcpStream) -> String {
    let mut head = [0; 2];
    stream.read_exact(&mut head).expect("a frame");
    assert_eq!(head[0], 0x81, "a whole text message");
    let length = match head[1] {
        126 => {
            let mut length = [0; 2];
            stream.read_exact(&mut length).expect("its length");
            u16::from_be_bytes(length).into()
        }
        short => usize::from(short),
    };
    let mut text = vec![0; length];
    stream.read_exact(&mut text).expect("its text");
    String::from_utf8(text).expect("UTF-8")
}
