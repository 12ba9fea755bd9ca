//! Self-service flows over HTTP: opening, fetching and submitting, and how outcomes look to browsers, single-page apps
//! and native apps.

mod callback;
mod confirmation;
mod login;
mod recovery;
mod registration;
mod settings;
mod verification;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::{HeaderMap, RETRY_AFTER};
use axum::response::Response;
use engine::{Answer, Done, FetchError, Opened, Runtime, Shown, ShownFlow, SubmitError, expired_on_submit};
use flow::{Effects, Input, InputError, Submission};
use model::flow::FlowKind;
use model::problem::id;
use model::wire::{ContinueWith, FlowJson, FlowJsonParts, IdentityJson, IdentityView, Members, SessionJson};
use model::{Cx, Flow, FlowClient, FlowName, Id, Problem};
use serde::Serialize;
use url::form_urlencoded;
use web::{Failure, Request, json, redirect, see_other, set_continuity_cookie, set_csrf, set_session_cookie};

/// The routes of all flows.
pub fn router() -> Router {
    Router::new()
        .merge(login::router())
        .merge(registration::router())
        .merge(settings::router())
        .merge(recovery::router())
        .merge(verification::router())
        .merge(callback::router())
        .merge(confirmation::router())
}

/// Answers the opening of a flow.
fn opened<K: Members>(
    request: &Request,
    runtime: &Runtime,
    already_signed_in: fn() -> Problem,
    client: FlowClient,
    opened: Opened<K>,
) -> web::Result {
    let wants_json = client == FlowClient::Api || request.accepts_json();
    match opened {
        Opened::Flow { shown, session_token_exchange_code } if wants_json => {
            let parts = FlowJsonParts {
                session_token_exchange_code: session_token_exchange_code.as_deref(),
                oauth2_login_request: shown.oauth2_login_request.as_ref(),
                ..FlowJsonParts::default()
            };
            Ok(json(StatusCode::OK, &FlowJson { flow: &shown.flow, parts }))
        }
        Opened::Flow { shown, .. } => Ok(see_other(request.method(), &runtime.flow_page(&shown.flow))),
        Opened::ToldWho { .. } if wants_json => Err(already_signed_in().into()),
        Opened::ToldWho { to } => Ok(see_other(request.method(), &to)),
        Opened::SignInInstead { to } => Ok(redirect(request.method(), StatusCode::FOUND, &to)),
        Opened::AlreadySignedIn { .. } if wants_json => Err(already_signed_in().into()),
        Opened::AlreadySignedIn { return_to } => Ok(see_other(request.method(), return_to.as_str())),
    }
}

/// A flow, with what an OAuth 2.0 server wants to know.
fn shown_json<K: Members>(status: StatusCode, shown: &Shown<K>) -> Response {
    let oauth2_login_request = shown.oauth2_login_request.as_ref();
    let parts = FlowJsonParts { oauth2_login_request, ..FlowJsonParts::default() };
    let response = json(status, &FlowJson { flow: &shown.flow, parts });
    saying_when(response, &shown.flow)
}

/// A form that says that nothing may be tried for a while says so in `Retry-After` too, where it is an error.
fn saying_when<K: FlowKind>(mut response: Response, flow: &Flow<K>) -> Response {
    if response.status() == StatusCode::BAD_REQUEST
        && let Some(seconds) = flow.ui.messages.iter().find_map(|message| message.retry_after())
    {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// Answers a flow that was fetched.
fn fetched<K: Members>(flow: &Flow<K>) -> Response {
    flow_json(StatusCode::OK, flow, &[])
}

fn flow_json<K: Members>(status: StatusCode, flow: &Flow<K>, continue_with: &[ContinueWith]) -> Response {
    let response = json(status, &FlowJson { flow, parts: FlowJsonParts { continue_with, ..FlowJsonParts::default() } });
    saying_when(response, flow)
}

/// The flow that a URL names by the parameter `name`.
///
/// # Errors
/// 404 when it is not an identifier, as for one that does not exist.
fn fetched_id<K: FlowKind>(request: &Request) -> Result<Id<Flow<K>>, Failure> {
    request.query("id").parse().map_err(|_| Failure::from(Problem::not_found()))
}

/// The flow that is submitted.
///
/// # Errors
/// 400 when the URL names none.
fn submitted_id<K: FlowKind>(request: &Request) -> Result<Id<Flow<K>>, Failure> {
    let missing = || {
        Problem::bad_request(
            "The address does not say which form this is: its parameter flow is missing or not an identifier.",
        )
    };
    request.query("flow").parse().map_err(|_| Failure::for_browsers(missing()))
}

/// Lets a browser see an error on the error page.
fn for_browsers(mut failure: Failure) -> Failure {
    failure.for_browsers = true;
    failure
}

/// A flow that could not be fetched. That is for scripts, unless the flow is switched off or an OAuth 2.0 server is at
/// fault: browsers are shown that on the error page.
fn not_fetched(error: FetchError) -> Failure {
    match error {
        FetchError::Failed(problem) => Failure::for_browsers(problem),
        error => Problem::from(error).into(),
    }
}

/// A submission that failed. Native apps are told in JSON, whatever they say they accept.
fn not_submitted(error: SubmitError) -> Failure {
    match error.client {
        Some(FlowClient::Api) => error.problem.into(),
        Some(FlowClient::Browser) | None => Failure::for_browsers(error.problem),
    }
}

/// Reads a submission of any accepted content type. What cannot be read is said on the form.
///
/// # Errors
/// As [`Request::body`].
async fn submission(request: &mut Request) -> Result<Submission, Failure> {
    let body = request.body().await?;
    Ok(decoded(request, body).await)
}

/// Reads the body of a submission.
async fn decoded(request: &Request, body: Vec<u8>) -> Submission {
    let input = match request.content_type().as_str() {
        "application/json" => Input::from_json(&body),
        "application/x-www-form-urlencoded" => Input::from_form(form_urlencoded::parse(&body).into_owned()),
        "multipart/form-data" => {
            web::multipart_fields(request.headers(), body).await.map_err(InputError).and_then(Input::from_form)
        }
        _ => Err(InputError("Please send the form as JSON, or as a browser sends forms.".to_owned())),
    };
    input.into()
}

/// As [`submission`]; the query counts as well: that of a link that was opened, and that of the address which a form is sent
/// to, behind a form's own fields and, as in Kratos, ahead of those of JSON.
async fn submission_with_query(request: &mut Request) -> Result<Submission, Failure> {
    let query =
        |request: &Request| Input::from_form(form_urlencoded::parse(request.query_text().as_bytes()).into_owned());
    if *request.method() == axum::http::Method::GET {
        return Ok(query(request).into());
    }
    let sent = match submission(request).await? {
        Submission::Readable(sent) => sent,
        unreadable @ Submission::Unreadable(_) => return Ok(unreadable),
    };
    let both = query(request).map(|query| match request.content_type().as_str() {
        "application/json" => query.and(sent),
        _ => sent.and(query),
    });
    Ok(both.into())
}

/// Answers a submission to sign in or up.
fn answered(request: &Request, cx: &Cx, runtime: &Runtime, answer: Answer) -> web::Result {
    let is_for_page = |shown: &ShownFlow| shown.client() == FlowClient::Browser && !request.is_json_request();
    match answer {
        Answer::Rejected(shown) if is_for_page(&shown) => {
            Ok(redirect(request.method(), back_to_form(shown.name()), &page_of(runtime, &shown)))
        }
        Answer::Rejected(shown) => Ok(any_shown_json(StatusCode::BAD_REQUEST, &shown)),
        Answer::NextStep { shown, .. } if is_for_page(&shown) => {
            Ok(see_other(request.method(), &page_of(runtime, &shown)))
        }
        Answer::NextStep { shown, status } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
            Ok(any_shown_json(status, &shown))
        }
        Answer::NotTold { problem, effects } => Err(failed_with(Failure::for_browsers(problem), cx, runtime, *effects)),
        Answer::Expired { replacement, .. } if is_for_page(&replacement) => {
            Ok(see_other(request.method(), &page_of(runtime, &replacement)))
        }
        Answer::Expired { replacement, expired_at } => Err(match replacement {
            ShownFlow::Login(shown) => expired_on_submit(&shown.flow, expired_at, cx.now()),
            ShownFlow::Registration(shown) => expired_on_submit(&shown.flow, expired_at, cx.now()),
        }
        .into()),
        Answer::AlreadySignedIn { flow, return_to } => {
            Ok(redirect(request.method(), back_to_form(flow), return_to.as_str()))
        }
        Answer::Confirm(asked) => confirmation::asked(request, cx, runtime, asked),
        Answer::Navigate { to, effects } => navigate(request, cx, runtime, &to, *effects),
        Answer::HandBack { to } => Ok(redirect(request.method(), StatusCode::SEE_OTHER, to.as_str())),
        Answer::Replaced { flow, .. } if request.accepts_json() => {
            Ok(json(StatusCode::BAD_REQUEST, &FlowJson { flow: &*flow, parts: FlowJsonParts::default() }))
        }
        Answer::Replaced { page, .. } => Ok(redirect(request.method(), StatusCode::SEE_OTHER, &page)),
        Answer::Done(done) => Ok(completed(request, cx, runtime, *done)),
    }
}

/// How a browser is sent back to a form, or on. Kratos uses 302 for sign-ups where other flows use 303.
fn back_to_form(flow: FlowName) -> StatusCode {
    if flow == FlowName::Registration { StatusCode::FOUND } else { StatusCode::SEE_OTHER }
}

fn page_of(runtime: &Runtime, shown: &ShownFlow) -> String {
    match shown {
        ShownFlow::Login(shown) => runtime.flow_page(&shown.flow),
        ShownFlow::Registration(shown) => runtime.flow_page(&shown.flow),
    }
}

fn any_shown_json(status: StatusCode, shown: &ShownFlow) -> Response {
    match shown {
        ShownFlow::Login(shown) => shown_json(status, shown),
        ShownFlow::Registration(shown) => shown_json(status, shown),
    }
}

/// The browser has to leave: a page is redirected, a script is told where to go.
fn navigate(request: &Request, cx: &Cx, runtime: &Runtime, to: &str, effects: Effects) -> web::Result {
    if request.is_json_request() {
        let problem = Problem::new(422)
            .with_id(id::BROWSER_LOCATION_CHANGE_REQUIRED)
            .reason("The browser has to go on at the address in redirect_browser_to.")
            .extra("redirect_browser_to", to);
        return Err(failed_with(problem.into(), cx, runtime, effects));
    }
    let mut response = see_other(request.method(), to);
    apply(&mut response, cx, runtime, effects);
    Ok(response)
}

/// What JSON clients get when a flow is completed.
#[derive(Serialize)]
struct CompletedJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    session_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<SessionJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<IdentityJson<'a>>,
    /// `null` when there is nothing to go on with.
    continue_with: Option<&'a [ContinueWith]>,
}

fn completed(request: &Request, cx: &Cx, runtime: &Runtime, mut done: Done) -> Response {
    let is_native = done.effects.sign_in.is_none() && done.client == FlowClient::Api;
    if !is_native && !request.is_json_request() {
        let mut response = redirect(request.method(), StatusCode::SEE_OTHER, &done.redirect_to);
        apply(&mut response, cx, runtime, done.effects);
        return response;
    }
    if let Some(session) = &mut done.session
        && !done.show_identity
    {
        session.identity = None;
    }
    let base = runtime.public_url();
    let session = done.session.as_ref();
    let token = session.and_then(|session| session.token.as_ref()).filter(|_| is_native);
    let body = CompletedJson {
        session_token: token.map(|token| token.expose().as_str()),
        session: session.map(|session| SessionJson {
            session,
            public_base_url: base,
            now: cx.now(),
            identity_view: IdentityView::Public,
            tokenized: None,
        }),
        identity: done.identity.as_ref().map(|identity| IdentityJson::public(identity, base)),
        continue_with: Some(done.continue_with.as_slice()).filter(|items| !items.is_empty()),
    };
    let mut response = json(StatusCode::OK, &body);
    apply(&mut response, cx, runtime, done.effects);
    response
}

/// Changes the browser's cookies.
fn apply(response: &mut Response, cx: &Cx, runtime: &Runtime, effects: Effects) {
    set_cookies(response.headers_mut(), cx, runtime, &effects);
    if let Some(token) = effects.csrf {
        set_csrf(response, token);
    }
}

/// An error that changes the browser's cookies all the same.
fn failed_with(mut failure: Failure, cx: &Cx, runtime: &Runtime, effects: Effects) -> Failure {
    set_cookies(&mut failure.headers, cx, runtime, &effects);
    match effects.csrf {
        Some(token) => failure.setting_csrf(token),
        None => failure,
    }
}

fn set_cookies(headers: &mut HeaderMap, cx: &Cx, runtime: &Runtime, effects: &Effects) {
    for cookie in &effects.continuity {
        set_continuity_cookie(headers, &runtime.config.cookies, &cookie.0, cx.now());
    }
    if let Some(session) = &effects.sign_in {
        let cookie = runtime.sessions.cookie(cx, session);
        set_session_cookie(headers, &runtime.config.session.cookie, &cookie, cx.now());
    }
}
