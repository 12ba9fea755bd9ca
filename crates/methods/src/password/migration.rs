//! Passwords that still live in another system (`selfservice.methods.password.config.migrate_hook`): it is asked whether one is
//! right, when somebody first signs in whose account was imported without one. From then on the password is kept here.

use std::time::Duration;

use config::MigrateHook;
use flow::Scene;
use mapper::{Input, MAX_SNIPPET, MapperError};
use model::problem::id;
use model::{IdentityId, Problem, Secret};
use outbound::Request;
use serde::Deserialize;
use serde_json::json;

/// The most that is read of an answer; as in Kratos.
const MAX_ANSWER: usize = 1 << 10;
/// How long a person waits for the other system, all tries together.
const DEADLINE: Duration = Duration::from_secs(30);

/// What the other system says of a password that is right.
#[derive(Deserialize)]
struct Answer {
    status: String,
}

/// Asks the other system whether a password is right.
///
/// # Errors
/// 500 `invalid_configuration` where no system is configured, or the snippet that makes the request fails; 502 when there is no
/// usable answer.
pub(super) async fn is_right(
    scene: &Scene<'_>,
    identity: IdentityId,
    identifier: &str,
    password: &Secret,
) -> Result<bool, Problem> {
    let Some(hook) = &scene.cx.services.config.selfservice.methods.password.migrate_hook else {
        let reason = "The password of this account lives in another system, and none is configured.";
        return Err(Problem::new(500).with_id(id::INVALID_CONFIGURATION).reason(reason));
    };
    let mut request = Request::new(&hook.request.method, &hook.request.url)
        .header("Content-Type", "application/json")
        .body(body(scene, hook, identity, identifier, password).await?)
        .deadline(DEADLINE)
        .truncate();
    if hook.identifies_requests {
        let trigger = scene.cx.entropy.uuid().to_string();
        request = request.header("ory-webhook-trigger-id", &trigger).identify_tries("ory-webhook-request-id");
    }
    for (name, value) in hook.request.headers_with_proof() {
        request = request.header(&name, value.expose());
    }
    let unusable = || {
        Problem::new(502)
            .reason("The system that knows this password did not answer as it should. Please try again later.")
    };
    let answer = scene.cx.services.outbound.fetch(request, MAX_ANSWER).await;
    let answer = answer.map_err(|error| unusable().log(format!("The password migration hook failed: {error}.")))?;
    match answer.status {
        200 => Ok(serde_json::from_slice(&answer.body).is_ok_and(|Answer { status }| status == "password_match")),
        403 => Ok(false),
        status => Err(unusable().log(format!("The password migration hook answered with status {status}."))),
    }
}

/// What the other system is sent: the identifier and the password, or what a snippet makes of them and of the sign-in.
async fn body(
    scene: &Scene<'_>,
    hook: &MigrateHook,
    identity: IdentityId,
    identifier: &str,
    password: &Secret,
) -> Result<String, Problem> {
    let Some(address) = &hook.request.body else {
        return Ok(json!({ "identifier": identifier, "password": password.expose() }).to_string());
    };
    let services = scene.cx.services;
    let failed = |error: MapperError| match error {
        MapperError::Busy | MapperError::Start(_) => Problem::unavailable(error),
        error => Problem::internal(format!("The snippet of the password migration hook: {error}.")),
    };
    let mut ctx = scene.context(Some(&services.identities.get(identity).await?));
    ctx["identifier"] = identifier.into();
    ctx["password"] = password.expose().as_str().into();
    let fetch = |url: String| async move { services.outbound.download(&url, MAX_SNIPPET).await };
    let snippet = services.mapper.load(address, fetch).await.map_err(failed)?;
    services.mapper.evaluate(&snippet, Input::TopLevel { ctx: &ctx }).await.map_err(failed)
}
