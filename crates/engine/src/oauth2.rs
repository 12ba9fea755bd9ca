//! Signing people in on behalf of an OAuth 2.0 server, Ory Hydra (`oauth2_provider`).
//!
//! The server sends a browser here with a `login_challenge`. It is asked what the challenge is about, and told who signed
//! in; then it says where the browser goes on. Both are calls of its admin API (`/admin/oauth2/auth/requests/login`).

use std::time::Duration;

use flow::Request;
use model::flow::{Login, Registration};
use model::problem::id;
use model::{AuthenticationMethod, Flow, IdentityId, Problem, Session, SessionId};
use serde_json::{Value, json};
use url::Url;
use url::form_urlencoded;

use crate::runtime::Engine;

/// How long a person waits for the server, retries included.
const DEADLINE: Duration = Duration::from_secs(10);
/// A login request holds the client's whole registration, which may have a key set and metadata.
const LIMIT: usize = 1 << 20;
const PATH: &str = "admin/oauth2/auth/requests/login";
/// What a login request always has.
const REQUIRED: [&str; 5] = ["challenge", "client", "request_url", "skip", "subject"];

/// A flow that is opened or completed on behalf of an OAuth 2.0 server.
pub(crate) trait HasChallenge {
    /// The challenge, if there is one.
    fn challenge(&self) -> Option<&str>;
}

impl HasChallenge for Flow<Login> {
    fn challenge(&self) -> Option<&str> {
        self.detail.oauth2_login_challenge.as_deref()
    }
}

impl HasChallenge for Flow<Registration> {
    fn challenge(&self) -> Option<&str> {
        self.detail.oauth2_login_challenge.as_deref()
    }
}

/// What the server wants to know, as it says it; clients are shown it whole.
pub(crate) struct LoginRequest(pub Value);

impl LoginRequest {
    /// Whether whoever is signed in need not prove it anew.
    pub fn may_skip(&self) -> bool {
        self.0["skip"] == true
    }

    /// The request that led to this, for browsers to begin again with.
    pub fn request_url(&self) -> &str {
        self.0["request_url"].as_str().unwrap_or_default()
    }
}

/// Who signed in.
pub(crate) struct Subject<'a> {
    pub identity: IdentityId,
    pub session: SessionId,
    pub methods: &'a [AuthenticationMethod],
}

impl<'a> Subject<'a> {
    pub fn of(session: &'a Session) -> Self {
        Self { identity: session.identity_id, session: session.id, methods: &session.authentication_methods }
    }
}

/// The challenge in an address.
///
/// # Errors
/// 500 `invalid_configuration` when there is one, but no server that could have sent it; 400 when it is empty.
pub(crate) fn challenge(cx: Engine<'_>, url: &Url) -> Result<Option<String>, Problem> {
    let Some((_, challenge)) = url.query_pairs().find(|(name, _)| name == "login_challenge") else { return Ok(None) };
    if cx.services.config.oauth2_provider.is_none() {
        let reason = "The address has a login_challenge, but there is no OAuth 2.0 server to answer it to.";
        return Err(Problem::new(500).with_id(id::INVALID_CONFIGURATION).reason(reason));
    }
    if challenge.is_empty() {
        return Err(Problem::bad_request("The parameter login_challenge is empty."));
    }
    Ok(Some(challenge.into_owned()))
}

/// Asks what a challenge is about.
///
/// # Errors
/// 400 when the server does not know it, or has had the answer already; 500 when the server cannot be reached.
pub(crate) async fn login_request(cx: Engine<'_>, challenge: &str) -> Result<LoginRequest, Problem> {
    let (status, body) = call(cx, "GET", PATH, challenge, None).await?;
    let is_complete = REQUIRED.iter().all(|member| body.get(member).is_some_and(|value| !value.is_null()));
    if status == 200 && is_complete {
        return Ok(LoginRequest(body));
    }
    let problem = Problem::new(if status >= 500 { 500 } else { 400 });
    Err(refused(problem.reason("The OAuth 2.0 server does not know this login_challenge (any more)."), status, &body))
}

/// What the challenge of a flow is about, if it has one; for clients that are shown the flow.
///
/// # Errors
/// As [`login_request`].
pub(crate) async fn shown_with(cx: Engine<'_>, flow: &impl HasChallenge) -> Result<Option<Value>, Problem> {
    match flow.challenge() {
        Some(challenge) => login_request(cx, challenge).await.map(|LoginRequest(shown)| Some(shown)),
        None => Ok(None),
    }
}

/// Tells the server who signed in. Gives back where the browser goes on.
///
/// # Errors
/// 500 when the server does not take it.
pub(crate) async fn accept(cx: Engine<'_>, challenge: &str, who: Subject<'_>) -> Result<String, Problem> {
    let session = &cx.services.config.session;
    let amr: Vec<&str> = who.methods.iter().map(|method| method.method.as_str()).collect();
    let body = json!({
        "subject": who.identity,
        "identity_provider_session_id": who.session,
        "remember": session.cookie.persistent,
        "remember_for": session.lifespan.as_secs(),
        "amr": amr,
    });
    let (status, answer) = call(cx, "PUT", &format!("{PATH}/accept"), challenge, Some(&body)).await?;
    match answer["redirect_to"].as_str() {
        Some(url) if status == 200 && !url.is_empty() => {
            tracing::info!(identity.id = %who.identity, session.id = %who.session, "The OAuth 2.0 server was told who signed in.");
            Ok(url.to_owned())
        }
        _ => {
            let problem = Problem::new(500).reason("You are signed in, but the application could not be told.");
            Err(refused(problem, status, &answer))
        }
    }
}

/// The status and the JSON of an answer; `null` if it is none.
async fn call(
    cx: Engine<'_>,
    method: &str,
    path: &str,
    challenge: &str,
    body: Option<&Value>,
) -> Result<(u16, Value), Problem> {
    let missing = || Problem::new(500).with_id(id::INVALID_CONFIGURATION).reason("There is no OAuth 2.0 server.");
    let provider = cx.services.config.oauth2_provider.as_ref().ok_or_else(missing)?;
    let query: String =
        form_urlencoded::Serializer::new(String::new()).append_pair("login_challenge", challenge).finish();
    let url = format!("{}/{path}?{query}", provider.url.as_str().trim_end_matches('/'));
    let mut request = outbound::Request::new(method, &url).header("accept", "application/json").deadline(DEADLINE);
    for (name, value) in &provider.headers {
        request = request.header(name, value.expose());
    }
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    let answer = cx.services.outbound.fetch(request, LIMIT).await.map_err(|error| {
        Problem::new(500).reason("The OAuth 2.0 server is out of reach. Please try again later.").log(error)
    })?;
    Ok((answer.status, serde_json::from_slice(&answer.body).unwrap_or(Value::Null)))
}

fn refused(problem: Problem, status: u16, body: &Value) -> Problem {
    let problem = problem.log(format!("the OAuth 2.0 server answered {status}"));
    // As in Kratos nothing is told of a server that is out of order.
    if status >= 500 {
        return problem;
    }
    let problem = problem.detail("status_code", status);
    match body["error_hint"].as_str().or(body.is_object().then_some("")) {
        Some(hint) if matches!(status, 400 | 401 | 404) => problem.detail("oauth2_error_hint", hint),
        _ => problem,
    }
}

/// The request as it is once the server has been asked: whoever is signed in has to prove it anew unless the server says
/// otherwise, and the flow may have to lead back to the server.
pub(crate) fn as_asked(cx: Engine<'_>, asked: &LoginRequest) -> Request {
    let overrides = cx.services.config.oauth2_provider.as_ref().is_some_and(|provider| provider.override_return_to);
    let mut query: Vec<(String, String)> = cx.request.url.query_pairs().into_owned().collect();
    let mut set = |name: &str, value: &str| {
        query.retain(|(other, _)| other != name);
        query.push((name.to_owned(), value.to_owned()));
    };
    if !asked.may_skip() {
        set("refresh", "true");
    }
    if overrides && !asked.request_url().is_empty() {
        set("return_to", asked.request_url());
    }
    query.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut request = cx.request.clone();
    request.url.query_pairs_mut().clear().extend_pairs(query);
    request
}

/// Whether a session may still be told about.
pub(crate) fn is_alive(cx: Engine<'_>, session: &Session) -> bool {
    session.active && session.expires_at > cx.now()
}
