//! What tests of the whole system need: a server in this process that is assembled like the real one, a clock that stands
//! still, randomness from a seed, databases to look into and to break, and clients that keep cookies as browsers do.
//!
//! Everything here panics when something unexpected happens: that is a failed test.

mod authenticator;
mod client;
mod database;
mod form;
mod gateway;
mod hydra;
mod mail_server;
mod peer;
mod port;
mod provider;
mod proxy;
mod server;

pub use authenticator::Authenticator;
pub use client::{Answer, Ask, Browser, Native};
pub use database::Database;
pub use form::{Form, PASSWORD};
pub use gateway::{Gateway, GatewayRequest};
pub use hydra::Hydra;
pub use mail_server::{Mail, MailEncryption, MailServer, MailServerSetup};
pub use peer::{Peer, Received, Reply};
pub use port::Port;
pub use provider::{Lie, Provider};
pub use proxy::Proxy;
pub use server::{ADMIN_URL, APP_URL, PUBLIC_URL, Server, Setup};
