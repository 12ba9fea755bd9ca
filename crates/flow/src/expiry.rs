//! Flows that are too old.

use model::problem::id;
use model::{Problem, Timestamp};

/// 410 for submitting what was good until `expired_at`.
pub fn too_old(expired_at: Timestamp, now: Timestamp) -> Problem {
    let since = now.duration_since(expired_at).as_nanos();
    Problem::new(410)
        .with_id(id::FLOW_EXPIRED)
        .message("This form is too old.")
        .reason("The form was open for too long. Please go on with the new one.")
        .extra("expired_at", expired_at.to_string())
        .extra("since", i64::try_from(since).unwrap_or(i64::MAX))
}
