//! What is saved: in folders and packages of code, and the project file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use semantest_iac::package::is_never_code;
use semantest_iac::project_file::FILE_NAME;
use semantest_iac::{Error, ErrorKind, Result};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, timeout_at};

/// Editors write a file in several steps: they have to be over for so long.
const QUIET: Duration = Duration::from_millis(20);
/// Whoever writes all the time is not waited for longer.
const AT_MOST: Duration = Duration::from_millis(500);

/// What has changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changed {
    /// Components whose code is not as it was.
    pub components: Vec<String>,
    /// Whether the project file is not.
    pub project_file: bool,
    /// Whether a watched folder itself has come, gone or moved: it has to be watched anew.
    pub folders: bool,
}

/// Watches a project.
pub(super) struct Watch {
    root: PathBuf,
    code: Vec<(String, PathBuf)>,
    events: UnboundedReceiver<PathBuf>,
    /// Changed, and not told of yet.
    paths: Vec<PathBuf>,
    /// When they are told of, if nothing more comes.
    quiet: Instant,
    /// When they are told of, whatever comes.
    end: Instant,
    /// Beside the project's own folder.
    watched: BTreeSet<PathBuf>,
    watcher: RecommendedWatcher,
}

impl Watch {
    /// Watches the project file in `root`, and `code` by component.
    ///
    /// # Errors
    /// `Unavailable` where this machine watches nothing, or no more.
    pub fn start(root: PathBuf, code: Vec<(String, PathBuf)>) -> Result<Self> {
        let (sender, events) = unbounded_channel();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // An error says that something was missed: the project file stands for everything.
            let event =
                event.unwrap_or_else(|_| notify::Event::new(EventKind::Any).add_path(FILE_NAME.into()));
            if !matches!(event.kind, EventKind::Access(_)) {
                event.paths.into_iter().for_each(|path| drop(sender.send(path)));
            }
        });
        let watcher = watcher.map_err(|error| refused(&root, &error))?;
        let root = std::fs::canonicalize(&root).unwrap_or(root);
        let (quiet, end) = (Instant::now(), Instant::now());
        let (watched, paths) = (BTreeSet::new(), Vec::new());
        let mut watch = Self { root, code: Vec::new(), events, paths, quiet, end, watched, watcher };
        watch.watch(code)?;
        Ok(watch)
    }

    /// Watches `code` from now on. What has changed before and was not told of yet will be: the project's own folder is
    /// watched all the while. What of the code changes at this very moment may not be told of.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn watch(&mut self, code: Vec<(String, PathBuf)>) -> Result<()> {
        for path in std::mem::take(&mut self.watched) {
            // It may be gone.
            let _ = self.watcher.unwatch(&path);
        }
        self.code = code.into_iter().map(|(of, path)| (of, real(&path))).collect();
        let folders: BTreeSet<PathBuf> =
            self.code.iter().map(|(_, path)| path.clone()).filter(|path| path.is_dir()).collect();
        // A folder that is not there yet comes into one that is.
        let around =
            |path: &PathBuf| path.ancestors().skip(1).find(|folder| folder.is_dir()).map(Path::to_owned);
        let around: BTreeSet<PathBuf> = self.code.iter().filter_map(|(_, path)| around(path)).collect();
        let mut add = |path: &Path, mode| {
            self.watcher.watch(path, mode).map_err(|error| refused(path, &error))?;
            if path != self.root {
                self.watched.insert(path.to_owned());
            }
            Ok(())
        };
        for folder in around.iter().chain([&self.root]) {
            if !folders.iter().any(|code| folder.starts_with(code)) {
                add(folder, RecursiveMode::NonRecursive)?;
            }
        }
        folders.iter().try_for_each(|folder| add(folder, RecursiveMode::Recursive))
    }

    /// Waits for changes; all that come at once are one. May be dropped at any time, and nothing is lost.
    pub async fn next(&mut self) -> Changed {
        loop {
            if self.paths.is_empty() {
                let Some(first) = self.events.recv().await else { return std::future::pending().await };
                self.paths.push(first);
                (self.quiet, self.end) = (Instant::now() + QUIET, Instant::now() + AT_MOST);
            }
            // The moments are kept: whoever drops this and asks again does not wait anew.
            while let Ok(Some(path)) = timeout_at(self.end.min(self.quiet), self.events.recv()).await {
                self.paths.push(path);
                self.quiet = Instant::now() + QUIET;
            }
            let paths = std::mem::take(&mut self.paths);
            self.watch_new_folders(&paths);
            let changed = self.sort(&paths);
            if changed != Changed::default() {
                return changed;
            }
        }
    }

    /// notify watches a new folder by itself, but tells of it first: on a busy machine long before. From here on nothing
    /// in it goes unseen, and what is in it already is deployed with the folder.
    fn watch_new_folders(&mut self, paths: &[PathBuf]) {
        let inside =
            |path: &PathBuf| self.code.iter().any(|(_, code)| path != code && path.starts_with(code));
        let folders: BTreeSet<&PathBuf> = paths.iter().filter(|path| inside(path) && path.is_dir()).collect();
        for folder in folders {
            // It may have gone again.
            let _ = self.watcher.watch(folder, RecursiveMode::Recursive);
        }
    }

    fn sort(&self, paths: &[PathBuf]) -> Changed {
        let mut changed = Changed::default();
        for path in paths {
            changed.project_file |= path.ends_with(FILE_NAME)
                && path.parent().is_none_or(|parent| parent == self.root || parent == Path::new(""));
            for (component, code) in &self.code {
                let inside = path.strip_prefix(code);
                let counts = inside
                    .is_ok_and(|inside| !inside.iter().any(|part| part.to_str().is_some_and(is_never_code)));
                // A folder around the code that has come, gone or moved.
                let around = code.starts_with(path) && *path != self.root;
                changed.folders |= around;
                if (counts || around) && !changed.components.contains(component) {
                    changed.components.push(component.clone());
                }
            }
        }
        changed
    }
}

/// With its links followed, as far as it is there.
fn real(path: &Path) -> PathBuf {
    let there = path.ancestors().find_map(|folder| Some((folder, std::fs::canonicalize(folder).ok()?)));
    match there.and_then(|(folder, found)| Some(found.join(path.strip_prefix(folder).ok()?))) {
        Some(found) => found.components().collect(),
        None => path.to_owned(),
    }
}

fn refused(path: &Path, error: &notify::Error) -> Error {
    let advice = match error.kind {
        notify::ErrorKind::MaxFilesWatch => "; raise fs.inotify.max_user_watches, or give --no-watch",
        _ => "; --no-watch goes on without",
    };
    let text = format!("{} cannot be watched: {error}{advice}", path.display());
    Error::new(ErrorKind::Unavailable, "dev.watch", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(root: &Path) -> Watch {
        std::fs::create_dir_all(root.join("a/src")).expect("a folder");
        std::fs::create_dir_all(root.join("b")).expect("a folder");
        let code = vec![("a".to_owned(), root.join("a")), ("b".to_owned(), root.join("b"))];
        Watch::start(root.to_owned(), code).expect("it watches")
    }

    #[tokio::test]
    async fn a_burst_of_saves_in_whatever_way_is_one_change() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let mut watch = watch(root);
        for number in 0..50 {
            std::fs::write(root.join("a/src/index.py"), format!("{number}")).expect("written");
        }
        std::fs::write(root.join("a/src/.index.py.swp"), "new").expect("written");
        std::fs::rename(root.join("a/src/.index.py.swp"), root.join("a/src/index.py")).expect("renamed");
        let changed = watch.next().await;
        assert_eq!(changed, Changed { components: vec!["a".into()], ..Changed::default() });
        let more = tokio::time::timeout(QUIET * 5, watch.next()).await;
        assert!(more.is_err(), "{more:?}");
    }

    #[tokio::test]
    async fn each_component_has_its_own_changes_and_what_is_never_code_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        std::fs::create_dir_all(root.join("a/__pycache__")).expect("a folder");
        let mut watch = watch(root);
        std::fs::write(root.join("a/__pycache__/x.pyc"), "x").expect("written");
        std::fs::write(root.join("notes.txt"), "x").expect("written");
        std::fs::create_dir(root.join("b/new")).expect("a folder");
        std::fs::write(root.join("b/new/x.py"), "x").expect("written");
        assert_eq!(watch.next().await.components, ["b"]);
        std::fs::write(root.join(FILE_NAME), "x").expect("written");
        assert_eq!(watch.next().await, Changed { project_file: true, ..Changed::default() });
    }

    #[tokio::test]
    async fn what_changes_in_a_new_folder_is_told_from_its_first_moment() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let mut watch = watch(root);
        for number in 0..100 {
            let new = root.join(format!("a/src/new-{number}/deep"));
            std::fs::create_dir_all(&new).expect("a folder");
            assert_eq!(watch.next().await.components, ["a"]);
            std::fs::write(new.join("x.py"), "x").expect("written");
            let changed = tokio::time::timeout(Duration::from_secs(60), watch.next()).await;
            assert_eq!(changed.expect("it is told").components, ["a"], "{number}");
        }
    }

    #[tokio::test]
    async fn a_folder_that_is_put_in_the_place_of_another_is_noticed() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let mut watch = watch(root);
        std::fs::rename(root.join("a"), root.join("old")).expect("renamed");
        std::fs::create_dir(root.join("a")).expect("a folder");
        let changed = watch.next().await;
        assert!(changed.folders && changed.components.contains(&"a".to_owned()), "{changed:?}");
    }
}
