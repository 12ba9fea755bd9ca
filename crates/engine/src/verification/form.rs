//! The verification form: opened, fetched, and shown again.

use crypto::CsrfToken;
use flow::{AnyFlow, BadReturnTo, Effects, Rejection, StartAnew, VerificationMethod, ensure_same_browser};
use model::flow::Verification;
use model::{Flow, FlowClient, Id, Problem, message};
use store::Tx;

use crate::error::FetchError;
use crate::events;
use crate::expiry;
use crate::lifecycle::{self, Opening};
use crate::runtime::{Engine, NO_METHOD};

/// The outcome of a submission.
pub enum Outcome {
    /// The form again, with what is wrong.
    Rejected(Box<Flow<Verification>>),
    /// The form's next step, or its end.
    NextStep(Box<Flow<Verification>>),
    /// The address is verified, and an OAuth 2.0 server was told who signed in.
    ToldWho {
        /// The flow, completed.
        flow: Box<Flow<Verification>>,
        /// Where a browser goes on: at that server.
        to: String,
        /// The cookies that change with the answer.
        effects: Box<Effects>,
    },
    /// The form was filled in by a link, and is shown to the browser.
    FilledIn {
        /// The form.
        flow: Box<Flow<Verification>>,
        /// The browser's new anti-CSRF token.
        csrf: CsrfToken,
    },
    /// The flow was too old.
    Expired {
        /// The flow that took its place.
        replacement: Box<Flow<Verification>>,
        /// The browser's new anti-CSRF token.
        csrf: CsrfToken,
    },
    /// The flow was of no use any more.
    Replaced {
        /// The flow that took its place.
        replacement: Box<Flow<Verification>>,
        /// What JSON clients are told; without it they are redirected as well.
        problem: Option<Problem>,
        /// The browser's new anti-CSRF token.
        csrf: CsrfToken,
    },
}

/// Opens a form that asks for an address.
///
/// # Errors
/// When verification is switched off, or for an unusable `return_to`.
pub async fn open(cx: Engine<'_>, client: FlowClient) -> Result<Flow<Verification>, OpenError> {
    require_enabled(cx)?;
    let method = cx.runtime.verification_method()?;
    let flow = new_flow(cx, client, method, &cx.request.csrf)?;
    lifecycle::run_before(cx, AnyFlow::Verification(&flow), None).await?;
    let mut tx = Tx::new();
    tx.insert_flow(&flow);
    cx.services.store.commit(tx).await.map_err(Problem::from)?;
    Ok(flow)
}

/// Why a form is not opened.
pub enum OpenError {
    /// Its `return_to` is not followed.
    ReturnTo(BadReturnTo),
    /// Something else: verification is switched off, say.
    Failed(Problem),
}

impl From<BadReturnTo> for OpenError {
    fn from(bad: BadReturnTo) -> Self {
        Self::ReturnTo(bad)
    }
}

impl From<Problem> for OpenError {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

impl From<OpenError> for Problem {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::ReturnTo(bad) => bad.into(),
            OpenError::Failed(problem) => problem,
        }
    }
}

fn require_enabled(cx: Engine<'_>) -> Result<(), Problem> {
    match cx.services.config.selfservice.verification.enabled {
        true => Ok(()),
        false => Err(Problem::bad_request("Addresses cannot be verified here: it is switched off.")),
    }
}

/// `csrf` is the browser's anti-CSRF token from now on.
///
/// # Errors
/// For an unusable `return_to`, and for an address that is too long to be kept.
fn new_flow(
    cx: Engine<'_>,
    client: FlowClient,
    (name, method): (&'static str, &dyn VerificationMethod),
    csrf: &CsrfToken,
) -> Result<Flow<Verification>, OpenError> {
    cx.services.return_to(None, Some(&cx.request.url), &cx.services.config.selfservice.default_browser_return_url)?;
    let opening = Opening::of(cx.request, client, csrf.masked(&cx.entropy))?;
    let mut flow = lifecycle::new_flow(cx, opening, Verification::default());
    flow.active = Some(name.to_owned());
    let form_token = lifecycle::form_token(cx, client, csrf);
    method.add_fields(&mut flow, &form_token);
    Ok(flow)
}

/// Fetches a form, for the browser that opened it (or any native client that knows its id).
///
/// # Errors
/// When verification is switched off, or the form is not this caller's, or too old.
pub async fn fetch(cx: Engine<'_>, id: Id<Flow<Verification>>) -> Result<Flow<Verification>, FetchError> {
    require_enabled(cx)?;
    let flow = lifecycle::stored(cx, id).await?;
    ensure_same_browser(cx.request, &flow).map_err(FetchError::AnotherBrowser)?;
    match flow.expires_at <= cx.now() {
        true => Err(FetchError::TooOld(expiry::expired_on_fetch(cx.services, &flow, false))),
        false => Ok(flow),
    }
}

/// The method that a flow was opened for.
pub(super) fn method_of<'a>(
    cx: Engine<'a>,
    flow: &Flow<Verification>,
) -> Option<(&'static str, &'a dyn VerificationMethod)> {
    let active = flow.active.as_deref().unwrap_or(cx.services.config.selfservice.verification_use.as_str());
    cx.runtime.find(active, |method| Some((method.name(), method.verification()?)))
}

/// Shows the form again: no method is responsible for what was sent.
pub(super) async fn no_method(cx: Engine<'_>, mut flow: Flow<Verification>) -> Result<Outcome, Problem> {
    flow.active = Some(NO_METHOD.to_owned());
    show_again(cx, flow, Rejection::whole(message::no_verification_method())).await
}

/// A form that has said so much begins anew, so that none grows without end.
const MAX_MESSAGES: usize = 50;

/// Shows the form again, with what was wrong. What it said before stays, as in Kratos.
pub(super) async fn show_again(
    cx: Engine<'_>,
    mut flow: Flow<Verification>,
    Rejection { field, message }: Rejection,
) -> Result<Outcome, Problem> {
    events::verification_refused(cx, &flow, message.id);
    let said: usize = flow.ui.nodes.iter().map(|node| node.messages.len()).sum();
    if said + flow.ui.messages.len() >= MAX_MESSAGES {
        flow.ui.clear_messages();
    }
    flow.ui.say(&field, message);
    flow.transient_payload = None;
    lifecycle::update(cx, &mut flow, Tx::new()).await?;
    Ok(Outcome::Rejected(Box::new(flow)))
}

pub(super) async fn next_step(cx: Engine<'_>, mut flow: Flow<Verification>, writes: Tx) -> Result<Outcome, Problem> {
    lifecycle::update(cx, &mut flow, writes).await?;
    Ok(Outcome::NextStep(Box::new(flow)))
}

/// Mails are opened in any browser, so no anti-CSRF token can be asked for; from here on the flow has one.
pub(super) async fn filled_in(cx: Engine<'_>, mut flow: Flow<Verification>) -> Result<Outcome, Problem> {
    let csrf = CsrfToken::generate(&cx.entropy);
    flow.csrf_token = csrf.masked(&cx.entropy);
    flow.ui.set_csrf(&flow.csrf_token);
    lifecycle::update(cx, &mut flow, cx.csrf_renewed(&csrf).await?).await?;
    Ok(Outcome::FilledIn { flow: Box::new(flow), csrf })
}

/// Opens a fresh form in the place of one that is too old. As in Kratos it is a browser's, since the old one may have
/// been opened from a mail.
pub(super) async fn expired(cx: Engine<'_>, old: &Flow<Verification>) -> Result<Outcome, Problem> {
    let method = method_of(cx, old).map_or_else(|| cx.runtime.verification_method(), Ok)?;
    let csrf = CsrfToken::generate(&cx.entropy);
    let mut flow = new_flow(cx, FlowClient::Browser, method, &csrf)?;
    let (message, renewed) = (message::verification_flow_expired(old.expires_at), cx.csrf_renewed(&csrf).await?);
    lifecycle::insert_in_place_of(cx, old, &mut flow, message, renewed).await?;
    Ok(Outcome::Expired { replacement: Box::new(flow), csrf })
}

pub(super) async fn start_anew(
    cx: Engine<'_>,
    method: (&'static str, &dyn VerificationMethod),
    anew: StartAnew,
) -> Result<Outcome, Problem> {
    let StartAnew { message, client, problem } = anew;
    let csrf = CsrfToken::generate(&cx.entropy);
    let mut flow = new_flow(cx, client, method, &csrf)?;
    events::verification_refused(cx, &flow, message.id);
    lifecycle::insert_saying(cx, &mut flow, message, cx.csrf_renewed(&csrf).await?).await?;
    Ok(Outcome::Replaced { replacement: Box::new(flow), problem, csrf })
}
