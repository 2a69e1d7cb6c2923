//! Which APIs there are in a region. An API has no name of its own, so whoever looks for one by its tags has to list them
//! all; and calls of API Gateway are the scarcest there are. So they are listed once for a whole run.

use std::time::Duration;

use aws_sdk_apigatewayv2::types::Api;
use semantest_iac_core::Result;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::clients::Clients;
use crate::error::failed;
use crate::ownership::Tags;

/// A list older than this is not believed any more: others change APIs too.
const FRESH: Duration = Duration::from_secs(10);

/// An API, as much of it as is looked for.
#[derive(Clone, Debug)]
pub(crate) struct KnownApi {
    pub id: String,
    pub name: String,
    pub endpoint: String,
    pub tags: Tags,
    /// `HTTP` or `WEBSOCKET`.
    pub protocol: String,
}

/// The APIs of a region.
#[derive(Default)]
pub(crate) struct ApiIndex {
    known: Mutex<Option<(Instant, Vec<KnownApi>)>>,
}

impl ApiIndex {
    /// All APIs. While one caller lists them, others wait for the same list.
    pub async fn all(&self, aws: &Clients) -> Result<Vec<KnownApi>> {
        let mut known = self.known.lock().await;
        if let Some((at, apis)) = known.as_ref()
            && at.elapsed() < FRESH
        {
            return Ok(apis.clone());
        }
        let apis = list(aws).await?;
        *known = Some((Instant::now(), apis.clone()));
        Ok(apis)
    }

    /// The next look is a new list: what a call did is not known.
    pub async fn forget(&self) {
        *self.known.lock().await = None;
    }

    /// Notes an API that was made.
    pub async fn add(&self, api: KnownApi) {
        if let Some((_, apis)) = self.known.lock().await.as_mut() {
            apis.retain(|known| known.id != api.id);
            apis.push(api);
        }
    }

    /// Notes that an API is gone.
    pub async fn remove(&self, id: &str) {
        if let Some((_, apis)) = self.known.lock().await.as_mut() {
            apis.retain(|known| known.id != id);
        }
    }
}

async fn list(aws: &Clients) -> Result<Vec<KnownApi>> {
    let (mut apis, mut next) = (Vec::new(), None);
    loop {
        let call = aws.apigateway.get_apis().max_results("100").set_next_token(next);
        let page = call.send().await.map_err(|error| failed("apigateway.GetApis", error))?;
        apis.extend(page.items().iter().map(known));
        next = page.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(apis);
        }
    }
}

fn known(api: &Api) -> KnownApi {
    KnownApi {
        id: api.api_id().unwrap_or_default().to_owned(),
        name: api.name().unwrap_or_default().to_owned(),
        endpoint: api.api_endpoint().unwrap_or_default().to_owned(),
        tags: api.tags().into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect(),
        protocol: api.protocol_type().map(|one| one.as_str().to_owned()).unwrap_or_default(),
    }
}
