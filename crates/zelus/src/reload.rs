//! Taking up changes of the configuration while serving.

use config::{Loaded, Watcher};
use tokio::sync::watch;
use web::App;

use crate::serve::Origin;
use crate::setup::{self, Shared};
use flow::Tasks;

/// Watches the configuration files; a change that can be used takes effect for the next request. What cannot be used is
/// reported, and the last good configuration stays. Watching ends with the value.
pub fn watch(
    origin: &Origin,
    app: &App,
    shared: &Shared,
    tasks: &Tasks,
    mut stop: watch::Receiver<bool>,
) -> Option<Watcher> {
    if origin.files().is_empty() {
        return None;
    }
    let (changed, mut changes) = watch::channel(());
    let watcher = config::watch(origin.files(), move || changed.send_replace(()));
    let watcher =
        watcher.inspect_err(|error| tracing::warn!(%error, "Changes of the configuration are not noticed.")).ok()?;
    let (origin, app, shared) = (origin.clone(), app.clone(), shared.clone());
    tasks.start(async move {
        loop {
            tokio::select! {
                change = changes.changed() => if change.is_err() { return },
                _ = stop.wait_for(|stop| *stop) => return,
            }
            match reload(&origin, &app, &shared).await {
                Ok(()) => tracing::info!("The changed configuration is in force."),
                Err(error) => {
                    tracing::error!(error, "The changed configuration cannot be used; the last one stays in force.")
                }
            }
        }
    });
    Some(watcher)
}

async fn reload(origin: &Origin, app: &App, shared: &Shared) -> Result<(), String> {
    let Loaded { config, warnings, .. } = origin.load()?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let restart = config::changed_restart_keys(&app.site().runtime.config, &config);
    let runtime = setup::runtime(config, shared).await?;
    if !restart.is_empty() {
        tracing::warn!(config.keys = restart.join(", "), "These changes take effect at the next start only.");
    }
    app.replace(runtime);
    Ok(())
}
