//! Taking up changes of the configuration while serving.

use config::Loaded;
use tokio::sync::watch;

use crate::{Server, Source};

/// Watches the configuration files until `stop` is true; a change that can be used takes effect for the next request. What
/// cannot be used is reported, and the last good configuration stays.
pub async fn follow(source: Source, server: Server, mut stop: watch::Receiver<bool>) {
    if source.files().is_empty() {
        return;
    }
    let (changed, mut changes) = watch::channel(());
    // They are watched as long as the value lives.
    let _watcher = match config::watch(source.files(), move || changed.send_replace(())) {
        Ok(watcher) => watcher,
        Err(error) => return tracing::warn!(%error, "Changes of the configuration are not noticed."),
    };
    loop {
        tokio::select! {
            change = changes.changed() => if change.is_err() { return },
            _ = stop.wait_for(|stop| *stop) => return,
        }
        match reload(&source, &server).await {
            Ok(()) => tracing::info!("The changed configuration is in force."),
            Err(error) => {
                tracing::error!(error, "The changed configuration cannot be used; the last one stays in force.")
            }
        }
    }
}

async fn reload(source: &Source, server: &Server) -> Result<(), String> {
    let Loaded { config, warnings, .. } = source.load()?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let restart = config::changed_restart_keys(&server.config(), &config);
    server.replace_configuration(config).await?;
    if !restart.is_empty() {
        tracing::warn!(config.keys = restart.join(", "), "These changes take effect at the next start only.");
    }
    Ok(())
}
