//! Accepting connections and serving them.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::http::header::{ACCEPT, HOST, LOCATION};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use web::{Edge, Peer};

use crate::tasks::Tasks;

/// How long a client may take to send the head of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait after the operating system refused a connection, for lack of file descriptors, say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Listens at a host and port. The name `localhost` stands for both of its addresses, since browsers try either.
///
/// # Errors
/// One line that says which address is taken, and what to do.
pub async fn bind(host: &str, port: u16) -> Result<Vec<TcpListener>, String> {
    let addresses: Vec<SocketAddr> = match host {
        "localhost" => vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()],
        "" => vec![(Ipv4Addr::UNSPECIFIED, port).into()],
        _ => match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) => vec![(address, port).into()],
            Err(_) => tokio::net::lookup_host((host, port))
                .await
                .map_err(|error| format!("The host {host} to listen at is not known: {error}."))?
                .take(1)
                .collect(),
        },
    };
    let mut listeners = Vec::new();
    for address in addresses {
        match TcpListener::bind(address).await {
            Ok(listener) => listeners.push(listener),
            // Machines without IPv6 have no ::1.
            Err(_) if address.is_ipv6() && !listeners.is_empty() => {}
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                return Err(format!(
                    "Port {port} at {} is in use. Stop what listens there, or choose another port.",
                    address.ip()
                ));
            }
            Err(error) => return Err(format!("Cannot listen at {address}: {error}.")),
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
}

/// Serves connections until `stop` says so; then those that are under way are finished.
pub fn serve(listener: TcpListener, service: Service, tasks: &Tasks, mut stop: watch::Receiver<bool>) {
    let connections = tasks.clone();
    tasks.start(async move {
        let graceful = GracefulShutdown::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            match accepted {
                Ok((stream, address)) => {
                    let connection = connection(stream, address, service.clone());
                    let watched = graceful.watch(connection);
                    connections.start(async move {
                        // What breaks a connection concerns its two ends only.
                        if let Err(error) = watched.await {
                            tracing::debug!(%error, "A connection ended early.");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "A connection could not be accepted.");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listener);
        graceful.shutdown().await;
    });
}

fn connection(
    stream: TcpStream,
    address: SocketAddr,
    service: Service,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> + Send {
    // Answers are small and written at once; waiting for more would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "A connection keeps Nagle's algorithm.");
    }
    let peer = Peer { address: Some(address), is_tls: false };
    let answer = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let service = service.clone();
        async move { Ok::<_, Infallible>(service.answer(request.map(axum::body::Body::new), peer).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), answer)
}

impl Service {
    async fn answer(&self, request: axum::extract::Request, peer: Peer) -> Response {
        if self.prefers_localhost
            && let Some(location) = at_localhost(&request)
        {
            return (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, location)]).into_response();
        }
        self.edge.answer(request, peer).await
    }
}

/// The same address at localhost, for a browser that visits 127.0.0.1.
fn at_localhost(request: &axum::extract::Request) -> Option<HeaderValue> {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let is_visit =
        *request.method() == Method::GET && header(ACCEPT).is_some_and(|accept| accept.contains("text/html"));
    let port = header(HOST)?.strip_prefix("127.0.0.1")?;
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    is_visit.then(|| HeaderValue::try_from(format!("http://localhost{port}{path}")).ok())?
}
