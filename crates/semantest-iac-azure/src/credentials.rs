//! Who we are: credentials as the Azure command line and Microsoft's SDKs find them, and where a token may go.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, Secret, TokenCredential, TokenRequestOptions};
use azure_core::error::ErrorKind as CoreKind;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{ClientOptions, Context, HttpClient, Request, RetryOptions, Transport, Url};
use azure_core::time::{Duration, OffsetDateTime};
use azure_identity::{
    AzureCliCredential, AzureDeveloperCliCredential, ClientAssertionCredentialOptions,
    ClientSecretCredential, ClientSecretCredentialOptions, ManagedIdentityCredential,
    ManagedIdentityCredentialOptions, UserAssignedId, WorkloadIdentityCredential,
    WorkloadIdentityCredentialOptions,
};
use tokio::sync::{Mutex, OnceCell};

use crate::cloud::Cloud;
use crate::error::words;

/// A token is not used for the last of its life.
const LAST_MINUTES: Duration = Duration::minutes(5);

/// A token that somebody else has got. Prints nothing of it.
#[derive(Clone)]
pub struct StaticToken(Secret);

impl StaticToken {
    /// Wraps a token.
    pub fn new(token: impl Into<String>) -> Self {
        Self(Secret::new(token.into()))
    }
}

impl fmt::Debug for StaticToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StaticToken")
    }
}

#[async_trait]
impl TokenCredential for StaticToken {
    async fn get_token(
        &self,
        _scopes: &[&str],
        _options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        Ok(AccessToken::new(self.0.clone(), OffsetDateTime::now_utc() + Duration::hours(1)))
    }
}

type Made = azure_core::Result<Arc<dyn TokenCredential>>;

/// The first of: a service principal in the environment, workload identity, the app's managed identity, the Azure command
/// lines, the machine's managed identity. Whichever gives a token first is asked from then on.
pub(crate) struct FoundCredential {
    cloud: Cloud,
    http: Arc<dyn HttpClient>,
    found: OnceCell<(&'static str, Arc<dyn TokenCredential>)>,
}

impl FoundCredential {
    /// Nothing is looked for before a token is needed.
    pub fn new(cloud: Cloud, http: Arc<dyn HttpClient>) -> Self {
        Self { cloud, http, found: OnceCell::new() }
    }

    /// Where the token comes from, once there was one.
    pub fn source(&self) -> Option<&'static str> {
        self.found.get().map(|(name, _)| *name)
    }

    fn candidates(&self) -> Vec<(&'static str, Made)> {
        let set = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let mut all: Vec<(&'static str, Made)> = Vec::new();
        if let (Some(tenant), Some(client), Some(secret)) =
            (set("AZURE_TENANT_ID"), set("AZURE_CLIENT_ID"), set("AZURE_CLIENT_SECRET"))
        {
            let options = Some(ClientSecretCredentialOptions { client_options: self.options(true) });
            let made = ClientSecretCredential::new(&tenant, client, Secret::new(secret), options);
            all.push(("environment (AZURE_CLIENT_SECRET)", made.map(|one| one as _)));
        }
        if set("AZURE_FEDERATED_TOKEN_FILE").is_some() {
            let credential_options = ClientAssertionCredentialOptions { client_options: self.options(true) };
            let options = WorkloadIdentityCredentialOptions { credential_options, ..Default::default() };
            let made = WorkloadIdentityCredential::new(Some(options));
            all.push(("workload identity (AZURE_FEDERATED_TOKEN_FILE)", made.map(|one| one as _)));
        }
        let of_app = ["IDENTITY_ENDPOINT", "MSI_ENDPOINT"].iter().any(|name| set(name).is_some());
        if of_app {
            all.push(("managed identity", self.managed(set("AZURE_CLIENT_ID"))));
        }
        all.push(("Azure command line (az login)", AzureCliCredential::new(None).map(|one| one as _)));
        let developer = AzureDeveloperCliCredential::new(None).map(|one| one as _);
        all.push(("Azure Developer command line (azd auth login)", developer));
        if !of_app {
            all.push(("managed identity", self.managed(set("AZURE_CLIENT_ID"))));
        }
        all
    }

    fn managed(&self, client: Option<String>) -> Made {
        let options = ManagedIdentityCredentialOptions {
            user_assigned_id: client.map(UserAssignedId::ClientId),
            client_options: self.options(false),
        };
        ManagedIdentityCredential::new(Some(options)).map(|one| one as _)
    }

    /// `retries`: an identity service that is not there is asked once.
    fn options(&self, retries: bool) -> ClientOptions {
        use azure_core::cloud::CloudConfiguration;
        let cloud = match self.cloud {
            Cloud::Public => CloudConfiguration::AzurePublic,
            Cloud::UsGovernment => CloudConfiguration::AzureGovernment,
            Cloud::China => CloudConfiguration::AzureChina,
        };
        ClientOptions {
            transport: Some(Transport::new(self.http.clone())),
            retry: if retries { RetryOptions::default() } else { RetryOptions::none() },
            // AZURE_AUTHORITY_HOST is looked at only where no cloud is named.
            cloud: std::env::var_os("AZURE_AUTHORITY_HOST").is_none().then(|| Arc::new(cloud)),
            ..ClientOptions::default()
        }
    }

    async fn find(
        &self,
        scopes: &[&str],
    ) -> azure_core::Result<((&'static str, Arc<dyn TokenCredential>), AccessToken)> {
        let mut tried = Vec::new();
        for (name, made) in self.candidates() {
            let token = match made {
                Ok(credential) => credential.get_token(scopes, None).await.map(|token| (credential, token)),
                Err(error) => Err(error),
            };
            match token {
                Ok((credential, token)) => return Ok(((name, credential), token)),
                Err(error) => tried.push(format!("{name}: {}", words(&error))),
            }
        }
        Err(azure_core::Error::with_message(CoreKind::Credential, tried.join("\n")))
    }
}

impl fmt::Debug for FoundCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FoundCredential").field("source", &self.source()).finish_non_exhaustive()
    }
}

#[async_trait]
impl TokenCredential for FoundCredential {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let found = self.found.get_or_try_init(|| async { self.find(scopes).await.map(|(found, _)| found) });
        found.await?.1.get_token(scopes, options).await
    }
}

/// Tokens of another credential, each asked for once in its life: command lines keep none, and would be started for every call.
#[derive(Debug)]
pub(crate) struct KeptTokens<C> {
    /// Who is asked.
    pub inner: C,
    kept: Mutex<HashMap<String, AccessToken>>,
}

impl<C> KeptTokens<C> {
    /// Asks `inner` when a token is needed.
    pub fn of(inner: C) -> Self {
        Self { inner, kept: Mutex::default() }
    }
}

#[async_trait]
impl<C: TokenCredential> TokenCredential for KeptTokens<C> {
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        // Held while somebody asks: calls made at once wait for one token.
        let mut kept = self.kept.lock().await;
        let key = scopes.join(" ");
        if let Some(token) = kept.get(&key)
            && token.expires_on > OffsetDateTime::now_utc() + LAST_MINUTES
        {
            return Ok(token.clone());
        }
        let token = self.inner.get_token(scopes, options).await?;
        kept.insert(key, token.clone());
        Ok(token)
    }
}

/// Puts the token into calls, and into no others than those that may carry it: encrypted ones to the very service it is for.
/// In the clear only on this machine itself, where an emulator is.
#[derive(Debug)]
pub(crate) struct Authorization {
    /// Who we are.
    pub credential: Arc<dyn TokenCredential>,
    /// What the token is for: `https://management.azure.com/.default`.
    pub scope: String,
    /// Where it may go.
    pub origin: Url,
}

#[async_trait]
impl Policy for Authorization {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        if request.url().origin() != self.origin.origin() || !is_safe(request.url()) {
            let text = format!("no token is sent to {}", request.url().origin().ascii_serialization());
            return Err(azure_core::Error::with_message(CoreKind::Other, text));
        }
        let token = self.credential.get_token(&[self.scope.as_str()], None).await.map_err(|error| {
            // Whatever kept the token from us: the call itself was not made.
            azure_core::Error::with_message(CoreKind::Credential, words(&error))
        })?;
        request.insert_header("authorization", format!("Bearer {}", token.token.secret()));
        match next {
            [first, rest @ ..] => first.send(ctx, request, rest).await,
            [] => Err(azure_core::Error::with_message(CoreKind::Other, "the pipeline has no transport")),
        }
    }
}

/// Whether what is sent to `url` stays between us and the other side.
pub(crate) fn is_safe(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    let here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    url.scheme() == "https" || (url.scheme() == "http" && here)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_go_out_encrypted_or_stay_on_this_machine() {
        let safe = |text: &str| is_safe(&text.parse().expect("an address"));
        assert!(safe("https://management.azure.com/x"));
        assert!(safe("http://127.0.0.1:8080/x") && safe("http://[::1]:8080/x") && safe("http://localhost/x"));
        assert!(!safe("http://management.azure.com/x") && !safe("http://127.0.0.1.example.com/x"));
    }

    /// Gives tokens that live so long, and counts.
    #[derive(Debug)]
    struct Counting(std::sync::atomic::AtomicUsize, Duration);

    #[async_trait]
    impl TokenCredential for Counting {
        async fn get_token(
            &self,
            _scopes: &[&str],
            _options: Option<TokenRequestOptions<'_>>,
        ) -> azure_core::Result<AccessToken> {
            let asked = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Ok(AccessToken::new(Secret::new(format!("token {asked}")), OffsetDateTime::now_utc() + self.1))
        }
    }

    #[tokio::test]
    async fn a_token_is_asked_for_once_in_its_life_and_for_each_service() {
        for (life, wanted) in [(Duration::hours(1), 2), (Duration::minutes(4), 20)] {
            let kept = KeptTokens::of(Counting(std::sync::atomic::AtomicUsize::new(0), life));
            let calls = (0..20).map(|call| {
                let scopes: &[&str] = if call % 2 == 0 { &["management"] } else { &["vault"] };
                kept.get_token(scopes, None)
            });
            futures::future::try_join_all(calls).await.expect("tokens");
            assert_eq!(kept.inner.0.load(std::sync::atomic::Ordering::Relaxed), wanted, "{life}");
        }
    }

    #[tokio::test]
    async fn a_token_prints_nothing_of_itself() {
        let token = StaticToken::new("canary-of-a-token");
        assert!(!format!("{token:?}").contains("canary"));
        let given = token.get_token(&["x"], None).await.expect("a token");
        assert!(!format!("{given:?}").contains("canary"));
    }
}
