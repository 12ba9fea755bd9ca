//! Work beside requests. Every task is started in a set, so that shutting down can wait for all of them.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

/// A set of running tasks. Clones share it.
#[derive(Clone, Default)]
pub struct Tasks(Arc<Mutex<JoinSet<()>>>);

impl Tasks {
    /// Starts a task.
    pub fn start(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.running().spawn(task);
    }

    /// Starts a task unless `limit` are running already. Says whether it did.
    pub fn start_within(&self, limit: usize, task: impl Future<Output = ()> + Send + 'static) -> bool {
        let mut tasks = self.running();
        let has_room = tasks.len() < limit;
        if has_room {
            tasks.spawn(task);
        }
        has_room
    }

    /// Waits until all tasks have ended, or `limit` has passed; then the rest is cut off. Says whether all ended.
    pub async fn finish(&self, limit: Duration) -> bool {
        let mut tasks = std::mem::take(&mut *self.running());
        let all = async { while tasks.join_next().await.is_some() {} };
        tokio::time::timeout(limit, all).await.is_ok()
    }

    /// Those that have ended are forgotten as others come, so that the set does not grow.
    fn running(&self) -> MutexGuard<'_, JoinSet<()>> {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks
    }
}
