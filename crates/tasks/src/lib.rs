//! Work beside requests. Every task is started in a set, so that shutting down can wait for all of them, and cut off those
//! that take too long. (`TaskTracker` of `tokio-util` waits, and cuts nothing off.)

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
        let all = async {
            loop {
                let mut tasks = std::mem::take(&mut *self.running());
                if tasks.is_empty() {
                    break;
                }
                // Some start others as they end: who accepts connections may have one more.
                while tasks.join_next().await.is_some() {}
            }
        };
        let all_ended = tokio::time::timeout(limit, all).await.is_ok();
        // Outside of the lock, which those that are cut off might want.
        let cut_off = std::mem::take(&mut *self.running());
        drop(cut_off);
        all_ended
    }

    /// Those that have ended are forgotten as others come, so that the set does not grow.
    fn running(&self) -> MutexGuard<'_, JoinSet<()>> {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn what_a_task_starts_as_it_ends_is_waited_for_too() {
        let (tasks, done) = (Tasks::default(), Arc::new(AtomicBool::new(false)));
        let (others, last) = (tasks.clone(), Arc::clone(&done));
        tasks.start(async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            others.start(async move {
                tokio::time::sleep(Duration::from_millis(1)).await;
                last.store(true, Ordering::Relaxed);
            });
        });
        assert!(tasks.finish(Duration::from_secs(10)).await);
        assert!(done.load(Ordering::Relaxed));
    }
}
