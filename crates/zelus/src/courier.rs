//! Delivering messages: `zelus courier watch`, and `zelus serve --watch-courier`.

use clap::ArgMatches;
use config::Loaded;
use model::{Clock, Entropy};
use store::{Dsn, Store};
use tokio::sync::watch;
use web::App;

use crate::serve::{self, GRACE, StopSignals};
use crate::setup::{self, Shared};
use crate::{logs, reload};
use flow::Tasks;

/// Runs `zelus courier watch` until it is told to stop.
///
/// # Errors
/// What keeps it from starting, in words for the operator.
pub async fn run(matches: &ArgMatches) -> Result<(), String> {
    let Some((_, matches)) = matches.subcommand() else { return Ok(()) };
    let (clock, entropy) = (Clock::system(), Entropy::system());
    let origin = serve::origin(matches, false, &entropy)?;
    let Loaded { config, warnings, .. } = origin.load()?;
    logs::start(&config.log);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let dsn = Dsn::parse(config.dsn.expose()).map_err(|error| error.to_string())?;
    let store = Store::open(&dsn).await.map_err(|error| error.to_string())?;
    let shared = Shared {
        pool: setup::hashing_pool(&config),
        mapper: setup::mapper(&clock)?,
        background: Tasks::default(),
        store,
        clock: clock.clone(),
        entropy: entropy.clone(),
    };
    let app = App::new(setup::runtime(config, &shared).await?, clock, entropy);
    let stop_signals = StopSignals::listen()?;
    let tasks = Tasks::default();
    let (stop, stopped) = watch::channel(false);
    start(&app, &tasks, stopped.clone());
    let _watcher = reload::watch(&origin, &app, &shared, &tasks, stopped);
    stop_signals.first().await;
    let _ = stop.send(true);
    if !tasks.finish(GRACE).await {
        tracing::warn!("Some messages took too long; they will be tried again.");
    }
    Ok(())
}

/// Delivers messages by the latest configuration until told to stop.
pub fn start(app: &App, tasks: &Tasks, mut stop: watch::Receiver<bool>) {
    let app = app.clone();
    tasks.start(async move {
        tracing::info!("Queued messages are delivered by this process.");
        let current = || app.site().runtime.courier.clone();
        courier::watch(current, async move { drop(stop.wait_for(|stop| *stop).await) }).await;
    });
}
