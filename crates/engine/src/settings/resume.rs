//! A change that needs a fresh sign-in: it is kept, and made when the browser comes back from signing in again.
//!
//! It may hold a password, so it is kept encrypted: under a key that is made from the cookie secret, and that differs for
//! every change, flow and session. Whoever reads the database alone reads nothing.

use crypto::Cipher;
use flow::continuity::{self, Pause};
use flow::{ContinuityCookie, Input};
use model::flow::Settings;
use model::{Flow, FlowClient, Problem, Session, SignedDuration, Uuid};
use serde_json::json;
use store::Tx;

use crate::runtime::Engine;

/// The beginning of the names under which changes are kept; the method follows. They are Kratos'.
pub(super) const PREFIX: &str = "ory_kratos_settings_";

/// The longest submission that is kept, in bytes: one that has every field is far from it.
const MAX_KEPT: usize = 256 << 10;

/// How long the sign-in may take.
const LIFESPAN: SignedDuration = SignedDuration::from_mins(15);

/// Keeps a submission to the form of the method named `method`.
///
/// # Errors
/// 413 when it is too large to be kept; whatever the database says.
pub(super) async fn keep(
    cx: Engine<'_>,
    flow: Uuid,
    session: &Session,
    method: &str,
    input: &Input,
) -> Result<ContinuityCookie, Problem> {
    let text = serde_json::to_string(input).map_err(Problem::internal)?;
    if text.len() > MAX_KEPT {
        return Err(Problem::new(413).reason("This is too large to wait until you have signed in again."));
    }
    let what = Pause { name: &format!("{PREFIX}{method}"), identity: Some(session.identity_id), lifespan: LIFESPAN };
    let payload = |id| {
        let sealed = cipher(cx, id, flow, session).encrypt(&cx.entropy, text.as_bytes());
        json!({ "flow": flow, "sealed": sealed.expect("derived keys are always there") })
    };
    let mut tx = Tx::new();
    let cookie = continuity::pause(*cx, &what, payload, &mut tx)?;
    cx.services.store.commit(tx).await?;
    tracing::info!(flow.id = %flow, flow.method = method, "A change of settings waits for a fresh sign-in.");
    Ok(cookie)
}

/// The submission that a browser comes back to when it opens this flow's address. It is used up by this.
pub(super) async fn take(
    cx: Engine<'_>,
    flow: &Flow<Settings>,
    session: &Session,
) -> Result<Option<(Input, ContinuityCookie)>, Problem> {
    let is_coming_back = flow.client == FlowClient::Browser && cx.request.is_get && !cx.request.wants_json;
    if !is_coming_back || cx.request.continuity_cookie.is_none() {
        return Ok(None);
    }
    for method in cx.runtime.methods.iter().filter(|method| method.settings().is_some()) {
        let name = format!("{PREFIX}{}", method.name());
        let found = continuity::find(*cx, &name, Some(session.identity_id)).await?;
        let Some((container, input)) = found.and_then(|container| {
            let payload = container.payload.to_value();
            let sealed = cipher(cx, container.id, flow.id.uuid(), session).decrypt(payload["sealed"].as_str()?).ok()?;
            let input: Input = serde_json::from_slice(sealed.expose()).ok()?;
            Some((container, input))
        }) else {
            continue;
        };
        if let Some(cookie) = continuity::use_up(*cx, &container).await? {
            return Ok(Some((input, cookie)));
        }
    }
    Ok(None)
}

fn cipher(cx: Engine<'_>, container: Uuid, flow: Uuid, session: &Session) -> Cipher {
    let context = format!("settings to be resumed|{container}|{flow}|{}", session.id);
    Cipher::derived(&cx.services.proof_keys(), &context)
}
