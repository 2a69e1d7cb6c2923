//! Messages over WebSocket connections, each answered before the next is sent.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use tokio_tungstenite::tungstenite::{Message, client};

use crate::http_load::{LEAST, Load, Target};

/// Sends over `connections` at once for as long as `time`; each message comes back.
///
/// # Panics
/// Where something else comes back.
pub fn load(target: &Target, connections: usize, time: Duration) -> Load {
    let start = Instant::now();
    let one = |number: usize| {
        let stream = TcpStream::connect(&target.address).expect("the gateway answers");
        stream.set_nodelay(true).expect("nodelay");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a limit");
        let url = format!("ws://{}{}", target.address, target.path);
        let (mut socket, _) = client(url, stream).expect("a handshake");
        let mut times = Vec::new();
        while start.elapsed() < time || times.len() < LEAST {
            let text = format!("{number} {}", times.len());
            let sent = Instant::now();
            socket.send(Message::text(text.clone())).expect("sent");
            let came = socket.read().expect("an answer");
            assert_eq!(came.into_text().expect("text").as_str(), text);
            times.push(sent.elapsed());
        }
        let _ = socket.close(None);
        times
    };
    let mut times: Vec<Duration> = std::thread::scope(|threads| {
        let all: Vec<_> = (0..connections).map(|number| threads.spawn(move || one(number))).collect();
        all.into_iter().flat_map(|thread| thread.join().expect("a connection")).collect()
    });
    times.sort();
    Load { times, wall: start.elapsed() }
}
