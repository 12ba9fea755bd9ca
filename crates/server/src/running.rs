//! A server at work: its listeners, its jobs, and its end.

use std::path::Path;
use std::time::Duration;

use config::Config;
use listener::{Refused, Room, Socket, Tls, Workers};
use tasks::Tasks;
use tokio::sync::watch;

use crate::service::Endpoint;
use crate::{Edges, Server, Source, janitor, mail, readiness, reload};

/// How long requests that are under way may take to finish once the server is told to stop.
const GRACE: Duration = Duration::from_secs(120);
/// How long what nobody waits for may take after that.
const BACKGROUND_GRACE: Duration = Duration::from_secs(10);
/// How long connections are kept for another request, as in Kratos: longer than proxies keep them, or a request may be
/// on its way as one ends.
const PUBLIC_IDLE_LIMIT: Duration = Duration::from_secs(120);
const ADMIN_IDLE_LIMIT: Duration = Duration::from_secs(600);

/// How many may ask for the metrics of a courier at once; a fetch every few seconds needs one or two.
const METRICS_CONNECTIONS: usize = 64;

/// A server with the tasks that it runs.
pub struct Running {
    server: Server,
    tasks: Tasks,
    stop: watch::Sender<bool>,
    /// Has the configuration read anew.
    reload: watch::Sender<reload::Noted>,
}

/// What took too long to finish when a server was stopped.
#[must_use]
pub struct CutOff {
    /// Whether a request, a delivery, or another task of [`Running`] did.
    pub tasks: bool,
    /// Whether a web hook did that nobody waited for.
    pub background: bool,
}

impl Running {
    /// A server that does nothing yet.
    pub fn new(server: Server) -> Self {
        Self { server, tasks: Tasks::default(), stop: watch::Sender::new(false), reload: watch::Sender::default() }
    }

    /// Listens where the configuration says; public connections are served by `workers`, those of the administration here,
    /// so that long lists and imports hold up nobody who signs in. Gives back the public endpoint. `at_localhost` has it
    /// listen at localhost, by either of its addresses, instead of at 127.0.0.1, and sends browsers there.
    ///
    /// # Errors
    /// One line that says what is in the way: a certificate that cannot be used, or an address.
    pub async fn listen(&self, workers: Workers, at_localhost: bool) -> Result<Endpoint, String> {
        let config = self.server.config();
        let (public, admin) = (&config.serve.public, &config.serve.admin);
        let certificate = |settings: &config::Listener| settings.tls.as_ref().map(Tls::load).transpose();
        let (public_tls, admin_tls) = (certificate(public)?, certificate(admin)?);
        for tls in public_tls.iter().chain(&admin_tls) {
            self.tasks.start(tls.clone().follow(self.stop.subscribe()));
        }
        let public_host = if at_localhost && public.host == "127.0.0.1" { "localhost" } else { &public.host };
        let public_sockets = bind(public, public_host, workers.count(), "SERVE_PUBLIC_PORT").await?;
        let admin_sockets = bind(admin, &admin.host, 1, "SERVE_ADMIN_PORT").await?;
        let shares = listener::share(listener::raise_file_limit());
        let limits = |in_all| listener::Limits {
            in_all,
            per_peer: config.zelus.limits.connections_per_peer,
            proxies: config.zelus.trusted_proxies.clone(),
        };
        let (public_room, admin_room) = (Room::new(limits(shares.public)), Room::new(limits(shares.admin)));
        let Edges { public: public_edge, admin: admin_edge } = self.server.edges();
        let public = Endpoint {
            edge: public_edge,
            prefers_localhost: at_localhost,
            options: listener::Options { tls: public_tls, idle_limit: PUBLIC_IDLE_LIMIT, room: public_room, workers },
        };
        let admin = Endpoint {
            edge: admin_edge,
            prefers_localhost: false,
            options: listener::Options {
                tls: admin_tls,
                idle_limit: ADMIN_IDLE_LIMIT,
                room: admin_room,
                workers: Workers::here(),
            },
        };
        self.serve(public_sockets, &public);
        self.serve(admin_sockets, &admin);
        Ok(public)
    }

    /// Serves the metrics of a process that only delivers messages, at `port` of the administration's address, or of
    /// 127.0.0.1 where the administration is served at a Unix socket.
    ///
    /// # Errors
    /// One line that says why the port cannot be had.
    pub async fn expose_metrics(&self, port: u16) -> Result<(), String> {
        let config = self.server.config();
        let host = &config.serve.admin.host;
        let host = if host.starts_with("unix:") { "127.0.0.1" } else { host };
        let bound = listener::bind(host, port, 1).await;
        let sockets = bound.map_err(|refused| in_the_way(refused, "--expose-metrics-port"))?;
        let limits = listener::Limits {
            in_all: METRICS_CONNECTIONS,
            per_peer: config.zelus.limits.connections_per_peer,
            proxies: config.zelus.trusted_proxies.clone(),
        };
        let endpoint = Endpoint {
            edge: self.server.courier_edge(),
            prefers_localhost: false,
            options: listener::Options {
                tls: None,
                idle_limit: ADMIN_IDLE_LIMIT,
                room: Room::new(limits),
                workers: Workers::here(),
            },
        };
        self.serve(sockets, &endpoint);
        Ok(())
    }

    /// Serves the connections that come to `sockets`.
    pub fn serve(&self, sockets: Vec<Socket>, endpoint: &Endpoint) {
        let (endpoint, options) = (endpoint.clone(), endpoint.options.clone());
        let service = move |peer| endpoint.service(peer);
        self.tasks.start(listener::serve(sockets, options, service, self.stop.subscribe()));
    }

    /// Says whether requests can be answered, or else what is missing; then it is said as soon as they can. To be called
    /// once the server listens.
    pub fn announce(&self) {
        self.tasks.start(readiness::announce(self.server.clone(), self.stop.subscribe()));
    }

    /// Starts all that a server does besides answering requests. `told` as in [`Running::follow_configuration`].
    pub fn start_jobs(&self, source: &Source, told: impl Fn(&Config) + Send + 'static) {
        self.tasks.start(janitor::clean_up(self.server.clone(), self.stop.subscribe()));
        if self.server.config().watch_courier {
            self.deliver_mail();
        }
        self.follow_configuration(source, told);
    }

    /// Delivers queued messages from now on.
    pub fn deliver_mail(&self) {
        self.tasks.start(mail::deliver(self.server.clone(), self.stop.subscribe()));
    }

    /// Takes up changes of the configuration files, and of identity schemas and templates that are files, from now on.
    /// `told` hears of each configuration that is in force from then on.
    pub fn follow_configuration(&self, source: &Source, told: impl Fn(&Config) + Send + 'static) {
        let (source, server, stop) = (source.clone(), self.server.clone(), self.stop.subscribe());
        self.tasks.start(reload::follow(source, server, told, self.reload.clone(), stop));
    }

    /// Reads the configuration anew, if it is followed, whether or not it has changed.
    pub fn reload(&self) {
        self.reload.send_modify(reload::Noted::asked);
    }

    /// Ends the server: takes no more connections, and waits until what is under way is finished, for two minutes at most.
    pub async fn stop(self) -> CutOff {
        // Nobody listening any more is fine.
        let _ = self.stop.send(true);
        let tasks = !self.tasks.finish(GRACE).await;
        let background = !self.server.shared().background.finish(BACKGROUND_GRACE).await;
        CutOff { tasks, background }
    }
}

/// Listens at `host`, which is `unix:/path`, or else an address or a name, with the port of `settings`; `variable` can be
/// set to choose another port.
async fn bind(
    settings: &config::Listener,
    host: &str,
    acceptors: usize,
    variable: &str,
) -> Result<Vec<Socket>, String> {
    if let Some(path) = host.strip_prefix("unix:") {
        return listener::bind_unix(Path::new(path), &settings.socket, acceptors).await;
    }
    listener::bind(host, settings.port, acceptors).await.map_err(|refused| in_the_way(refused, variable))
}

/// Why nobody listens at a port, for the operator; `setting` can be set to choose another.
fn in_the_way(refused: Refused, setting: &str) -> String {
    match refused {
        Refused::InUse(address) => format!(
            "Port {} at {} is in use. Stop what listens there, or set {setting} to another port.",
            address.port(),
            address.ip()
        ),
        Refused::Otherwise(why) => why,
    }
}

/// Waits; whether it is time to stop.
pub(crate) async fn is_stopped(stop: &mut watch::Receiver<bool>, rest: Duration) -> bool {
    tokio::time::timeout(rest, stop.wait_for(|stop| *stop)).await.is_ok()
}
