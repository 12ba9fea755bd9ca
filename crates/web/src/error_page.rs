//! Errors that people see in their browser: kept for the error page, which is told their id.

use axum::response::Response;
use engine::error_page;
use model::Problem;

use crate::reply::see_other;
use crate::{App, Site};

/// Keeps an error and sends the browser to the error page; `None` when it cannot be kept.
pub(crate) async fn send_to(
    app: &App,
    site: &Site,
    method: &axum::http::Method,
    problem: &Problem,
) -> Option<Response> {
    let kept = error_page::keep(&app.cx(), &site.runtime, problem).await.inspect_err(|error| {
        tracing::error!(%error, "An error could not be kept for the error page, so the browser is told in JSON.");
    });
    let id = kept.ok()?;
    let mut page = site.runtime.error_ui_url();
    let others: Vec<(String, String)> = page.query_pairs().into_owned().filter(|(key, _)| key != "id").collect();
    page.query_pairs_mut().clear().extend_pairs(others).append_pair("id", &id.to_string());
    Some(see_other(method, page.as_str()))
}
