//! Browsers that come back from elsewhere, such as an identity provider: `/self-service/methods/{method}/callback`.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use engine::callback::{self, CallbackAnswer};
use engine::{Engine, Runtime};
use model::{Cx, Problem};
use url::form_urlencoded;
use web::{Failure, Request, redirect};

use super::{not_submitted, settings};

pub(super) fn router() -> Router {
    Router::new()
        .route("/self-service/methods/{method}/callback", get(come_back_to_method))
        .route("/self-service/methods/{method}/callback/{provider}", get(come_back).post(to_get))
}

async fn come_back_to_method(Path(method): Path<String>, request: Request) -> web::Result {
    go_on(&request, &method, None).await
}

async fn come_back(Path((method, provider)): Path<(String, String)>, request: Request) -> web::Result {
    go_on(&request, &method, Some(&provider)).await
}

async fn go_on(request: &Request, method: &str, provider: Option<&str>) -> web::Result {
    let (cx, runtime) = (request.cx(), request.site().runtime.clone());
    let Some(receiver) = callback::receiver(&runtime, method) else {
        return Err(Failure::from(Problem::not_found().reason("This way to sign in is switched off here.")));
    };
    let asker = request.for_flow()?;
    let engine = Engine::new(&cx, &runtime, &asker);
    let answer = callback::come_back(engine, receiver, provider).await.map_err(not_submitted)?;
    answered(request, &cx, &runtime, answer)
}

/// Answers a browser that came back.
pub(super) fn answered(request: &Request, cx: &Cx, runtime: &Runtime, answer: CallbackAnswer) -> web::Result {
    match answer {
        CallbackAnswer::SignIn(answer) => super::answered(request, cx, runtime, answer),
        CallbackAnswer::Settings(outcome) => settings::answered(request, cx, runtime, outcome),
    }
}

/// The largest form that is passed on, in bytes. Apple's, with a name and an ID token, has two thousand.
const MAX_FORM: usize = 32 << 10;

/// Some providers send the browser back with a form, to which it adds no cookies. So it is sent here once more, with the
/// fields of the form in the address.
async fn to_get(Path(_): Path<(String, String)>, mut request: Request) -> Result<Response, Failure> {
    let body = request.body().await?;
    if body.len() > MAX_FORM {
        return Err(Problem::new(413).reason("The form is larger than what any provider sends.").into());
    }
    let sent = form_urlencoded::parse(request.query_text().as_bytes()).chain(form_urlencoded::parse(&body));
    let fields: BTreeMap<_, _> = sent.collect();
    let mut url = request.site().runtime.config.serve.public.base_url.join(request.path());
    if !fields.is_empty() {
        url.query_pairs_mut().extend_pairs(fields);
    }
    Ok(redirect(request.method(), StatusCode::FOUND, url.as_str()))
}
