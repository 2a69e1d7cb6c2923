//! Layers of functions: what several come to, in one folder that stands for `/opt`.

use std::fs;
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

/// What the folder with the files of all `layers` (addresses of packages, in their order) is called among the packages;
/// nothing without layers. One layer is its own.
pub(crate) fn merged(layers: &[String]) -> Option<String> {
    match layers {
        [] => None,
        [only] => Some(only.clone()),
        all => Some(hex::encode(Sha256::digest(format!("layers\0{}", all.join("\0"))))),
    }
}

/// Lays the files of the package in `from` over what is in `to`: what is in the same place is replaced. The files are not
/// copied where the file system has links.
pub(crate) fn lay_over(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, place) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            if place.is_file() {
                fs::remove_file(&place)?;
            }
            lay_over(&path, &place)?;
            continue;
        }
        if place.is_dir() {
            fs::remove_dir_all(&place)?;
        } else if place.exists() {
            fs::remove_file(&place)?;
        }
        if fs::hard_link(&path, &place).is_err() {
            fs::copy(&path, &place)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        folder
    }

    #[test]
    fn what_comes_later_takes_the_place_of_what_was_there_be_it_file_or_folder() {
        let first = folder(&[("python/a.py", "first"), ("python/b.py", "first"), ("x", ""), ("y/z", "")]);
        let second = folder(&[("python/a.py", "second"), ("x/in", "second"), ("y", "second")]);
        let to = tempfile::tempdir().expect("a folder");
        for from in [&first, &second] {
            lay_over(from.path(), to.path()).expect("laid over");
        }
        let read = |name: &str| fs::read_to_string(to.path().join(name)).expect(name);
        assert_eq!((read("python/a.py"), read("python/b.py")), ("second".into(), "first".into()));
        assert_eq!((read("x/in"), read("y")), ("second".into(), "second".into()));
        assert_eq!(fs::read_to_string(first.path().join("python/a.py")).expect("a file"), "first");
    }

    #[test]
    fn the_same_layers_in_another_order_are_something_else() {
        let layers =
            |names: &[&str]| merged(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(layers(&[]), None);
        assert_eq!(layers(&["a"]), Some("a".into()), "one needs no merging");
        assert_eq!(layers(&["a", "b"]), layers(&["a", "b"]));
        assert_ne!(layers(&["a", "b"]), layers(&["b", "a"]));
    }
}
