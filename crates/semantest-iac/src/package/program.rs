//! Digest of a Pulumi program: what of its folder makes it the program that it is.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use semantest_iac_core::Result;
use semantest_iac_core::ports::artifact_store::Sha256Hex;
use sha2::{Digest, Sha256};

use super::{Source, blocking, invalid, is_never_code, source, unreadable};

/// Part of every digest: another way of reading must not be taken for the same.
const FORMAT: &str = "semantest-iac program 1";

/// What tools put into a program's folder, beside what is never code.
const BY_TOOLS: [&str; 4] = ["node_modules", "venv", ".pulumi", ".mypy_cache"];

/// Files that make a folder a program of Pulumi's.
///
/// Source: Pulumi, sdk/go/common/workspace/paths.go.
const PROJECT_FILES: [&str; 3] = ["Pulumi.yaml", "Pulumi.yml", "Pulumi.json"];

/// The digest of the program in `directory`, a folder inside the project folder `root`. Links are told by where they lead, and
/// not followed.
///
/// # Errors
/// `InvalidProject` where it is no program of Pulumi's; `Storage` where it cannot be read.
pub(crate) async fn program(root: &Path, directory: &str) -> Result<Sha256Hex> {
    let (root, directory) = (root.to_owned(), directory.to_owned());
    blocking(move || {
        let Source::Folder(folder) = source(&root, &directory)? else {
            return Err(invalid(&directory, "is a file: a pulumi-stack needs the folder of its program"));
        };
        if !PROJECT_FILES.iter().any(|name| folder.join(name).is_file()) {
            return Err(invalid(&directory, "has no Pulumi.yaml: name the folder of a Pulumi program"));
        }
        let mut digest = Sha256::new();
        digest.update(FORMAT);
        add(&mut digest, &folder, b"")?;
        Ok(hex::encode(digest.finalize()))
    })
    .await
}

fn add(digest: &mut Sha256, folder: &Path, prefix: &[u8]) -> Result<()> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let mut entries = entries.map_err(|error| unreadable(folder, error))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (name, path) = (entry.file_name(), entry.path());
        let left_out = |name: &str| is_never_code(name) || BY_TOOLS.contains(&name);
        if name.to_str().is_some_and(left_out) {
            continue;
        }
        let whole = [prefix, b"/", name.as_bytes()].concat();
        let kind = entry.file_type().map_err(|error| unreadable(&path, error))?;
        let content = if kind.is_dir() {
            add(digest, &path, &whole)?;
            continue;
        } else if kind.is_symlink() {
            fs::read_link(&path).map(|target| target.into_os_string().into_encoded_bytes())
        } else if kind.is_file() {
            fs::read(&path)
        } else {
            // Sockets and the like are no part of a program.
            continue;
        };
        let content = content.map_err(|error| unreadable(&path, error))?;
        for part in [whole.as_slice(), &content] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use semantest_iac_core::ErrorKind;

    use super::*;

    async fn digest(root: &Path) -> String {
        program(root, "infra").await.expect("a program")
    }

    #[tokio::test]
    async fn the_files_of_a_program_make_its_digest_and_what_tools_put_there_does_not() {
        let root = tempfile::tempdir().expect("a folder");
        let file = |name: &str, text: &str| {
            let path = root.path().join("infra").join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect(name);
        };
        file("Pulumi.yaml", "name: net");
        file("lib/vpc.ts", "one");
        let first = digest(root.path()).await;
        for (name, text) in [("node_modules/x/index.js", "x"), (".git/HEAD", "x"), ("venv/bin/python", "x")] {
            file(name, text);
        }
        std::os::unix::fs::symlink("/nowhere", root.path().join("infra/.venv")).expect("a link");
        assert_eq!(digest(root.path()).await, first);
        file("lib/vpc.ts", "two");
        let second = digest(root.path()).await;
        assert_ne!(second, first);
        fs::rename(root.path().join("infra/lib"), root.path().join("infra/src")).expect("renamed");
        assert_ne!(digest(root.path()).await, second);
        std::os::unix::fs::symlink("../../elsewhere", root.path().join("infra/bin")).expect("a link");
        digest(root.path()).await;
    }

    #[tokio::test]
    async fn what_is_no_program_is_refused_and_told_how_to_name_one() {
        let root = tempfile::tempdir().expect("a folder");
        fs::create_dir(root.path().join("infra")).expect("a folder");
        fs::write(root.path().join("file"), "").expect("a file");
        for (directory, said) in
            [("infra", "Pulumi.yaml"), ("file", "folder"), ("none", "does not exist"), ("../x", "inside")]
        {
            let error = program(root.path(), directory).await.expect_err(directory);
            assert_eq!(error.kind(), ErrorKind::InvalidProject, "{error:?}");
            assert!(error.message().contains(said), "{error}");
        }
    }
}
