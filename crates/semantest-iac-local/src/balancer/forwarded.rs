//! Headers on their way through the load balancer.

use std::net::SocketAddr;

use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};

/// Those of one connection only (RFC 9110, section 7.6.1), beside what `Connection` names.
const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What the other side is asked to become, where it is asked.
pub(crate) fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let asks = headers.get_all(header::CONNECTION).iter().any(|value| {
        let words = value.to_str().unwrap_or_default().split(',');
        words.map(str::trim).any(|word| word.eq_ignore_ascii_case("upgrade"))
    });
    headers.get(header::UPGRADE).filter(|_| asks).cloned()
}

/// Takes away what is between two neighbours only; an `upgrade` stays.
pub(crate) fn strip(headers: &mut HeaderMap, upgrade: Option<HeaderValue>) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        headers.remove(name);
    }
    if let Some(upgrade) = upgrade {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, upgrade);
    }
}

/// Says who asked and how, as the clouds' load balancers do: `X-Forwarded-For` (added to what is there), `-Proto`, `-Port`.
pub(crate) fn say_where_from(headers: &mut HeaderMap, peer: SocketAddr, port: u16) {
    let names = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-port"];
    let before: Vec<&str> =
        headers.get_all(names[0]).iter().filter_map(|value| value.to_str().ok()).collect();
    let client = peer.ip().to_string();
    let all = before.into_iter().chain([client.as_str()]).collect::<Vec<_>>().join(", ");
    for (name, value) in names.into_iter().zip([all, "http".to_owned(), port.to_string()]) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        pairs.collect()
    }

    #[test]
    fn what_is_between_neighbours_stays_between_them() {
        let mut given = headers(&[
            ("connection", "close, X-Private"),
            ("x-private", "1"),
            ("te", "trailers"),
            ("upgrade", "h2c"),
            ("x-kept", "2"),
        ]);
        assert_eq!(upgrade(&given), None, "it is not asked for");
        strip(&mut given, None);
        assert_eq!(given, headers(&[("x-kept", "2")]));
    }

    #[test]
    fn an_upgrade_that_is_asked_for_passes() {
        let mut given = headers(&[("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")]);
        let asked = upgrade(&given);
        strip(&mut given, asked);
        assert_eq!(given, headers(&[("connection", "upgrade"), ("upgrade", "websocket")]));
    }

    #[test]
    fn each_proxy_adds_who_came_to_it() {
        let mut given = headers(&[("x-forwarded-for", "10.0.0.1"), ("x-forwarded-proto", "gopher")]);
        say_where_from(&mut given, SocketAddr::from(([127, 0, 0, 1], 9)), 8080);
        assert_eq!(given["x-forwarded-for"], "10.0.0.1, 127.0.0.1");
        assert_eq!(
            (&given["x-forwarded-proto"], &given["x-forwarded-port"]),
            (&"http".parse().expect("a value"), &"8080".parse().expect("a value"))
        );
    }
}
