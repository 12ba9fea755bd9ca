//! The store against real databases.

mod backend;
mod concurrency;
mod guard;
mod kratos;
mod migrations;
mod outage;
mod people;
mod statements;
mod values;
