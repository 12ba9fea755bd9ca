//! Removes rows that nobody needs any more. Kratos leaves that to `cleanup sql`; so does Zelus under `zelus.defaults:
//! kratos`.

use std::time::Duration;

use config::Defaults;
use model::{Problem, SignedDuration};
use tokio::sync::watch;

use crate::Server;

/// How often rows are looked for.
const ROUND: Duration = Duration::from_secs(60 * 60);
/// How long sessions are kept after their end, to be looked at.
const KEEP_SESSIONS: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long errors are kept for whoever has the address of their page.
const KEEP_ERRORS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Cleans up every hour until `stop` is true.
pub async fn clean_up(server: Server, mut stop: watch::Receiver<bool>) {
    while tokio::time::timeout(ROUND, stop.wait_for(|stop| *stop)).await.is_err() {
        if let Err(error) = clean(&server, &stop).await {
            tracing::warn!(%error, "Old rows could not be removed; this is tried again in an hour.");
        }
    }
}

async fn clean(server: &Server, stop: &watch::Receiver<bool>) -> Result<(), Problem> {
    let runtime = server.app().site().runtime.clone();
    if runtime.config.zelus.defaults == Defaults::Kratos {
        return Ok(());
    }
    let (store, now) = (&runtime.store, server.shared().clock.now());
    store.delete_errors_before(now - KEEP_ERRORS).await?;
    let batch = i64::from(runtime.config.database.cleanup_batch_size).max(1);
    let mut removed = 0;
    loop {
        let count = store.delete_expired_sessions(now - KEEP_SESSIONS, batch).await?;
        removed += count;
        let is_last = i64::try_from(count).is_ok_and(|count| count < batch);
        if is_last || *stop.borrow() {
            break;
        }
    }
    tracing::info!(sessions = removed, "Sessions that ended a month ago were removed.");
    Ok(())
}
