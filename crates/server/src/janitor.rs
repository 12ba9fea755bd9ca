//! Removes rows that nobody needs any more.
//!
//! Flows, codes, links and what browsers have left unfinished are of no use a week after they expired, whoever's defaults
//! apply. Sessions and messages are a record that operators look at: under `zelus.defaults: kratos` they stay, as they do
//! in Kratos until somebody runs `cleanup sql`, unless `database.cleanup.older_than` says how long.
//!
//! Every node does this, at times of its own, and each row is removed but once.

use std::time::Duration;

use config::{Config, Defaults};
use model::{Entropy, Problem, SignedDuration};
use store::Outdated;
use tokio::sync::watch;

use crate::Server;
use crate::running::is_stopped;

/// How long a node rests between two rounds at least, and by how much longer at most, so that nodes take turns.
const REST: Duration = Duration::from_secs(60 * 60);
const MORE_REST_SECONDS: u16 = 20 * 60;
/// The rest between two batches of rows, in which others write.
const PAUSE: Duration = Duration::from_millis(200);
/// How long what has expired is kept.
const KEEP_EXPIRED: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long sessions are kept after their end and messages after their delivery, to be looked at.
const KEEP_RECORDS: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long the two codes of an exchange may take to meet. Kratos means this too, but adds where it should subtract.
const EXCHANGE_LIFESPAN: SignedDuration = SignedDuration::from_hours(1);
/// How long errors are kept for whoever has the address of their page.
const KEEP_ERRORS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Cleans up about every hour until `stop` is true.
pub(crate) async fn clean_up(server: Server, mut stop: watch::Receiver<bool>) {
    while !is_stopped(&mut stop, REST + jitter(&server.shared().entropy)).await {
        if let Err(error) = server.clean_up(PAUSE, &mut stop).await {
            tracing::warn!(%error, "Old rows could not be removed; this is tried again in an hour.");
        }
    }
}

fn jitter(entropy: &Entropy) -> Duration {
    let random = u16::from_be_bytes(entropy.bytes());
    Duration::from_secs(u64::from(random % MORE_REST_SECONDS))
}

/// How long rows are kept after they are out of date; `None` is for ever.
fn keep(rows: Outdated, config: &Config) -> Option<SignedDuration> {
    let asked = config.database.cleanup_older_than;
    match rows {
        Outdated::LoginFlows
        | Outdated::RegistrationFlows
        | Outdated::SettingsFlows
        | Outdated::RecoveryFlows
        | Outdated::VerificationFlows
        | Outdated::LoginCodes
        | Outdated::RegistrationCodes
        | Outdated::RecoveryCodes
        | Outdated::RecoveryTokens
        | Outdated::VerificationCodes
        | Outdated::VerificationTokens
        | Outdated::ContinuityContainers => Some(asked.unwrap_or(KEEP_EXPIRED)),
        Outdated::SupersededTokens => Some(SignedDuration::ZERO),
        Outdated::Errors => Some(KEEP_ERRORS),
        Outdated::TokenExchanges => {
            // They do not say when they expire: their flows do, and their two codes may meet for a while after that.
            let service = &config.selfservice;
            let longest = service.login.lifespan.max(service.registration.lifespan);
            Some((asked.unwrap_or(KEEP_EXPIRED) + longest).max(SignedDuration::ZERO) + EXCHANGE_LIFESPAN)
        }
        Outdated::ExpiredSessions | Outdated::EndedSessions | Outdated::FinishedMessages => {
            let usual = (config.zelus.defaults == Defaults::Zelus).then_some(KEEP_RECORDS);
            asked.or(usual)
        }
    }
}

impl Server {
    /// Removes what is out of date now, in batches of `database.cleanup.batch_size` rows with a `pause` after each, until
    /// nothing is left or `stop` is true.
    ///
    /// # Errors
    /// When the database fails; what was removed before stays removed.
    pub async fn clean_up(&self, pause: Duration, stop: &mut watch::Receiver<bool>) -> Result<(), Problem> {
        let runtime = self.app().site().runtime.clone();
        let now = self.shared().clock.now();
        let batch = runtime.config.database.cleanup_batch_size.max(1);
        let mut removed = 0;
        for rows in Outdated::ALL {
            let Some(keep) = keep(rows, &runtime.config) else { continue };
            // A time that is not negative, or what is of use still would go.
            let before = now.saturating_sub(keep.max(SignedDuration::ZERO)).unwrap_or(now);
            loop {
                let count = runtime.store.remove_outdated(rows, before, batch).await?;
                removed += count;
                if count < batch as usize {
                    break;
                }
                if is_stopped(stop, pause).await {
                    return Ok(());
                }
            }
        }
        tracing::info!(rows = removed, "Rows that nobody needs any more were removed.");
        Ok(())
    }
}
