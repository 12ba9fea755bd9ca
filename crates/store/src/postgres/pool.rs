//! The connections on which transactions run, one at a time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::connection::{Connection, Slot};
use crate::error::StoreError;

/// Connections that run one transaction at a time.
pub(super) struct Pool {
    pub(super) slots: Vec<Slot>,
    /// As many permits as there are indices in `free`.
    permits: Semaphore,
    free: Mutex<Vec<usize>>,
}

impl Pool {
    pub(super) fn new(slots: Vec<Slot>) -> Self {
        let permits = Semaphore::new(slots.len());
        let free = Mutex::new((0..slots.len()).rev().collect());
        Self { slots, permits, free }
    }

    /// How many there are, and how many of them are taken.
    pub(super) fn connections(&self) -> (usize, usize) {
        let all = self.slots.len();
        (all, all.saturating_sub(self.permits.available_permits()))
    }

    /// Takes a connection, preferring the one used last among those that are up, and of these one of the caller's runtime.
    pub(super) async fn lease(&self, patience: Duration) -> Result<Lease<'_>, StoreError> {
        let permit = match timeout(patience, self.permits.acquire()).await {
            Ok(Ok(permit)) => permit,
            _ => return Err(StoreError::Unavailable("every connection is busy".to_owned())),
        };
        let here = Handle::current().id();
        let (index, connection) = {
            let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
            let live = |at: usize| Some((at, self.slots[free[at]].live()?));
            let mut latest = (0..free.len()).rev();
            let at_home = latest.clone().filter(|&at| self.slots[free[at]].is_driven_by(here)).find_map(live);
            match at_home.or_else(|| latest.find_map(live)) {
                Some((at, connection)) => (free.remove(at), Some(connection)),
                None => (free.pop().expect("a permit stands for a free slot"), None),
            }
        };
        let slot = TakenSlot { pool: self, index, _permit: permit };
        let connection = match connection {
            Some(connection) => connection,
            None => self.slots[slot.index].connection(patience).await?,
        };
        Ok(Lease { connection, clean: true, _slot: slot })
    }
}

/// A connection taken from the pool. Unless it is `clean`, no transaction being open on it, it is closed when dropped,
/// which also happens when a caller stops waiting.
pub(super) struct Lease<'a> {
    pub(super) connection: Arc<Connection>,
    pub(super) clean: bool,
    _slot: TakenSlot<'a>,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if !self.clean {
            self.connection.condemn();
        }
    }
}

/// A slot taken from the pool, given back when dropped.
struct TakenSlot<'a> {
    pool: &'a Pool,
    index: usize,
    _permit: SemaphorePermit<'a>,
}

impl Drop for TakenSlot<'_> {
    fn drop(&mut self) {
        self.pool.free.lock().unwrap_or_else(PoisonError::into_inner).push(self.index);
    }
}
