//! What Go does differently. Kratos is written in Go, so its clients, its rows and its configuration files follow rules of
//! Go's standard library. Those that several crates need stand here once.

mod boolean;
mod duration;
mod header_name;
mod lower;
mod null_list;
mod query;

pub use boolean::parse_bool;
pub use duration::parse_duration;
pub use header_name::canonical_header_name;
pub use lower::to_lower;
pub use null_list::{empty_is_null, null_is_empty};
pub use query::encode_query;
