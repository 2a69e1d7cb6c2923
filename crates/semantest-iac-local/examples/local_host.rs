//! The local host by itself: what tests of the provider start. The state folder is the only argument.

use std::path::PathBuf;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from).unwrap_or_default();
    semantest_iac_local::run_host(&folder).await
}
