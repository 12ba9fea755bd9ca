//! Telling when configuration files change.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use notify::{Event, RecursiveMode, Watcher as _};
use sha2::{Digest, Sha256};

/// Editors and ConfigMap updates touch several files in a row; this much quiet ends a change.
const QUIET: Duration = Duration::from_millis(200);

/// Watches until it is dropped.
pub struct Watcher {
    _inner: notify::RecommendedWatcher,
}

/// Calls `on_change`, on a thread of its own, whenever the content of one of the files has changed, once for a burst of
/// changes. Folders are watched rather than files, so that files which are replaced (editors) or reached through a
/// symbolic link that is swapped (Kubernetes' `..data`) are followed.
///
/// # Errors
/// When the operating system cannot watch.
pub fn watch(paths: &[PathBuf], on_change: impl Fn() + Send + 'static) -> notify::Result<Watcher> {
    let (sender, events) = channel();
    let mut inner = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // Reading a file is an event too, and ours must not wake us up.
        if !event.is_ok_and(|event| event.kind.is_access()) {
            let _closed = sender.send(());
        }
    })?;
    let before = fingerprint(paths);
    for folder in folders(paths) {
        inner.watch(&folder, RecursiveMode::NonRecursive)?;
    }
    let paths = paths.to_vec();
    std::thread::Builder::new()
        .name("config-watch".to_owned())
        .spawn(move || follow(&paths, before, &events, &on_change))
        .map_err(notify::Error::io)?;
    Ok(Watcher { _inner: inner })
}

/// The folders of the files, and of what they link to.
fn folders(paths: &[PathBuf]) -> BTreeSet<PathBuf> {
    let parent = |path: &Path| {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        parent.unwrap_or(Path::new(".")).to_owned()
    };
    let linked = paths.iter().filter_map(|path| path.canonicalize().ok());
    paths.iter().map(|path| parent(path)).chain(linked.map(|path| parent(&path))).collect()
}

/// Runs until the watcher is dropped, which closes the channel.
fn follow(paths: &[PathBuf], mut known: Fingerprint, events: &Receiver<()>, on_change: &impl Fn()) {
    while events.recv().is_ok() {
        loop {
            match events.recv_timeout(QUIET) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        let current = fingerprint(paths);
        if current != known {
            known = current;
            on_change();
        }
    }
}

/// A digest of each file; `None` while it cannot be read.
type Fingerprint = Vec<Option<[u8; 32]>>;

fn fingerprint(paths: &[PathBuf]) -> Fingerprint {
    paths.iter().map(|path| std::fs::read(path).ok().map(|content| Sha256::digest(content).into())).collect()
}
