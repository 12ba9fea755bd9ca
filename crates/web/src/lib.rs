//! What all front ends share: the edge of the server, where every request passes on its way in and every answer on its
//! way out, and the request and the answers that handlers work with.
//!
//! A handler takes a [`Request`] and gives back a `Result<Response, Failure>`. What all answers have in common is done
//! by [`Edge`], once: cross-origin rules, anti-CSRF cookies, `Cache-Control` and `Vary`, the encoding of failures, the
//! redirect to the error page, the log line and the metrics.

mod accept;
mod app;
mod budget;
mod client;
mod cookies;
mod cors;
mod csrf;
mod edge;
mod error_page;
mod explain;
mod forwarded;
mod hosts;
mod json;
mod json_list;
mod log;
mod multipart;
mod path;
mod reply;
mod request;
mod request_id;
mod scopes;
mod side;

pub use accept::{accepts_json, is_json_request};
pub use app::{App, Site};
pub use client::Peer;
pub use cookies::{clear_session_cookie, cookie, cookies, set_continuity_cookie, set_session_cookie};
pub use edge::Edge;
pub use forwarded::TrustedProxies;
pub use json::{BodyError, json, parse_json, parse_object};
pub use json_list::{JsonText, json_list};
pub use multipart::multipart_fields;
pub use reply::{Failure, no_content, redirect, rotate_csrf, see_other, set_csrf};
pub use request::{MAX_BODY, Request};
pub use side::Side;

/// What a handler gives back.
pub type Result = std::result::Result<axum::response::Response, Failure>;
