//! Codes and links that operators hand to people who cannot sign in.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use config::AddressProof;
use engine::Engine;
use engine::recovery::{self, IssueError, Issued};
use model::go::parse_duration;
use model::{FlowClient, IdentityId, Problem, SignedDuration, Timestamp, Uuid};
use serde::{Deserialize, Serialize};
use web::{Request, json};

/// `/admin/recovery/{code,link}`
pub fn router() -> Router {
    Router::new().route("/admin/recovery/code", post(issue_code)).route("/admin/recovery/link", post(issue_link))
}

#[derive(Deserialize)]
struct Asked {
    /// None, like the id of nobody, is the id of no identity.
    identity_id: Option<IdentityId>,
    /// A Go duration such as `12h`.
    expires_in: Option<String>,
    flow_type: Option<String>,
}

impl Asked {
    fn identity(&self) -> IdentityId {
        self.identity_id.unwrap_or(IdentityId::from_uuid(Uuid::nil()))
    }
}

#[derive(Serialize)]
struct IssuedJson<'a> {
    recovery_link: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_code: Option<&'a str>,
    expires_at: Timestamp,
}

/// `POST /admin/recovery/code`
async fn issue_code(mut request: Request) -> web::Result {
    let asked: Asked = request.json().await?;
    let lifespan = lifespan(asked.expires_in.as_deref())?;
    let client = match asked.flow_type.as_deref() {
        None | Some("browser") => FlowClient::Browser,
        Some("api") => FlowClient::Api,
        Some(_) => return Err(Problem::bad_request("The flow_type has to be browser or api.").into()),
    };
    let (cx, runtime) = (request.cx(), request.site().runtime.clone());
    let (asker, identity) = (request.for_flow()?, asked.identity());
    let engine = Engine::new(&cx, &runtime, &asker);
    let issued =
        recovery::issue(engine, AddressProof::Code, identity, client, lifespan).await.map_err(Problem::from)?;
    Ok(answer(StatusCode::CREATED, &issued))
}

/// `POST /admin/recovery/link`
async fn issue_link(mut request: Request) -> web::Result {
    let asked: Asked = request.json().await?;
    let lifespan = lifespan(asked.expires_in.as_deref())?;
    let (cx, runtime) = (request.cx(), request.site().runtime.clone());
    let (asker, identity) = (request.for_flow()?, asked.identity());
    let engine = Engine::new(&cx, &runtime, &asker);
    let issued = recovery::issue(engine, AddressProof::Link, identity, FlowClient::Browser, lifespan).await;
    let issued = issued.map_err(|error| match error {
        // Kratos says 400 here, though 404 for codes.
        IssueError::UnknownIdentity => Problem::bad_request("There is no identity with this id."),
        error => error.into(),
    })?;
    Ok(answer(StatusCode::OK, &issued))
}

/// How long the proof is good; `None` for as long as usual.
fn lifespan(expires_in: Option<&str>) -> Result<Option<SignedDuration>, Problem> {
    let Some(expires_in) = expires_in.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    match parse_duration(expires_in) {
        Some(lifespan) if lifespan.is_positive() && lifespan <= LONGEST => Ok(Some(lifespan)),
        _ => Err(Problem::bad_request("The member expires_in has to be a duration such as 12h or 30m.")),
    }
}

/// Ten years, so that no time overflows.
const LONGEST: SignedDuration = SignedDuration::from_hours(10 * 366 * 24);

fn answer(status: StatusCode, issued: &Issued) -> axum::response::Response {
    let recovery_code = issued.proof.code.as_ref().map(|code| code.expose().as_str());
    json(status, &IssuedJson { recovery_link: &issued.proof.link, recovery_code, expires_at: issued.expires_at })
}
