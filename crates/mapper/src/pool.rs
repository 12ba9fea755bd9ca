//! The server's side: workers, started when needed, used again, and killed when they take too long.
//!
//! Pools such as `deadpool` take back what they lent; a worker that somebody has lost interest in has to be killed.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::{MapperError, MapperOptions, frame};

/// How long an evaluation may wait for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// A worker is replaced after so many evaluations, so that no leak of the interpreter lasts.
const EVALUATIONS: u32 = 10_000;
/// What a process ends with when it is aborted, as Rust does when memory runs out, and what it gets for too much
/// processor time.
const SIGABRT: i32 = 6;
const SIGXCPU: i32 = 24;

/// Has the allocator of the `zelus` program take 32 MiB of address space at a time. It would take the first GiB before the
/// worker can limit how much it may have, and that much memory could then be used.
const ARENAS: (&str, &str) = ("MIMALLOC_ARENA_RESERVE", "32768");

#[derive(Debug)]
pub struct Pool {
    options: MapperOptions,
    turns: Semaphore,
    idle: Mutex<Vec<Worker>>,
}

/// A child process, which is killed when this is dropped.
#[derive(Debug)]
struct Worker {
    child: Child,
    requests: ChildStdin,
    answers: ChildStdout,
    evaluations: u32,
}

impl Pool {
    pub fn new(options: MapperOptions) -> Self {
        Self { turns: Semaphore::new(options.workers.max(1)), idle: Mutex::default(), options }
    }

    /// Has a worker answer a request. When the caller loses interest half-way, the worker is killed.
    pub async fn evaluate(&self, request: &[u8]) -> Result<String, MapperError> {
        let turn = timeout(LONGEST_WAIT, self.turns.acquire()).await;
        let _turn = turn.ok().and_then(Result::ok).ok_or(MapperError::Busy)?;
        let mut worker = match self.take_idle() {
            Some(worker) => worker,
            None => self.start()?,
        };
        let answer = match timeout(self.options.time_limit, worker.exchange(request)).await {
            Ok(Some(answer)) => answer,
            Ok(None) => return Err(worker.cause_of_death().await),
            Err(_) => {
                tracing::warn!("A Jsonnet snippet did not come to an end and was stopped.");
                return Err(MapperError::TooSlow);
            }
        };
        worker.evaluations += 1;
        if worker.evaluations < EVALUATIONS {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
        }
        frame::read_answer(&answer)
    }

    /// A worker that has nothing to do, if one is still alive.
    fn take_idle(&self) -> Option<Worker> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::from_fn(|| idle.pop()).find_map(|mut worker| worker.is_alive().then_some(worker))
    }

    fn start(&self) -> Result<Worker, MapperError> {
        let cannot_start = |error: String| MapperError::Start(error);
        let mut child = Command::new(&self.options.program)
            .args(&self.options.arguments)
            // Snippets have no business with the environment, which holds secrets.
            .env_clear()
            .envs([ARENAS])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| cannot_start(error.to_string()))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(requests), Some(answers)) => Ok(Worker { child, requests, answers, evaluations: 0 }),
            _ => Err(cannot_start("it has no pipes".to_owned())),
        }
    }
}

impl Worker {
    fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a request and reads its answer; `None` when the worker has died.
    async fn exchange(&mut self, request: &[u8]) -> Option<Vec<u8>> {
        self.requests.write_all(&frame::framed(request)).await.ok()?;
        self.requests.flush().await.ok()?;
        let mut length = [0; 4];
        self.answers.read_exact(&mut length).await.ok()?;
        let mut answer = vec![0; frame::length(length)?];
        self.answers.read_exact(&mut answer).await.ok()?;
        Some(answer)
    }

    async fn cause_of_death(mut self) -> MapperError {
        // Whatever it still does, it does not speak our language any more.
        let ended = timeout(Duration::from_millis(200), self.child.wait()).await;
        match ended.ok().and_then(Result::ok).as_ref().and_then(ExitStatus::signal) {
            Some(SIGABRT) => MapperError::TooMuchMemory,
            Some(SIGXCPU) => MapperError::TooSlow,
            _ => MapperError::Crashed,
        }
    }
}
