//! Accepting connections, and stopping in order.

use std::convert::Infallible;
use std::error::Error;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::service::Service;
use hyper::{Request, Response};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use crate::connection::{self, Peer, Standing, Stopping};
use crate::pace::Pace;
use crate::room::{Admitted, NoRoom, Room};
use crate::socket::{Accepted, Socket};
use crate::tls::Tls;
use crate::workers::Workers;

/// How long to wait after the operating system refused a connection, for lack of file descriptors, say, or for room.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How connections are served. Clones share the certificate, the room and the threads.
#[derive(Clone)]
pub struct Options {
    /// The certificate; `None` serves plain HTTP.
    pub tls: Option<Tls>,
    /// How long a connection is kept for another request.
    pub idle_limit: Duration,
    /// How many connections there may be.
    pub room: Room,
    /// Who serves the connections.
    pub workers: Workers,
}

/// Serves the connections that come to `sockets`, each by the service that `service_of` makes for it, on the worker that
/// accepted it. Once `stop` is true, no more are accepted, and this ends when the requests under way are finished. When it
/// is dropped, they are cut off.
pub async fn serve<M, S, B>(sockets: Vec<Socket>, options: Options, service_of: M, stop: watch::Receiver<bool>)
where
    M: Fn(Peer) -> S + Clone + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send + 'static> + Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin + Send + 'static,
{
    let mut acceptors = JoinSet::new();
    for (socket, worker) in sockets.into_iter().zip(options.workers.runtimes().iter().cycle()) {
        acceptors.spawn_on(accept(socket, options.clone(), service_of.clone(), stop.clone()), worker);
    }
    while acceptors.join_next().await.is_some() {}
}

/// Accepts connections until `stop` says so, then waits until they have ended.
async fn accept<M, S, B>(socket: Socket, options: Options, service_of: M, mut stop: watch::Receiver<bool>)
where
    M: Fn(Peer) -> S + Clone + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send + 'static> + Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin + Send + 'static,
{
    let listener = match socket.watch() {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "A socket cannot be watched for connections."),
    };
    let (mut open, mut connections) = (Open::default(), JoinSet::new());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok(accepted) => {
                // Those that have ended are forgotten as others come, so that the set does not grow.
                while connections.try_join_next().is_some() {}
                let standing = tokio::select! {
                    standing = find_room(&options.room, &accepted, &mut open) => standing,
                    _ = stop.wait_for(|stop| *stop) => break,
                };
                if let Some(standing) = standing {
                    connections.spawn(connection::serve(accepted, options.clone(), service_of.clone(), standing));
                }
                // Of several who share a queue, the first to wake would take all that come at once.
                tokio::task::yield_now().await;
            }
            Err(error) => {
                tracing::warn!(%error, "A connection could not be accepted.");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop((listener, open));
    while connections.join_next().await.is_some() {}
}

/// Finds room for a connection, for which it may have to wait until a request of somebody has ended; `None` if its peer has
/// too many under way.
async fn find_room(room: &Room, accepted: &Accepted, open: &mut Open) -> Option<Standing> {
    let pace = Pace::default();
    loop {
        match room.admit(accepted.address(), &pace) {
            Ok(Admitted { place, giving_way, made_room }) => {
                if let Some(made_room) = made_room {
                    // Or as many files would be open as come at once. Whoever does not give way after all ends soon.
                    let _ = tokio::time::timeout(ACCEPT_PAUSE, made_room).await;
                }
                return Some(Standing { pace, place, giving_way, stopping: open.add() });
            }
            Err(NoRoom::OfPeer) => return None,
            Err(NoRoom::AtAll) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// The connections of an acceptor: when the value is dropped, they end as soon as nothing is under way on them. Each has a
/// signal of its own, since it looks at it at every request, and one for all would be a lock that all share.
#[derive(Default)]
struct Open {
    connections: Vec<oneshot::Sender<()>>,
    /// With so many, those that have ended are forgotten.
    sweep_at: usize,
}

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
