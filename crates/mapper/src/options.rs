//! How snippets are run.

use std::path::PathBuf;
use std::time::Duration;

/// How snippets are run: by which program, in how many processes, and for how long.
#[derive(Clone, Debug)]
pub struct MapperOptions {
    /// The program of a worker, and its arguments; it must call [`crate::worker::run`].
    pub program: PathBuf,
    /// The arguments of the program.
    pub arguments: Vec<String>,
    /// How many workers may run at once.
    pub workers: usize,
    /// The longest that one evaluation may take; Kratos allows one second.
    pub time_limit: Duration,
}

impl MapperOptions {
    /// One worker for each processor, at least two, and a second for each evaluation.
    pub fn new(program: PathBuf, arguments: &[&str]) -> Self {
        let workers = std::thread::available_parallelism().map_or(2, usize::from).max(2);
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Self { program, arguments, workers, time_limit: Duration::from_secs(1) }
    }
}
