//! Saying when a server can answer requests.

use std::time::Duration;

use engine::NotReady;
use tokio::sync::watch;

use crate::Server;
use crate::running::is_stopped;

/// How long to wait before the database is looked at again.
const PAUSE: Duration = Duration::from_secs(2);

/// Says whether requests can be answered, or else what is missing; then it says so once they can. Ends without a word when
/// `stop` is true.
pub(crate) async fn announce(server: Server, mut stop: watch::Receiver<bool>) {
    let app = server.app();
    let outcome = tokio::select! {
        outcome = app.ensure_ready() => outcome,
        _ = stop.wait_for(|stop| *stop) => return,
    };
    match outcome {
        Ok(()) => return say(&server).await,
        Err(why) => tracing::error!("Zelus listens, but is not ready. {}", remedy(&why)),
    }
    while !is_stopped(&mut stop, PAUSE).await {
        if app.ensure_ready().await.is_err() {
            continue;
        }
        // Whoever made the tables need not have made the network.
        match server.shared().ensure_network().await {
            Ok(()) => return say(&server).await,
            Err(error) => tracing::warn!(%error, "The database cannot be written yet."),
        }
    }
}

/// Tells the operator that requests are answered, and where, and what is not done.
async fn say(server: &Server) {
    let config = server.config();
    if server.app().site().runtime.guard.lacks_table().await.unwrap_or(false) {
        tracing::warn!(
            "The guard is off: its table is missing, so anybody may guess as often as they like. Run `zelus migrate sql up \
             -e --yes` with the same configuration."
        );
    }
    tracing::info!(
        serve.public = %format_args!("{}:{}", config.serve.public.host, config.serve.public.port),
        serve.admin = %format_args!("{}:{}", config.serve.admin.host, config.serve.admin.port),
        version = env!("CARGO_PKG_VERSION"),
        "Zelus is ready."
    );
}

/// What is missing, and what the operator can do about it.
fn remedy(why: &NotReady) -> String {
    match why {
        NotReady::Migrations => {
            "The database lacks tables. Run `zelus migrate sql up -e --yes` with the same configuration.".to_owned()
        }
        NotReady::Database(error) => {
            format!("The database does not answer: {error}. `zelus migrate sql status -e` tells when it does.")
        }
        NotReady::UnknownMigrations(error) => {
            format!(
                "The database does not say which tables it has: {error}. Look at it with `zelus migrate sql status -e`."
            )
        }
    }
}
