//! Hashing under a budget: so many at once, within so much memory, and no endless queue before it.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use model::{Entropy, Secret};
use tokio::sync::Semaphore;

use super::stored::StoredHash;
use super::{HashError, Hasher};

/// What hashing may take of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// How many hashes are computed at once; at least 1. The number of cores is a good choice.
    pub workers: usize,
    /// How much memory they may take together. A hash that needs more is computed alone.
    pub memory_bytes: u64,
    /// How many more may wait. A caller beyond that is told [`HashError::Busy`] at once.
    pub queue: usize,
}

/// Computes password hashes on the runtime's blocking threads, first come first served.
///
/// However many people sign in at the same time, no more than the budget is in use: the others wait, and those for whom
/// the wait would be too long are turned away. Clones share the budget. Work that has begun is finished, and keeps its
/// share until then, even if the caller has gone.
#[derive(Clone, Debug)]
pub struct HashingPool(Arc<Budget>);

#[derive(Debug)]
struct Budget {
    /// One permit for everybody at work or in the queue.
    admission: Arc<Semaphore>,
    workers: Arc<Semaphore>,
    /// One permit for each KiB.
    memory: Arc<Semaphore>,
    memory_kib: u32,
    /// How many permits there are of the first two kinds.
    most_admitted: usize,
    most_workers: usize,
    /// Of which kinds the hashes were that passwords have been compared with, in order.
    #[cfg(test)]
    computed: Arc<std::sync::Mutex<Vec<std::mem::Discriminant<StoredHash>>>>,
}

impl HashingPool {
    /// A pool within these limits.
    pub fn new(limits: PoolLimits) -> Self {
        let workers = limits.workers.max(1);
        // Four gibibytes of KiB permits are the semaphore's limit on 32-bit machines, and beyond any use elsewhere.
        let memory_kib = u32::try_from(limits.memory_bytes / 1024).unwrap_or(u32::MAX >> 4).clamp(1, u32::MAX >> 4);
        let most_admitted = workers.saturating_add(limits.queue).min(Semaphore::MAX_PERMITS);
        let most_workers = workers.min(Semaphore::MAX_PERMITS);
        Self(Arc::new(Budget {
            admission: Arc::new(Semaphore::new(most_admitted)),
            workers: Arc::new(Semaphore::new(most_workers)),
            most_admitted,
            most_workers,
            memory: Arc::new(Semaphore::new(memory_kib as usize)),
            memory_kib,
            #[cfg(test)]
            computed: Arc::default(),
        }))
    }

    /// How many hashes are being computed, and how many wait for their turn.
    pub fn load(&self) -> (usize, usize) {
        let budget = &self.0;
        let admitted = budget.most_admitted.saturating_sub(budget.admission.available_permits());
        let under_way = budget.most_workers.saturating_sub(budget.workers.available_permits()).min(admitted);
        (under_way, admitted - under_way)
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
        let computed = Arc::clone(&self.0.computed);
        self.run(stored.memory_kib(), move || {
            let verified = stored.verify(&password);
            #[cfg(test)]
            if verified.is_ok() {
                computed.lock().expect("no test panics here").push(std::mem::discriminant(&stored));
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
        let budget = &self.0;
        let admission = Arc::clone(&budget.admission).try_acquire_owned().map_err(|_| HashError::Busy)?;
        let worker = Arc::clone(&budget.workers).acquire_owned().await.map_err(|_| HashError::Interrupted)?;
        // Only those who have a worker ask for memory, so few wait here, and a large hash is not overtaken for ever.
        let memory_kib = memory_kib.min(budget.memory_kib);
        let memory = Arc::clone(&budget.memory).acquire_many_owned(memory_kib).await;
        let memory = memory.map_err(|_| HashError::Interrupted)?;
        let task = tokio::task::spawn_blocking(move || {
            let _held_until_done = (admission, worker, memory);
            work()
        });
        task.await.map_err(|_| HashError::Interrupted)?
    }
}
