//! The worker's side: reads requests from its standard input, and answers on its standard output, until there are no more.

use std::io::{self, Read, Write};

use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::evaluate::Evaluator;
use crate::frame;

/// The address space of a worker, the program's own included, in bytes.
const MEMORY_LIMIT: u64 = 512 << 20;
/// Processor time for one evaluation, in seconds. The parent is stricter; this is for workers that have lost theirs.
const TIME_LIMIT: u64 = 2;

/// Runs a worker until its standard input is closed.
///
/// # Errors
/// When limits cannot be set, or the parent speaks another language.
pub fn run() -> io::Result<()> {
    limit(Resource::Core, 0)?;
    limit(Resource::As, MEMORY_LIMIT)?;
    let evaluator = Evaluator::new();
    let (mut requests, mut answers) = (io::stdin().lock(), io::stdout().lock());
    let mut length = [0; 4];
    loop {
        match requests.read_exact(&mut length) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        }
        let length = frame::length(length).ok_or(io::ErrorKind::InvalidData)?;
        let mut request = vec![0; length];
        requests.read_exact(&mut request)?;
        limit_processor_time()?;
        answers.write_all(&frame::framed(&evaluator.answer(&request)))?;
        answers.flush()?;
    }
}

/// Allows what was used so far, and a little more.
fn limit_processor_time() -> io::Result<()> {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    limit(Resource::Cpu, u64::try_from(used.tv_sec).unwrap_or_default() + TIME_LIMIT)
}

/// Sets a limit which this process may raise again: it is there for accidents, not against the process itself.
fn limit(resource: Resource, current: u64) -> io::Result<()> {
    let maximum = rustix::process::getrlimit(resource).maximum;
    let current = maximum.map_or(current, |maximum| maximum.min(current));
    Ok(setrlimit(resource, Rlimit { current: Some(current), maximum })?)
}
