//! Codes and links that operators hand to people who cannot sign in.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use config::AddressProof;
use flow::recovery::{self, Issued};
use model::{FlowClient, IdentityId, Problem, SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use web::{App, Request, json};

/// `/admin/recovery/{code,link}`
pub fn router() -> Router<App> {
    Router::new().route("/admin/recovery/code", post(issue_code)).route("/admin/recovery/link", post(issue_link))
}

#[derive(Deserialize)]
struct Asked {
    identity_id: IdentityId,
    /// A Go duration such as `12h`.
    #[serde(default)]
    expires_in: String,
    flow_type: Option<String>,
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
    let lifespan = lifespan(&asked.expires_in)?;
    let client = match asked.flow_type.as_deref() {
        None | Some("browser") => FlowClient::Browser,
        Some("api") => FlowClient::Api,
        Some(_) => return Err(Problem::bad_request("The flow_type has to be browser or api.").into()),
    };
    let (cx, runtime) = (request.cx(), request.site.runtime.clone());
    let (asker, identity) = (request.for_flow()?, asked.identity_id);
    let issued = recovery::issue(&cx, &runtime, &asker, AddressProof::Code, identity, client, lifespan).await?;
    Ok(answer(StatusCode::CREATED, &issued))
}

/// `POST /admin/recovery/link`
async fn issue_link(mut request: Request) -> web::Result {
    let asked: Asked = request.json().await?;
    let lifespan = lifespan(&asked.expires_in)?;
    let (cx, runtime) = (request.cx(), request.site.runtime.clone());
    if runtime.config.selfservice.methods.link.enabled
        && runtime.store.find_identity(asked.identity_id).await.map_err(Problem::from)?.is_none()
    {
        // Kratos says 400 here, though 404 for codes.
        return Err(Problem::bad_request("There is no identity with this id.").into());
    }
    let (asker, identity) = (request.for_flow()?, asked.identity_id);
    let issued =
        recovery::issue(&cx, &runtime, &asker, AddressProof::Link, identity, FlowClient::Browser, lifespan).await?;
    Ok(answer(StatusCode::OK, &issued))
}

/// How long the proof is good; `None` for as long as usual.
fn lifespan(expires_in: &str) -> Result<Option<SignedDuration>, Problem> {
    if expires_in.is_empty() {
        return Ok(None);
    }
    match config::parse_duration(expires_in) {
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
