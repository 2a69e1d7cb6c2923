//! Packages in Microsoft's own emulator of blob storage: what is signed is judged there.

use std::io::{Cursor, Read};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::simulated::{Azure, Cloud, Deployed, rest_api};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use semantest_iac_core::domain::blueprint::Blueprint;
use semantest_iac_testkit::arm_simulator::{STORAGE_KEY, SUBSCRIPTION};
use semantest_iac_testkit::aws_emulator::tools;
use sha2::{Digest, Sha256};

/// How long Azurite may take to start.
const READY: Duration = Duration::from_secs(60);

/// Azurite with one account; it ends when this is dropped.
struct Azurite {
    url: String,
    process: Child,
}

impl Azurite {
    async fn start(account: &str) -> Self {
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a free port").port();
        let program = tools().join("node/node_modules/azurite/dist/src/blob/main.js");
        assert!(
            program.exists(),
            "{} is missing: run these tests with `cargo xtask test`",
            program.display()
        );
        let process = Command::new("node")
            .arg(program)
            .args([
                "--blobPort",
                &port.to_string(),
                "--inMemoryPersistence",
                "--skipApiVersionCheck",
                "--silent",
            ])
            .env("AZURITE_ACCOUNTS", format!("{account}:{STORAGE_KEY}"))
            .stdout(Stdio::null())
            .spawn()
            .expect("node runs");
        let azurite = Self { url: format!("http://127.0.0.1:{port}"), process };
        let begun = Instant::now();
        while call(Method::GET, &azurite.url, "").await.is_none() {
            assert!(begun.elapsed() < READY, "Azurite does not answer");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        azurite
    }
}

impl Drop for Azurite {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Status and body, where there is an answer.
async fn call(method: Method, url: &str, body: &'static str) -> Option<(u16, Bytes)> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::builder().method(method).uri(url).header("x-ms-blob-type", "BlockBlob");
    let answer = client.request(request.body(Full::new(Bytes::from(body))).ok()?).await.ok()?;
    let status = answer.status().as_u16();
    Some((status, answer.into_body().collect().await.ok()?.to_bytes()))
}

fn account(cloud: &Cloud, blueprint: &Blueprint) -> String {
    let graph = cloud.lower(blueprint);
    let name = graph.get(&"storage".into()).expect("an account").inputs["name"].clone();
    let unique = hex::encode(Sha256::digest(SUBSCRIPTION.as_bytes()));
    name.as_str().expect("a name").replace("${unique}", &unique[..8])
}

#[tokio::test]
async fn the_host_reads_the_package_by_its_address_and_nobody_else_does() {
    let azure = Azure::start();
    let cloud = Cloud::at(azure.url());
    let blueprint = rest_api(&cloud, "export const handler = async () => 1;").await;
    let azurite = Azurite::start(&account(&cloud, &blueprint)).await;
    azure.keep_blobs_at(&azurite.url);
    // ARM makes containers; the simulator's does not reach Azurite.
    let container = format!("{}/{}/packages", azurite.url, account(&cloud, &blueprint));
    make_container(&container).await;

    let deployed = Deployed::new(&cloud, blueprint).await;
    assert_eq!(deployed.drift().await, Vec::<String>::new());
    let app = deployed.output("function_app", "arn");
    let settings = azure.document(&format!("{app}/config/appsettings")).expect("settings");
    let address = settings["properties"]["WEBSITE_RUN_FROM_PACKAGE"].as_str().expect("an address").to_owned();

    let (status, zip) = call(Method::GET, &address, "").await.expect("an answer");
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&zip));
    let mut zip = zip::ZipArchive::new(Cursor::new(zip)).expect("a zip");
    let mut host = String::new();
    zip.by_name("host.json").expect("host.json").read_to_string(&mut host).expect("text");
    assert!(host.contains("\"2.0\""), "{host}");

    let (bare, _) = address.split_once('?').expect("a signature");
    for (method, url, why) in [
        (Method::GET, bare.to_owned(), "no blob is public"),
        (Method::GET, address.replace("sig=", "sig=A"), "a signature that is another"),
        (Method::GET, address.replace("&se=20", "&se=21"), "for longer than was signed"),
        (Method::GET, address.replace(bare, &format!("{container}/other.zip")), "another blob"),
        (Method::PUT, address.clone(), "it is for reading"),
        (Method::DELETE, address.clone(), "it is for reading"),
    ] {
        let (status, _) = call(method, &url, "x").await.expect("an answer");
        assert!([403, 404].contains(&status), "{why}: {status}");
    }
}

/// Signed with the account's key for all services, as Azurite takes it: SAS of the account.
async fn make_container(url: &str) {
    let query = account_sas(url);
    let (status, body) =
        call(Method::PUT, &format!("{url}?restype=container&{query}"), "").await.expect("an answer");
    assert_eq!(status, 201, "{}", String::from_utf8_lossy(&body));
}

/// Source: Azure Storage REST reference, "Create an account SAS".
fn account_sas(url: &str) -> String {
    use base64::Engine;
    use hmac::{Hmac, KeyInit, Mac};
    let account = url.split('/').nth(3).expect("an account");
    let text = format!("{account}\nc\nb\nc\n\n2999-01-01T00:00:00Z\n\nhttps,http\n2021-12-02\n\n");
    let engine = base64::engine::general_purpose::STANDARD;
    let key = engine.decode(STORAGE_KEY).expect("a key");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key");
    mac.update(text.as_bytes());
    let signature = engine.encode(mac.finalize().into_bytes());
    let encoded = percent_encoding::utf8_percent_encode(&signature, percent_encoding::NON_ALPHANUMERIC);
    format!("sv=2021-12-02&ss=b&srt=c&sp=c&se=2999-01-01T00%3A00%3A00Z&spr=https%2Chttp&sig={encoded}")
}
