//! Threads that serve connections, one for each processor.
//!
//! Each has a runtime of its own, and a connection stays with the one that it was given to: nothing that a request waits
//! for then has to be handed from one processor to another, which costs more than most requests do. See
//! `docs/decisions/0009-a-runtime-for-each-processor.md`.

use std::io;
use std::sync::Arc;
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// How many connections more than another a worker may have in any case.
const TOLERANCE: usize = 4;

/// Where connections are served. Clones share the threads, which end with the last of them.
#[derive(Clone)]
pub struct Workers(Arc<[Worker]>);

struct Worker {
    runtime: Handle,
    /// Held once more by each of its connections.
    connections: Arc<()>,
    /// Ends the thread when it is dropped; `None` for a runtime that is not ours.
    _running: Option<oneshot::Sender<()>>,
}

/// A connection's place with a worker, until it is dropped.
pub struct Place {
    /// The worker's runtime, if another accepted the connection.
    pub elsewhere: Option<Handle>,
    _connection: Arc<()>,
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
        Self([Worker::new(Handle::current(), None)].into())
    }

    /// The runtimes of all, by the workers' numbers, which begin at 0.
    pub fn runtimes(&self) -> Vec<Handle> {
        self.0.iter().map(|worker| worker.runtime.clone()).collect()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// A place for a connection that the worker of this number accepted: with itself, unless another has far fewer. To hand
    /// a connection over costs as much as a few requests on it.
    pub fn place(&self, accepted_by: usize) -> Place {
        let accepted_by = &self.0[accepted_by];
        let idlest = self.0.iter().min_by_key(|worker| worker.connections()).unwrap_or(accepted_by);
        let fewest = idlest.connections();
        let is_overloaded = accepted_by.connections() > fewest + fewest / 4 + TOLERANCE;
        let worker = if is_overloaded { idlest } else { accepted_by };
        Place { elsewhere: is_overloaded.then(|| idlest.runtime.clone()), _connection: Arc::clone(&worker.connections) }
    }
}

impl Worker {
    fn connections(&self) -> usize {
        Arc::strong_count(&self.connections) - 1
    }

    fn new(runtime: Handle, running: Option<oneshot::Sender<()>>) -> Self {
        Self { runtime, connections: Arc::default(), _running: running }
    }

    fn start(number: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (running, stopped) = oneshot::channel::<()>();
        thread::Builder::new().name(format!("worker-{number}")).spawn(move || runtime.block_on(stopped))?;
        Ok(Self::new(handle, Some(running)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_stays_where_it_was_accepted_unless_another_worker_has_far_fewer() {
        let workers = Workers::start(3).expect("threads");
        let mut kept: Vec<Place> = (0..=TOLERANCE).map(|_| workers.place(0)).collect();
        assert!(kept.iter().all(|place| place.elsewhere.is_none()));
        let handed_over = workers.place(0).elsewhere.map(|runtime| runtime.id());
        let runtimes = workers.runtimes();
        assert!(handed_over == Some(runtimes[1].id()) || handed_over == Some(runtimes[2].id()));
        assert!(workers.place(1).elsewhere.is_none());
        kept.pop();
        assert!(workers.place(0).elsewhere.is_none(), "one has ended");
    }

    #[test]
    fn whoever_accepts_all_connections_keeps_a_fair_part_of_them() {
        let workers = Workers::start(4).expect("threads");
        let places: Vec<Place> = (0..1000).map(|_| workers.place(0)).collect();
        let kept = places.iter().filter(|place| place.elsewhere.is_none()).count();
        assert!((250..320).contains(&kept), "{kept}");
    }

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
