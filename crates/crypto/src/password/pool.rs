//! Hashing under a budget: so many at once, within so much memory, and clients who wait take turns.

mod queue;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{Entropy, Secret, client_network};
use tokio::sync::oneshot;

use self::queue::{FairQueue, Ticket};
use super::stored::StoredHash;
use super::{HashError, Hasher};

/// For how many clients with a full queue there is room, before the longest queues give way.
const FULL_QUEUES: usize = 4;

/// What hashing may take of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// How many hashes are computed at once; at least 1. The number of cores is a good choice.
    pub workers: usize,
    /// How much memory they may take together. A hash that needs more is computed alone.
    pub memory_bytes: u64,
    /// How many more of one client may wait, and a quarter of how many may wait in all. A caller beyond that is told
    /// [`HashError::Busy`] at once.
    pub queue: usize,
}

/// Computes password hashes on the runtime's blocking threads.
///
/// However many people sign in at the same time, no more than the budget is in use; the others wait. Clients take turns, so
/// that nobody waits for more than one hash of each other client, and only those of whom too many wait are turned away. A
/// client is a network, as a provider gives one to a customer: see [`Self::for_client`].
///
/// Clones share the budget. What nobody waits for any more leaves the queue. Work that has begun is finished, and keeps its
/// share until then, even if the caller has gone.
#[derive(Clone, Debug)]
pub struct HashingPool {
    budget: Arc<Budget>,
    client: Client,
}

/// For whom hashes are computed: a network, or `None` for operators and whoever comes by a Unix socket.
type Client = Option<IpAddr>;

#[derive(Debug)]
struct Budget {
    memory_kib: u32,
    /// How many hashes are computed at once.
    workers: usize,
    state: Mutex<State>,
    /// Of which kinds the hashes were that passwords have been compared with, in order.
    #[cfg(test)]
    computed: Mutex<Vec<std::mem::Discriminant<StoredHash>>>,
}

#[derive(Debug)]
struct State {
    idle_workers: usize,
    free_kib: u32,
    waiting: FairQueue<Client, Waiter>,
}

/// Somebody who waits for a share of the budget. Whoever makes way for others is dropped.
#[derive(Debug)]
struct Waiter {
    memory_kib: u32,
    start: oneshot::Sender<Share>,
}

/// A worker and its memory, given back when the value is dropped.
#[derive(Debug)]
struct Share {
    budget: Arc<Budget>,
    memory_kib: u32,
}

/// A place in the queue, which is left when the value is dropped.
struct Place<'a> {
    pool: &'a HashingPool,
    ticket: Ticket,
}

impl HashingPool {
    /// A pool within these limits.
    pub fn new(limits: PoolLimits) -> Self {
        let workers = limits.workers.max(1);
        let memory_kib = u32::try_from(limits.memory_bytes / 1024).unwrap_or(u32::MAX).max(1);
        let state = State {
            idle_workers: workers,
            free_kib: memory_kib,
            waiting: FairQueue::new(limits.queue, limits.queue.saturating_mul(FULL_QUEUES)),
        };
        let budget = Budget {
            workers,
            memory_kib,
            state: Mutex::new(state),
            #[cfg(test)]
            computed: Mutex::default(),
        };
        Self { budget: Arc::new(budget), client: None }
    }

    /// The same pool, in which the client with this address has its turn: that is its network, see [`client_network`].
    #[must_use]
    pub fn for_client(&self, address: Option<IpAddr>) -> Self {
        Self { budget: Arc::clone(&self.budget), client: address.map(client_network) }
    }

    /// How many hashes are being computed, and how many wait for their turn.
    pub fn load(&self) -> (usize, usize) {
        let state = self.budget.lock();
        (self.budget.workers.saturating_sub(state.idle_workers), state.waiting.len())
    }

    /// As [`Hasher::hash`].
    ///
    /// # Errors
    /// Those, and [`HashError::Busy`].
    pub async fn hash(&self, hasher: &Hasher, entropy: &Entropy, password: &Secret) -> Result<String, HashError> {
        let (hasher, entropy, password) = (hasher.clone(), entropy.clone(), password.clone());
        let memory_kib = match hasher {
            Hasher::Bcrypt { .. } => 4,
            Hasher::Argon2 { memory_bytes, .. } => u32::try_from(memory_bytes / 1024).unwrap_or(u32::MAX),
        };
        self.run(memory_kib, move || hasher.hash(&entropy, &password)).await
    }

    /// As [`super::verify`].
    ///
    /// # Errors
    /// Those, and [`HashError::Busy`].
    pub async fn verify(&self, hash: &str, password: &Secret) -> Result<bool, HashError> {
        self.verify_stored(StoredHash::parse(hash)?, password).await
    }

    /// Whether a password signs in: whether it matches the hash that is stored, if any is.
    ///
    /// Nobody learns from the time whether there is an account, or of which kind its hash is: whoever is turned away has
    /// waited for the work of `hasher` at least, be it for nobody's account, for a hash that an import brought along and
    /// that takes less, for one that cannot be used or for a password that is too long (OWASP Authentication,
    /// "Authentication and Error Messages"). A password that is right takes that work too, since such a hash is made anew.
    ///
    /// # Errors
    /// Those of [`Self::verify`]; after the same work, but for [`HashError::Busy`] and [`HashError::Interrupted`].
    pub async fn sign_in(
        &self,
        hasher: &Hasher,
        entropy: &Entropy,
        stored: Option<&str>,
        password: &Secret,
    ) -> Result<bool, HashError> {
        let Some(stored) = stored else {
            self.dummy_verify(hasher, entropy).await?;
            return Ok(false);
        };
        let verified = self.verify(stored, password).await;
        let is_cheaper = match verified {
            Ok(true) | Err(HashError::Busy | HashError::Interrupted) => false,
            Ok(false) => hasher.needs_rehash(stored),
            Err(_) => true,
        };
        if is_cheaper {
            self.dummy_verify(hasher, entropy).await?;
        }
        verified
    }

    /// Does the work of verifying against one of `hasher`'s own hashes, to no avail. What is hashed makes no difference to
    /// it, so that nothing depends on how long a password is.
    async fn dummy_verify(&self, hasher: &Hasher, entropy: &Entropy) -> Result<(), HashError> {
        self.verify_stored(hasher.dummy(entropy)?, &Secret::from("")).await.map(drop)
    }

    async fn verify_stored(&self, stored: StoredHash, password: &Secret) -> Result<bool, HashError> {
        let password = password.clone();
        #[cfg(test)]
        let budget = Arc::clone(&self.budget);
        self.run(stored.memory_kib(), move || {
            let verified = stored.verify(&password);
            #[cfg(test)]
            if verified.is_ok() {
                budget.computed.lock().expect("no test panics here").push(std::mem::discriminant(&stored));
            }
            verified
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        memory_kib: u32,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let share = self.share(memory_kib.min(self.budget.memory_kib)).await?;
        let task = tokio::task::spawn_blocking(move || {
            let _held_until_done = share;
            work()
        });
        task.await.map_err(|_| HashError::Interrupted)?
    }

    /// Waits for its turn.
    async fn share(&self, memory_kib: u32) -> Result<Share, HashError> {
        let (start, started) = oneshot::channel();
        let (ticket, made_way) = {
            let mut state = self.budget.lock();
            if state.waiting.is_empty() && state.take(memory_kib) {
                return Ok(Share { budget: Arc::clone(&self.budget), memory_kib });
            }
            state.waiting.push(self.client, Waiter { memory_kib, start }).map_err(|_| HashError::Busy)?
        };
        drop(made_way);
        let _left_when_dropped = Place { pool: self, ticket };
        started.await.map_err(|_| HashError::Busy)
    }
}

impl Budget {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives what is free to those whose turn it is.
    fn start_waiting(self: &Arc<Self>) {
        loop {
            let next = self.lock().start_next();
            let Some(Waiter { memory_kib, start }) = next else { return };
            // Whoever has left this very moment does not take the share, which is given back by that.
            drop(start.send(Share { budget: Arc::clone(self), memory_kib }));
        }
    }
}

impl State {
    /// Takes a worker and memory, if there are.
    fn take(&mut self, memory_kib: u32) -> bool {
        let is_free = self.idle_workers > 0 && self.free_kib >= memory_kib;
        if is_free {
            self.idle_workers -= 1;
            self.free_kib -= memory_kib;
        }
        is_free
    }

    /// Takes for whoever is next what they need. A large hash is not overtaken by smaller ones, or it might wait for ever.
    fn start_next(&mut self) -> Option<Waiter> {
        let memory_kib = self.waiting.next()?.memory_kib;
        if self.take(memory_kib) { self.waiting.pop() } else { None }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut state = self.budget.lock();
        state.idle_workers += 1;
        state.free_kib += self.memory_kib;
        drop(state);
        self.budget.start_waiting();
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let waiter = self.pool.budget.lock().waiting.remove(self.pool.client, self.ticket);
        if waiter.is_some() {
            // It may have been a large hash that kept smaller ones waiting.
            self.pool.budget.start_waiting();
        }
    }
}
