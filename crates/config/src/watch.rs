//! Telling when configuration files change, and those that the configuration names.
//!
//! The files are looked at ten times a second. To be told by the operating system costs more: it would have to watch folders,
//! since files are replaced (editors) or reached through a symbolic link that is swapped (Kubernetes' `..data`), and where
//! the database lies in the same folder each of its writes is an event.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use sha2::{Digest, Sha256};

/// How often the files are looked at; very many are looked at less often.
const EVERY: Duration = Duration::from_millis(100);
const EVERY_OF_MANY: Duration = Duration::from_millis(500);
const MANY: usize = 64;
/// After how long without a change whoever writes them is taken to have finished.
const STILL: Duration = Duration::from_millis(500);

/// Watches until it is dropped.
pub struct Watcher {
    _alive: Sender<()>,
}

/// How deep folders are looked into, and how many files are watched at most.
const MAX_DEPTH: usize = 4;
const MAX_FILES: usize = 4096;

/// What is told of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The content of one of them is another. Somebody may still be writing it.
    Content,
    /// None of them has been touched for half a second. Follows every change of content, and the beginning.
    Settled,
}

/// Calls `on_change`, on a thread of its own, as soon as the content of one of the files has changed, and again when they
/// have settled. A folder among the paths stands for the files below it, those to come included.
///
/// # Errors
/// When there can be no thread.
pub fn watch(paths: &[PathBuf], on_change: impl Fn(Change) + Send + 'static) -> io::Result<Watcher> {
    let (alive, stopped) = channel();
    let (paths, before) = (paths.to_vec(), fingerprint(paths));
    std::thread::Builder::new()
        .name("config-watch".to_owned())
        .spawn(move || follow(&paths, before, &stopped, &on_change))?;
    Ok(Watcher { _alive: alive })
}

/// Runs until the watcher is dropped, which closes the channel.
fn follow(paths: &[PathBuf], mut known: Fingerprint, stopped: &Receiver<()>, on_change: &impl Fn(Change)) {
    let every = if known.len() > MANY { EVERY_OF_MANY } else { EVERY };
    let mut seen = stamps(paths);
    // For how long they have been still, until that is told.
    let mut still = Some(Duration::ZERO);
    while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
        let stamps = stamps(paths);
        let is_touched = stamps != seen;
        seen = stamps;
        still = if is_touched { Some(Duration::ZERO) } else { still.map(|still| still + every) };
        let is_settled = still.is_some_and(|still| still >= STILL);
        // Two changes within one tick of the file system's clock have one stamp, so they are read once more at the end.
        if is_touched || is_settled {
            let current = fingerprint(paths);
            if current != known {
                known = current;
                on_change(Change::Content);
            }
        }
        if is_settled {
            still = None;
            on_change(Change::Settled);
        }
    }
}

/// The files that the paths stand for. Those that are not there are kept: they may come.
fn files(paths: &[PathBuf]) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::new();
    for path in paths {
        collect(path, MAX_DEPTH, &mut files);
    }
    files
}

fn collect(path: &Path, depth: usize, files: &mut BTreeSet<PathBuf>) {
    if files.len() >= MAX_FILES {
        return;
    }
    if !path.is_dir() {
        files.insert(path.to_owned());
    } else if depth > 0 {
        // A folder that cannot be read has nothing to say; reading the configuration does.
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            collect(&entry.path(), depth - 1, files);
        }
    }
}

/// Which file it is, how large, and when it changed; `None` while it cannot be read.
type Stamp = Option<(u64, u64, u64, i64, i64)>;

fn stamps(paths: &[PathBuf]) -> BTreeMap<PathBuf, Stamp> {
    let stamp = |path: &PathBuf| {
        let file = std::fs::metadata(path).ok()?;
        Some((file.dev(), file.ino(), file.size(), file.ctime(), file.ctime_nsec()))
    };
    files(paths).into_iter().map(|path| (path.clone(), stamp(&path))).collect()
}

/// A digest of each file; `None` while it cannot be read.
type Fingerprint = BTreeMap<PathBuf, Option<[u8; 32]>>;

fn fingerprint(paths: &[PathBuf]) -> Fingerprint {
    let digest = |path: &PathBuf| std::fs::read(path).ok().map(|content| Sha256::digest(content).into());
    files(paths).into_iter().map(|path| (path.clone(), digest(&path))).collect()
}
