//! `/ui/login`, `/ui/registration`, `/ui/recovery`, `/ui/verification` and `/ui/settings`: a flow as a form.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use engine::{Engine, FetchError, Runtime, TooOld, login, recovery, registration, settings, verification};
use model::flow::{FlowKind, Login, Recovery, Registration, Settings, Verification};
use model::{Aal, Cx, Flow, FlowState, Id, Problem};
use url::form_urlencoded;
use web::{Failure, Request, see_other};

use super::page::{open, shown};
use crate::render::{ErrorKind, ErrorPage, FlowPage, Headed, Link};

pub(super) fn router() -> Router {
    Router::new()
        .route("/ui/login", get(show_login))
        .route("/ui/registration", get(show_registration))
        .route("/ui/recovery", get(show_recovery))
        .route("/ui/verification", get(show_verification))
        .route("/ui/settings", get(show_settings))
}

async fn show_login(request: Request) -> web::Result {
    let (cx, runtime, Some(id)) = asked(&request) else { return Ok(opened_anew::<Login>(&request)) };
    let asker = request.for_flow()?;
    let fetched = login::fetch(Engine::new(&cx, &runtime, &asker), id).await.map(|shown| shown.flow);
    show(&request, &asker, fetched, &[], |flow| {
        let selfservice = &runtime.config.selfservice;
        // Whoever is signed in already needs no other account.
        let is_first_step = !flow.detail.refresh && flow.detail.requested_aal < Aal::Aal2;
        let kept = kept_for(flow, flow.detail.oauth2_login_challenge.as_ref());
        let mut links = Vec::new();
        if !is_first_step {
            links.push(Link { before: Some("Not you?"), text: "Log out", href: welcome(&runtime) });
        }
        if selfservice.recovery.enabled && flow.detail.requested_aal < Aal::Aal2 {
            links.push(Link {
                before: None,
                text: "Forgot how to sign in?",
                href: open(&runtime, "recovery", &return_to(flow)),
            });
        }
        if selfservice.registration.enabled && is_first_step {
            links.push(Link {
                before: Some("New here?"),
                text: "Create an account",
                href: open(&runtime, "registration", &kept),
            });
        }
        links
    })
    .map_err(Failure::for_browsers)
}

async fn show_registration(request: Request) -> web::Result {
    let (cx, runtime, Some(id)) = asked(&request) else { return Ok(opened_anew::<Registration>(&request)) };
    let asker = request.for_flow()?;
    let fetched = registration::fetch(Engine::new(&cx, &runtime, &asker), id).await.map(|shown| shown.flow);
    let schema = fetched.as_ref().ok().and_then(|flow| flow.detail.identity_schema.clone());
    show(&request, &asker, fetched, &lists(&runtime, schema.as_deref()), |flow| {
        let href = open(&runtime, "login", &kept_for(flow, flow.detail.oauth2_login_challenge.as_ref()));
        vec![Link { before: Some("Been here before?"), text: "Sign in", href }]
    })
    .map_err(Failure::for_browsers)
}

async fn show_recovery(request: Request) -> web::Result {
    let (cx, runtime, Some(id)) = asked::<Recovery>(&request) else { return Ok(opened_anew::<Recovery>(&request)) };
    let asker = request.for_flow()?;
    let fetched = recovery::fetch(Engine::new(&cx, &runtime, &asker), id).await;
    show(&request, &asker, fetched, &[], |flow| {
        vec![Link { before: None, text: "Back to signing in", href: open(&runtime, "login", &return_to(flow)) }]
    })
    .map_err(Failure::for_browsers)
}

async fn show_verification(request: Request) -> web::Result {
    let (cx, runtime, Some(id)) = asked::<Verification>(&request) else {
        return Ok(opened_anew::<Verification>(&request));
    };
    let asker = request.for_flow()?;
    let fetched = verification::fetch(Engine::new(&cx, &runtime, &asker), id).await;
    show(&request, &asker, fetched, &[], |flow| match flow.state {
        FlowState::PassedChallenge => Vec::new(),
        _ => vec![Link { before: None, text: "Do this later", href: way_on(&runtime, flow) }],
    })
    .map_err(Failure::for_browsers)
}

async fn show_settings(request: Request) -> web::Result {
    let (cx, runtime, Some(id)) = asked::<Settings>(&request) else { return Ok(opened_anew::<Settings>(&request)) };
    let asker = request.for_flow()?;
    let fetched = settings::fetch(Engine::new(&cx, &runtime, &asker), id).await;
    let (fetched, schema) = match fetched {
        Ok(shown) => (Ok(shown.flow), Some(shown.identity.schema_id)),
        Err(error) => (Err(error), None),
    };
    show(&request, &asker, fetched, &lists(&runtime, schema.as_deref()), |flow| {
        let sessions = runtime.public_route("/ui/sessions");
        vec![
            Link { before: None, text: "Where you are signed in", href: sessions },
            Link { before: None, text: "Done", href: way_on(&runtime, flow) },
        ]
    })
    .map_err(Failure::for_browsers)
}

/// The names of the traits that take several values, under the schema of this id.
fn lists<'a>(runtime: &'a Runtime, schema: Option<&str>) -> Vec<&'a str> {
    let fields = runtime.services.identities.schemas().fields(schema);
    fields.iter().filter(|field| field.is_list()).map(|field| field.name.as_str()).collect()
}

/// What a request asks for: `None` if it names no flow that could exist.
fn asked<K: FlowKind>(request: &Request) -> (Cx, std::sync::Arc<Runtime>, Option<Id<Flow<K>>>) {
    (request.cx(), request.site().runtime.clone(), request.query("flow").parse().ok())
}

/// Shows a flow, or opens a new one in the place of one that is gone or not this browser's.
fn show<K: Headed>(
    request: &Request,
    asker: &flow::Request,
    fetched: Result<Flow<K>, FetchError>,
    lists: &[&str],
    links: impl FnOnce(&Flow<K>) -> Vec<Link>,
) -> Result<Response, Problem> {
    let public_url = request.site().runtime.public_url();
    match fetched {
        Ok(flow) => {
            let page = FlowPage::new(&flow, lists, links(&flow), public_url);
            shown(StatusCode::OK, &page, page.has_scripts())
        }
        Err(FetchError::Failed(problem)) => Err(problem),
        // A new flow would not be this browser's either, and so on without end.
        Err(FetchError::AnotherBrowser(_) | FetchError::SomebodyElses | FetchError::SecondFactor(_))
            if !asker.has_csrf_cookie =>
        {
            let again = open(&request.site().runtime, K::NAME.as_str(), &kept_of(request));
            let kind = if asker.repeats_csrf_cookie { ErrorKind::OldCookies } else { ErrorKind::NoCookies };
            shown(StatusCode::FORBIDDEN, &ErrorPage::new(public_url, kind, None, again), false)
        }
        Err(FetchError::TooOld(TooOld { open_anew_at: Some(url), .. })) => Ok(see_other(request.method(), &url)),
        // Whoever has signed out starts anew, by signing in.
        Err(_) => Ok(opened_anew::<K>(request)),
    }
}

/// Sends the browser to open a flow, with everything else that its query asks for, such as `return_to` or `refresh`.
fn opened_anew<K: FlowKind>(request: &Request) -> Response {
    let url = open(&request.site().runtime, K::NAME.as_str(), &kept_of(request));
    see_other(request.method(), &url)
}

fn kept_of(request: &Request) -> Vec<(String, String)> {
    let query = form_urlencoded::parse(request.query_text().as_bytes()).into_owned();
    query.filter(|(name, _)| name != "flow").collect()
}

/// The page with the log-out button.
fn welcome(runtime: &Runtime) -> String {
    runtime.public_route("/ui/welcome")
}

/// Where somebody goes on who leaves a flow as it is.
fn way_on<K: FlowKind>(runtime: &Runtime, flow: &Flow<K>) -> String {
    flow.return_to.clone().unwrap_or_else(|| welcome(runtime))
}

/// Where a flow leads, for other flows to lead there too.
fn return_to<K: FlowKind>(flow: &Flow<K>) -> Vec<(String, String)> {
    flow.return_to.iter().map(|target| ("return_to".to_owned(), target.clone())).collect()
}

/// As [`return_to`], with the challenge of the OAuth 2.0 server on whose behalf all this is done.
fn kept_for<K: FlowKind>(flow: &Flow<K>, challenge: Option<&String>) -> Vec<(String, String)> {
    let mut kept = return_to(flow);
    kept.extend(challenge.map(|challenge| ("login_challenge".to_owned(), challenge.clone())));
    kept
}
