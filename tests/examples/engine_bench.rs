//! The engine at scale: plan, apply, plan again and destroy, with a provider that does nothing and the durable log on;
//! beside terraform's `terraform_data` where a `terraform` program is there.
//!
//! Each scenario runs in a process of its own, so that its peak memory is its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use semantest_iac::{CancellationToken, Result, SystemClock};
use semantest_iac_core::application::service::{DeploymentService, Ports, ServiceOptions};
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_core::domain::deployment::resource::Resource;
use semantest_iac_core::domain::deployment::resource_graph::ResourceGraph;
use semantest_iac_core::events::request::{DeploymentRequested, RemovalRequested};
use semantest_iac_core::memory::event_bus::InProcessBus;
use semantest_iac_core::memory::id_generator::RandomIds;
use semantest_iac_core::memory::project::InMemoryProject;
use semantest_iac_core::memory::secret_resolver::InMemorySecrets;
use semantest_iac_core::ports::provider::{
    Applied, Change, Discovered, Observed, Operation, Provider, ProviderSettings, ResourceHandle, Scope,
};
use semantest_iac_sqlite::SqliteStore;
use serde_json::{Map, json};

/// Layers of the layered graph, and edges of each resource to the layer before.
const LAYERS: usize = 20;
const EDGES: usize = 2;

struct Nothing(ResourceGraph);

#[async_trait]
impl Provider for Nothing {
    fn name(&self) -> &str {
        "nothing"
    }

    fn lower(&self, _blueprint: &Blueprint, _settings: &ProviderSettings) -> Result<ResourceGraph> {
        Ok(self.0.clone())
    }

    async fn observe(&self, _resource: &ResourceHandle) -> Result<Option<Observed>> {
        Ok(None)
    }

    async fn apply(&self, change: &Change, _operation: &Operation) -> Result<Applied> {
        let id = change.resource.tags.address.to_string();
        Ok(Applied { id, outputs: Map::new(), adopted: false })
    }

    async fn delete(&self, _resource: &ResourceHandle, _operation: &Operation) -> Result<()> {
        Ok(())
    }

    async fn discover(&self, _scope: &Scope) -> Result<Vec<Discovered>> {
        Ok(Vec::new())
    }
}

fn graph(count: usize, layered: bool) -> ResourceGraph {
    let per_layer = (count / LAYERS).max(1);
    let resources = (0..count).map(|at| {
        let inputs = Map::from_iter([("input".to_owned(), json!(format!("value-{at}")))]);
        let mut resource = Resource::new(format!("data.r{at:06}"), "nothing.data", inputs);
        if layered && at >= per_layer {
            let layer = at / per_layer;
            for edge in 0..EDGES {
                let below = (layer - 1) * per_layer + (at + edge * 7) % per_layer;
                resource.depends_on.insert(format!("data.r{below:06}").into());
            }
        }
        resource
    });
    ResourceGraph::new(resources).expect("a graph without cycles")
}

fn service(folder: &Path, graph: ResourceGraph) -> DeploymentService {
    let store = Arc::new(SqliteStore::open(folder).expect("a store"));
    let project = InMemoryProject::new("bench");
    project.define_environment("dev", "nothing");
    project.define_component("all", json!({ "kind": "container-service", "image": "none" }));
    let nothing: Arc<dyn Provider> = Arc::new(Nothing(graph));
    let ports = Ports {
        store: store.clone(),
        bus: Arc::new(InProcessBus::default()),
        leases: store.clone(),
        artifacts: store,
        secrets: Arc::new(InMemorySecrets::default()),
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
        project: Arc::new(project),
        providers: BTreeMap::from([("nothing".to_owned(), nothing)]),
    };
    DeploymentService::new(ports, ServiceOptions::default())
}

/// One phase: seconds on the wall and on the processor, and the peak of memory so far in MB.
fn report(phase: &str, start: Instant, processor: f64) {
    let wall = start.elapsed().as_secs_f64();
    println!("{phase} {wall:.3} {:.3} {}", processor_seconds() - processor, peak_mb(std::process::id()));
}

fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    // utime and stime, in ticks of 1/100 s.
    (ticks(11) + ticks(12)) / 100.0
}

fn peak_mb(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

async fn scenario(count: usize, layered: bool) {
    let folder = tempfile::tempdir().expect("a folder");
    let service = service(folder.path(), graph(count, layered));
    let request =
        DeploymentRequested { component: "all".into(), environment: "dev".into(), ..Default::default() };
    let go = CancellationToken::new();
    for phase in ["plan", "apply", "no-op", "destroy"] {
        let (start, processor) = (Instant::now(), processor_seconds());
        match phase {
            "apply" => {
                let answer = service.deploy(service.envelope(request.clone()), &request, &go).await;
                assert_eq!(answer.expect("a run").changes.created, count);
            }
            "destroy" => {
                let removal = RemovalRequested { component: "all".into(), environment: "dev".into() };
                let answer = service.remove(service.envelope(removal.clone()), &removal, &go).await;
                assert_eq!(answer.expect("a run").changes.deleted, count);
            }
            _ => drop(service.plan(&request).await.expect("a plan")),
        }
        report(phase, start, processor);
    }
}

type Phases = BTreeMap<String, (f64, f64, u64)>;

/// Runs a scenario in another process and reads what it reports.
fn measure(count: usize, shape: &str) -> Phases {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).args([&count.to_string(), shape]).output().expect("a scenario");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let phases = text.lines().filter_map(|line| {
        let mut parts = line.split(' ');
        let phase = parts.next()?.to_owned();
        Some((phase, (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?)))
    });
    phases.collect()
}

/// The same with terraform, where it is there: wall seconds and peak MB.
fn terraform(count: usize, shape: &str) -> Option<BTreeMap<String, (f64, u64)>> {
    let folder = tempfile::tempdir().ok()?;
    let per_layer = (count / LAYERS).max(1);
    let mut text = String::new();
    for at in 0..count {
        let mut needs = Vec::new();
        if shape == "layered" && at >= per_layer {
            let layer = at / per_layer;
            let below = |edge: usize| (layer - 1) * per_layer + (at + edge * 7) % per_layer;
            needs = (0..EDGES).map(|edge| format!("terraform_data.r{:06}", below(edge))).collect();
        }
        let needs = needs.join(", ");
        text.push_str(&format!(
            "resource \"terraform_data\" \"r{at:06}\" {{\n  input = \"value-{at}\"\n  depends_on = [{needs}]\n}}\n"
        ));
    }
    std::fs::write(folder.path().join("main.tf"), text).ok()?;
    let run = |arguments: &[&str]| -> Option<(f64, u64)> {
        let start = Instant::now();
        let mut command = Command::new("terraform");
        command.args(arguments).current_dir(folder.path()).stdout(std::process::Stdio::null());
        let mut child = command.stderr(std::process::Stdio::null()).spawn().ok()?;
        let mut peak = 0;
        loop {
            peak = peak.max(peak_mb(child.id()));
            if let Some(status) = child.try_wait().ok()? {
                return status.success().then(|| (start.elapsed().as_secs_f64(), peak));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    run(&["init", "-input=false"])?;
    let plan = ["plan", "-input=false", "-lock=false"];
    Some(BTreeMap::from([
        ("plan".to_owned(), run(&plan)?),
        ("apply".to_owned(), run(&["apply", "-input=false", "-auto-approve"])?),
        ("no-op".to_owned(), run(&plan)?),
        ("destroy".to_owned(), run(&["destroy", "-input=false", "-auto-approve"])?),
    ]))
}

fn compare(count: usize, shape: &str, ours: &Phases) {
    let Some(theirs) = terraform(count, shape) else {
        println!("  terraform: not there, or it failed");
        return;
    };
    for (phase, (wall, peak)) in &theirs {
        let Some((own, _, memory)) = ours.get(phase) else { continue };
        println!(
            "  terraform {phase:<8} {wall:>8.2} s {peak:>5} MB   ratio: {:>6.1} times faster, {:.2} of its memory",
            wall / own,
            *memory as f64 / *peak as f64
        );
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [count, shape] = arguments.as_slice() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let count = count.parse().expect("a count");
        runtime.expect("a runtime").block_on(scenario(count, shape == "layered"));
        return;
    }
    for shape in ["flat", "layered"] {
        let mut before: Option<Phases> = None;
        for count in [1_000, 10_000, 100_000] {
            let phases = measure(count, shape);
            println!("{count} resources, {shape}");
            for (phase, (wall, processor, peak)) in &phases {
                let growth = before.as_ref().and_then(|before| before.get(phase));
                let growth =
                    growth.map(|(former, ..)| format!("   {:.1} times the row above", wall / former));
                let growth = growth.unwrap_or_default();
                println!("  {phase:<8} {wall:>8.3} s {processor:>8.2} s CPU {peak:>5} MB{growth}");
            }
            if count == 1_000 {
                compare(count, shape, &phases);
            }
            before = Some(phases);
        }
    }
}
