//! The routes, in process, on a real database.

mod admin;
mod codes;
mod cors;
mod csrf;
mod edge;
mod hostile;
mod logout;
mod sessions;
mod support;
