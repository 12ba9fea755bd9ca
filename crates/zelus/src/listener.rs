//! Accepting connections and serving them.

use std::convert::Infallible;
use std::fs::Permissions;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{ACCEPT, HOST, LOCATION};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::IntoResponse;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{oneshot, watch};
use web::{Edge, Peer, Side};

use crate::pace::{HEAD_LIMIT, Pace, Paced};
use crate::tls::Tls;
use flow::Tasks;

/// How long to wait after the operating system refused a connection, for lack of file descriptors, say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Where connections come in.
pub enum Socket {
    Tcp(TcpListener),
    /// With the file's path, which is removed in the end.
    Unix(UnixListener, PathBuf),
}

/// Listens where `settings` say: at `unix:/path`, or at a host and port.
///
/// # Errors
/// One line that says what is in the way.
pub async fn bind_configured(side: Side, settings: &config::Listener, host: &str) -> Result<Vec<Socket>, String> {
    let variable = match side {
        Side::Public => "SERVE_PUBLIC_PORT",
        Side::Admin => "SERVE_ADMIN_PORT",
    };
    match host.strip_prefix("unix:") {
        Some(path) => Ok(vec![bind_unix(Path::new(path), &settings.socket).await?]),
        None => bind(host, settings.port).await.map_err(|refused| match refused {
            Refused::InUse(address) => format!(
                "Port {} at {} is in use. Stop what listens there, or set {variable} to another port.",
                address.port(),
                address.ip()
            ),
            Refused::Otherwise(why) => why,
        }),
    }
}

async fn bind_unix(path: &Path, settings: &config::Socket) -> Result<Socket, String> {
    let fail = |error: std::io::Error| format!("Cannot listen at {}: {error}.", path.display());
    if path.exists() {
        // A server that was killed leaves its socket behind; nobody answers there.
        match UnixStream::connect(path).await {
            Ok(_) => return Err(format!("Another server listens at {}.", path.display())),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => std::fs::remove_file(path).map_err(fail)?,
            Err(error) => return Err(fail(error)),
        }
    }
    let listener = UnixListener::bind(path).map_err(fail)?;
    std::fs::set_permissions(path, Permissions::from_mode(settings.mode)).map_err(fail)?;
    if settings.owner.is_some() || settings.group.is_some() {
        tracing::warn!(socket = %path.display(), "The socket keeps the process' owner and group; others are not set.");
    }
    Ok(Socket::Unix(listener, path.to_owned()))
}

/// Why nothing can listen at an address.
#[derive(Debug)]
pub enum Refused {
    /// Something listens there already.
    InUse(SocketAddr),
    /// Anything else, in one line.
    Otherwise(String),
}

/// Listens at a host and port. The name `localhost` stands for both of its addresses, since browsers try either.
///
/// # Errors
/// Says what is in the way.
pub async fn bind(host: &str, port: u16) -> Result<Vec<Socket>, Refused> {
    let addresses: Vec<SocketAddr> = match host {
        "localhost" => vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()],
        "" => vec![(Ipv4Addr::UNSPECIFIED, port).into()],
        _ => match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) => vec![(address, port).into()],
            Err(_) => tokio::net::lookup_host((host, port))
                .await
                .map_err(|error| Refused::Otherwise(format!("The host {host} to listen at is not known: {error}.")))?
                .take(1)
                .collect(),
        },
    };
    let mut listeners = Vec::new();
    for address in addresses {
        match TcpListener::bind(address).await {
            Ok(listener) => listeners.push(Socket::Tcp(listener)),
            // Machines without IPv6 have no ::1.
            Err(_) if address.is_ipv6() && !listeners.is_empty() => {}
            Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(Refused::InUse(address)),
            Err(error) => return Err(Refused::Otherwise(format!("Cannot listen at {address}: {error}."))),
        }
    }
    Ok(listeners)
}

/// What a listener serves.
#[derive(Clone)]
pub struct Service {
    pub edge: Edge,
    /// Whether browsers that come to 127.0.0.1 are sent to localhost, where the cookies are.
    pub prefers_localhost: bool,
    /// The certificate; `None` serves plain HTTP.
    pub tls: Option<Tls>,
    /// How long a connection is kept for another request.
    pub idle_limit: Duration,
}

/// Serves connections until `stop` says so; then those that are under way are finished.
pub fn serve(socket: Socket, service: Service, tasks: &Tasks, mut stop: watch::Receiver<bool>) {
    let connections = tasks.clone();
    tasks.start(async move {
        let mut open = Open::default();
        loop {
            let accepted = tokio::select! {
                accepted = socket.accept() => accepted,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            match accepted {
                Ok(accepted) => connections.start(serve_accepted(accepted, service.clone(), open.add())),
                Err(error) => {
                    tracing::warn!(%error, "A connection could not be accepted.");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        socket.close();
    });
}

/// The connections of a listener: when the value is dropped, they end as soon as nothing is under way on them. Each has a
/// signal of its own, since it looks at it at every request, and one for all would be a lock that all share.
#[derive(Default)]
struct Open {
    connections: Vec<oneshot::Sender<()>>,
    /// With so many, those that have ended are forgotten.
    sweep_at: usize,
}

/// Resolves when a connection shall end.
type Stopping = oneshot::Receiver<()>;

impl Open {
    fn add(&mut self) -> Stopping {
        if self.connections.len() >= self.sweep_at {
            self.connections.retain(|connection| !connection.is_closed());
            self.sweep_at = (2 * self.connections.len()).max(64);
        }
        let (sender, stopping) = oneshot::channel();
        self.connections.push(sender);
        stopping
    }
}

/// A new connection.
enum Accepted {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

impl Socket {
    async fn accept(&self) -> std::io::Result<Accepted> {
        match self {
            Self::Tcp(listener) => listener.accept().await.map(|(stream, address)| Accepted::Tcp(stream, address)),
            Self::Unix(listener, _) => listener.accept().await.map(|(stream, _)| Accepted::Unix(stream)),
        }
    }

    fn close(self) {
        if let Self::Unix(listener, path) = self {
            drop(listener);
            // Whoever starts next removes it, if this fails.
            let _ = std::fs::remove_file(path);
        }
    }
}

async fn serve_accepted(accepted: Accepted, service: Service, stopping: Stopping) {
    let peer = |address| Peer { address, is_tls: service.tls.is_some() };
    match (accepted, service.tls.clone()) {
        (Accepted::Unix(stream), _) => {
            serve_stream(stream, Peer { address: None, is_tls: false }, service, stopping).await
        }
        (Accepted::Tcp(stream, address), tls) => {
            // Answers are small and written at once; waiting for more would only delay them.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "A connection keeps Nagle's algorithm.");
            }
            let peer = peer(Some(address));
            let Some(tls) = tls else { return serve_stream(stream, peer, service, stopping).await };
            match tokio::time::timeout(HEAD_LIMIT, tls.acceptor().accept(stream)).await {
                Ok(Ok(stream)) => serve_stream(stream, peer, service, stopping).await,
                Ok(Err(error)) => tracing::debug!(%error, "A TLS handshake failed."),
                Err(_) => tracing::debug!("A TLS handshake took too long."),
            }
        }
    }
}

async fn serve_stream(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    service: Service,
    mut stopping: Stopping,
) {
    let pace = Pace::default();
    let idle_limit = service.idle_limit;
    // One count for each connection: those of what it shares with others would go from processor to processor.
    let answering = Arc::new((service, pace.clone()));
    let answer = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let answering = Arc::clone(&answering);
        // Boxed, since hyper moves it several times before it is polled.
        Box::pin(async move {
            let (service, pace) = &*answering;
            pace.request_begins();
            let answer = match service.elsewhere(&request) {
                Some(location) => (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, location)]).into_response(),
                None => service.edge.answer(request, peer).await,
            };
            pace.request_ends();
            Ok::<_, Infallible>(answer)
        })
    });
    let connection = http1::Builder::new()
        // Some SDKs hand headers to their users as a plain map, in which apps look for `Set-Cookie`, spelt so.
        .title_case_headers(true)
        // Answers are small: to put head and body into one buffer costs less than to have the system gather them.
        .writev(false)
        .serve_connection(TokioIo::new(Paced::new(stream, pace.clone())), answer);
    let (mut connection, mut overdue) = (pin!(connection), pin!(pace.overdue(idle_limit)));
    let mut is_stopping = false;
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                // What breaks a connection concerns its two ends only.
                if let Err(error) = ended {
                    tracing::debug!(%error, "A connection ended early.");
                }
                return;
            }
            _ = &mut stopping, if !is_stopping => {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            () = overdue.as_mut() => {
                tracing::debug!("Nothing came over a connection for too long.");
                return;
            }
        }
    }
}

impl Service {
    /// The same address at localhost, for a browser that visits 127.0.0.1.
    fn elsewhere<B>(&self, request: &hyper::Request<B>) -> Option<HeaderValue> {
        if !self.prefers_localhost || *request.method() != Method::GET {
            return None;
        }
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        let port = header(HOST)?.strip_prefix("127.0.0.1")?;
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let location = HeaderValue::try_from(format!("http://localhost{port}{path}")).ok()?;
        header(ACCEPT)?.contains("text/html").then_some(location)
    }
}
