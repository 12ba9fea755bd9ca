//! `zelus courier watch`.

use clap::ArgMatches;
use model::{Clock, Cx, Entropy};
use server::{Running, Server, Shared};
use tokio::runtime::Handle;

use crate::logs;
use crate::serve::{self, Signals};

/// Runs `zelus courier watch` until it is told to stop.
///
/// # Errors
/// What keeps it from starting, in words for the operator.
pub async fn run(matches: &ArgMatches) -> Result<(), String> {
    let Some((_, matches)) = matches.subcommand() else { return Ok(()) };
    let cx = Cx { clock: Clock::system(), entropy: Entropy::system() };
    let source = serve::source(matches, false, &cx.entropy)?;
    let (config, _) = serve::load(&source)?;
    let metrics_port = match matches.get_one("expose-metrics-port") {
        Some(0) => None,
        Some(port) => Some(*port),
        None => config.expose_metrics_port,
    };
    let mapper = serve::mapper(&cx.clock)?;
    let shared = Shared::open(&config, &[Handle::current()], mapper, cx).await?;
    let running = Running::new(Server::assemble(config, shared).await?);
    let mut signals = Signals::listen()?;
    if let Some(port) = metrics_port {
        running.expose_metrics(port).await?;
    }
    running.deliver_mail();
    running.follow_configuration(&source, logs::follow);
    signals.until_stop(|| running.reload()).await;
    if running.stop().await.tasks {
        tracing::warn!("Some messages took too long; they will be tried again.");
    }
    Ok(())
}
