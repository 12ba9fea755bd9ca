//! `zelus serve`.

use std::path::PathBuf;
use std::time::Duration;

use clap::ArgMatches;
use config::{Config, Loaded, Machine, Mode, Sources};
use model::{Clock, Entropy, Secret};
use store::{Dsn, Store};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use web::{App, Edge, Side};

use crate::listener::{self, Service};
use crate::setup::{self, Shared};
use crate::tls::Tls;
use crate::workers::Workers;
use crate::{cli, courier, demo, dev, janitor, logs, reload, socket};
use flow::Tasks;

/// How long requests that are under way may take to finish once the server is told to stop.
pub const GRACE: Duration = Duration::from_secs(120);
/// How long what nobody waits for may take after that.
const BACKGROUND_GRACE: Duration = Duration::from_secs(10);
/// How long connections are kept for another request, as in Kratos: longer than proxies keep them, or a request may be
/// on its way as one ends.
const PUBLIC_IDLE_LIMIT: Duration = Duration::from_secs(120);
const ADMIN_IDLE_LIMIT: Duration = Duration::from_secs(600);

/// Where the configuration comes from, to be read again on a reload.
#[derive(Clone)]
pub enum Origin {
    Files {
        sources: Sources,
        mode: Mode,
    },
    /// `serve --dev` without a file.
    Dev {
        folder: PathBuf,
        secrets: config::DevSecrets,
    },
}

impl Origin {
    /// Reads the configuration.
    ///
    /// # Errors
    /// All that is wrong with it, a line each.
    pub fn load(&self) -> Result<Loaded, String> {
        match self {
            Self::Files { sources, mode } => Loaded::from(sources, *mode),
            Self::Dev { folder, secrets } => Config::dev(folder, secrets, config::environment(), Machine::this()),
        }
        .map_err(|error| error.to_string())
    }

    /// The files that the configuration is read from.
    pub fn files(&self) -> &[PathBuf] {
        match self {
            Self::Files { sources, .. } => &sources.files,
            Self::Dev { .. } => &[],
        }
    }
}

/// Runs the server until it is told to stop.
///
/// # Errors
/// What keeps it from starting, in words for the operator.
pub async fn run(matches: &ArgMatches) -> Result<(), String> {
    let (clock, entropy) = (Clock::system(), Entropy::system());
    let origin = origin(matches, matches.get_flag("watch-courier"), &entropy)?;
    let Loaded { config, warnings, unused } = origin.load()?;
    logs::start(&config.log);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    if !unused.is_empty() {
        tracing::info!(config.keys = unused.join(", "), "These configuration keys are not used yet.");
    }

    let is_demo = matches!(origin, Origin::Dev { .. });
    let dsn = Dsn::parse(config.dsn.expose()).map_err(|error| error.to_string())?;
    let workers = Workers::start(std::thread::available_parallelism().map_or(1, usize::from))
        .map_err(|error| format!("The threads that serve connections do not start: {error}."))?;
    let store = Store::open_on(&dsn, &workers.runtimes()).await.map_err(|error| error.to_string())?;
    prepare(&store, &config, &clock, &entropy, config.dsn.expose() == "memory").await?;
    let shared = Shared {
        pool: setup::hashing_pool(&config),
        mapper: setup::mapper(&clock)?,
        background: Tasks::default(),
        store,
        clock: clock.clone(),
        entropy: entropy.clone(),
    };

    let tasks = Tasks::default();
    let (stop, stopped) = watch::channel(false);
    let runtime = setup::runtime(config, &shared).await?;
    let config = runtime.config.clone();
    let (public, admin) = (&config.serve.public, &config.serve.admin);
    let certificate = |settings: &config::Listener| settings.tls.as_ref().map(Tls::load).transpose();
    let (public_tls, admin_tls) = (certificate(public)?, certificate(admin)?);
    for tls in public_tls.iter().chain(&admin_tls) {
        tls.follow(&tasks, stopped.clone());
    }
    // Before anyone can connect: who gets an answer may tell the server to stop.
    let stop_signals = StopSignals::listen()?;
    let public_sockets =
        socket::bind_configured(Side::Public, public, listen_host(&public.host, is_demo), workers.count()).await?;
    let admin_sockets = socket::bind_configured(Side::Admin, admin, &admin.host, 1).await?;
    let app = App::new(runtime, clock, entropy);
    let edge = |side, routes| Edge::new(app.clone(), side, routes);
    let mut public_routes = api::public_router().merge(pages::router());
    if config.dev {
        public_routes = public_routes.merge(pages::home());
    }
    let public_service = Service {
        edge: edge(Side::Public, public_routes),
        prefers_localhost: is_demo,
        tls: public_tls,
        idle_limit: PUBLIC_IDLE_LIMIT,
        workers,
    };
    let admin_service = Service {
        edge: edge(Side::Admin, api::admin_router()),
        prefers_localhost: false,
        tls: admin_tls,
        idle_limit: ADMIN_IDLE_LIMIT,
        // Long lists and imports hold up nobody who signs in.
        workers: Workers::here(),
    };
    listener::serve(public_sockets, &public_service, &tasks, &stopped);
    listener::serve(admin_sockets, &admin_service, &tasks, &stopped);
    tracing::info!(
        serve.public = %format_args!("{}:{}", config.serve.public.host, config.serve.public.port),
        serve.admin = %format_args!("{}:{}", config.serve.admin.host, config.serve.admin.port),
        version = env!("CARGO_PKG_VERSION"),
        "Zelus is ready."
    );
    if is_demo {
        let tunnel = dev::serve_tunnel_port(&public_service, &tasks, &stopped).await;
        cli::say(&demo::welcome(&app, tunnel).await);
    }
    janitor::start(&app, &tasks, stopped.clone());
    if config.watch_courier {
        courier::start(&app, &tasks, stopped.clone());
    }
    let _watcher = reload::watch(&origin, &app, &shared, &tasks, stopped);

    stop_signals.first().await;
    tracing::info!("Stopping: no new connections; requests under way are finished.");
    // Nobody listening any more is fine.
    let _ = stop.send(true);
    if !tasks.finish(GRACE).await {
        tracing::warn!("Some requests took too long and were cut off.");
    }
    if !shared.background.finish(BACKGROUND_GRACE).await {
        tracing::warn!("Some web hooks took too long and were cut off.");
    }
    Ok(())
}

/// Where the command line says that the configuration is.
///
/// # Errors
/// When the folder of `serve --dev` cannot be used.
pub fn origin(matches: &ArgMatches, watch_courier: bool, entropy: &Entropy) -> Result<Origin, String> {
    let files = cli::config_paths(matches);
    let dev = matches.get_flag("dev");
    if files.is_empty() && dev {
        let folder = PathBuf::from(dev::FOLDER);
        let secrets = dev::secrets(&folder, entropy)?;
        return Ok(Origin::Dev { folder, secrets });
    }
    let sources = Sources {
        files,
        environment: config::environment(),
        machine: Machine::this(),
        fallback_secret: Secret::new(entropy.string(dev::ALPHABET, 32)),
    };
    Ok(Origin::Files { sources, mode: Mode { dev, watch_courier } })
}

/// Brings the tables up to date where that is expected of us, and says what is missing where it is not.
async fn prepare(
    store: &Store,
    config: &Config,
    clock: &Clock,
    entropy: &Entropy,
    is_memory: bool,
) -> Result<(), String> {
    if config.dev || is_memory {
        let outcome = store.migrate_up(entropy.uuid(), clock.now(), &mut |_| {}).await;
        return outcome.map_err(|error| error.to_string());
    }
    match store.has_pending_migrations().await {
        Ok(false) => {
            if let Err(error) = store.ensure_network(entropy.uuid(), clock.now()).await {
                tracing::warn!(%error, "The database does not answer yet.");
            }
        }
        Ok(true) => {
            tracing::error!("The database lacks tables. Run `zelus migrate sql up -e` with the same configuration.")
        }
        Err(error) => tracing::error!(%error, "The database cannot be used yet."),
    }
    Ok(())
}

/// Without a configuration, the server is at localhost, by either of its addresses.
fn listen_host(configured: &str, is_demo: bool) -> &str {
    if is_demo && configured == "127.0.0.1" { "localhost" } else { configured }
}

/// The signals by which the process is told to stop. From [`StopSignals::listen`] on they no longer end it by themselves.
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// # Errors
    /// When signals cannot be received.
    pub fn listen() -> Result<Self, String> {
        let listen = |kind| signal(kind).map_err(|error| format!("Signals cannot be received: {error}."));
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Waits for the first of them.
    pub async fn first(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
