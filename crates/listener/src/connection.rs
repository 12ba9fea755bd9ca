//! Serving one connection.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::pin::pin;

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;

use crate::pace::{HEAD_LIMIT, Pace, Paced, PacedBody};
use crate::room::{GivingWay, Place};
use crate::serve::Options;
use crate::socket::Accepted;

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// `None` for a Unix socket.
    pub address: Option<SocketAddr>,
    /// Whether the connection is encrypted.
    pub is_tls: bool,
}

/// Resolves when a connection shall end.
pub type Stopping = oneshot::Receiver<()>;

/// What a connection has to heed besides its requests.
pub struct Standing {
    /// How it gets on.
    pub pace: Pace,
    /// Its place among others.
    pub place: Place,
    /// When it shall make room for another.
    pub giving_way: GivingWay,
    /// When the server stops.
    pub stopping: Stopping,
}

/// Serves a connection to its end, by the service that `service_of` makes for it; the TLS handshake comes first.
pub async fn serve<S, B>(accepted: Accepted, options: Options, service_of: impl Fn(Peer) -> S, mut standing: Standing)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send + 'static> + Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin + Send + 'static,
{
    let (stream, address) = match accepted {
        Accepted::Tcp(stream, address) => (stream, address),
        Accepted::Unix(stream) => {
            let service = service_of(Peer { address: None, is_tls: false });
            return serve_stream(stream, service, &options, standing).await;
        }
    };
    // Answers are small and written at once; waiting for more would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "A connection keeps Nagle's algorithm.");
    }
    let service = service_of(Peer { address: Some(address), is_tls: options.tls.is_some() });
    let Some(tls) = &options.tls else { return serve_stream(stream, service, &options, standing).await };
    let handshake = tokio::select! {
        handshake = tokio::time::timeout(HEAD_LIMIT, tls.acceptor().accept(stream)) => handshake,
        _leaving = &mut standing.giving_way => return,
    };
    match handshake {
        Ok(Ok(stream)) => serve_stream(stream, service, &options, standing).await,
        Ok(Err(error)) => tracing::debug!(%error, "A TLS handshake failed."),
        Err(_) => tracing::debug!("A TLS handshake took too long."),
    }
}

async fn serve_stream<S, B>(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    service: S,
    options: &Options,
    standing: Standing,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send + 'static> + Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin + Send + 'static,
{
    // The first two are dropped when the connection is.
    let (mut leaving, Standing { pace, place: _place, mut giving_way, mut stopping }) = (None, standing);
    let answering = pace.clone();
    let answer = service_fn(move |request: Request<Incoming>| {
        let pace = answering.clone();
        pace.request_begins();
        let answer = service.call(request);
        // Boxed, since hyper moves it several times before it is polled.
        Box::pin(async move {
            let answer = answer.await;
            pace.answer_begins();
            answer.map(|answer| answer.map(|body| PacedBody::new(body, pace)))
        })
    });
    let connection = http1::Builder::new()
        // Some SDKs hand headers to their users as a plain map, in which apps look for `Set-Cookie`, spelt so.
        .title_case_headers(true)
        // Answers are small: to put head and body into one buffer costs less than to have the system gather them.
        .writev(false)
        .serve_connection(TokioIo::new(Paced::new(stream, pace.clone())), answer);
    let (mut connection, mut overdue) = (pin!(connection), pin!(pace.overdue(options.idle_limit)));
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
            room_maker = &mut giving_way, if leaving.is_none() => {
                leaving = Some(room_maker);
                // A request may have come this very moment.
                if pace.idle_since().is_some() {
                    return;
                }
                connection.as_mut().graceful_shutdown();
            }
            () = overdue.as_mut() => {
                tracing::debug!("Nothing came or went over a connection for too long.");
                return;
            }
        }
    }
}
