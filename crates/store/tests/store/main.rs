//! The store against real databases.

mod backend;
mod migrations;
