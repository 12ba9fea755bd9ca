//! The end of a sign-in: the hooks, the session, and where the person goes from there.

use crypto::CsrfToken;
use flow::{
    AnyFlow, BadReturnTo, Effects, Hook, LoginInProgress, LoginScene, LoginStep, Rejection, Scene, Stop, with_code,
};
use model::flow::Login;
use model::ui::NodeOrder;
use model::wire::ContinueWith;
use model::{Aal, AuthenticationMethod, Flow, FlowClient, Identity, Problem, Session, message};
use session::{Found, StepUp};
use store::{CommitError, Tx};
use tracing::Instrument;
use url::Url;

use super::form::{add_fields, refuse, show_again};
use crate::answer::{Answer, Done};
use crate::events;
use crate::lifecycle::{self, Opening};
use crate::oauth2::{self, Subject};
use crate::pending_link::{self, PendingLink};
use crate::runtime::Engine;
use crate::sender::Sender;
use crate::stage;
use crate::verification::for_others as verification;

/// Signs a person in whom a provider has recognised.
///
/// # Errors
/// Whatever cannot be said on the form.
pub(crate) async fn sign_in(
    cx: Engine<'_>,
    flow: Flow<Login>,
    step: LoginStep,
    sender: Sender,
) -> Result<Answer, Problem> {
    let found = cx.services.sessions.current(&cx, &cx.request.credentials).await?;
    complete(cx, flow, found, step, sender).await
}

/// Signs the person in: stages 5 to 7.
pub(super) async fn complete(
    cx: Engine<'_>,
    mut flow: Flow<Login>,
    found: Option<Found>,
    step: LoginStep,
    sender: Sender,
) -> Result<Answer, Problem> {
    let pending = PendingLink::of(&flow.internal_context);
    if pending.is_some()
        && let Err(refused) = pending_link::ensure_same_client(cx, &flow, &sender)
    {
        return refuse(cx, flow, vec![refused.into_rejection()?], sender.exchange()).await;
    }
    let LoginStep { identity, method, attempt, writes: mut tx, proved_address, when_spent } = step;
    let proved = (identity, method.aal.unwrap_or(Aal::Aal1));
    // What keeps the person out from here on is no wrong try.
    let settled = || {
        let mut tx = Tx::new();
        attempt.succeeded(&cx, &mut tx);
        tx
    };
    let mut identity = cx.services.identities.with_credentials(identity).await?.ok_or_else(Problem::not_found)?;
    let previous = found.filter(|found| found.session.identity_id == identity.id);
    let is_same_person = previous.is_some();
    let return_to = return_to(cx, &flow)?;
    if let Some(address) = &proved_address {
        lifecycle::mark_verified(cx, &mut identity, address, &mut tx);
    }
    let mut session = match previous {
        // The person proved more, or the same again: the session and its logout link stay.
        Some(Found { mut session, via, .. }) => {
            cx.services.sessions.rotate(&cx, &mut session, via, flow.client, &mut tx).await?;
            cx.services.sessions.strengthen(&cx, &cx.request.client, &mut session, &identity, method)?;
            session
        }
        None => match cx.services.sessions.new_session(&cx, &cx.request.client, &identity, vec![method]) {
            Ok(session) => session,
            Err(problem) => {
                // An account that is switched off: the form says all the same which method recognised its owner.
                lifecycle::update(cx, &mut flow, settled()).await?;
                return Err(problem);
            }
        },
    };
    let step_up = StepUp { return_to: None, request_url: Some(&flow.request_url) };
    let whoami_aal = cx.services.sessions.policy().whoami_aal;
    let second_factor = cx.services.sessions.require_aal(&session, whoami_aal, step_up).err();
    if let (Some(pending), None) = (&pending, &second_factor) {
        if !pending.is_of(&identity) {
            return show_again(cx, flow, vec![message::linked_credentials_mismatch().into()], settled()).await;
        }
        pending_link::complete(cx, pending, &mut identity, &mut session, &mut tx)?;
    }
    match is_same_person {
        true => cx.services.sessions.update(&mut tx, &session),
        false => cx.services.sessions.insert(&mut tx, &session),
    }
    let hooks = cx.runtime.hooks.after_login.of(flow.active.as_deref().unwrap_or_default());
    let run = run_hooks(cx, hooks, &mut flow, &identity, &mut session, (is_same_person, &return_to));
    let after = match run.instrument(stage::hooks("on_login")).await {
        Ok(after) => after,
        Err(Stop::Problem(problem)) => {
            cx.services.store.commit(settled()).await?;
            return Err(problem);
        }
        Err(Stop::VerifyFirst(address)) => return verify_first(cx, flow, &identity, address, settled()).await,
        Err(Stop::Rejected(rejections)) => return show_again(cx, flow, rejections, settled()).await,
    };
    tx.append(after.writes);
    attempt.signed_in(&cx, proved, &cx.signed_in(flow.client, &session, &after.effects), &mut tx);
    flow.updated_at = cx.now();
    tx.update_flow(&flow);
    if sender.exchange().is_some() {
        tx.bind_token_exchange(flow.id.uuid(), session.id, cx.now());
    }
    let second_factor_at = match second_factor {
        // What is to be linked waits for the second factor too.
        Some(_) if pending.is_some() && flow.client == FlowClient::Browser => {
            let csrf = after.effects.csrf.as_ref().unwrap_or(&cx.request.csrf);
            let proved = session.authentication_methods.as_slice();
            Some(ask_second_factor(cx, &flow, (&identity, proved), csrf, &mut tx)?)
        }
        other => other.map(|required| required.sign_in_url),
    };
    match (cx.services.store.commit(tx).await, when_spent) {
        (Ok(()), _) => {}
        (Err(CommitError::Unique(_)), _) if pending.is_some() => {
            return say(cx, flow, message::duplicate_account().into()).await;
        }
        // Of two submissions with one code, this is the slower one.
        (Err(error), Some(rejection)) if error.is_spent() => return say(cx, flow, rejection).await,
        (Err(error), _) => return Err(error.into()),
    }
    events::signed_in(cx, &flow, &session);
    let run = lifecycle::run_after(cx, hooks, AnyFlow::Login(&flow), Some(&session), &identity);
    run.await.map_err(lifecycle::said_nowhere)?;
    if let Some(exchange) = sender.exchange() {
        return Ok(Answer::HandBack { to: with_code(return_to, exchange) });
    }
    // Hooks send browsers elsewhere, and apps nowhere.
    let redirect_to = after.redirect_to.filter(|_| flow.client == FlowClient::Browser);
    let redirect_to = redirect_to.unwrap_or_else(|| return_to.to_string());
    let (continue_with, effects) = (after.continue_with, after.effects);
    let signed_in = SignedIn { session, second_factor_at, redirect_to, continue_with, effects };
    Ok(lead_on(cx, flow, signed_in).await)
}

/// Where the person was to go from the beginning.
fn return_to(cx: Engine<'_>, flow: &Flow<Login>) -> Result<Url, BadReturnTo> {
    let name = flow.active.as_deref().unwrap_or_default();
    let default = cx.services.config.selfservice.login.after.return_url(name);
    cx.services.return_to_after(flow, default)
}

async fn say(cx: Engine<'_>, flow: Flow<Login>, rejection: Rejection) -> Result<Answer, Problem> {
    show_again(cx, flow, vec![rejection], Tx::new()).await
}

/// What the hooks have made of a sign-in.
struct AfterHooks {
    continue_with: Vec<ContinueWith>,
    redirect_to: Option<String>,
    effects: Effects,
    writes: Tx,
}

/// Runs the hooks that belong to the sign-in itself.
async fn run_hooks(
    cx: Engine<'_>,
    hooks: &[Box<dyn Hook>],
    flow: &mut Flow<Login>,
    identity: &Identity,
    session: &mut Session,
    (is_same_person, return_to): (bool, &Url),
) -> Result<AfterHooks, Stop> {
    let mut continue_with = Vec::new();
    if flow.client == FlowClient::Browser && cx.request.wants_json {
        continue_with.push(ContinueWith::RedirectBrowserTo { redirect_browser_to: return_to.to_string() });
    }
    let mut effects = Effects::default();
    if !is_same_person && flow.client == FlowClient::Browser {
        // A token that somebody planted before the sign-in must not be good after it.
        effects.csrf = Some(CsrfToken::generate(&cx.entropy));
    }
    let (verification, redirect_to) = (None, None);
    let mut progress = LoginInProgress { flow, identity, session, continue_with, verification, redirect_to };
    let mut writes = Tx::new();
    for hook in hooks {
        let scene = Scene { cx: *cx, flow: AnyFlow::Login(progress.flow), session: Some(progress.session) };
        hook.before_signing_in(&scene, identity).await?;
        hook.on_login(*cx, &mut progress, &mut writes)?;
        for at in hook.to_verify(cx.services, AnyFlow::Login(progress.flow), identity) {
            let csrf_token = verification::fresh_csrf_token(cx, progress.flow.client, &mut effects);
            let detail = verification::detail_of(progress.session, progress.flow.detail.oauth2_login_challenge.clone());
            let whose = (identity, &identity.verifiable_addresses[at]);
            let (flow, next) = (&*progress.flow, &mut progress.continue_with);
            let announced =
                verification::send_and_announce(cx, flow, whose, csrf_token, detail, &mut writes, next).await?;
            progress.verification = Some(announced);
        }
    }
    let LoginInProgress { continue_with, redirect_to, .. } = progress;
    Ok(AfterHooks { continue_with, redirect_to, effects, writes })
}

/// Somebody who is signed in, and where they may go.
struct SignedIn {
    session: Session,
    /// Where the second factor is asked for that is needed here.
    second_factor_at: Option<String>,
    redirect_to: String,
    continue_with: Vec<ContinueWith>,
    effects: Effects,
}

/// Says where a person goes who is signed in: to the second factor, to the server that asked for the sign-in, or back.
async fn lead_on(cx: Engine<'_>, flow: Flow<Login>, signed_in: SignedIn) -> Answer {
    let SignedIn { session, second_factor_at, mut redirect_to, continue_with, mut effects } = signed_in;
    let show_identity = second_factor_at.is_none();
    if flow.client == FlowClient::Browser {
        effects.sign_in = Some(session.clone());
        if let Some(to) = second_factor_at {
            return Answer::Navigate { to, effects: Box::new(effects) };
        }
        if let Some(challenge) = &flow.detail.oauth2_login_challenge {
            match oauth2::accept(cx, challenge, Subject::of(&session)).await {
                Ok(to) if cx.request.wants_json => return Answer::Navigate { to, effects: Box::new(effects) },
                Ok(to) => redirect_to = to,
                Err(problem) => return Answer::NotTold { problem, effects: Box::new(effects) },
            }
        }
    }
    let (client, session) = (flow.client, Some(session));
    Answer::Done(Box::new(Done { client, session, identity: None, show_identity, continue_with, redirect_to, effects }))
}

/// Nobody is signed in; the person has to verify an address first. The form says which method recognised them.
async fn verify_first(
    cx: Engine<'_>,
    mut flow: Flow<Login>,
    identity: &Identity,
    address: usize,
    mut writes: Tx,
) -> Result<Answer, Problem> {
    let first = verification::required_first(cx, &flow, identity, address, &mut writes).await?;
    lifecycle::update(cx, &mut flow, writes).await?;
    match first.page {
        Some(to) if flow.client == FlowClient::Browser && !cx.request.wants_json => {
            Ok(Answer::Navigate { to, effects: Box::default() })
        }
        _ => Err(first.problem),
    }
}

/// Makes a form that asks for a second factor and keeps what `old` keeps. Says where it is. `csrf` is the browser's token from
/// here on, which may have changed with the first factor.
fn ask_second_factor(
    cx: Engine<'_>,
    old: &Flow<Login>,
    (identity, proved): (&Identity, &[AuthenticationMethod]),
    csrf: &CsrfToken,
    tx: &mut Tx,
) -> Result<String, Problem> {
    let detail = Login {
        requested_aal: Aal::Aal2,
        oauth2_login_challenge: old.detail.oauth2_login_challenge.clone(),
        organization_id: old.detail.organization_id,
        ..Login::default()
    };
    let opening = Opening::in_place_of(old, csrf.masked(&cx.entropy));
    let mut flow = lifecycle::new_flow(cx, opening, detail);
    flow.internal_context.clone_from(&old.internal_context);
    add_fields(cx, &LoginScene::SecondFactor { identity, proved }, &mut flow)?;
    flow.ui.messages.push(message::login_aal2());
    NodeOrder::login().sort(&mut flow.ui);
    flow.ui.set_csrf(&csrf.masked(&cx.entropy));
    tx.insert_flow(&flow);
    Ok(cx.services.flow_page(&flow))
}
