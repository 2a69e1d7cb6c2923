//! Faults: a provider and an event store that fail where a test says.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use semantest_iac_core::Result;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource_graph::ResourceGraph;
use semantest_iac_core::ports::event_store::{
    Append, Appended, EventStore, Position, RecordedEvent, StreamInfo, StreamVersion,
};
use semantest_iac_core::ports::provider::{
    Applied, Change, Discovered, Finding, FunctionAccess, Observed, Operation, Provider, ProviderSettings,
    ResourceHandle, Scope,
};

/// Where a fault can strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The call has not taken effect.
    Before,
    /// The call has taken effect, its answer is not yet known.
    After,
}

/// Decides about each call: an error fails it. It may also never return, as a crash does.
#[async_trait]
pub trait Fault: Send + Sync {
    /// Called at both moments of each call, e.g. `("apply function.a", Before)`.
    async fn strike(&self, call: &str, moment: Moment) -> Result<()>;
}

/// A provider with faults.
pub struct FaultyProvider {
    /// The real one.
    pub inner: Arc<dyn Provider>,
    /// What goes wrong.
    pub fault: Arc<dyn Fault>,
}

#[async_trait]
impl Provider for FaultyProvider {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn lower(&self, blueprint: &Blueprint, settings: &ProviderSettings) -> Result<ResourceGraph> {
        self.inner.lower(blueprint, settings)
    }

    async fn default_region(&self) -> Option<String> {
        self.inner.default_region().await
    }

    async fn diagnose(&self, settings: &ProviderSettings) -> Result<Vec<Finding>> {
        self.inner.diagnose(settings).await
    }

    async fn observe(&self, resource: &ResourceHandle) -> Result<Option<Observed>> {
        let call = format!("observe {}", resource.tags.address);
        self.fault.strike(&call, Moment::Before).await?;
        self.inner.observe(resource).await
    }

    async fn apply(&self, change: &Change, operation: &Operation) -> Result<Applied> {
        let call = format!("apply {}", change.resource.tags.address);
        self.fault.strike(&call, Moment::Before).await?;
        let applied = self.inner.apply(change, operation).await?;
        self.fault.strike(&call, Moment::After).await?;
        Ok(applied)
    }

    async fn delete(&self, resource: &ResourceHandle, operation: &Operation) -> Result<()> {
        let call = format!("delete {}", resource.tags.address);
        self.fault.strike(&call, Moment::Before).await?;
        self.inner.delete(resource, operation).await?;
        self.fault.strike(&call, Moment::After).await
    }

    async fn discover(&self, scope: &Scope) -> Result<Vec<Discovered>> {
        self.inner.discover(scope).await
    }

    fn functions(&self) -> Option<&dyn FunctionAccess> {
        self.inner.functions()
    }
}

/// An event store with faults: `append` strikes before and after.
pub struct FaultyEventStore {
    /// The real one.
    pub inner: Arc<dyn EventStore>,
    /// What goes wrong.
    pub fault: Arc<dyn Fault>,
}

#[async_trait]
impl EventStore for FaultyEventStore {
    async fn append(&self, append: Append) -> Result<Appended> {
        self.fault.strike("append", Moment::Before).await?;
        let appended = self.inner.append(append).await?;
        self.fault.strike("append", Moment::After).await?;
        Ok(appended)
    }

    async fn read_stream(
        &self,
        stream: &str,
        after: StreamVersion,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>> {
        self.inner.read_stream(stream, after, limit).await
    }

    async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<RecordedEvent>> {
        self.inner.read_all(after, limit).await
    }

    async fn streams(&self, prefix: &str) -> Result<Vec<StreamInfo>> {
        self.inner.streams(prefix).await
    }

    async fn head(&self) -> Result<Position> {
        self.inner.head().await
    }

    async fn wait(&self, after: Position, at_most: Duration) -> Result<()> {
        self.inner.wait(after, at_most).await
    }
}
