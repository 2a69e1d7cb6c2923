//! The plugin: Pulumi's calls, each handed to the module that knows it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, RwLock};

use semantest_iac::Iac;
use semantest_iac::ports::project::Project;
use tonic::{Request, Response, Status};

use crate::claims::Claims;
use crate::engine::EngineLog;
use crate::inputs::Inputs;
use crate::place::{Place, type_of};
use crate::projects::Projects;
use crate::property::{Properties, from_message};
use crate::protocol::resource_provider_server::ResourceProvider;
use crate::protocol::{
    CheckRequest, CheckResponse, ConfigureRequest, ConfigureResponse, CreateRequest, CreateResponse,
    DeleteRequest, DiffRequest, DiffResponse, GetSchemaRequest, GetSchemaResponse, InvokeRequest,
    InvokeResponse, PluginAttach, PluginInfo, ProviderHandshakeRequest, ProviderHandshakeResponse,
    ReadRequest, ReadResponse, UpdateRequest, UpdateResponse,
};
use crate::work::Work;
use crate::{check, deploy, diff, functions, read, remove, schema};

/// The one type of resource.
const DEPLOYMENT: &str = "semantest:index:Deployment";

/// What all calls share.
pub(crate) struct Session {
    configured: RwLock<Properties>,
    /// URNs that were read and not checked since: a refresh is going on.
    refreshing: Mutex<HashSet<String>>,
    claims: Claims,
    projects: Projects,
    log: Arc<EngineLog>,
}

impl Session {
    /// The provider's configuration.
    pub fn configured(&self) -> Properties {
        self.configured.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// The project's folder for all resources that name none.
    pub fn configured_directory(&self) -> Option<String> {
        Inputs::new(&self.configured()).text("directory").map(str::to_owned)
    }

    /// Projects that are open.
    pub fn projects(&self) -> &Projects {
        &self.projects
    }

    /// Which resource of the program a deployment is of.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// What is said to the user.
    pub fn log(&self) -> &EngineLog {
        &self.log
    }

    /// From now on progress of this deployment, which is told, is the resource's.
    pub fn name(&self, iac: &Iac, environment: &str, component: &str, urn: &str) -> Place {
        let place = Place {
            project: iac.project().name().to_owned(),
            environment: environment.to_owned(),
            component: component.to_owned(),
        };
        self.log.name(place.id(), urn);
        place
    }

    /// The resource is being refreshed.
    pub fn reads(&self, urn: &str) {
        self.refreshing().insert(urn.to_owned());
    }

    /// A program asks for the resource: its refresh is over.
    pub fn checked(&self, urn: &str) {
        self.refreshing().remove(urn);
    }

    /// Whether the resource is being refreshed.
    pub fn is_refreshing(&self, urn: &str) -> bool {
        self.refreshing().contains(urn)
    }

    fn refreshing(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.refreshing.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Serves Pulumi's protocol for resource providers.
pub(crate) struct Plugin {
    session: Arc<Session>,
    work: Work,
}

impl Plugin {
    /// A plugin that tells `log` of progress.
    pub fn new(log: Arc<EngineLog>, work: Work) -> Self {
        let projects = Projects::new(log.clone());
        let session = Session {
            configured: RwLock::default(),
            refreshing: Mutex::default(),
            claims: Claims::default(),
            projects,
            log,
        };
        Self { session: Arc::new(session), work }
    }
}

/// Refuses what is no resource of ours, of whatever type a program may speak.
fn of_deployment(urn: &str) -> Result<(), Status> {
    match type_of(urn) {
        None | Some(DEPLOYMENT) => Ok(()),
        Some(other) => Err(Status::invalid_argument(format!(
            "there is no resource `{other}`; this plugin has `{DEPLOYMENT}`"
        ))),
    }
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl ResourceProvider for Plugin {
    async fn handshake(&self, _: Request<ProviderHandshakeRequest>) -> Answer<ProviderHandshakeResponse> {
        Ok(Response::new(ProviderHandshakeResponse {
            accept_secrets: true,
            accept_resources: true,
            accept_outputs: true,
        }))
    }

    async fn get_plugin_info(&self, _: Request<()>) -> Answer<PluginInfo> {
        Ok(Response::new(PluginInfo { version: env!("CARGO_PKG_VERSION").to_owned() }))
    }

    async fn attach(&self, _: Request<PluginAttach>) -> Answer<()> {
        Ok(Response::new(()))
    }

    async fn get_schema(&self, _: Request<GetSchemaRequest>) -> Answer<GetSchemaResponse> {
        Ok(Response::new(GetSchemaResponse { schema: schema().to_string() }))
    }

    async fn check_config(&self, request: Request<CheckRequest>) -> Answer<CheckResponse> {
        Ok(Response::new(check::configuration(request.into_inner())))
    }

    async fn diff_config(&self, request: Request<DiffRequest>) -> Answer<DiffResponse> {
        Ok(Response::new(diff::configuration(request.into_inner())))
    }

    async fn configure(&self, request: Request<ConfigureRequest>) -> Answer<ConfigureResponse> {
        let configured = from_message(request.into_inner().args);
        // A plugin that was started by hand (`PULUMI_DEBUG_PROVIDERS`) serves one run after the other.
        self.session.claims.forget();
        *self.session.configured.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = configured;
        Ok(Response::new(ConfigureResponse {
            accept_secrets: true,
            supports_preview: true,
            accept_resources: true,
            accept_outputs: true,
        }))
    }

    async fn invoke(&self, request: Request<InvokeRequest>) -> Answer<InvokeResponse> {
        functions::invoke(&self.session, request.into_inner()).await.map(Response::new)
    }

    async fn check(&self, request: Request<CheckRequest>) -> Answer<CheckResponse> {
        let request = request.into_inner();
        of_deployment(&request.urn)?;
        check::resource(&self.session, request).await.map(Response::new)
    }

    async fn diff(&self, request: Request<DiffRequest>) -> Answer<DiffResponse> {
        let request = request.into_inner();
        of_deployment(&request.urn)?;
        diff::resource(&self.session, request).await.map(Response::new)
    }

    async fn create(&self, request: Request<CreateRequest>) -> Answer<CreateResponse> {
        let request = request.into_inner();
        of_deployment(&request.urn)?;
        deploy::create(&self.session, &self.work, request).await.map(Response::new)
    }

    async fn read(&self, request: Request<ReadRequest>) -> Answer<ReadResponse> {
        let request = request.into_inner();
        of_deployment(&request.urn)?;
        read::resource(&self.session, &self.work, request).await.map(Response::new)
    }

    async fn update(&self, request: Request<UpdateRequest>) -> Answer<UpdateResponse> {
        let request = request.into_inner();
        of_deployment(&request.urn)?;
        deploy::update(&self.session, &self.work, request).await.map(Response::new)
    }

    async fn delete(&self, request: Request<DeleteRequest>) -> Answer<()> {
        let request = request.into_inner();
        of_deployment(&request.urn)?;
        remove::resource(&self.session, &self.work, request).await.map(Response::new)
    }

    async fn cancel(&self, _: Request<()>) -> Answer<()> {
        self.work.stopping().cancel();
        Ok(Response::new(()))
    }
}
