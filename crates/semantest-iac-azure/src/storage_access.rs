//! How blobs are reached: by the account's key, which is read from ARM when it is needed and kept nowhere, and by what is
//! signed with it (SAS).

use std::fmt;
use std::time::Duration;

use azure_core::http::{Method, Url};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use semantest_iac_core::ports::clock::Timestamp;
use semantest_iac_core::{Error, ErrorKind, Result};
use sha2::Sha256;

use crate::arm::{Body, RestClient};
use crate::clients::Clients;
use crate::error::Failure;
use crate::storage_account::API_VERSION;
use crate::tracked::name_in;

/// Of the blob service, and of what is signed.
const VERSION: &str = "2021-12-02";

/// What we sign for ourselves is good for one upload.
const OWN_ACCESS: Duration = Duration::from_secs(3600);

/// What an app is given has to be good for as long as it runs: it is read at every start of an instance. It ends at once
/// when the account's keys are rotated.
const APP_ACCESS: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// With less time left than this, an app gets a new one.
const RENEWAL: Duration = Duration::from_secs(365 * 24 * 3600);

/// Clocks differ.
const EARLIER: Duration = Duration::from_secs(15 * 60);

/// What stays as it is in the query of an address.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The blobs of one container, with the keys of their account. Its `Debug` shows no key.
pub(crate) struct StorageAccess {
    account: String,
    keys: Vec<String>,
    container_url: String,
}

impl fmt::Debug for StorageAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StorageAccess").field("account", &self.account).finish_non_exhaustive()
    }
}

impl StorageAccess {
    /// Access to the container at `container_url` of the account with that id.
    ///
    /// # Errors
    /// Those of reading the keys; `PermissionDenied` where the account takes none.
    pub async fn of(azure: &Clients, account: &str, container_url: &str) -> Result<Self> {
        let keys = azure.arm.post(&format!("{account}/listKeys"), API_VERSION, None, None).await?;
        let values = keys["keys"].as_array().into_iter().flatten();
        let keys: Vec<String> = values.filter_map(|key| key["value"].as_str().map(str::to_owned)).collect();
        if keys.is_empty() {
            let text = format!("storage account `{}` shows no key to this identity", name_in(account));
            return Err(Error::new(ErrorKind::PermissionDenied, "azure.storage", text));
        }
        let account = name_in(account).to_owned();
        Ok(Self { account, keys, container_url: container_url.trim_end_matches('/').to_owned() })
    }

    /// What the Functions host keeps its own things with.
    pub fn connection_string(&self, azure: &Clients) -> String {
        let (account, key) = (&self.account, self.keys.first().map_or("", String::as_str));
        let suffix = azure.settings().cloud.storage_suffix();
        format!(
            "DefaultEndpointsProtocol=https;AccountName={account};AccountKey={key};EndpointSuffix={suffix}"
        )
    }

    /// Whether `connection_string` is of this account and has one of its keys.
    pub fn is_connection_string(&self, connection_string: &str) -> bool {
        let part = |name: &str| {
            let mut parts = connection_string.split(';').filter_map(|part| part.split_once('='));
            parts.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        };
        part("AccountName") == Some(&self.account)
            && part("AccountKey").is_some_and(|key| self.keys.iter().any(|known| known == key))
    }

    /// The address by which an app reads `blob`; whoever has it can read the blob.
    ///
    /// # Errors
    /// `Internal` where nothing can be signed.
    pub fn address_of(&self, blob: &str) -> Result<String> {
        let url = format!("{}/{blob}", self.container_url);
        let until = later(APP_ACCESS)?;
        let key = self.keys.first().map_or("", String::as_str);
        Ok(format!(
            "{url}?{}",
            self.signed(&Grant { url: &url, permissions: "r", resource: "b", until: &until }, key)?
        ))
    }

    /// Whether `address` reads a blob, and will for long enough.
    pub fn is_good(&self, address: &str) -> bool {
        let Some((url, query)) = address.split_once('?') else { return false };
        let mut until = String::new();
        for (name, value) in Url::parse(address).iter().flat_map(Url::query_pairs) {
            if name == "se" {
                until = value.into_owned();
            }
        }
        let soon = later(RENEWAL).unwrap_or_default();
        let grant = Grant { url, permissions: "r", resource: "b", until: &until };
        // Written alike, earlier is less.
        until > soon && self.keys.iter().any(|key| self.signed(&grant, key).is_ok_and(|own| own == query))
    }

    /// Keeps `bytes` as `blob`. What is there already stays: the same name means the same bytes.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn upload(&self, azure: &Clients, blob: &str, bytes: Vec<u8>) -> Result<()> {
        let (client, query) = self.client(azure)?;
        let headers = [
            ("x-ms-version", VERSION.to_owned()),
            ("x-ms-blob-type", "BlockBlob".to_owned()),
            ("if-none-match", "*".to_owned()),
        ];
        let body = Body::Bytes(Bytes::from(bytes), "application/zip");
        let path = format!("/{blob}?{query}");
        match client.send(Method::Put, &path, &headers, body).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.is(&["BlobAlreadyExists"]) || failure.status() == Some(412) => Ok(()),
            Err(failure) => Err(early(failure, "put blob")),
        }
    }

    /// Whether `blob` is there.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn has(&self, azure: &Clients, blob: &str) -> Result<bool> {
        let (client, query) = self.client(azure)?;
        let headers = [("x-ms-version", VERSION.to_owned())];
        match client.send(Method::Head, &format!("/{blob}?{query}"), &headers, Body::Nothing).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.is_not_found() => Ok(false),
            Err(failure) => Err(early(failure, "head blob")),
        }
    }

    /// Takes `blob` away, also if it was gone before.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn remove(&self, azure: &Clients, blob: &str) -> Result<()> {
        let (client, query) = self.client(azure)?;
        let headers = [("x-ms-version", VERSION.to_owned())];
        match client.send(Method::Delete, &format!("/{blob}?{query}"), &headers, Body::Nothing).await {
            Ok(_) => Ok(()),
            Err(failure) if failure.is_not_found() => Ok(()),
            Err(failure) => Err(early(failure, "delete blob")),
        }
    }

    /// Calls of the container and what they are signed with.
    fn client(&self, azure: &Clients) -> Result<(RestClient, String)> {
        let until = later(OWN_ACCESS)?;
        let grant = Grant { url: &self.container_url, permissions: "rcwd", resource: "c", until: &until };
        let query = self.signed(&grant, self.keys.first().map_or("", String::as_str))?;
        Ok((azure.caller.service(&self.container_url, None)?, query))
    }

    /// A service SAS.
    ///
    /// Source: Azure Storage REST reference, "Create a service SAS", of version 2020-12-06 and later.
    fn signed(&self, grant: &Grant<'_>, key: &str) -> Result<String> {
        let protocol = if grant.url.starts_with("http://") { "https,http" } else { "https" };
        let resource = self.canonical(grant.url)?;
        let Grant { permissions, resource: of, until, .. } = grant;
        let text =
            format!("{permissions}\n\n{until}\n{resource}\n\n\n{protocol}\n{VERSION}\n{of}\n\n\n\n\n\n\n");
        let broken = || {
            let text = format!("the key of storage account `{}` is none", self.account);
            Error::new(ErrorKind::Provider, "azure.storage", text)
        };
        let key = STANDARD.decode(key).map_err(|_| broken())?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| broken())?;
        mac.update(text.as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        let parts = [
            ("sv", VERSION),
            ("spr", protocol),
            ("se", until),
            ("sr", of),
            ("sp", permissions),
            ("sig", &signature),
        ];
        let parts = parts.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, PLAIN)));
        Ok(parts.join("&"))
    }

    /// `/blob/<account>/<container>/<blob>`. An emulator has the account in the path already.
    fn canonical(&self, url: &str) -> Result<String> {
        let url: Url = url.parse().map_err(|_| {
            let text = format!("storage account `{}` has no address", self.account);
            Error::new(ErrorKind::Provider, "azure.storage", text)
        })?;
        let is_named = url.host_str().is_some_and(|host| host.contains('.') && !is_number(host));
        Ok(match is_named {
            true => format!("/blob/{}{}", self.account, url.path()),
            false => format!("/blob{}", url.path()),
        })
    }
}

/// What is allowed.
struct Grant<'a> {
    url: &'a str,
    permissions: &'a str,
    /// `b` for a blob, `c` for a container.
    resource: &'a str,
    until: &'a str,
}

fn is_number(host: &str) -> bool {
    host.split('.').all(|part| part.parse::<u8>().is_ok())
}

/// A time from now on, as storage writes it.
fn later(by: Duration) -> Result<String> {
    let now = Timestamp::now();
    let then = Timestamp::from_millisecond(
        now.as_millisecond() + i64::try_from((by + EARLIER).as_millis()).unwrap_or_default(),
    );
    let then = then.map_err(|_| Error::new(ErrorKind::Internal, "azure.storage", "no such time"))?;
    let text = then.to_string();
    // Whole seconds: `2036-11-30T21:00:00Z`.
    Ok(format!("{}Z", text.get(..19).unwrap_or_default()))
}

/// A container that was made a moment ago may not be seen everywhere yet, and the key of a new account not be taken.
fn early(failure: Failure, operation: &str) -> Error {
    let is_early = failure.is(&["ContainerNotFound", "AuthenticationFailed", "ContainerBeingDeleted"]);
    let error = failure.into_error(operation);
    if is_early { error.retry_later() } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(container_url: &str) -> StorageAccess {
        let key = STANDARD.encode("a key");
        StorageAccess { account: "acc".into(), keys: vec![key], container_url: container_url.into() }
    }

    #[test]
    fn an_address_is_good_as_long_as_the_key_it_was_signed_with() {
        let access = access("https://acc.blob.core.windows.net/packages");
        let address = access.address_of("x.zip").expect("signed");
        assert!(address.starts_with("https://acc.blob.core.windows.net/packages/x.zip?sv="), "{address}");
        assert!(access.is_good(&address));
        assert!(!access.is_good(&address.replace("x.zip", "y.zip")), "of another blob");
        let rotated = StorageAccess { keys: vec![STANDARD.encode("another")], ..access };
        assert!(!rotated.is_good(&address), "of a key that is gone");
    }

    #[test]
    fn the_account_is_named_once() {
        let of_azure = access("https://acc.blob.core.windows.net/packages");
        let url = "https://acc.blob.core.windows.net/packages/x.zip";
        assert_eq!(of_azure.canonical(url).expect("a path"), "/blob/acc/packages/x.zip");
        let url = "http://127.0.0.1:10000/acc/packages/x.zip";
        assert_eq!(of_azure.canonical(url).expect("a path"), "/blob/acc/packages/x.zip");
    }

    #[test]
    fn a_key_is_never_shown() {
        let access = access("https://x");
        assert!(!format!("{access:?}").contains(&access.keys[0]));
        let text = "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=YSBrZXk=;EndpointSuffix=x";
        assert!(access.is_connection_string(text));
        assert!(!access.is_connection_string(&text.replace("YSBrZXk=", "b3RoZXI=")));
    }
}
