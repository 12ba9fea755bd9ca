//! Removes rows that nobody needs any more.
//!
//! Flows, codes, links and what browsers have left unfinished are of no use a week after they expired, whoever's defaults
//! apply. Sessions and messages are a record that operators look at: under `zelus.defaults: kratos` they stay, as they do
//! in Kratos until somebody runs `cleanup sql`, unless `database.cleanup.older_than` says how long. What messages say goes
//! soon after the codes and links in it have expired, whoever's defaults apply: whoever reads a backup learns nothing of it.
//! The times are those of [`Retention`].
//!
//! One node does this about every hour, for all of them. Several at once are no trouble: each row is removed but once.

use std::time::Duration;

use model::{Clock, Entropy, Problem, SignedDuration, Timestamp, Uuid};
use store::{Outdated, Store};
use tokio::sync::watch;

use crate::running::is_stopped;
use crate::{Retention, Server};

/// How long a node rests between two rounds at least, and by how much longer at most, so that nodes take turns.
const REST: Duration = Duration::from_secs(60 * 60);
const MORE_REST_SECONDS: u16 = 20 * 60;
/// The rest between two batches of rows, in which others write.
const PAUSE: Duration = Duration::from_millis(200);

/// What nodes take turns at.
const LEASE: &str = "clean_up";
/// How long a node that says nothing is taken to be at it still: longer than any batch takes.
const LEASE_AT_WORK: SignedDuration = SignedDuration::from_mins(10);
/// How long no node needs to do it again. Whoever comes first after that does.
const LEASE_WHEN_DONE: SignedDuration = SignedDuration::from_mins(55);

/// Cleans up about every hour until `stop` is true.
pub(crate) async fn clean_up(server: Server, mut stop: watch::Receiver<bool>) {
    while !is_stopped(&mut stop, REST + jitter(&server.shared().entropy)).await {
        if let Err(error) = server.clean_up_in_turn(PAUSE, &mut stop).await {
            tracing::warn!(%error, "Old rows could not be removed; this is tried again in an hour.");
        }
    }
}

fn jitter(entropy: &Entropy) -> Duration {
    let random = u16::from_be_bytes(entropy.bytes());
    Duration::from_secs(u64::from(random % MORE_REST_SECONDS))
}

impl Server {
    /// Removes what is out of date now, in batches of `database.cleanup.batch_size` rows with a `pause` after each, until
    /// nothing is left or `stop` is true.
    ///
    /// # Errors
    /// When the database fails; what was removed before stays removed.
    pub async fn clean_up(&self, pause: Duration, stop: &mut watch::Receiver<bool>) -> Result<(), Problem> {
        self.round(pause).run(stop, |_, _| {}).await.map(drop)
    }

    /// As [`Server::clean_up`], unless another node is at it, or has done it within the hour; whether it is not so.
    ///
    /// # Errors
    /// When the database fails; what was removed before stays removed.
    pub async fn clean_up_in_turn(&self, pause: Duration, stop: &mut watch::Receiver<bool>) -> Result<bool, Problem> {
        let mut round = self.round(pause);
        if !round.take_turn(self.shared().entropy.uuid()).await {
            tracing::debug!("Another node removes the rows that nobody needs any more.");
            return Ok(false);
        }
        let removed = round.run(stop, |_, _| {}).await?;
        tracing::info!(rows = removed, "Rows that nobody needs any more were removed.");
        Ok(true)
    }

    fn round(&self, pause: Duration) -> CleanUp {
        let runtime = self.app().site().runtime.clone();
        CleanUp {
            store: runtime.store.clone(),
            clock: self.shared().clock.clone(),
            retention: Retention::of_server(&runtime.config),
            batch: runtime.config.database.cleanup_batch_size,
            pause,
            rest: Duration::ZERO,
            holder: None,
        }
    }
}

/// One round of removing what is out of date.
pub struct CleanUp {
    store: Store,
    clock: Clock,
    retention: Retention,
    /// How many rows are removed at once.
    batch: u32,
    /// The rest after a batch.
    pause: Duration,
    /// The rest after a kind of rows of which there were some.
    rest: Duration,
    /// Who holds the lease, if it was taken.
    holder: Option<Uuid>,
}

impl CleanUp {
    /// A round of the operator's, in batches of so many rows, with a `rest` after each kind of rows.
    pub fn new(store: Store, clock: Clock, retention: Retention, batch: u32, rest: Duration) -> Self {
        Self { store, clock, retention, batch, pause: PAUSE, rest, holder: None }
    }

    /// Takes the lease, so that other nodes let this one clean up; whether nobody else holds it. Where there is no such
    /// table yet every node has its turn.
    pub async fn take_turn(&mut self, holder: Uuid) -> bool {
        let is_ours = self.take_lease(holder, LEASE_AT_WORK).await;
        self.holder = is_ours.then_some(holder);
        is_ours
    }

    /// Keeps the lease for so much longer, if it was taken; `false` when another node has it now.
    async fn keep_turn(&self, long: SignedDuration) -> bool {
        match self.holder {
            Some(holder) => self.take_lease(holder, long).await,
            None => true,
        }
    }

    async fn take_lease(&self, holder: Uuid, long: SignedDuration) -> bool {
        let now = self.clock.now();
        let until = now.saturating_add(long).unwrap_or(now);
        match self.store.take_lease(LEASE, holder, now, until).await {
            Ok(is_ours) => is_ours,
            Err(error) => {
                // If more than the table is missing, the next statement says so.
                tracing::debug!(%error, "Nodes do not take turns at removing rows.");
                true
            }
        }
    }

    /// Removes what is out of date now, until nothing is left or `stop` is true, and says how many rows it was. `told` hears
    /// how many there were of each kind. A turn that was lost to another node ends the round.
    ///
    /// # Errors
    /// When the database fails; what was removed before stays removed.
    pub async fn run(
        &self,
        stop: &mut watch::Receiver<bool>,
        mut told: impl FnMut(Outdated, usize),
    ) -> Result<usize, Problem> {
        let now = self.clock.now();
        let mut removed = 0;
        let mut rest = Duration::ZERO;
        for rows in Outdated::ALL {
            let Some(keep) = self.retention.keep(rows) else { continue };
            if is_stopped(stop, rest).await {
                return Ok(removed);
            }
            let before = now.saturating_sub(keep).unwrap_or(now);
            let (some, is_all) = self.remove(rows, before, stop).await?;
            told(rows, some);
            removed += some;
            if !is_all {
                return Ok(removed);
            }
            rest = if some > 0 { self.rest } else { Duration::ZERO };
        }
        self.keep_turn(LEASE_WHEN_DONE).await;
        Ok(removed)
    }

    /// Removes the rows of a kind that were out of date `before`. Says how many, and whether it is all of them: if not, the
    /// round ends here.
    async fn remove(
        &self,
        rows: Outdated,
        before: Timestamp,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<(usize, bool), Problem> {
        let batch = self.batch.max(1);
        let mut removed = 0;
        loop {
            let count = self.store.remove_outdated(rows, before, batch).await?;
            removed += count;
            if count < batch as usize {
                return Ok((removed, true));
            }
            if is_stopped(stop, self.pause).await || !self.keep_turn(LEASE_AT_WORK).await {
                return Ok((removed, false));
            }
        }
    }
}
