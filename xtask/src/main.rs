//! The repository's own tasks, run as `cargo xtask NAME`. One module for each; a new one is a line in [`TASKS`].
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a task talks to the developer at the terminal")]

mod bench;
mod command;
mod install;
mod postgres;
mod tally;
mod test;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What a task gives back; an error is one readable sentence.
type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// A task by its name, in a few words, and as a function of the arguments after its name.
type Task = (&'static str, &'static str, fn(&[String]) -> Result<ExitCode>);

const TASKS: &[Task] = &[
    ("test", "install what the tests need, and run them all", test::run),
    ("bench", "measure the build for production, and write docs/benchmarks.md", bench::run),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first().filter(|(name, _)| *name != "--help" && *name != "-h") else {
        help();
        return ExitCode::SUCCESS;
    };
    let Some((_, _, task)) = TASKS.iter().find(|(known, ..)| known == name) else {
        eprintln!("There is no task named {name}.\n");
        help();
        return ExitCode::from(2);
    };
    task(rest).unwrap_or_else(|error| {
        eprintln!("{name}: {error}");
        ExitCode::FAILURE
    })
}

fn help() {
    println!("Usage: cargo xtask TASK [OPTIONS]\n\nTasks:");
    for (name, about, _) in TASKS {
        println!("  {name:<8} {about}");
    }
    println!("\n`cargo xtask TASK --help` tells more.");
}

/// The root of the repository.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_path_buf()
}

/// Where cargo builds.
fn target() -> PathBuf {
    root().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}
