//! Taking up changes of the configuration while serving.

use std::path::PathBuf;

use config::{Config, Loaded, Watcher};
use tokio::sync::watch;

use crate::{Server, Source};

/// Watches the files of the configuration, and those that it names, until `stop` is true; a change that can be used takes
/// effect for the next request, and `told` hears of it. What cannot be used is reported, and the last good configuration
/// stays. `asked` has it read anew at once: by the operator's signal, and by the watched files.
pub async fn follow(
    source: Source,
    server: Server,
    told: impl Fn(&Config) + Send,
    asked: watch::Sender<()>,
    mut stop: watch::Receiver<bool>,
) {
    let mut changes = asked.subscribe();
    let mut watched = Watched::new(asked);
    watched.watch(files(&source, &server.config()));
    // What changed since the start, before anybody watched.
    let in_force = server.config().revision_hash();
    if source.load().is_ok_and(|loaded| loaded.config.revision_hash() != in_force) {
        changes.mark_changed();
    }
    loop {
        tokio::select! {
            change = changes.changed() => if change.is_err() { return },
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let (outcome, mut named) = reload(&source, &server).await;
        named.extend(files(&source, &server.config()));
        // Files that were not watched while they were read may have changed since.
        if watched.watch(named) {
            changes.mark_changed();
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
    changed: watch::Sender<()>,
    files: Vec<PathBuf>,
    /// They are watched as long as it lives.
    watcher: Option<Watcher>,
}

impl Watched {
    fn new(changed: watch::Sender<()>) -> Self {
        Self { changed, files: Vec::new(), watcher: None }
    }

    /// Watches these files instead of those before; whether they are others.
    fn watch(&mut self, mut files: Vec<PathBuf>) -> bool {
        files.sort();
        files.dedup();
        if files == self.files {
            return false;
        }
        let changed = self.changed.clone();
        // Those before are watched until now, so that nothing is missed in between.
        self.watcher = match config::watch(&files, move || changed.send_replace(())) {
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
