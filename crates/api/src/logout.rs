//! Logging out: a browser asks for a logout URL and opens it later; a native app hands in its session token.
//!
//! Answers may not be kept by any cache, whatever the method: a logout that only seemed to happen is worse than none.

use axum::Router;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use axum::routing::{delete, get};
use crypto::CsrfToken;
use engine::Runtime;
use flow::BadReturnTo;
use model::problem::id;
use model::{Problem, Secret};
use serde::{Deserialize, Serialize};
use url::Url;
use url::form_urlencoded;
use web::{Failure, Request, clear_session_cookie, json, no_content, rotate_csrf, see_other};

/// `/self-service/logout…`
pub fn router() -> Router {
    Router::new()
        .route("/self-service/logout/browser", get(create))
        .route("/self-service/logout", get(submit))
        .route("/self-service/logout/api", delete(submit_native))
}

#[derive(Serialize)]
struct LogoutUrl<'a> {
    logout_token: &'a str,
    logout_url: &'a str,
}

/// `GET /self-service/logout/browser`: the URL that ends this session. Always JSON when it works.
async fn create(request: Request) -> web::Result {
    let runtime = &request.site().runtime;
    let credentials = request.credentials_with_bare_cookie();
    let logout = runtime.sessions.create_logout(&request.cx(), &credentials).await.map_err(Failure::for_browsers)?;
    let asked = request.query("return_to");
    let return_to = match asked.is_empty() {
        // The default is looked up when the URL is opened, so that it can change until then.
        true => None,
        false => Some(return_to(runtime, &request).map_err(|bad| Failure::for_browsers(bad.into()))?),
    };
    let token = logout.token.expose();
    let url = logout_url(runtime, return_to.as_ref(), token);
    Ok(json(StatusCode::OK, &LogoutUrl { logout_token: token, logout_url: &url }))
}

fn logout_url(runtime: &Runtime, return_to: Option<&Url>, token: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if let Some(return_to) = return_to {
        query.append_pair("return_to", return_to.as_str());
    }
    query.append_pair("token", token);
    format!("{}?{}", runtime.public_route("/self-service/logout"), query.finish())
}

/// Where the browser goes after the logout.
fn return_to(runtime: &Runtime, request: &Request) -> Result<Url, BadReturnTo> {
    let asked = request.query("return_to");
    runtime.return_to(Some(&asked), None, &runtime.config.selfservice.logout_return_url)
}

/// `GET /self-service/logout`: ends the session that the token belongs to.
///
/// It ends none where nobody means to leave: at a `HEAD`, which asks what would be answered, and for a page that is fetched
/// ahead of a click or an address that stands for a picture.
///
/// The session is ended before `return_to` is looked at: a bad address does not keep anyone signed in.
async fn submit(request: Request) -> web::Result {
    if request.method() == Method::HEAD {
        return Ok(no_content());
    }
    if is_unmeant(request.headers()) {
        let problem =
            Problem::forbidden("A browser asked for this ahead of time, or as a picture. Nobody was signed out.");
        // A page would be shown to nobody.
        return Err(problem.into());
    }
    let runtime = &request.site().runtime;
    let credentials = request.credentials_with_bare_cookie();
    let token = Secret::new(request.query("token").into_owned());
    let csrf = CsrfToken::generate(request.app().entropy());
    let renewed = runtime.guard.renewed(request.csrf_cookie(), &csrf).await.map_err(Failure::for_browsers)?;
    let ended = runtime.sessions.logout_browser(&request.cx(), &credentials, &token, renewed).await;
    let ended = match ended {
        Err(problem) if problem.id == Some(id::SESSION_INACTIVE) && shows_own_pages(&request) => {
            return signed_out_already(&request).await;
        }
        ended => ended.map_err(Failure::for_browsers)?,
    };
    tracing::info!(
        http.request_id = request.id(),
        session.id = %ended.session.id,
        identity.id = %ended.session.identity_id,
        "Signed out."
    );
    for other in &ended.others {
        tracing::info!(
            http.request_id = request.id(),
            session.id = %other.id,
            identity.id = %other.identity_id,
            "Signed out: the cookie of the session was there beside another."
        );
    }
    runtime.metrics.logouts.count(["browser"]);

    let cookie = &runtime.config.session.cookie;
    match return_to(runtime, &request) {
        Ok(return_to) => {
            let mut response: Response = match request.is_json_request() {
                true => no_content(),
                false => see_other(request.method(), return_to.as_str()),
            };
            if ended.clear_cookie {
                clear_session_cookie(response.headers_mut(), cookie);
            }
            rotate_csrf(&mut response, csrf);
            Ok(response)
        }
        Err(bad) => {
            let mut failure = Failure::for_browsers(bad.into()).setting_csrf(csrf);
            if ended.clear_cookie {
                clear_session_cookie(&mut failure.headers, cookie);
            }
            Err(failure)
        }
    }
}

/// Whether a person would see our own error page. Scripts, and front ends with an error page of their own, are told as by Kratos.
fn shows_own_pages(request: &Request) -> bool {
    let has_own = request.site().runtime.config.selfservice.error_ui_url.is_none();
    has_own && !request.is_json_request() && !request.accepts_json()
}

/// A second tab, or a link from before, has nothing left to do. A cookie that proves nothing is of no use.
///
/// # Errors
/// When the database fails.
async fn signed_out_already(request: &Request) -> web::Result {
    let runtime = &request.site().runtime;
    let mut response = see_other(request.method(), &runtime.public_route("/ui/signed-out?already"));
    if runtime.sessions.current(&request.cx(), &request.credentials()).await?.is_none() {
        clear_session_cookie(response.headers_mut(), &runtime.config.session.cookie);
    }
    Ok(response)
}

/// Whether a browser says that nobody asked for this: it fetches ahead of time, or for a picture. Such requests bring the
/// cookie along, from other sites too.
fn is_unmeant(headers: &HeaderMap) -> bool {
    let said = |name| headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    // `prefetch;anonymous-client-ip` and `prefetch;prerender` are values, too.
    let is_ahead = |value: &str| {
        let mut words = value.split([';', ',']).map(str::trim);
        words.any(|word| word.eq_ignore_ascii_case("prefetch") || word.eq_ignore_ascii_case("prerender"))
    };
    said("sec-purpose").chain(said("purpose")).any(is_ahead) || said("sec-fetch-dest").any(|dest| dest == "image")
}

#[derive(Deserialize)]
struct NativeLogout {
    #[serde(default)]
    session_token: Option<Secret>,
}

/// `DELETE /self-service/logout/api`: ends the session of a native app. Cookies and headers are not looked at.
async fn submit_native(mut request: Request) -> web::Result {
    let body: Option<NativeLogout> = request.json().await?;
    let token = body.and_then(|body| body.session_token).unwrap_or_else(|| Secret::from(""));
    let ended = request.site().runtime.sessions.logout_native(&request.cx(), &token).await?;
    tracing::info!(
        http.request_id = request.id(),
        session.id = %ended.id,
        identity.id = %ended.identity_id,
        "A native app signed out."
    );
    request.app().metrics().logouts.count(["native"]);
    Ok(no_content())
}
