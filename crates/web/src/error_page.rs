//! Errors that people see in their browser: kept for the error page, which is told their id.

use axum::response::Response;
use model::{Problem, RawJson};
use serde_json::Value;
use store::{StoredError, Tx};

use crate::reply::see_other;
use crate::{App, Site};

/// Keeps an error and sends the browser to the error page; `None` when it cannot be kept.
///
/// Only what the caller may know is kept: Kratos' `debug` with its stack trace is left out on purpose.
pub(crate) async fn send_to(
    app: &App,
    site: &Site,
    method: &axum::http::Method,
    problem: &Problem,
) -> Option<Response> {
    let (id, now) = (app.entropy().uuid(), app.clock().now());
    let error = RawJson::from_value(&Value::Object(problem.to_json(None)));
    let mut tx = Tx::new();
    tx.insert_error(&StoredError { id, error, created_at: now, updated_at: now });
    if let Err(error) = site.runtime.store.commit(tx).await {
        tracing::error!(%error, "An error could not be kept for the error page, so the browser is told in JSON.");
        return None;
    }
    let mut page = site.runtime.error_ui_url();
    let others: Vec<(String, String)> = page.query_pairs().into_owned().filter(|(key, _)| key != "id").collect();
    page.query_pairs_mut().clear().extend_pairs(others).append_pair("id", &id.to_string());
    Some(see_other(method, page.as_str()))
}
