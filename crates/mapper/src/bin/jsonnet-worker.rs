//! A worker process of the mapper, by itself: for the tests of this crate. The server runs `zelus jsonnet-worker`.

use std::process::ExitCode;

fn main() -> ExitCode {
    match mapper::worker::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
