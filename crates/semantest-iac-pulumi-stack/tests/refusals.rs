//! What is refused before anything is made, and what is said where there is no `pulumi` that will do.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use semantest_iac_core::domain::deployment::resource::Properties;
use semantest_iac_core::memory::secret_resolver::InMemorySecrets;
use semantest_iac_core::ports::provider::{OwnershipTags, Provider, ResourceHandle};
use semantest_iac_core::{Error, ErrorKind};
use semantest_iac_pulumi_stack::{PulumiConfig, PulumiProvider};
use serde_json::{Value, json};

fn provider(project: &Path) -> PulumiProvider {
    std::fs::create_dir_all(project.join("infra")).expect("a folder");
    let secrets = Arc::<InMemorySecrets>::default();
    secrets.set("memory:canary", "canary-52a1");
    PulumiProvider::new(PulumiConfig {
        project: project.to_owned(),
        state_dir: project.join(".semantest/pulumi"),
        secrets,
    })
}

/// The stack of a program, whose `pulumi` is looked for in `path`.
fn stack(directory: &str, path: &Path) -> ResourceHandle {
    let inputs: Value = json!({
        "directory": directory, "stack": "production", "program": "x",
        "environment_variables": { "PATH": path.display().to_string() },
    });
    ResourceHandle {
        tags: OwnershipTags {
            project: "shop".into(),
            environment: "production".into(),
            component: "network".into(),
            address: "stack.network".into(),
        },
        kind: "pulumi.stack".into(),
        inputs: inputs.as_object().cloned().unwrap_or_else(Properties::new),
        id: None,
        outputs: Properties::new(),
    }
}

async fn refused(project: &Path, resource: &ResourceHandle) -> Error {
    provider(project).observe(resource).await.expect_err("refused")
}

#[tokio::test]
async fn where_there_is_no_pulumi_it_is_said_what_to_install() {
    let project = tempfile::tempdir().expect("a folder");
    let error = refused(project.path(), &stack("infra", &project.path().join("nothing"))).await;
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
    assert!(error.message().contains("install Pulumi"), "{error}");
}

#[tokio::test]
async fn a_pulumi_that_is_too_old_is_refused_with_the_version_that_is_needed() {
    let project = tempfile::tempdir().expect("a folder");
    for (version, fits) in
        [("v3.99.0", false), ("v2.259.0", false), ("nonsense", false), ("v3.259.0-dev.1", true)]
    {
        let bin = project.path().join("bin");
        std::fs::create_dir_all(&bin).expect("a folder");
        let program = bin.join("pulumi");
        // Tells its version, and nothing else.
        std::fs::write(&program, format!("#!/bin/sh\n[ \"$1\" = version ] && echo {version} || exit 3\n"))
            .expect("a script");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("a program");
        let error = refused(project.path(), &stack("infra", &bin)).await;
        assert_eq!(error.kind() == ErrorKind::Unsupported, !fits, "{version}: {error:?}");
        assert_eq!(error.message().contains("3.200"), !fits, "{version}: {error}");
    }
}

#[tokio::test]
async fn a_program_that_is_gone_is_asked_for() {
    let project = tempfile::tempdir().expect("a folder");
    let error = refused(project.path(), &stack("elsewhere", project.path())).await;
    assert!(error.message().contains("`elsewhere` is gone"), "{error}");
}

#[tokio::test]
async fn a_secret_without_a_value_is_told_by_its_reference() {
    let project = tempfile::tempdir().expect("a folder");
    let mut resource = stack("infra", project.path());
    resource.inputs.insert("config".into(), json!({ "token": { "secret": "memory:nothing" } }));
    let error = refused(project.path(), &resource).await;
    assert_eq!(error.kind(), ErrorKind::SecretUnresolved, "{error:?}");
    assert!(error.message().contains("memory:nothing"), "{error}");
}
