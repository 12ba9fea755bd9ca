//! Accepting connections and serving them.

use std::convert::Infallible;
use std::io;
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
use tokio::sync::{oneshot, watch};
use web::{Edge, Peer};

use crate::pace::{HEAD_LIMIT, Pace, Paced};
use crate::socket::{Accepted, Socket, Unwatched};
use crate::tls::Tls;
use crate::workers::{Place, Workers};
use flow::Tasks;

/// How long to wait after the operating system refused a connection, for lack of file descriptors, say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

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
    /// Who serves the connections.
    pub workers: Workers,
}

/// Serves the connections that come to `sockets` until `stop` says so; then those that are under way are finished.
pub fn serve(sockets: Vec<Socket>, service: &Service, tasks: &Tasks, stop: &watch::Receiver<bool>) {
    let workers = service.workers.runtimes();
    for (socket, (number, worker)) in sockets.into_iter().zip(workers.iter().enumerate().cycle()) {
        tasks.start_on(worker, accept(socket, number, service.clone(), tasks.clone(), stop.clone()));
    }
}

/// Accepts connections, as the worker of a number, until `stop` says so.
async fn accept(socket: Socket, worker: usize, service: Service, tasks: Tasks, mut stop: watch::Receiver<bool>) {
    let listener = match socket.watch() {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "A socket cannot be watched for connections."),
    };
    let mut open = Open::default();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok(accepted) => {
                let (service, place, stopping) = (service.clone(), service.workers.place(worker), open.add());
                match place.elsewhere.clone() {
                    None => tasks.start(serve_accepted(accepted, service, place, stopping)),
                    Some(runtime) => tasks.start_on(&runtime, take_over(accepted.unwatch(), service, place, stopping)),
                }
            }
            Err(error) => {
                tracing::warn!(%error, "A connection could not be accepted.");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
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

/// Serves a connection that another worker accepted.
async fn take_over(connection: io::Result<Unwatched>, service: Service, place: Place, stopping: Stopping) {
    match connection.and_then(Unwatched::watch) {
        Ok(accepted) => serve_accepted(accepted, service, place, stopping).await,
        Err(error) => tracing::warn!(%error, "A connection could not be served."),
    }
}

/// Serves a connection, which has its `_place` with the worker that this runs on.
async fn serve_accepted(accepted: Accepted, service: Service, _place: Place, stopping: Stopping) {
    let (stream, address) = match accepted {
        Accepted::Tcp(stream, address) => (stream, address),
        Accepted::Unix(stream) => {
            let peer = Peer { address: None, is_tls: false };
            return serve_stream(stream, peer, service, stopping).await;
        }
    };
    // Answers are small and written at once; waiting for more would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "A connection keeps Nagle's algorithm.");
    }
    let peer = Peer { address: Some(address), is_tls: service.tls.is_some() };
    let Some(tls) = service.tls.clone() else { return serve_stream(stream, peer, service, stopping).await };
    match tokio::time::timeout(HEAD_LIMIT, tls.acceptor().accept(stream)).await {
        Ok(Ok(stream)) => serve_stream(stream, peer, service, stopping).await,
        Ok(Err(error)) => tracing::debug!(%error, "A TLS handshake failed."),
        Err(_) => tracing::debug!("A TLS handshake took too long."),
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
