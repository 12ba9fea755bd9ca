//! Taking up changes of the configuration while serving.

use std::path::PathBuf;

use config::{Change, Config, Loaded, Watcher};
use tokio::sync::watch;

use crate::{Server, Source};

/// What has been noted of changes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Noted {
    /// How many there were.
    count: u64,
    /// Whether nobody seems to be writing any more.
    is_settled: bool,
}

impl Noted {
    /// Something is to be read anew that is complete: the operator says so.
    pub fn asked(&mut self) {
        self.count += 1;
        self.is_settled = true;
    }

    fn watched(&mut self, change: Change) {
        match change {
            Change::Content => {
                self.count += 1;
                self.is_settled = false;
            }
            Change::Settled => self.is_settled = true,
        }
    }
}

/// What has become of the changes so far.
#[derive(Default)]
struct Progress {
    /// The count that was read last.
    read: u64,
    /// Whether that could not be used, which is said only once nobody is writing any more.
    is_broken: bool,
}

impl Progress {
    /// Whether the configuration is to be read: at its first change, and, if that could not be used, when it has settled.
    fn is_due(&self, noted: Noted) -> bool {
        noted.count != self.read || (self.is_broken && noted.is_settled)
    }

    /// Takes note of how reading went; whether that is to be said.
    fn read(&mut self, noted: Noted, is_usable: bool) -> bool {
        *self = Self { read: noted.count, is_broken: !is_usable && !noted.is_settled };
        !self.is_broken
    }
}

/// Watches the files of the configuration, and those that it names, until `stop` is true; a change that can be used takes
/// effect for the next request, and `told` hears of it. What cannot be used is tried once more when the files have settled,
/// and reported then; the last good configuration stays. `asked` has it read anew at once: by the operator's signal, and by
/// the watched files.
pub async fn follow(
    source: Source,
    server: Server,
    told: impl Fn(&Config) + Send,
    asked: watch::Sender<Noted>,
    mut stop: watch::Receiver<bool>,
) {
    let mut changes = asked.subscribe();
    let mut progress = Progress::default();
    let mut watched = Watched::new(asked.clone());
    watched.watch(files(&source, &server.config()));
    // What changed since the start, before anybody watched.
    let in_force = server.config().revision_hash();
    if source.load().is_ok_and(|loaded| loaded.config.revision_hash() != in_force) {
        asked.send_modify(|noted| noted.watched(Change::Content));
    }
    loop {
        tokio::select! {
            change = changes.changed() => if change.is_err() { return },
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let noted = *changes.borrow_and_update();
        if !progress.is_due(noted) {
            continue;
        }
        let (outcome, mut named) = reload(&source, &server).await;
        named.extend(files(&source, &server.config()));
        // Files that were not watched while they were read may have changed since.
        if watched.watch(named) {
            asked.send_modify(|noted| noted.watched(Change::Content));
            continue;
        }
        if !progress.read(noted, outcome.is_ok()) {
            continue;
        }
        told(&server.config());
        server.shared().metrics.reloads.count([if outcome.is_ok() { "ok" } else { "failed" }]);
        match outcome {
            Ok(()) => tracing::info!("The changed configuration is in force."),
            Err(error) => {
                tracing::error!(error, "The changed configuration cannot be used; the last one stays in force.")
            }
        }
    }
}

/// The files that are watched.
struct Watched {
    changed: watch::Sender<Noted>,
    files: Vec<PathBuf>,
    /// They are watched as long as it lives.
    watcher: Option<Watcher>,
}

impl Watched {
    fn new(changed: watch::Sender<Noted>) -> Self {
        Self { changed, files: Vec::new(), watcher: None }
    }

    /// Watches these files instead of those before; whether they are others.
    fn watch(&mut self, mut files: Vec<PathBuf>) -> bool {
        files.sort();
        files.dedup();
        if files == self.files {
            return false;
        }
        let noted = self.changed.clone();
        // Those before are watched until now, so that nothing is missed in between.
        self.watcher = match config::watch(&files, move |change| noted.send_modify(|noted| noted.watched(change))) {
            Ok(watcher) => Some(watcher),
            Err(error) => {
                tracing::warn!(%error, "Changes of the configuration are not noticed.");
                None
            }
        };
        self.files = files;
        true
    }
}

/// The files of a configuration, and those that it names.
fn files(source: &Source, config: &Config) -> Vec<PathBuf> {
    let own = source.files().iter().cloned();
    own.chain(config.files()).collect()
}

/// Reads the configuration, and answers by it from now on. Gives back the files that it names too, even if something else
/// about it cannot be used.
async fn reload(source: &Source, server: &Server) -> (Result<(), String>, Vec<PathBuf>) {
    let Loaded { config, warnings, .. } = match source.load() {
        Ok(loaded) => loaded,
        Err(error) => return (Err(error), Vec::new()),
    };
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let (restart, named) = (config::changed_restart_keys(&server.config(), &config), config.files());
    let outcome = server.replace_configuration(config).await;
    if outcome.is_ok() && !restart.is_empty() {
        tracing::warn!(config.keys = restart.join(", "), "These changes take effect at the next start only.");
    }
    (outcome, named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_read_at_once_and_again_only_if_it_was_broken() {
        let (mut noted, mut progress) = (Noted::default(), Progress::default());
        noted.watched(Change::Settled);
        assert!(!progress.is_due(noted));
        // A change that can be used.
        noted.watched(Change::Content);
        assert!(progress.is_due(noted) && progress.read(noted, true));
        noted.watched(Change::Settled);
        assert!(!progress.is_due(noted));
        // Half of a file, then the rest: nobody hears of the half.
        noted.watched(Change::Content);
        assert!(progress.is_due(noted) && !progress.read(noted, false));
        noted.watched(Change::Content);
        assert!(progress.is_due(noted) && progress.read(noted, true));
        noted.watched(Change::Settled);
        assert!(!progress.is_due(noted));
        // What stays broken is said once.
        noted.watched(Change::Content);
        assert!(progress.is_due(noted) && !progress.read(noted, false));
        assert!(!progress.is_due(noted));
        noted.watched(Change::Settled);
        assert!(progress.is_due(noted) && progress.read(noted, false));
        assert!(!progress.is_due(noted));
        // Both at once.
        noted.watched(Change::Content);
        noted.watched(Change::Settled);
        assert!(progress.is_due(noted) && progress.read(noted, false) && !progress.is_due(noted));
        // The operator's word, on which a broken one is said at once.
        noted.asked();
        assert!(progress.is_due(noted) && progress.read(noted, false) && !progress.is_due(noted));
    }
}
