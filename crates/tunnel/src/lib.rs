//! A server elsewhere, put on this machine's loopback for an app under development: cookies, redirects and addresses are
//! rewritten so that the browser takes the two for neighbours.
//!
//! What is rewritten are pure functions ([`text`](crate), cookies, the view of headers); the proxy around them talks to the
//! browser by the listener, and to the server by the one HTTP client.

mod address;
mod cookies;
mod gate;
mod learn;
mod proxy;
mod text;
mod view;

pub use address::{Address, parse_origin};
pub use cookies::parse_cookie_domain;
pub use learn::Learned;
pub use proxy::{Body, Settings, Tunnel};
