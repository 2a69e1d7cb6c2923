//! Hostile packages are refused by the name of the entry, and nothing is written outside.

use std::io::{Cursor, Write};
use std::path::Path;

use semantest_iac_core::{ErrorKind, Result};
use semantest_iac_local::archive::{Unpacked, check, unpack};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

fn zip_of(write: impl FnOnce(&mut ZipWriter<Cursor<Vec<u8>>>)) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    write(&mut writer);
    writer.finish().expect("zip").into_inner()
}

fn file(writer: &mut ZipWriter<Cursor<Vec<u8>>>, name: &str, mode: u32) {
    let options = SimpleFileOptions::default().unix_permissions(mode);
    writer.start_file(name, options).expect("entry");
    writer.write_all(b"content").expect("content");
}

/// Unpacks into a folder inside another, and checks that the outer one holds nothing else.
fn try_unpack(bytes: &[u8]) -> (tempfile::TempDir, Result<Unpacked>) {
    let outer = tempfile::tempdir().expect("folder");
    let done = unpack(bytes, &outer.path().join("in"));
    let names: Vec<_> =
        std::fs::read_dir(outer.path()).expect("outer").flatten().map(|e| e.file_name()).collect();
    assert!(names.iter().all(|name| name == "in"), "written outside: {names:?}");
    // Judged without unpacking it is the same.
    let judged = check(bytes).map(|files| files.len());
    assert_eq!(
        judged.map_err(|error| error.message().to_owned()),
        match &done {
            Ok(unpacked) => Ok(unpacked.files),
            Err(error) => Err(error.message().to_owned()),
        }
    );
    (outer, done)
}

fn refusal(bytes: &[u8]) -> String {
    let (_outer, done) = try_unpack(bytes);
    let error = done.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error:?}");
    error.message().to_owned()
}

/// The zip with one name replaced by another of the same length, in both places it stands in.
fn renamed(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_owned();
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from.as_bytes()) {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
    }
    bytes
}

#[test]
fn a_plain_package_is_unpacked() {
    let bytes = zip_of(|zip| {
        zip.add_directory("lib/", SimpleFileOptions::default()).expect("folder");
        file(zip, "index.js", 0o600);
        file(zip, "lib/run", 0o6755);
    });
    let (outer, done) = try_unpack(&bytes);
    assert_eq!(done.expect("unpacked"), Unpacked { files: 2, bytes: 14 });
    let mode = |name: &str| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(outer.path().join("in").join(name)).expect("file").permissions().mode() & 0o7777
    };
    assert_eq!(mode("index.js") & 0o111, 0, "what was not run stays so");
    assert_eq!(mode("lib/run") & 0o7100, 0o100, "it runs, and as nobody else");
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let bytes = zip_of(|zip| file(zip, "abcdefgh", 0o644));
    for name in ["../../xy", "/etc/xyz", "a/../../", "C:\\x\\y\\z", "a\\..\\..\\", "ab\0cdefg"] {
        let name = &name[..8];
        let said = refusal(&renamed(&bytes, "abcdefgh", name));
        assert!(said.contains("entry `"), "{name:?}: {said}");
    }
}

#[test]
fn links_are_refused() {
    let bytes = zip_of(|zip| {
        zip.add_symlink("link", "/etc", SimpleFileOptions::default()).expect("link");
        file(zip, "link/passwd", 0o644);
    });
    assert!(refusal(&bytes).contains("entry `link` of the package is a symbolic link"));
}

#[test]
fn a_name_that_comes_twice_is_refused() {
    let bytes = zip_of(|zip| {
        file(zip, "one.js", 0o644);
        file(zip, "two.js", 0o644);
    });
    assert!(refusal(&renamed(&bytes, "two.js", "one.js")).contains("twice"));
    let other = zip_of(|zip| {
        file(zip, "one.js", 0o644);
        file(zip, "./one.js", 0o644);
    });
    assert!(refusal(&other).contains("twice"));
}

#[test]
fn what_is_both_a_file_and_a_folder_is_refused() {
    for names in [["a", "a/b"], ["a/b", "a"], ["a/b/c", "a"], ["x/", "x"]] {
        let bytes = zip_of(|zip| {
            for name in names {
                match name.strip_suffix('/') {
                    Some(folder) => zip.add_directory(folder, SimpleFileOptions::default()).expect("folder"),
                    None => file(zip, name, 0o644),
                }
            }
        });
        assert!(refusal(&bytes).contains("both a file and a folder"), "{names:?}");
    }
}

#[test]
fn torn_and_senseless_bytes_are_errors_and_never_panics() {
    let whole = zip_of(|zip| file(zip, "index.js", 0o644));
    for length in 0..whole.len() {
        assert!(try_unpack(&whole[..length]).1.is_err(), "cut to {length}");
    }
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0xff;
        // Some bytes say nothing of importance.
        let _ = try_unpack(&bytes);
    }
    assert!(unpack(b"", Path::new("/nowhere")).is_err());
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_unpacked_inside_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600)) {
        let _ = try_unpack(&bytes);
    }

    #[test]
    fn a_damaged_package_stays_inside(at in 0usize..400, with in proptest::num::u8::ANY) {
        let mut bytes = zip_of(|writer| {
            file(writer, "a/b.py", 0o644);
            file(writer, "c.sh", 0o755);
        });
        let at = at % bytes.len();
        bytes[at] = with;
        let _ = try_unpack(&bytes);
    }
}
