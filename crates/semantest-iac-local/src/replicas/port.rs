//! A port for a replica.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// Below those that the system gives to connections (Linux, macOS: from 32768 on): it would give one away before the
/// replica listens.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;
/// So many are tried.
const TRIES: usize = 200;

/// A port that nobody has now, on any address: some programs listen on all.
///
/// # Errors
/// Where none of many is free.
pub(crate) fn free() -> io::Result<u16> {
    for _ in 0..TRIES {
        let (random, _) = uuid::Uuid::new_v4().as_u64_pair();
        // Always below `COUNT`.
        let port = FIRST + u16::try_from(random % u64::from(COUNT)).unwrap_or_default();
        let bound = TcpSocket::new_v4()?.bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)));
        if bound.is_ok() {
            return Ok(port);
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, "no port is free for a replica"))
}
