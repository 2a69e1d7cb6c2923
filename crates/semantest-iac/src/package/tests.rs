use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::{Duration, SystemTime};

use semantest_iac_core::memory::artifact_store::InMemoryArtifactStore;

use super::*;

fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("folder");
    for (name, content) in files {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().expect("parent")).expect("folder");
        fs::write(path, content).expect("file");
    }
    root
}

fn names(bytes: &[u8]) -> Vec<String> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).expect("zip");
    (0..archive.len())
        .map(|at| archive.by_index(at).expect("entry").name().expect("name").into_owned())
        .collect()
}

fn refusal(root: &tempfile::TempDir, code: &str) -> String {
    let error = package(root.path(), code).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::InvalidProject, "{error:?}");
    error.message().to_owned()
}

#[test]
fn the_same_files_give_the_same_bytes_wherever_and_whenever() {
    let files = [("api/b.js", "b"), ("api/a.js", "a"), ("api/lib/c.js", "c")];
    let (one, other) = (project(&files), project(&[files[2], files[0], files[1]]));
    let past = SystemTime::now() - Duration::from_secs(100_000);
    let file = fs::File::options().write(true).open(other.path().join("api/a.js")).expect("file");
    file.set_modified(past).expect("time");
    let bytes = package(one.path(), "api").expect("package");
    assert_eq!(bytes, package(other.path(), "./api").expect("package"));
    assert_eq!(names(&bytes), ["a.js", "b.js", "lib/c.js"]);
}

#[test]
fn only_the_bit_that_makes_a_file_run_is_kept_of_its_mode() {
    let root = project(&[("api/bootstrap", "#!"), ("api/data", "")]);
    let set = |name: &str, mode| {
        fs::set_permissions(root.path().join(name), fs::Permissions::from_mode(mode)).expect("mode");
    };
    set("api/bootstrap", 0o4711);
    set("api/data", 0o600);
    let bytes = package(root.path(), "api").expect("package");
    let mut archive = ZipArchive::new(Cursor::new(bytes.as_slice())).expect("zip");
    let mut mode = |name| archive.by_name(name).expect("entry").unix_mode().expect("mode") & 0o7777;
    assert_eq!((mode("bootstrap"), mode("data")), (0o755, 0o644));
}

#[test]
fn what_is_never_code_is_left_out() {
    let root = project(&[
        ("api/a.py", ""),
        ("api/.git/config", ""),
        ("api/lib/__pycache__/a.pyc", ""),
        ("api/.venv/x", ""),
        ("api/.DS_Store", ""),
    ]);
    assert_eq!(names(&package(root.path(), "api").expect("package")), ["a.py"]);
}

#[test]
fn links_inside_are_followed_and_links_out_are_named() {
    let root = project(&[("api/a.js", "a"), ("secret", "s")]);
    symlink("a.js", root.path().join("api/b.js")).expect("link");
    assert_eq!(names(&package(root.path(), "api").expect("package")), ["a.js", "b.js"]);
    symlink("../secret", root.path().join("api/out")).expect("link");
    assert!(refusal(&root, "api").contains("link out of its folder: out"));
    fs::remove_file(root.path().join("api/out")).expect("remove");
    symlink(".", root.path().join("api/round")).expect("link");
    assert!(refusal(&root, "api").contains("link to a folder around it: round"));
}

#[test]
fn code_outside_the_project_is_refused() {
    let root = project(&[("project/api/a.js", "")]);
    let project = root.path().join("project");
    symlink("..", project.join("up")).expect("link");
    for code in ["..", "api/../..", "/etc", "", "up", "no\0"] {
        let error = package(&project, code).expect_err(code);
        assert_eq!(error.kind(), ErrorKind::InvalidProject, "{code}: {error:?}");
    }
    assert!(package(&project, "gone").expect_err("gone").message().contains("does not exist"));
}

#[test]
fn a_zip_is_passed_on_as_it_is_and_anything_else_is_refused() {
    let root = project(&[("api/a.js", "a"), ("text.zip", "no zip"), ("empty/.git/x", "")]);
    let bytes = package(root.path(), "api").expect("package");
    fs::write(root.path().join("api.zip"), &bytes).expect("zip");
    assert_eq!(package(root.path(), "api.zip").expect("zip"), bytes);
    assert!(refusal(&root, "text.zip").contains("not a zip that can be read"));
    assert!(refusal(&root, "empty").contains("has no files"));
}

#[test]
fn what_could_not_be_unpacked_is_refused_with_the_entry() {
    let root = project(&[("api/a.js", ""), ("api/b\\c", "")]);
    assert!(
        refusal(&root, "api").contains("`b\\\\c` of the package has a backslash"),
        "{}",
        refusal(&root, "api")
    );
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("../x", SimpleFileOptions::default()).expect("entry");
    fs::write(root.path().join("api.zip"), zip.finish().expect("zip").into_inner()).expect("file");
    assert!(refusal(&root, "api.zip").contains("`../x` of the package leads out"));
}

#[test]
fn too_much_code_is_refused_with_the_largest_folders() {
    let root = project(&[("api/a.js", "")]);
    fs::create_dir(root.path().join("api/models")).expect("folder");
    let file = fs::File::create(root.path().join("api/models/big")).expect("file");
    file.set_len(UNPACKED_LIMIT + 1).expect("sparse");
    assert!(refusal(&root, "api").contains("Largest: models (250 MB)"));
}

#[tokio::test]
async fn an_untouched_folder_is_packed_once() {
    let root = project(&[("api/a.js", "a")]);
    let cache_dir = root.path().join(".semantest/cache");
    let store = InMemoryArtifactStore::default();
    let nothing = BTreeSet::new();
    let pack = || package_into(root.path(), "api", &nothing, &cache_dir, &store);
    let first = pack().await.expect("package");
    assert!(!cache_dir.exists(), "files just written are not trusted");
    let look = fingerprint(root.path(), "api").expect("fingerprint");
    Cache::of(&cache_dir).put("api", &look, &first.address);
    assert_eq!(pack().await.expect("package"), first);

    fs::write(root.path().join("api/a.js"), "b").expect("file");
    assert_ne!(fingerprint(root.path(), "api").expect("fingerprint"), look);
    assert_ne!(pack().await.expect("package"), first, "a touched file is packed again");

    let forgotten = InMemoryArtifactStore::default();
    let again = package_into(root.path(), "api", &nothing, &cache_dir, &forgotten).await.expect("package");
    assert!(forgotten.contains(&again.address).await.expect("contains"), "a lost artifact is made again");
    fs::write(cache_dir.join("packages.json"), "{ torn").expect("cache");
    pack().await.expect("a torn cache is no error");
}

#[tokio::test]
async fn what_is_left_out_is_not_packed_under_any_name() {
    let root = project(&[("api/a.js", "a"), ("api/.env", "A=hush"), ("b.env", "A=hush"), (".env", "A=hush")]);
    symlink(".env", root.path().join("api/link")).expect("a link");
    let (cache, store) = (root.path().join(".semantest/cache"), InMemoryArtifactStore::default());
    for (left_out, names) in [("api/.env", vec!["a.js"]), ("./api/.env", vec!["a.js"])] {
        let left_out = BTreeSet::from([left_out.to_owned(), "gone".to_owned()]);
        let package = package_into(root.path(), "api", &left_out, &cache, &store).await.expect("a package");
        assert_eq!(package.files.expect("files"), names);
        let bytes = store.get(&package.address).await.expect("bytes");
        assert_eq!(self::names(&bytes), names);
    }
    let all = package_into(root.path(), "api", &BTreeSet::new(), &cache, &store).await.expect("a package");
    assert_eq!(all.files.expect("files"), [".env", "a.js", "link"], "nothing else is lost");
}
