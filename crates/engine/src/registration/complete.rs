//! The end of a sign-up: the hooks, the account, and where the person goes from there.

use std::sync::Arc;

use crypto::CsrfToken;
use flow::{
    AnyFlow, Effects, Hook, Recognised, RegistrationInProgress, RegistrationStep, Rejection, Scene, Stop, with_code,
};
use model::flow::Registration;
use model::wire::ContinueWith;
use model::{Aal, AddressStatus, Flow, FlowClient, Identity, Message, Problem, Session, message};
use store::{CommitError, TokenExchange, Tx};
use tracing::Instrument;
use url::Url;

use crate::answer::{Answer, Done};
use crate::events;
use crate::lifecycle;
use crate::linking;
use crate::oauth2::{self, Subject};
use crate::runtime::Engine;
use crate::stage;
use crate::verification::for_others as verification;

/// Why a sign-up that a method has accepted makes no account.
pub(crate) enum NotSignedUp {
    /// Something about the candidate is wrong.
    Refused { flow: Box<Flow<Registration>>, candidate: Box<Identity>, rejections: Vec<Rejection> },
    /// Somebody else has one of the identifiers or addresses, as is said on the form.
    Taken { flow: Box<Flow<Registration>>, candidate: Box<Identity>, message: Message },
    /// Whatever cannot be said on the form.
    Failed(Problem),
}

impl From<Problem> for NotSignedUp {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

/// Somebody whom a provider has recognised, and the native app that waits for the session, if one does.
#[derive(Clone, Copy)]
pub(crate) struct ByProvider<'a> {
    pub recognised: &'a Recognised,
    pub exchange: Option<&'a TokenExchange>,
}

/// Makes the account of a person whom the method `name` has accepted: stages 3 to 7.
///
/// # Errors
/// When there is none in the end.
pub(crate) async fn complete(
    cx: Engine<'_>,
    mut flow: Flow<Registration>,
    name: &str,
    step: RegistrationStep,
    by: Option<ByProvider<'_>>,
) -> Result<Answer, NotSignedUp> {
    let RegistrationStep { mut candidate, method, attempt, writes: mut tx } = step;
    let aal = method.aal.unwrap_or(Aal::Aal1);
    let refused = |flow, candidate, rejections| {
        Err(NotSignedUp::Refused { flow: Box::new(flow), candidate: Box::new(candidate), rejections })
    };
    let hooks = cx.runtime.hooks.after_registration.of(name);
    if let Err(stop) = consult(cx, hooks, &flow, &mut candidate).instrument(stage::hooks("before_persisting")).await {
        return refused(flow, candidate, lifecycle::rejections(stop)?);
    }
    let valid = stage::validate().in_scope(|| cx.services.identities.validate(&cx, &mut candidate));
    if let Err(errors) = valid {
        let rejections = errors.into_iter().map(Rejection::from).collect();
        return refused(flow, candidate, rejections);
    }
    let default = cx.services.config.selfservice.registration.after.return_url(name);
    let return_to = cx.services.return_to_after(&flow, default).map_err(Problem::from)?;
    let mut session = cx.services.sessions.new_session(&cx, &cx.request.client, &candidate, vec![method])?;
    let run = run_hooks(cx, hooks, &mut flow, &mut candidate, &mut session, &return_to);
    let mut after = match run.instrument(stage::hooks("on_registration")).await {
        Ok(after) => after,
        Err(stop) => return refused(flow, candidate, lifecycle::rejections(stop)?),
    };
    if after.signs_in && flow.client == FlowClient::Browser {
        // A token that somebody planted before the sign-in must not be good after it.
        after.effects.csrf.get_or_insert_with(|| CsrfToken::generate(&cx.entropy));
    }
    cx.services.identities.insert(&cx, &mut candidate, &mut tx);
    cx.services.sessions.insert(&mut tx, &session);
    let signed_in = cx.signed_in(flow.client, &session, &after.effects);
    match after.signs_in {
        true if attempt.is_counted() => attempt.signed_in(&cx, (candidate.id, aal), &signed_in, &mut tx),
        signs_in => {
            attempt.succeeded(&cx, &mut tx);
            if let Some(csrf) = &after.effects.csrf {
                tx.append(cx.csrf_renewed(csrf).await?);
            }
            if signs_in {
                tx.append(cx.services.guard.signed_up(&cx, candidate.id, &signed_in).await?);
            }
        }
    }
    tx.append(std::mem::take(&mut after.writes));
    let exchange = by.and_then(|by| by.exchange);
    if exchange.is_some() {
        tx.bind_token_exchange(flow.id.uuid(), session.id, cx.now());
    }
    match cx.services.store.commit(tx).await {
        Ok(()) => {}
        Err(CommitError::Unique(_)) => {
            if let Some(by) = by
                && let Some(answer) = linking::offer(cx, flow.clone(), &candidate, by.recognised).await?
            {
                return Ok(answer);
            }
            let message = linking::taken(cx, &candidate).await?;
            return Err(NotSignedUp::Taken { flow: Box::new(flow), candidate: Box::new(candidate), message });
        }
        // Of two submissions with one code, this is the slower one.
        Err(error) if error.is_spent() => {
            let why = "This code was used already. Please ask for a new one.";
            return refused(flow, candidate, vec![Rejection::whole(message::generic(why))]);
        }
        Err(error) => return Err(Problem::from(error).into()),
    }
    events::signed_up(cx, &flow, name, &session);
    let run = lifecycle::run_after(cx, hooks, AnyFlow::Registration(&flow), None, &candidate);
    run.await.map_err(lifecycle::said_nowhere)?;
    if let Some(exchange) = exchange {
        return Ok(Answer::HandBack { to: with_code(return_to, exchange) });
    }
    Ok(lead_on(cx, &flow, candidate, session, (after, &return_to)).await)
}

/// Stage 3: the hooks that may change the candidate.
async fn consult(
    cx: Engine<'_>,
    hooks: &[Box<dyn Hook>],
    flow: &Flow<Registration>,
    candidate: &mut Identity,
) -> Result<(), Stop> {
    let scene = Scene { cx: *cx, flow: AnyFlow::Registration(flow), session: None };
    for hook in hooks {
        hook.before_persisting(&scene, candidate).await?;
    }
    Ok(())
}

/// What the hooks have made of a sign-up.
struct AfterHooks {
    signs_in: bool,
    continue_with: Vec<ContinueWith>,
    redirect_to: Option<String>,
    effects: Effects,
    writes: Tx,
}

/// Runs the hooks that belong to the sign-up itself.
async fn run_hooks(
    cx: Engine<'_>,
    hooks: &[Box<dyn Hook>],
    flow: &mut Flow<Registration>,
    candidate: &mut Identity,
    session: &mut Session,
    return_to: &Url,
) -> Result<AfterHooks, Stop> {
    let mut continue_with = Vec::new();
    if flow.client == FlowClient::Browser && cx.request.wants_json {
        continue_with.push(ContinueWith::RedirectBrowserTo { redirect_browser_to: return_to.to_string() });
    }
    let signs_in = hooks.iter().any(|hook| hook.signs_in());
    let (identity, verification, redirect_to) = (candidate, None, None);
    let mut progress = RegistrationInProgress { flow, identity, session, continue_with, verification, redirect_to };
    let mut effects = Effects::default();
    let mut writes = Tx::new();
    for hook in hooks {
        hook.on_registration(*cx, &mut progress, &mut writes)?;
        let to_verify = hook.to_verify(cx.services, AnyFlow::Registration(progress.flow), progress.identity);
        for at in to_verify {
            let csrf_token = verification::fresh_csrf_token(cx, progress.flow.client, &mut effects);
            let challenge = progress.flow.detail.oauth2_login_challenge.clone();
            let detail = verification::detail_of(progress.session, challenge);
            let whose = (&*progress.identity, &progress.identity.verifiable_addresses[at]);
            let (flow, next) = (&*progress.flow, &mut progress.continue_with);
            let announced =
                verification::send_and_announce(cx, flow, whose, csrf_token, detail, &mut writes, next).await?;
            progress.identity.verifiable_addresses[at].status = AddressStatus::Sent;
            progress.verification = Some(announced);
        }
    }
    let RegistrationInProgress { continue_with, redirect_to, .. } = progress;
    Ok(AfterHooks { signs_in, continue_with, redirect_to, effects, writes })
}

/// Says where a person goes who has signed up: to verify an address, to the server that asked for the sign-in, or back.
async fn lead_on(
    cx: Engine<'_>,
    flow: &Flow<Registration>,
    identity: Identity,
    mut session: Session,
    (after, return_to): (AfterHooks, &Url),
) -> Answer {
    let AfterHooks { signs_in, mut continue_with, redirect_to, mut effects, .. } = after;
    session.identity = Some(Arc::new(identity.clone()));
    if signs_in && flow.client == FlowClient::Browser {
        effects.sign_in = Some(session.clone());
    }
    let verifies_first = match cx.request.wants_json {
        true => continue_with.iter().any(|next| matches!(next, ContinueWith::ShowVerificationUi { .. })),
        false => redirect_to.is_some(),
    };
    let mut redirect_to = redirect_to.unwrap_or_else(|| return_to.to_string());
    // Whoever has an address to verify goes there first, and on to the server that asked for the sign-in from there.
    let leads_to_server = flow.client == FlowClient::Browser && !verifies_first && (signs_in || !cx.request.wants_json);
    if let (Some(challenge), true) = (&flow.detail.oauth2_login_challenge, leads_to_server) {
        match oauth2::accept(cx, challenge, Subject::of(&session)).await {
            Ok(to) => {
                continue_with.retain(|next| !matches!(next, ContinueWith::RedirectBrowserTo { .. }));
                continue_with.push(ContinueWith::RedirectBrowserTo { redirect_browser_to: to.clone() });
                redirect_to = to;
            }
            Err(problem) => return Answer::NotTold { problem, effects: Box::new(effects) },
        }
    }
    Answer::Done(Box::new(Done {
        client: flow.client,
        session: signs_in.then_some(session),
        identity: Some(identity),
        show_identity: true,
        continue_with,
        redirect_to,
        effects,
    }))
}
