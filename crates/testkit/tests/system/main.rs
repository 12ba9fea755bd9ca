//! The whole system, from HTTP to the database and back, on SQLite and (with `ZELUS_TEST_POSTGRES`) on PostgreSQL.

mod any_bytes;
mod bad_input;
mod codes;
mod continuity;
mod crowds;
mod endings;
mod enumeration;
mod forms;
mod identifier_first;
mod keys;
mod logout;
mod messages;
mod migration;
mod oauth2;
mod oidc;
mod order;
mod outages;
mod phones;
mod recovery_choice;
mod refresh;
mod replays;
mod sign_in;
mod sign_up;
mod statements;
mod tokens;
mod web_hooks;
