//! What people may ask about their own sessions, and do with them.

use std::collections::HashMap;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CONTENT_TYPE, LINK, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::{any, delete, get};
use guard::{Factor, Refused, Shown};
use model::page::{Page, PageQuery};
use model::wire::{IdentityView, SessionJson};
use model::{IdentityId, Problem, Secret, Session};
use serde::Serialize;
use session::Denied;
use web::{Failure, JsonText, Request, json, json_list, no_content, set_session_cookie};

/// `/sessions…`
pub fn router() -> Router {
    Router::new()
        .route("/sessions/whoami", any(whoami))
        .route("/sessions", get(list).delete(revoke_others))
        .route("/sessions/{id}", delete(revoke))
        // Ending the session "token-exchange" is refused as for any other word that is no identifier.
        .route("/sessions/token-exchange", get(exchange_token).delete(revoke_misnamed))
}

const IDENTITY_ID: HeaderName = HeaderName::from_static("x-kratos-authenticated-identity-id");
const CACHE_FOR: HeaderName = HeaderName::from_static("ory-session-cache-for");

/// For how many seconds a cache in front may remember that a request without credentials is nobody's.
const CACHE_NOBODY: u64 = 60;

/// `/sessions/whoami`, by any method: who the caller is.
async fn whoami(request: Request) -> web::Result {
    let runtime = &request.site().runtime;
    let cx = request.cx();
    let flags = &runtime.config.feature_flags;
    let found = match runtime.sessions.whoami(&cx, &request.credentials_with_bare_cookie()).await {
        Ok(found) => found,
        Err(denied) => {
            let nobody = matches!(&denied, Denied::SignedOut(refusal) if refusal.is_missing());
            let mut failure = Failure::from(Problem::from(denied));
            if flags.cacheable_sessions && nobody {
                failure.headers.insert(CACHE_FOR, CACHE_NOBODY.into());
            }
            return Err(failure);
        }
    };
    let session = &found.session;
    let template = request.query("tokenize_as");
    let tokenized = match template.is_empty() {
        true => None,
        false => Some(Box::pin(runtime.tokenizer.tokenize(&cx, &template, session)).await?),
    };
    let tokenized = tokenized.as_deref();
    let body = SessionJson { tokenized, ..SessionJson::public(session, runtime.public_url(), cx.now()) };
    let mut response = json(StatusCode::OK, &body);
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&session.identity_id.to_string()) {
        headers.insert(IDENTITY_ID, id);
    }
    if flags.cacheable_sessions && tokenized.is_none() && !found.is_superseded {
        let left = session.expires_at.duration_since(cx.now());
        let left = flags.cacheable_sessions_max_age.map_or(left, |max| left.min(max));
        headers.insert(CACHE_FOR, left.as_secs().into());
    }
    if found.reissue_cookie {
        let cookie = runtime.sessions.cookie(&cx, session);
        set_session_cookie(headers, &runtime.config.session.cookie, &cookie, cx.now());
    }
    Ok(response)
}

/// `GET /sessions`: the caller's other sessions.
async fn list(request: Request) -> web::Result {
    let runtime = &request.site().runtime;
    let cx = request.cx();
    let page = runtime.sessions.list_own(&cx, &request.credentials(), &page_query(&request)).await;
    let page = page.map_err(Problem::from)?;
    Ok(session_page(&request, page, IdentityView::Embedded))
}

/// The paging parameters of a request.
pub(crate) fn page_query(request: &Request) -> PageQuery {
    let get = |name| request.query_if_set(name).map(|value| value.into_owned());
    PageQuery {
        page: get("page"),
        per_page: get("per_page"),
        page_size: get("page_size"),
        page_token: get("page_token"),
    }
}

/// A page of sessions, with the headers that tell of the others.
pub(crate) fn session_page(request: &Request, page: Page<Session>, identity_view: IdentityView) -> Response {
    let Page { items: sessions, total, links } = page;
    let (now, base) = (request.app().clock().now(), request.site().runtime.public_url().to_owned());
    // A person may have a thousand sessions, and a mebibyte of traits.
    let mut identities: HashMap<IdentityId, JsonText> = HashMap::new();
    let entries = sessions.into_iter().map(move |session| {
        let shown = SessionJson { identity_view, ..SessionJson::public(&session, &base, now) };
        let identity = match shown.identity() {
            Some(identity) => identities.entry(session.identity_id).or_insert_with(|| JsonText::of(&identity)).clone(),
            None => JsonText::of(&()),
        };
        let (before, behind) = shown.around_identity().unwrap_or_default();
        [JsonText::from_json(before), identity, JsonText::from_json(behind)]
    });
    let mut response = json_list(StatusCode::OK, entries);
    let page: Page<()> = Page { items: Vec::new(), total, links };
    add_page_headers(request, request.query_text(), &page, &mut response);
    response
}

/// `Link`, which goes on with `query`, and `X-Total-Count` where the list is counted.
pub(crate) fn add_page_headers<T>(request: &Request, query: &str, page: &Page<T>, response: &mut Response) {
    let links = page.link_header(request.path(), query);
    if let Ok(links) = HeaderValue::from_str(&links) {
        response.headers_mut().insert(LINK, links);
    }
    if let Some(total) = page.total {
        response.headers_mut().insert(HeaderName::from_static("x-total-count"), total.into());
    }
}

#[derive(Serialize)]
struct Count {
    count: usize,
}

/// `DELETE /sessions`: ends the caller's other sessions.
async fn revoke_others(request: Request) -> web::Result {
    let runtime = &request.site().runtime;
    let count = runtime.sessions.revoke_others(&request.cx(), &request.credentials()).await?;
    runtime.metrics.logouts.count(["elsewhere"]);
    Ok(json(StatusCode::OK, &Count { count }))
}

/// `DELETE /sessions/{id}`: ends one of the caller's other sessions.
async fn revoke(Path(id): Path<String>, request: Request) -> web::Result {
    let runtime = &request.site().runtime;
    runtime.sessions.revoke_own(&request.cx(), &request.credentials(), &id).await?;
    runtime.metrics.logouts.count(["elsewhere"]);
    Ok(no_content_as_json())
}

async fn revoke_misnamed(request: Request) -> web::Result {
    revoke(Path("token-exchange".to_owned()), request).await
}

/// 204 with the content type of JSON, which Kratos sends along here.
pub(crate) fn no_content_as_json() -> Response {
    let mut response = no_content();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    response
}

#[derive(Serialize)]
struct Exchanged<'a> {
    session_token: &'a str,
    session: SessionJson<'a>,
}

/// `GET /sessions/token-exchange`: the session of a native app that was signed in by a browser.
async fn exchange_token(request: Request) -> web::Result {
    let runtime = &request.site().runtime;
    let cx = request.cx();
    let code = |name| Secret::new(request.query(name).into_owned());
    let (init_code, return_to_code) = (code("init_code"), code("return_to_code"));
    let client = runtime.guard.client(&Shown { address: request.client_address(), ..Shown::default() });
    let subject = runtime.guard.nobody(Factor::Exchange, init_code.expose());
    let attempt = match runtime.guard.attempt(&cx, &client, &subject).await {
        Ok(attempt) => attempt,
        Err(Refused::Resting(resting)) => {
            let mut failure = Failure::from(resting.problem());
            failure.headers.insert(RETRY_AFTER, resting.seconds().into());
            return Err(failure);
        }
        Err(Refused::Problem(problem)) => return Err(problem.into()),
    };
    let session = runtime.sessions.exchange_token(&cx, &init_code, &return_to_code).await;
    attempt.settle(&cx, session.is_ok()).await?;
    let session = session?;
    let token = session.token.as_ref().map(|token| token.expose().as_str()).unwrap_or_default();
    let session = SessionJson::public(&session, runtime.public_url(), cx.now());
    Ok(json(StatusCode::OK, &Exchanged { session_token: token, session }))
}
