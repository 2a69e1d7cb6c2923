//! A function app's package: users' code as it is, each package in a folder of its own, and the shim that lets the
//! Functions host run handlers written for Lambda.
//!
//! The same description and code give the same bytes, so that packages can be told by what they are made of.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read, Seek, Write};

use semantest_iac_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use crate::hosting::CONSUMPTION_TIMEOUT;
use crate::package_description::PackageDescription;
use crate::shim_files::Shim;
pub(crate) use crate::shim_files::shim_digest;

const OPERATION: &str = "azure.package";

/// The function that takes every request which is no direct call of one. The host takes functions in the order of their
/// names, and the first whose route matches: this must be the last of them.
pub(crate) const GATEWAY: &str = "zzzz-gateway";

/// Methods of requests that are answered.
const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];

/// The host ends functions after its own time limit, at least this long, in seconds: the shim answers before that, but for the
/// last seconds of what Consumption allows at most.
const LEAST_TIMEOUT: u32 = 60;
/// The shim has so long to answer for a function whose time is up, in seconds.
const LAST_WORDS: u32 = 5;

/// The package of `description`, of the users' packages in `zips` by their SHA-256.
///
/// # Errors
/// `InvalidInput` where a package cannot be read or holds what it should not; `NotFound` where one is missing;
/// `Unsupported` for a runtime without a shim.
pub(crate) fn wrap(description: &PackageDescription, zips: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>> {
    let shim = Shim::of(&description.runtime).ok_or_else(|| {
        let text = format!("runtime `{}` does not run on Azure", description.runtime.escape_debug());
        Error::new(ErrorKind::Unsupported, OPERATION, text)
    })?;
    check_names(description)?;
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, text) in made_files(description, shim) {
        write(&mut writer, &path, text.as_bytes())?;
    }
    let zip = |sha256: &str| {
        zips.get(sha256).map(Vec::as_slice).ok_or_else(|| {
            let text = format!("package {sha256} is not at hand");
            Error::new(ErrorKind::NotFound, OPERATION, text)
        })
    };
    for sha256 in description.code() {
        copy(&mut writer, &[zip(sha256)?], &code_folder(sha256))?;
    }
    for layers in description.layers() {
        let all = layers.iter().map(|layer| zip(layer)).collect::<Result<Vec<_>>>()?;
        copy(&mut writer, &all, &layers_folder(layers))?;
    }
    Ok(writer.finish().map_err(unwritable)?.into_inner())
}

/// Everything but users' code, in the order of paths.
fn made_files(description: &PackageDescription, shim: Shim) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> =
        shim.files().map(|(path, text)| (path, text.to_owned())).collect();
    files.insert("host.json".into(), pretty(&host(description, shim)));
    files.insert("semantest/definition.json".into(), pretty(&definition(description)));
    if shim == Shim::CustomHandler {
        for function in &description.functions {
            let route = format!("_semantest/invoke/{}", function.role);
            let path = format!("{}/function.json", function.function_name);
            files.insert(path, pretty(&http_function("function", &["post"], &route)));
        }
        let gateway = http_function("anonymous", &METHODS, "{*path}");
        files.insert(format!("{GATEWAY}/function.json"), pretty(&gateway));
    }
    files
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// What the host is told.
fn host(description: &PackageDescription, shim: Shim) -> Value {
    let longest = description.functions.iter().map(|function| function.timeout_s).max().unwrap_or_default();
    let limit = match longest {
        _ if longest > CONSUMPTION_TIMEOUT => longest + LAST_WORDS,
        _ => (longest + LAST_WORDS).clamp(LEAST_TIMEOUT, CONSUMPTION_TIMEOUT),
    };
    let mut host = json!({
        "version": "2.0",
        "functionTimeout": format!("{:02}:{:02}:{:02}", limit / 3600, limit / 60 % 60, limit % 60),
        "extensions": { "http": { "routePrefix": "" } },
        "logging": { "logLevel": { "default": "Information" } },
    });
    if shim == Shim::CustomHandler {
        host["customHandler"] = json!({
            "description": {
                "defaultExecutablePath": "node",
                "arguments": ["semantest/custom_handler.mjs"],
            },
            "enableForwardingHttpRequest": true,
        });
    }
    host
}

/// What the shim is told: the description, with the folders of each function's code and layers.
fn definition(description: &PackageDescription) -> Value {
    let mut definition = serde_json::to_value(description).unwrap_or_default();
    for (value, function) in
        definition["functions"].as_array_mut().into_iter().flatten().zip(&description.functions)
    {
        value["code"] = json!(code_folder(&function.package));
        if !function.layers.is_empty() {
            value["layers"] = json!(layers_folder(&function.layers));
        }
    }
    definition["gateway"] = json!(GATEWAY);
    definition
}

fn http_function(level: &str, methods: &[&str], route: &str) -> Value {
    json!({ "bindings": [
        { "type": "httpTrigger", "direction": "in", "name": "req", "authLevel": level, "methods": methods, "route": route },
        { "type": "http", "direction": "out", "name": "res" },
    ] })
}

/// Where a package's files are: two packages of one app are not in each other's way, nor in the shim's.
fn code_folder(sha256: &str) -> String {
    format!("code/{}", sha256.get(..16).unwrap_or(sha256))
}

/// Where the files of these layers are, which functions with the same ones share.
fn layers_folder(layers: &[String]) -> String {
    let digest = hex::encode(Sha256::digest(layers.join("\0")));
    format!("layers/{}", &digest[..16])
}

/// Names that the host would not take, or take in a wrong order.
fn check_names(description: &PackageDescription) -> Result<()> {
    let mut seen = BTreeSet::new();
    for function in &description.functions {
        let name = function.function_name.to_ascii_lowercase();
        if name.as_str() >= GATEWAY || !seen.insert(name) {
            let text = format!(
                "a function cannot be called `{}`: names must differ, and come before `{GATEWAY}`",
                function.function_name
            );
            return Err(Error::new(ErrorKind::InvalidInput, OPERATION, text));
        }
    }
    Ok(())
}

/// Without the time of day, so that the same files give the same bytes.
fn options() -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644)
}

fn write<W: Write + Seek>(writer: &mut ZipWriter<W>, path: &str, bytes: &[u8]) -> Result<()> {
    writer.start_file(path, options()).map_err(unwritable)?;
    writer.write_all(bytes).map_err(|error| unwritable(error.into()))
}

/// Puts the files of users' packages into `folder`, by name, with the right to be run where they have it. What lies in the same
/// place in a later one takes the place of what lies there in an earlier one.
fn copy<W: Write + Seek>(writer: &mut ZipWriter<W>, zips: &[&[u8]], folder: &str) -> Result<()> {
    let mut archives = Vec::new();
    let mut names = BTreeMap::new();
    for (number, zip) in zips.iter().enumerate() {
        let mut archive = ZipArchive::new(Cursor::new(*zip)).map_err(unreadable)?;
        for (name, index) in files(&mut archive)? {
            if number > 0 {
                make_room(&mut names, &name);
            }
            names.insert(name, (number, index));
        }
        archives.push(archive);
    }
    for (name, (number, index)) in names {
        let mut entry = archives[number].by_index(index).map_err(unreadable)?;
        let executable = entry.unix_mode().is_some_and(|mode| mode & 0o111 != 0);
        let mode = if executable { 0o755 } else { 0o644 };
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(|error| unreadable(error.into()))?;
        writer
            .start_file(format!("{folder}/{name}"), options().unix_permissions(mode))
            .map_err(unwritable)?;
        writer.write_all(&bytes).map_err(|error| unwritable(error.into()))?;
    }
    Ok(())
}

/// Takes away what cannot be where a file `name` is: files in a folder of that name, or a file where it needs a folder.
fn make_room<T>(names: &mut BTreeMap<String, T>, name: &str) {
    let within = format!("{name}/");
    let after = names.range(within.clone()..).map(|(other, _)| other);
    let inside: Vec<String> = after.take_while(|other| other.starts_with(&within)).cloned().collect();
    for other in inside {
        names.remove(&other);
    }
    for (at, _) in name.match_indices('/') {
        names.remove(&name[..at]);
    }
}

/// The files of a user's package: where each is in the archive, by name.
fn files(archive: &mut ZipArchive<Cursor<&[u8]>>) -> Result<BTreeMap<String, usize>> {
    let mut names = BTreeMap::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(unreadable)?;
        let told = entry.name().map_err(unreadable)?.into_owned();
        let refused = |what: &str| {
            let text = format!("`{}` in the package {what}", told.escape_debug());
            Error::new(ErrorKind::InvalidInput, OPERATION, text)
        };
        if entry.is_symlink() {
            return Err(refused("is a symbolic link; package the file itself instead"));
        }
        if !entry.is_dir() {
            let path = entry.enclosed_name().ok_or_else(|| refused("lies outside of it"))?;
            names.insert(path.to_string_lossy().replace('\\', "/"), index);
        }
    }
    Ok(names)
}

fn unreadable(error: zip::result::ZipError) -> Error {
    Error::new(
        ErrorKind::InvalidInput,
        OPERATION,
        format!("the package is not a zip that can be read: {error}"),
    )
}

fn unwritable(error: zip::result::ZipError) -> Error {
    Error::new(ErrorKind::Internal, OPERATION, format!("the package cannot be put together: {error}"))
}

#[cfg(test)]
#[path = "function_package_tests.rs"]
mod tests;
