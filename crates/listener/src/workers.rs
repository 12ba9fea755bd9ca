//! Threads that serve connections, one for each processor.
//!
//! Each has a runtime of its own, and a connection stays with the one that accepted it: nothing that a request waits for
//! then has to be handed from one processor to another, which costs more than most requests do. See
//! `docs/decisions/0009-a-runtime-for-each-processor.md`.

use std::io;
use std::sync::Arc;
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// Where connections are served. Clones share the threads, which end with the last of them.
#[derive(Clone)]
pub struct Workers(Arc<[Worker]>);

struct Worker {
    runtime: Handle,
    /// Ends the thread when it is dropped; `None` for a runtime that is not ours.
    _running: Option<oneshot::Sender<()>>,
}

impl Workers {
    /// Starts `count` threads.
    ///
    /// # Errors
    /// When the system refuses one.
    pub fn start(count: usize) -> io::Result<Self> {
        (0..count).map(Worker::start).collect::<io::Result<_>>().map(Self)
    }

    /// No threads: connections are served by the runtime that this is called on.
    pub fn here() -> Self {
        Self([Worker { runtime: Handle::current(), _running: None }].into())
    }

    /// The runtimes of all, by the workers' numbers, which begin at 0.
    pub fn runtimes(&self) -> Vec<Handle> {
        self.0.iter().map(|worker| worker.runtime.clone()).collect()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl Worker {
    fn start(number: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (running, stopped) = oneshot::channel::<()>();
        thread::Builder::new().name(format!("worker-{number}")).spawn(move || runtime.block_on(stopped))?;
        Ok(Self { runtime: handle, _running: Some(running) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_runs_what_it_is_given_on_a_thread_of_its_own() {
        let workers = Workers::start(1).expect("a thread");
        let (sender, receiver) = std::sync::mpsc::channel();
        workers.runtimes()[0].spawn(async move {
            let _ = sender.send(thread::current().name().map(str::to_owned));
        });
        assert_eq!(receiver.recv().expect("it ran"), Some("worker-0".to_owned()));
    }
}
