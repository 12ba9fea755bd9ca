//! Requests at providers, and what they answer (OAuth 2.0).
//!
//! A provider is a stranger: every answer is bounded in size and time, and checked.

use std::borrow::Cow;
use std::time::Duration;

use flow::Context;
use model::Problem;
use model::problem::id;
use outbound::{Request, Response};
use serde_json::{Map, Value};
use url::form_urlencoded;

/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 1 << 20;
/// How long a provider may take for one answer, all tries together.
const DEADLINE: Duration = Duration::from_secs(10);

/// What a provider gave for a code (RFC 6749 §5.1).
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// The refresh token; empty if there is none.
    pub refresh: String,
    /// The ID token, for providers of OpenID Connect.
    pub id: Option<String>,
    /// The whole answer.
    pub answer: Map<String, Value>,
}

impl Tokens {
    /// The scopes that were granted, which some providers separate in ways of their own.
    pub fn granted(&self, separator: char) -> Vec<&str> {
        let scope = self.answer.get("scope").and_then(Value::as_str).unwrap_or_default();
        scope.split(separator).map(str::trim).filter(|scope| !scope.is_empty()).collect()
    }
}

/// Reads the answer of a token endpoint (RFC 6749 §5.1). GitHub and others send a form.
pub fn read_tokens(content_type: &str, body: &[u8]) -> Option<Tokens> {
    let is_form = ["application/x-www-form-urlencoded", "text/plain"].iter().any(|form| content_type.starts_with(form));
    let fields: Map<String, Value> = match serde_json::from_slice(body) {
        Ok(fields) => fields,
        Err(_) if is_form => form_urlencoded::parse(body)
            .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
            .collect(),
        Err(_) => return None,
    };
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (mut access, refresh, id) = (text("access_token"), text("refresh_token"), text("id_token"));
    if access.is_empty() {
        access = text("accessToken");
    }
    (!access.is_empty()).then(|| Tokens { access, refresh, id: (!id.is_empty()).then_some(id), answer: fields })
}

/// 502: the provider gave no usable answer.
pub fn upstream(reason: impl Into<Cow<'static, str>>) -> Problem {
    Problem::new(502).with_id(id::UPSTREAM_ERROR).reason(reason)
}

/// 500: the provider cannot be used as it is configured.
pub fn misconfigured(reason: impl Into<Cow<'static, str>>) -> Problem {
    Problem::new(500).with_id(id::INVALID_CONFIGURATION).reason(reason)
}

/// Why what a provider says of somebody is not taken.
pub enum ProviderError {
    /// It proves nothing: said on the form.
    Unproved(String),
    /// The provider cannot be asked, or gives no usable answer.
    Failed(Problem),
}

impl ProviderError {
    pub fn unproved(reason: impl Into<String>) -> Self {
        Self::Unproved(reason.into())
    }
}

impl From<Problem> for ProviderError {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

/// Sends a request, and once more if no answer comes, and reads the whole answer.
///
/// # Errors
/// 502 when there is none, or it is too large or too late.
pub async fn send(cx: Context<'_>, request: Request) -> Result<Response, Problem> {
    fetch(cx, request.retries(1)).await
}

/// As [`send`], for what is good once and so must not be sent twice: a code, say.
///
/// # Errors
/// As [`send`].
pub async fn send_once(cx: Context<'_>, request: Request) -> Result<Response, Problem> {
    fetch(cx, request.retries(0)).await
}

async fn fetch(cx: Context<'_>, request: Request) -> Result<Response, Problem> {
    let answer = cx.services.outbound.fetch(request.deadline(DEADLINE), MAX_ANSWER).await;
    answer.map_err(|error| upstream("The provider could not be reached, or gave no usable answer.").log(error))
}

/// Sends a request that is answered with a JSON object.
///
/// # Errors
/// 502 when it is not.
pub async fn json(cx: Context<'_>, request: Request) -> Result<Map<String, Value>, Problem> {
    match value(cx, request).await? {
        Value::Object(members) => Ok(members),
        _ => Err(upstream("The provider's answer is no JSON object.")),
    }
}

/// Sends a request that is answered in JSON.
///
/// # Errors
/// 502 when it is not, or its status is not 200.
pub async fn value(cx: Context<'_>, request: Request) -> Result<Value, Problem> {
    let answer = successful(send(cx, request.header("Accept", "application/json")).await?)?;
    serde_json::from_slice(&answer.body).map_err(|error| upstream("The provider's answer is no JSON.").log(error))
}

/// An answer that says that all went well (200).
pub fn successful(answer: Response) -> Result<Response, Problem> {
    match answer.status {
        200 => Ok(answer),
        other => Err(upstream(format!("The provider answered with status {other} where 200 was expected."))),
    }
}
