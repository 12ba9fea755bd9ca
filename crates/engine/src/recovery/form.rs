//! The recovery form: opened, fetched, and shown again; and proofs that operators hand out.

use config::AddressProof;
use crypto::CsrfToken;
use flow::{AnyFlow, Effects, IssuedProof, RecoveryMethod, Rejection, StartAnew, ensure_same_browser, say};
use model::flow::{FlowState, Recovery};
use model::problem::id;
use model::wire::{ContinueWith, ContinueWithFlow};
use model::{Flow, FlowClient, Id, IdentityId, Problem, SignedDuration, Timestamp, message};
use store::Tx;
use url::Url;

use crate::confirmation::Asked;
use crate::error::FetchError;
use crate::events;
use crate::expiry;
use crate::lifecycle::{self, Opening};
use crate::runtime::Engine;

/// The outcome of opening a flow.
pub enum Opened {
    /// The form.
    Flow(Box<Flow<Recovery>>),
    /// The caller is signed in already.
    AlreadySignedIn {
        /// Where the browser goes.
        return_to: Url,
    },
}

/// The outcome of a submission.
pub enum Outcome {
    /// The form again, with what is wrong.
    Rejected(Box<Flow<Recovery>>),
    /// The form's next step.
    NextStep(Box<Flow<Recovery>>),
    /// The flow was too old.
    Expired {
        /// The flow that took its place.
        replacement: Box<Flow<Recovery>>,
        /// What JSON clients are told, with status 410.
        problem: Box<Problem>,
    },
    /// The flow was of no use any more.
    Replaced {
        /// The flow that took its place.
        replacement: Box<Flow<Recovery>>,
        /// What JSON clients are told; without it they are redirected as well.
        problem: Option<Problem>,
        /// The browser's new anti-CSRF token.
        csrf: CsrfToken,
    },
    /// The anti-CSRF check failed; the browser gets a new cookie.
    Denied {
        /// 403.
        problem: Problem,
        /// The browser's new anti-CSRF token.
        csrf: CsrfToken,
    },
    /// The caller is signed in already.
    AlreadySignedIn {
        /// Where a browser goes.
        return_to: Url,
    },
    /// The person has to be asked first.
    Confirm(Asked),
    /// The person is signed in, and goes on to set a new credential.
    Recovered(Box<Recovered>),
}

/// A recovery that is completed.
pub struct Recovered {
    /// The flow, completed.
    pub flow: Flow<Recovery>,
    /// The page of the settings flow.
    pub settings_page: String,
    /// What an app does next, in this order.
    pub continue_with: Vec<ContinueWith>,
    /// Whether a link was opened: the answer is a redirect, whoever asks.
    pub by_link: bool,
    /// The cookies that change with the answer.
    pub effects: Effects,
}

/// 400: recovery is for those who cannot sign in.
pub fn already_signed_in() -> Problem {
    Problem::bad_request("You are signed in already, so there is no access to win back.").with_id(id::ALREADY_SIGNED_IN)
}

/// Opens a form that asks for an address.
///
/// # Errors
/// 400 when recovery is switched off, or for an unusable `return_to`.
pub async fn open(cx: Engine<'_>, client: FlowClient) -> Result<Opened, Problem> {
    if cx.services.sessions.current(&cx, &cx.request.credentials).await?.is_some() {
        return Ok(Opened::AlreadySignedIn { return_to: signed_in_return_to(cx) });
    }
    require_enabled(cx)?;
    let method = cx.runtime.recovery_method()?;
    let flow = new_flow(cx, client, method, &cx.request.csrf)?;
    lifecycle::run_before(cx, AnyFlow::Recovery(&flow), None).await?;
    let mut tx = Tx::new();
    tx.insert_flow(&flow);
    cx.services.store.commit(tx).await?;
    Ok(Opened::Flow(Box::new(flow)))
}

fn require_enabled(cx: Engine<'_>) -> Result<(), Problem> {
    match cx.services.config.selfservice.recovery.enabled {
        true => Ok(()),
        false => Err(Problem::bad_request("Access cannot be won back here: recovery is switched off.")),
    }
}

pub(super) fn signed_in_return_to(cx: Engine<'_>) -> Url {
    let default = &cx.services.config.selfservice.default_browser_return_url;
    cx.services.return_to(None, Some(&cx.request.url), default).unwrap_or_else(|_| default.clone())
}

/// A new form for `client`, filled in by `method`. `csrf` is the browser's anti-CSRF token from now on.
fn new_flow(
    cx: Engine<'_>,
    client: FlowClient,
    (name, method): (&'static str, &dyn RecoveryMethod),
    csrf: &CsrfToken,
) -> Result<Flow<Recovery>, Problem> {
    cx.services.return_to(None, Some(&cx.request.url), &cx.services.config.selfservice.default_browser_return_url)?;
    let opening = Opening::of(cx.request, client, csrf.masked(&cx.entropy))?;
    let mut flow = lifecycle::new_flow(cx, opening, Recovery::default());
    flow.active = Some(name.to_owned());
    if cx.services.config.feature_flags.choose_recovery_address {
        flow.state = FlowState::RecoveryAwaitingAddress;
    }
    method.add_fields(&mut flow, &lifecycle::form_token(cx, client, csrf));
    Ok(flow)
}

/// A proof that an operator hands to a person.
pub struct Issued {
    /// The code or the link.
    pub proof: IssuedProof,
    /// The time from which on it is of no use.
    pub expires_at: Timestamp,
}

/// Why no proof is issued.
pub enum IssueError {
    /// The method that would issue it is switched off.
    SwitchedOff,
    /// Nobody has this id.
    UnknownIdentity,
    /// Something else: an unusable `return_to`, say.
    Failed(Problem),
}

impl From<IssueError> for Problem {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::SwitchedOff => Self::not_found().reason("This way to win back access is switched off."),
            IssueError::UnknownIdentity => Self::not_found().reason("There is no identity with this id."),
            IssueError::Failed(problem) => problem,
        }
    }
}

impl From<Problem> for IssueError {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

/// Issues a proof on behalf of an operator by the method named `name`, whether or not recovery is switched on. It is
/// good for `lifespan`, or as long as the method's proofs are.
///
/// # Errors
/// When the method is switched off, nobody has this id, or `return_to` is unusable.
pub async fn issue(
    cx: Engine<'_>,
    name: AddressProof,
    identity: IdentityId,
    client: FlowClient,
    lifespan: Option<SignedDuration>,
) -> Result<Issued, IssueError> {
    let methods = &cx.services.config.selfservice.methods;
    let usual = match name {
        AddressProof::Code => methods.code.lifespan,
        AddressProof::Link => methods.link.lifespan,
    };
    let method = cx.runtime.find(name.as_str(), |method| Some((method.name(), method.recovery()?)));
    let method = method.ok_or(IssueError::SwitchedOff)?;
    let mut flow = new_flow(cx, client, method, &cx.request.csrf)?;
    let found = cx.services.store.find_identity(identity).await.map_err(Problem::from)?;
    let identity = found.ok_or(IssueError::UnknownIdentity)?;
    flow.expires_at = cx.now() + lifespan.unwrap_or(usual);
    let mut tx = Tx::new();
    let mut proof_writes = Tx::new();
    let proof = method.1.issue(*cx, &identity, &mut flow, &mut proof_writes);
    tx.insert_flow(&flow);
    tx.append(proof_writes);
    cx.services.store.commit(tx).await.map_err(Problem::from)?;
    tracing::info!(identity.id = %identity.id, flow.id = %flow.id, flow.method = method.0, "An operator issued a recovery.");
    Ok(Issued { proof, expires_at: flow.expires_at })
}

/// Fetches a form, for the browser that opened it (or any native client that knows its id, or any client at all when an
/// operator made it).
///
/// # Errors
/// When recovery is switched off, or the form is not this caller's, or too old.
pub async fn fetch(cx: Engine<'_>, id: Id<Flow<Recovery>>) -> Result<Flow<Recovery>, FetchError> {
    require_enabled(cx)?;
    let flow = lifecycle::stored(cx, id).await?;
    if !flow.detail.skip_csrf_check {
        ensure_same_browser(cx.request, &flow).map_err(FetchError::AnotherBrowser)?;
    }
    if flow.expires_at > cx.now() {
        return Ok(flow);
    }
    Err(FetchError::TooOld(expiry::expired_on_fetch(cx.services, &flow, flow.client == FlowClient::Api)))
}

/// Shows the form again, with what was wrong.
pub(super) async fn show_again(
    cx: Engine<'_>,
    mut flow: Flow<Recovery>,
    rejection: Rejection,
) -> Result<Outcome, Problem> {
    events::recovery_refused(cx, &flow, rejection.message.id);
    say(&mut flow.ui, vec![rejection]);
    flow.transient_payload = None;
    lifecycle::update(cx, &mut flow, Tx::new()).await?;
    Ok(Outcome::Rejected(Box::new(flow)))
}

pub(super) async fn next_step(cx: Engine<'_>, mut flow: Flow<Recovery>, writes: Tx) -> Result<Outcome, Problem> {
    lifecycle::update(cx, &mut flow, writes).await?;
    Ok(Outcome::NextStep(Box::new(flow)))
}

/// The method that a flow was opened for, or else the configured one.
fn method_of<'a>(cx: Engine<'a>, flow: &Flow<Recovery>) -> Result<(&'static str, &'a dyn RecoveryMethod), Problem> {
    let active = flow.active.as_deref().unwrap_or_default();
    let method = cx.runtime.find(active, |method| Some((method.name(), method.recovery()?)));
    method.map_or_else(|| cx.runtime.recovery_method(), Ok)
}

/// Whether a flow sends links.
fn is_by_link(flow: &Flow<Recovery>) -> bool {
    flow.active.as_deref() == Some(AddressProof::Link.as_str())
}

/// Opens a fresh form in the place of one that is too old.
pub(super) async fn expired(cx: Engine<'_>, old: &Flow<Recovery>) -> Result<Outcome, Problem> {
    let method = method_of(cx, old)?;
    // A link is opened in a browser, whoever opened the flow.
    let client = if is_by_link(old) { FlowClient::Browser } else { old.client };
    let mut flow = new_flow(cx, client, method, &cx.request.csrf)?;
    lifecycle::insert_in_place_of(cx, old, &mut flow, message::recovery_flow_expired(old.expires_at), Tx::new())
        .await?;
    let problem = expiry::expired_on_submit(&flow, old.expires_at, cx.now());
    let problem = problem.detail("continue_with", show_recovery(&flow));
    Ok(Outcome::Expired { replacement: Box::new(flow), problem: Box::new(problem) })
}

pub(super) async fn start_anew(
    cx: Engine<'_>,
    method: (&'static str, &dyn RecoveryMethod),
    anew: StartAnew,
) -> Result<Outcome, Problem> {
    let StartAnew { message, client, problem } = anew;
    let csrf = CsrfToken::generate(&cx.entropy);
    let mut flow = new_flow(cx, client, method, &csrf)?;
    events::recovery_refused(cx, &flow, message.id);
    lifecycle::insert_saying(cx, &mut flow, message, cx.csrf_renewed(&csrf).await?).await?;
    let problem = problem.map(|problem| problem.detail("continue_with", show_recovery(&flow)));
    Ok(Outcome::Replaced { replacement: Box::new(flow), problem, csrf })
}

fn show_recovery(flow: &Flow<Recovery>) -> serde_json::Value {
    let flow = ContinueWithFlow { id: flow.id.uuid(), verifiable_address: None, url: None };
    serde_json::json!([ContinueWith::ShowRecoveryUi { flow }])
}
