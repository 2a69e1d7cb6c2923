//! Requests over kept connections.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// So many requests a connection sends at least, however busy the machine is.
pub const LEAST: usize = 30;

/// Where a function is reached.
#[derive(Clone, Debug)]
pub struct Target {
    /// `host:port`.
    pub address: String,
    /// The path, with its slash.
    pub path: String,
}

/// What a round of requests took.
pub struct Load {
    /// How long each took, shortest first.
    pub times: Vec<Duration>,
    /// From the first request to the last answer.
    pub wall: Duration,
}

impl Load {
    /// Half of the requests took at most so many milliseconds.
    pub fn p50_ms(&self) -> f64 {
        self.times[self.times.len() / 2].as_secs_f64() * 1000.0
    }

    /// Requests in a second, of all connections.
    pub fn rate(&self) -> f64 {
        self.times.len() as f64 / self.wall.as_secs_f64()
    }
}

/// A kept connection.
pub struct Connection {
    stream: BufReader<TcpStream>,
    request: String,
}

impl Connection {
    /// Connects.
    pub fn open(target: &Target) -> Self {
        let stream = TcpStream::connect(&target.address).expect("the gateway answers");
        stream.set_nodelay(true).expect("nodelay");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a limit");
        let request = format!("GET {} HTTP/1.1\r\nhost: {}\r\n\r\n", target.path, target.address);
        Self { stream: BufReader::new(stream), request }
    }

    /// One request; the answer's status.
    pub fn ask(&mut self) -> std::io::Result<u16> {
        self.stream.get_mut().write_all(self.request.as_bytes())?;
        let (mut line, mut length, mut status) = (String::new(), 0, 0);
        loop {
            line.clear();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
                status = rest.get(..3).and_then(|code| code.parse().ok()).unwrap_or_default();
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            if line == "\r\n" {
                break;
            }
        }
        self.stream.read_exact(&mut vec![0; length])?;
        Ok(status)
    }
}

/// Asks over `connections` at once for as long as `time`, and [`LEAST`] times each.
///
/// # Panics
/// Where an answer is not 200: then what is measured is not what is meant.
pub fn load(target: &Target, connections: usize, time: Duration) -> Load {
    let start = Instant::now();
    let one = || {
        let mut connection = Connection::open(target);
        let mut times = Vec::new();
        while start.elapsed() < time || times.len() < LEAST {
            let asked = Instant::now();
            assert_eq!(connection.ask().expect("an answer"), 200, "{target:?}");
            times.push(asked.elapsed());
        }
        times
    };
    let mut times: Vec<Duration> = std::thread::scope(|threads| {
        let all: Vec<_> = (0..connections).map(|_| threads.spawn(one)).collect();
        all.into_iter().flat_map(|thread| thread.join().expect("a connection")).collect()
    });
    times.sort();
    Load { times, wall: start.elapsed() }
}
