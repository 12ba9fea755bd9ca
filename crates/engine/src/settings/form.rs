//! The settings form: opened, fetched, and shown again.

use flow::continuity;
use flow::{AnyFlow, Effects, Rejection, ResumedSettings};
use model::flow::{FlowState, Settings};
use model::ui::NodeOrder;
use model::wire::ContinueWith;
use model::{Flow, FlowClient, Id, Identity, Problem, Session, Timestamp, message};
use session::{Denied, Found, Lookup, RefreshRequired, SecondFactorRequired, StepUp};
use store::Tx;

use super::resume::PREFIX;
use crate::error::{FetchError, signed_out, somebody_elses};
use crate::expiry;
use crate::lifecycle::{self, Opening};
use crate::runtime::Engine;

/// A settings form and whose it is.
pub struct Shown {
    /// The flow, as it is stored.
    pub flow: Flow<Settings>,
    /// The identity whose settings they are.
    pub identity: Identity,
}

/// The outcome of a submission.
pub enum Outcome {
    /// The form again, with messages or the next step.
    Form {
        /// The form.
        shown: Box<Shown>,
        /// The HTTP status that JSON clients get.
        status: u16,
    },
    /// The flow was too old.
    Expired {
        /// The flow that took its place.
        replacement: Box<Flow<Settings>>,
        /// The time since when the old one was of no use.
        expired_at: Timestamp,
    },
    /// The change needs a fresh sign-in. A browser's is kept until then.
    NotPrivileged {
        /// Where the person signs in again.
        refresh: RefreshRequired,
        /// The cookies that change with the answer.
        effects: Box<Effects>,
    },
    /// The browser has to go elsewhere.
    Elsewhere {
        /// Where it goes.
        to: String,
        /// The cookies that change with the answer.
        effects: Box<Effects>,
    },
    /// It is saved.
    Saved(Box<Saved>),
}

/// A change that was saved.
pub struct Saved {
    /// The form that the change leads to.
    pub shown: Shown,
    /// What an app does next, in this order.
    pub continue_with: Vec<ContinueWith>,
    /// Where a browser goes.
    pub redirect_to: String,
    /// The cookies that change with the answer.
    pub effects: Effects,
}

/// Why a submission failed.
pub enum SubmitError {
    /// Nobody is signed in: browsers are sent to sign in.
    SignedOut,
    /// The session does not reach far enough for this person's settings.
    SecondFactor {
        /// Where the second factor is asked for.
        required: SecondFactorRequired,
        /// Who drives the flow.
        client: FlowClient,
    },
    /// Whatever else cannot be said on the form.
    Failed {
        /// The error.
        problem: Problem,
        /// Who drives the flow, as far as that is known.
        client: Option<FlowClient>,
    },
}

impl From<Problem> for SubmitError {
    fn from(problem: Problem) -> Self {
        Self::Failed { problem, client: None }
    }
}

impl From<SubmitError> for Problem {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::SignedOut => signed_out(),
            SubmitError::SecondFactor { required, .. } => required.into(),
            SubmitError::Failed { problem, .. } => problem,
        }
    }
}

/// Opens a settings form for the person who is signed in. What the browser has left unfinished is forgotten.
///
/// # Errors
/// When nobody is signed in, or not far enough; 400 for an unusable `return_to`.
pub async fn open(cx: Engine<'_>, client: FlowClient) -> Result<(Shown, Effects), Denied> {
    let found = match cx.services.sessions.find(&cx, &cx.request.credentials).await? {
        Lookup::Found(found) => *found,
        Lookup::Refused(refusal) => return Err(Denied::SignedOut(refusal)),
    };
    let has_return_to = client == FlowClient::Browser && cx.request.query("return_to").is_some();
    let asked = has_return_to.then(|| cx.request.url.as_str());
    require_level(cx, &found.session, StepUp { return_to: None, request_url: asked })?;
    let default = &cx.services.config.selfservice.default_browser_return_url;
    cx.services.return_to(None, Some(&cx.request.url), default).map_err(Problem::from)?;
    let identity = identity_of(cx, &found).await?;
    let flow = new_flow(cx, client, &identity)?;
    lifecycle::run_before(cx, AnyFlow::Settings(&flow, &identity), Some(&found.session)).await?;
    let mut tx = Tx::new();
    let continuity = Vec::from_iter(continuity::forget(*cx, PREFIX, &mut tx)?);
    tx.insert_flow(&flow);
    cx.services.store.commit(tx).await.map_err(Problem::from)?;
    Ok((Shown { flow, identity }, Effects { continuity, ..Effects::default() }))
}

pub(crate) fn new_flow(cx: Engine<'_>, client: FlowClient, identity: &Identity) -> Result<Flow<Settings>, Problem> {
    let opening = Opening::of(cx.request, client, String::new())?;
    let mut flow = lifecycle::new_flow(cx, opening, Settings { identity_id: identity.id });
    flow.state = FlowState::ShowForm;
    for method in cx.runtime.methods.iter().filter_map(|method| method.settings()) {
        method.add_fields(*cx, identity, &mut flow)?;
    }
    flow.ui.set_csrf(&cx.form_token(client));
    sort(cx, identity, &mut flow);
    Ok(flow)
}

fn sort(cx: Engine<'_>, identity: &Identity, flow: &mut Flow<Settings>) {
    let names = cx.services.identities.schemas().names_in_order(Some(&identity.schema_id));
    NodeOrder::settings(names).sort(&mut flow.ui);
}

pub(super) async fn identity_of(cx: Engine<'_>, found: &Found) -> Result<Identity, Problem> {
    cx.services.identities.get(found.session.identity_id).await
}

fn require_level(cx: Engine<'_>, session: &Session, on: StepUp<'_>) -> Result<(), SecondFactorRequired> {
    cx.services.sessions.require_aal(session, cx.services.config.selfservice.settings_required_aal, on)
}

/// As [`require_level`], on the way to the address of this request.
pub(super) fn require_level_here(cx: Engine<'_>, session: &Session) -> Result<(), SecondFactorRequired> {
    require_level(cx, session, StepUp { return_to: None, request_url: Some(cx.request.url.as_str()) })
}

pub(super) fn is_owner(flow: &Flow<Settings>, session: &Session) -> bool {
    flow.detail.identity_id == session.identity_id
}

/// Fetches a settings form, for the person whose it is.
///
/// # Errors
/// When nobody is signed in, or somebody else, or not far enough; when the form is too old.
pub async fn fetch(cx: Engine<'_>, id: Id<Flow<Settings>>) -> Result<Shown, FetchError> {
    let found = cx.services.sessions.current(&cx, &cx.request.credentials).await?.ok_or(FetchError::SignedOut)?;
    let flow = lifecycle::stored(cx, id).await?;
    if !is_owner(&flow, &found.session) {
        return Err(FetchError::SomebodyElses);
    }
    let page = cx.services.flow_page(&flow);
    let on = StepUp { return_to: Some(&page), request_url: None };
    require_level(cx, &found.session, on).map_err(FetchError::SecondFactor)?;
    if flow.expires_at <= cx.now() {
        return Err(FetchError::TooOld(expiry::expired_on_fetch(cx.services, &flow, false)));
    }
    let identity = cx.services.identities.with_credentials(found.session.identity_id).await.map_err(Problem::from)?;
    Ok(Shown { flow, identity: identity.ok_or(FetchError::Unknown)? })
}

/// Finds whose flow it is that a browser comes back to from elsewhere.
///
/// # Errors
/// As for a submission.
pub(crate) async fn resume(cx: Engine<'_>, flow: Flow<Settings>) -> Result<ResumedSettings, Problem> {
    let found = cx.services.sessions.current(&cx, &cx.request.credentials).await?.ok_or_else(signed_out)?;
    if !is_owner(&flow, &found.session) {
        return Err(somebody_elses());
    }
    require_level_here(cx, &found.session)?;
    let identity = identity_of(cx, &found).await?;
    Ok(ResumedSettings { flow, session: found.session, via: found.via, identity })
}

/// Shows the form again, with what was wrong. What it said before is the method's to clear.
pub(crate) async fn show_again(
    cx: Engine<'_>,
    mut flow: Flow<Settings>,
    identity: Identity,
    rejections: Vec<Rejection>,
    writes: Tx,
) -> Result<Outcome, Problem> {
    for Rejection { field, message } in rejections {
        flow.ui.say(&field, message);
    }
    sort(cx, &identity, &mut flow);
    next_step(cx, flow, identity, 400, writes).await
}

pub(super) async fn next_step(
    cx: Engine<'_>,
    mut flow: Flow<Settings>,
    identity: Identity,
    status: u16,
    writes: Tx,
) -> Result<Outcome, Problem> {
    lifecycle::update(cx, &mut flow, writes).await?;
    flow.transient_payload = None;
    Ok(Outcome::Form { shown: Box::new(Shown { flow, identity }), status })
}

/// Opens a fresh form in the place of one that is too old.
pub(super) async fn expired(cx: Engine<'_>, old: &Flow<Settings>, identity: &Identity) -> Result<Outcome, Problem> {
    let mut flow = new_flow(cx, old.client, identity)?;
    let message = message::settings_flow_expired(old.expires_at);
    lifecycle::insert_in_place_of(cx, old, &mut flow, message, Tx::new()).await?;
    Ok(Outcome::Expired { replacement: Box::new(flow), expired_at: old.expires_at })
}
