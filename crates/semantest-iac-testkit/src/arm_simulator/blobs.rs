//! A place for packages, where a test has no Azurite: PUT, GET, HEAD and DELETE of block blobs. Calls have to be signed;
//! whether the signature is right is Azurite's to judge.

use std::collections::BTreeMap;

use super::State;

/// A blob's answer.
pub(super) struct BlobReply {
    pub status: u16,
    pub headers: BTreeMap<&'static str, String>,
    pub body: Vec<u8>,
}

impl State {
    pub(super) fn blob(&mut self, method: &str, path: &str, query: &str, body: Vec<u8>) -> BlobReply {
        let reply =
            |status: u16, body: &[u8]| BlobReply { status, headers: BTreeMap::new(), body: body.to_vec() };
        let refused = |status, code: &str| {
            let text = format!(
                "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>{code}</Message></Error>"
            );
            reply(status, text.as_bytes())
        };
        if !query.split('&').any(|part| part.starts_with("sig=") && part.len() > 4) {
            return refused(403, "AuthenticationFailed");
        }
        let name = path.trim_start_matches('/').to_owned();
        let container = name
            .rsplit_once('/')
            .map(|(container, _)| container.replacen('/', "/blobservices/default/containers/", 1));
        let known = container.is_some_and(|place| {
            let suffix = format!("/storageaccounts/{}", place.to_ascii_lowercase());
            self.resources.keys().any(|id| id.ends_with(&suffix))
        });
        if !known {
            return refused(404, "ContainerNotFound");
        }
        match (method, self.blobs.get(&name)) {
            ("PUT", _) => {
                self.blobs.insert(name, body);
                reply(201, b"")
            }
            (_, None) => refused(404, "BlobNotFound"),
            ("DELETE", Some(_)) => {
                self.blobs.remove(&name);
                reply(202, b"")
            }
            ("HEAD", Some(found)) => {
                let mut known = reply(200, b"");
                known.headers.insert("content-length", found.len().to_string());
                known
            }
            (_, Some(found)) => reply(200, found),
        }
    }
}
