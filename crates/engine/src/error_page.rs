//! Errors that people see in their browser: kept when they happen, and read by the error page, which is told their id.

use model::{Cx, Problem, RawJson, Uuid};
use serde_json::Value;
use store::{CommitError, StoredError, Tx};

use crate::runtime::Runtime;

/// Keeps an error, and gives the id that it can be read by.
///
/// Only what the caller may know is kept: Kratos' `debug` with its stack trace is left out on purpose.
///
/// # Errors
/// When the database fails.
pub async fn keep(cx: &Cx, runtime: &Runtime, problem: &Problem) -> Result<Uuid, CommitError> {
    let (id, now) = (cx.entropy.uuid(), cx.now());
    let error = RawJson::from_value(&Value::Object(problem.to_json(None)));
    let mut tx = Tx::new();
    tx.insert_error(&StoredError { id, error, created_at: now, updated_at: now });
    runtime.store.commit(tx).await?;
    Ok(id)
}

/// An error that was kept; `None` when there is none of this id.
///
/// # Errors
/// When the database fails.
pub async fn find(runtime: &Runtime, id: Uuid) -> Result<Option<StoredError>, Problem> {
    let found = runtime.store.error(id).await?;
    Ok(found.map(|found| StoredError { error: without_debug(found.error), ..found }))
}

/// As [`find`], and notes that the error was seen.
///
/// # Errors
/// 404 when there is none of this id.
pub async fn fetch(cx: &Cx, runtime: &Runtime, id: Uuid) -> Result<StoredError, Problem> {
    let found = find(runtime, id).await?.ok_or_else(Problem::not_found)?;
    let mut tx = Tx::new();
    tx.mark_error_seen(id, cx.now());
    runtime.store.commit(tx).await?;
    Ok(found)
}

/// Errors that Kratos stored hold stack traces, which are nobody's business.
fn without_debug(error: RawJson) -> RawJson {
    match error.to_value() {
        Value::Object(mut members) if members.contains_key("debug") => {
            members.shift_remove("debug");
            RawJson::from_value(&Value::Object(members))
        }
        _ => error,
    }
}
