//! The `zelus` command: reads the command line, and runs what it asks for; the `server` crate puts a server
//! together.

mod cleanup;
mod cli;
mod courier;
mod demo;
mod dev;
mod guard;
mod logs;
mod migrate;
mod patience;
mod serve;
mod tunnel;

use std::process::ExitCode;

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let matches = cli::command().get_matches();
    if matches.subcommand_name() == Some(cli::JSONNET_WORKER) {
        // It limits its own memory, and needs nothing of what follows.
        return mapper::worker::run().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(run(&matches)),
        Err(error) => Err(format!("The asynchronous runtime does not start: {error}.")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            cli::complain(&message);
            ExitCode::FAILURE
        }
    }
}

async fn run(matches: &clap::ArgMatches) -> Result<(), String> {
    match matches.subcommand() {
        Some(("serve", matches)) => serve::run(matches).await,
        Some(("courier", matches)) => courier::run(matches).await,
        Some(("migrate", matches)) => migrate::run(matches).await,
        Some(("guard", matches)) => guard::run(matches).await,
        Some(("cleanup", matches)) => cleanup::run(matches).await,
        Some(("tunnel", matches)) => tunnel::run(matches).await,
        Some(("version", _)) => {
            cli::say(&format!("Zelus {}", env!("CARGO_PKG_VERSION")));
            Ok(())
        }
        _ => {
            cli::say(&cli::command().render_help().to_string());
            Ok(())
        }
    }
}
