//! Accepting connections and serving HTTP/1 on them: sockets, threads that serve, TLS, how many there may be, time-outs,
//! stopping in order.
//!
//! It knows nothing of what is served: each connection is given a [`hyper::service::Service`] of its own, which is made
//! from what is known of its other end, a [`Peer`].

mod connection;
mod files;
mod pace;
mod room;
mod serve;
mod socket;
mod tls;
mod workers;

pub use connection::Peer;
pub use files::{Shares, raise_file_limit, share};
pub use room::{Limits, Room};
pub use serve::{Options, serve};
pub use socket::{Refused, Socket, bind, bind_unix};
pub use tls::Tls;
pub use workers::Workers;
