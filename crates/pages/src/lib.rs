//! The built-in pages below `{public}/ui`, where people are sent when no `ui_url` is configured: forms drawn from a
//! flow's nodes, whatever they are, the welcome page with its log-out button, and the page that shows errors.
//!
//! They are plain HTML from the server and work without JavaScript. [`render`] turns data into text and knows nothing
//! of requests; the routes fetch the data.

mod assets;
pub mod render;
mod routes;

pub use routes::{home, router};
