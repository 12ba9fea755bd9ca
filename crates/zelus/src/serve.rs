//! `zelus serve`.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::thread;

use clap::ArgMatches;
use config::{Config, Loaded, Machine, Mode, Sources};
use listener::Workers;
use mapper::{Mapper, MapperOptions};
use model::{Clock, Cx, Entropy, Secret};
use server::{Running, Server, Shared, Source};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{cli, demo, dev, logs};

/// Runs the server until it is told to stop.
///
/// # Errors
/// What keeps it from starting, in words for the operator.
pub async fn run(matches: &ArgMatches) -> Result<(), String> {
    let cx = Cx { clock: Clock::system(), entropy: Entropy::system() };
    let source = source(matches, matches.get_flag("watch-courier"), &cx.entropy)?;
    let (config, unused) = load(&source)?;
    if !unused.is_empty() {
        tracing::info!(config.keys = unused.join(", "), "These configuration keys are not used yet.");
    }

    let workers = Workers::start(thread::available_parallelism().map_or(1, usize::from))
        .map_err(|error| format!("The threads that serve connections do not start: {error}."))?;
    let mapper = mapper(&cx.clock)?;
    let shared = Shared::open(&config, &workers.runtimes(), mapper, cx).await?;
    shared.prepare_database(&config).await?;
    let server = Server::assemble(config, shared).await?;
    let config = server.config();
    // Before anyone can connect: who gets an answer may tell the server to stop.
    let mut signals = Signals::listen()?;
    let is_demo = matches!(source, Source::Dev { .. });
    let running = Running::new(server.clone());
    let public = running.listen(workers, is_demo).await?;
    for notice in server::notices(&config) {
        tracing::warn!("{notice}");
    }
    running.announce();
    if is_demo {
        let tunnel = dev::serve_tunnel_port(&running, &public).await;
        cli::say(&demo::welcome(server.app(), tunnel).await);
    }
    running.start_jobs(&source, logs::follow);

    signals.until_stop(|| running.reload()).await;
    tracing::info!("Stopping: no new connections; requests under way are finished.");
    let cut_off = running.stop().await;
    if cut_off.tasks {
        tracing::warn!("Some requests took too long and were cut off.");
    }
    if cut_off.background {
        tracing::warn!("Some web hooks took too long and were cut off.");
    }
    Ok(())
}

/// Where the command line says that the configuration is.
///
/// # Errors
/// When the folder of `serve --dev` cannot be used.
pub fn source(matches: &ArgMatches, watch_courier: bool, entropy: &Entropy) -> Result<Source, String> {
    let files = cli::config_paths(matches);
    let dev = matches.get_flag("dev");
    if files.is_empty() && dev {
        let folder = PathBuf::from(dev::FOLDER);
        let secrets = dev::secrets(&folder, entropy)?;
        return Ok(Source::Dev { folder, secrets });
    }
    let sources = Sources {
        files,
        environment: config::environment(),
        machine: Machine::this(),
        fallback_secret: Secret::new(entropy.string(dev::ALPHABET, 32)),
    };
    Ok(Source::Files { sources, mode: Mode { dev, watch_courier } })
}

/// Reads the configuration, starts logging as it says, and logs its warnings. Gives back the keys that are not used yet,
/// too.
///
/// # Errors
/// All that is wrong with it, a line each.
pub fn load(source: &Source) -> Result<(Config, Vec<String>), String> {
    let Loaded { config, warnings, unused } = source.load()?;
    logs::start(&config.log);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    Ok((config, unused))
}

/// Jsonnet, in processes of this same program.
///
/// # Errors
/// When this program does not know where it is.
pub fn mapper(clock: &Clock) -> Result<Mapper, String> {
    let program = std::env::current_exe().map_err(|error| format!("The program does not find itself: {error}."))?;
    Ok(Mapper::new(MapperOptions::new(program, &[cli::JSONNET_WORKER]), clock.clone()))
}

/// The signals by which the process is told to stop, or to read its configuration anew. From [`Signals::listen`] on they no
/// longer end it by themselves.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    had_terminal: bool,
}

impl Signals {
    /// # Errors
    /// When signals cannot be received.
    pub fn listen() -> Result<Self, String> {
        let listen = |kind| signal(kind).map_err(|error| format!("Signals cannot be received: {error}."));
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: listen(SignalKind::hangup())?,
            had_terminal: has_terminal(),
        })
    }

    /// Waits for the first that means to stop: SIGTERM, SIGINT, or a terminal that has hung up. Any other SIGHUP calls
    /// `reload`, as is usual among servers.
    pub async fn until_stop(&mut self, reload: impl Fn()) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => {}
            }
            if self.had_terminal && !has_terminal() {
                return;
            }
            reload();
        }
    }
}

/// Whether the process can talk to a terminal. One that has hung up is none any more.
fn has_terminal() -> bool {
    std::io::stdin().is_terminal() || std::io::stdout().is_terminal() || std::io::stderr().is_terminal()
}
