//! The sign-up form: opened, fetched, and shown again.

use flow::registration::has_two_screens;
use flow::{AnyFlow, RegistrationMethod, Rejection, say};
use model::flow::{Login, Registration};
use model::problem::id;
use model::ui::NodeOrder;
use model::{Flow, FlowClient, Id, Problem, Timestamp, message};
use store::Tx;

use crate::answer::{Answer, Opened, Shown};
use crate::error::FetchError;
use crate::events;
use crate::lifecycle::{self, Opening};
use crate::login::form as login;
use crate::oauth2::{self, Subject};
use crate::runtime::Engine;

/// Opens a sign-up form.
///
/// # Errors
/// 400 where signing up is switched off, or for an unusable `return_to` or `identity_schema`.
pub async fn open(cx: Engine<'_>, client: FlowClient) -> Result<Opened<Registration>, Problem> {
    let selfservice = &cx.services.config.selfservice;
    ensure_enabled(cx)?;
    let return_to = cx.services.return_to(None, Some(&cx.request.url), &selfservice.default_browser_return_url)?;
    let oauth2_login_challenge = oauth2::challenge(cx, &cx.request.url)?;
    let identity_schema = cx.request.query("identity_schema");
    let identity_schema =
        identity_schema.map(|schema| cx.services.identities.selectable_schema(&schema)).transpose()?;
    let asked = match &oauth2_login_challenge {
        Some(challenge) if client == FlowClient::Browser => Some(oauth2::login_request(cx, challenge).await?),
        _ => None,
    };
    if let Some(found) = cx.services.sessions.current(&cx, &cx.request.credentials).await? {
        return match (asked, &oauth2_login_challenge) {
            (Some(asked), Some(challenge)) if asked.may_skip() => {
                let to = oauth2::accept(cx, challenge, Subject::of(&found.session)).await?;
                Ok(Opened::ToldWho { to })
            }
            (Some(_), _) => {
                let mut url = cx.services.config.serve.public.base_url.join("/self-service/login/browser");
                url.set_query(cx.request.url.query());
                Ok(Opened::SignInInstead { to: url.into() })
            }
            (None, _) => Ok(Opened::AlreadySignedIn { return_to }),
        };
    }
    let detail = Registration {
        oauth2_login_challenge,
        organization_id: cx.request.query("organization").and_then(|id| id.parse().ok()),
        identity_schema,
        ..Registration::default()
    };
    let flow = new_flow(cx, client, detail)?;
    lifecycle::run_before(cx, AnyFlow::Registration(&flow), None).await?;
    let mut tx = Tx::new();
    tx.insert_flow(&flow);
    // Unlike for sign-ins, Kratos takes this spelling only.
    let wants_code =
        client == FlowClient::Api && cx.request.query("return_session_token_exchange_code").as_deref() == Some("true");
    let session_token_exchange_code = wants_code.then(|| login::start_exchange(cx, flow.id.uuid(), &mut tx));
    cx.services.store.commit(tx).await?;
    tracing::debug!(flow.id = %flow.id, flow.client = client.as_str(), "A sign-up form was opened.");
    // Unlike for sign-ins, Kratos tells what the server wants to know when the flow is fetched, and not before.
    let shown = Box::new(Shown { flow, oauth2_login_request: None });
    Ok(Opened::Flow { shown, session_token_exchange_code })
}

fn new_flow(cx: Engine<'_>, client: FlowClient, detail: Registration) -> Result<Flow<Registration>, Problem> {
    let opening = Opening::of(cx.request, client, cx.request.csrf.masked(&cx.entropy))?;
    let mut flow = lifecycle::new_flow(cx, opening, detail);
    // Members of an organization sign up by its own provider, and no method is one.
    let is_of_organization = flow.detail.organization_id.is_some();
    for method in methods(cx).filter(|_| !is_of_organization) {
        match has_two_screens(cx.services) {
            true => method.add_profile_fields(*cx, &mut flow)?,
            false => method.add_fields(*cx, &mut flow)?,
        }
    }
    if !is_of_organization {
        flow.ui.set_csrf(&cx.form_token(client));
    }
    sort(cx, &mut flow);
    Ok(flow)
}

/// Everything that can be signed up with.
pub(super) fn methods<'a>(cx: Engine<'a>) -> impl Iterator<Item = &'a dyn RegistrationMethod> {
    cx.runtime.methods.iter().filter_map(|method| method.registration())
}

/// Brings the nodes into the order that the schema gives.
pub(super) fn sort(cx: Engine<'_>, flow: &mut Flow<Registration>) {
    let names = cx.services.identities.schemas().names_in_order(flow.detail.identity_schema.as_deref());
    NodeOrder::registration(names).sort(&mut flow.ui);
}

/// Fetches a sign-up form, for the browser that opened it (or any native client that knows its id).
///
/// # Errors
/// When signing up is switched off, or the form is not this caller's, or too old.
pub async fn fetch(cx: Engine<'_>, id: Id<Flow<Registration>>) -> Result<Shown<Registration>, FetchError> {
    ensure_enabled(cx).map_err(Problem::from)?;
    lifecycle::fetch(cx, id).await
}

/// Opens a sign-up form that goes on where a sign-in has turned out to be somebody new.
///
/// # Errors
/// Where signing up is switched off, or the database fails.
pub(crate) async fn open_in_place_of(cx: Engine<'_>, old: &Flow<Login>) -> Result<Flow<Registration>, OpenError> {
    ensure_enabled(cx)?;
    let detail = Registration {
        oauth2_login_challenge: old.detail.oauth2_login_challenge.clone(),
        organization_id: old.detail.organization_id,
        identity_schema: old.detail.identity_schema.clone(),
        ..Registration::default()
    };
    let mut flow = new_flow(cx, old.client, detail)?;
    flow.request_url.clone_from(&old.request_url);
    flow.return_to.clone_from(&old.return_to);
    flow.active.clone_from(&old.active);
    flow.transient_payload.clone_from(&old.transient_payload);
    let mut tx = Tx::new();
    tx.insert_flow(&flow);
    tx.move_token_exchange(old.id.uuid(), flow.id.uuid(), cx.now());
    cx.services.store.commit(tx).await.map_err(Problem::from)?;
    Ok(flow)
}

/// Why a sign-up form is not opened.
pub(crate) enum OpenError {
    /// Signing up is switched off.
    SwitchedOff,
    Failed(Problem),
}

/// Said where signing up is switched off.
pub(crate) const SWITCHED_OFF: &str = "Signing up is switched off here. Please ask the administrator for an account.";

impl From<OpenError> for Problem {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::SwitchedOff => {
                Self::bad_request(SWITCHED_OFF).with_id(id::FLOW_DISABLED).message("Signing up is switched off.")
            }
            OpenError::Failed(problem) => problem,
        }
    }
}

impl From<Problem> for OpenError {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

fn ensure_enabled(cx: Engine<'_>) -> Result<(), OpenError> {
    match cx.services.config.selfservice.registration.enabled {
        true => Ok(()),
        false => Err(OpenError::SwitchedOff),
    }
}

/// Shows the form again, with what was wrong.
pub(crate) async fn show_again(
    cx: Engine<'_>,
    mut flow: Flow<Registration>,
    rejections: Vec<Rejection>,
    writes: Tx,
) -> Result<Answer, Problem> {
    events::sign_up_refused(cx, &flow, &rejections);
    say(&mut flow.ui, rejections);
    sort(cx, &mut flow);
    lifecycle::update(cx, &mut flow, writes).await?;
    flow.transient_payload = None;
    Ok(Answer::Rejected(lifecycle::shown(cx, flow).await?.into()))
}

/// Opens a fresh form in the place of one that is of no use since `expired_at`.
pub(super) async fn expired(
    cx: Engine<'_>,
    old: &Flow<Registration>,
    expired_at: Timestamp,
) -> Result<Answer, Problem> {
    let mut flow = new_flow(cx, old.client, old.detail.clone())?;
    lifecycle::run_before(cx, AnyFlow::Registration(&flow), None).await?;
    let message = message::registration_flow_expired(expired_at);
    let mut tx = Tx::new();
    tx.move_token_exchange(old.id.uuid(), flow.id.uuid(), cx.now());
    lifecycle::insert_in_place_of(cx, old, &mut flow, message, tx).await?;
    let replacement = Box::new(Shown { flow, oauth2_login_request: None }).into();
    Ok(Answer::Expired { replacement, expired_at })
}

/// 400: signed in already.
pub fn already_signed_in() -> Problem {
    Problem::bad_request("You are signed in already. Sign out first to make another account.")
        .with_id(id::ALREADY_SIGNED_IN)
        .message("You are signed in already.")
}
