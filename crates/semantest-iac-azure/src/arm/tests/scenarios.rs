//! Microsoft's own scenarios for clients of the Resource Manager (Spector), served by Microsoft's own server.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use super::{client, operation, settings};

const API: &str = "2023-12-01-preview";
const SUBSCRIPTION: &str = "/subscriptions/00000000-0000-0000-0000-000000000000";

/// It listens on every interface; here on this machine's own only.
const LOOPBACK_ONLY: &str = r#"
import net from "node:net";
const { listen } = net.Server.prototype;
net.Server.prototype.listen = function (port, ...rest) {
  return listen.call(this, typeof port === "number" ? { port, host: "127.0.0.1" } : port, ...rest);
};
"#;

struct Spector {
    process: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Drop for Spector {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The packages that `cargo xtask tools` installs; without them the tests say so, and fail where CI is set.
fn packages() -> Option<PathBuf> {
    let folder = std::env::var_os("SEMANTEST_TOOLS").map(PathBuf::from);
    let folder =
        folder.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/tools"));
    let packages = folder.join("node/node_modules");
    if packages.join("@typespec/spector").is_dir() {
        return Some(packages);
    }
    assert!(std::env::var_os("CI").is_none(), "no Spector in {}: run cargo xtask tools", packages.display());
    None
}

async fn start(packages: PathBuf) -> Spector {
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
    let folder = tempfile::tempdir().expect("a folder");
    let preload = folder.path().join("loopback.mjs");
    std::fs::write(&preload, LOOPBACK_ONLY).expect("the preload");
    let mut process = Command::new("node")
        .arg("--import")
        .arg(&preload)
        .arg(packages.join("@typespec/spector/cmd/cli.mjs"))
        .arg("serve")
        .arg(packages.join("@azure-tools/azure-http-specs/specs"))
        .args(["--port", &port.to_string(), "--coverageFile"])
        .arg(folder.path().join("coverage.json"))
        .current_dir(&packages)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("node runs");
    let mut last = String::new();
    for _ in 0..600 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Spector { process, url: format!("http://127.0.0.1:{port}"), _folder: folder };
        }
        if process.try_wait().expect("its state").is_some() {
            let errors = process.stderr.take().map(BufReader::new);
            last = errors
                .into_iter()
                .flat_map(BufRead::lines)
                .map_while(Result::ok)
                .collect::<Vec<_>>()
                .join("\n");
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let _ = process.kill();
    panic!("Spector does not answer: {last}");
}

#[tokio::test]
async fn microsofts_scenarios_end_as_microsoft_says() {
    let Some(packages) = packages() else {
        eprintln!("skipped: no Spector here (cargo xtask tools installs it)");
        return;
    };
    let spector = start(packages).await;
    let arm = client(&spector.url, &settings("token"));
    let order = format!(
        "{SUBSCRIPTION}/resourceGroups/test-rg/providers/Azure.ResourceManager.OperationTemplates/orders/order1"
    );

    let body = json!({ "location": "eastus", "properties": { "productId": "product1", "amount": 1 } });
    let made = arm.put(&order, API, &body, &operation()).await.expect("Lro_createOrReplace");
    assert_eq!(made["properties"]["provisioningState"], "Succeeded");
    assert_eq!(made["properties"]["amount"], 1);

    let format = json!({ "format": "csv" });
    let exported = arm.post(&format!("{order}/export"), API, Some(&format), None).await.expect("Lro_export");
    assert_eq!(exported, json!({ "content": "order1,product1,1" }));

    let all = format!("{SUBSCRIPTION}/providers/Azure.ResourceManager.OperationTemplates/exportArray");
    let exported = arm.post(&all, API, Some(&format), None).await.expect("Lro_exportArray");
    assert_eq!(exported, json!([{ "content": "order1,product1,1" }, { "content": "order2,product2,2" }]));

    arm.delete(&order, API, &operation()).await.expect("Lro_delete");

    let large = format!(
        "{SUBSCRIPTION}/resourceGroups/test-rg/providers/Azure.ResourceManager.LargeHeader/largeHeaders/header1/two6k"
    );
    let answer = arm.post(&large, API, None, None).await.expect("LargeHeaders_two6k");
    assert_eq!(answer, json!({ "succeeded": true }));

    let core = "2022-12-01-preview";
    let user = "/azure/core/lro/standard/users/madge";
    let made = arm.put(user, core, &json!({ "role": "contributor" }), &operation()).await;
    assert_eq!(
        made.expect("Lro_Standard_createOrReplace"),
        json!({ "name": "madge", "role": "contributor" })
    );
    let exported = arm.post(&format!("{user}:export?format=json"), core, None, None).await;
    let exported = exported.expect("Lro_Standard_export");
    assert_eq!(exported, json!({ "name": "madge", "resourceUri": "/users/madge" }));
    arm.delete(user, core, &operation()).await.expect("Lro_Standard_delete");
}
