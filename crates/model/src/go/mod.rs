//! What Go does differently. Kratos is written in Go, so its clients, its rows and its configuration files follow rules of
//! Go's standard library that no crate has. Each of them stands here once.

mod null_list;

pub(crate) use null_list::{empty_is_null, null_is_empty};
