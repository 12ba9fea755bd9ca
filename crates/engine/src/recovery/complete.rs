//! A person who has proved who they are: signed in, and led to set a new credential.

use crypto::CsrfToken;
use flow::{AnyFlow, Effects, Hook, RecoveryInProgress, RecoveryMethod, RecoveryStep, Scene, StartAnew, Stop};
use model::flow::{FlowState, Recovery, Settings};
use model::wire::{ContinueWith, ContinueWithFlow};
use model::{Aal, Flow, FlowClient, Identity, Problem, Session, message};
use session::Via;
use store::Tx;
use tracing::Instrument;
use url::Url;

use super::form::{Outcome, Recovered, signed_in_return_to, start_anew};
use crate::confirmation::{self, Leave, Waiting};
use crate::events;
use crate::lifecycle;
use crate::question::{Question, Reply};
use crate::runtime::Engine;
use crate::settings::form as settings;
use crate::stage;

/// Signs the person in and opens their settings.
pub(super) async fn recovered(
    cx: Engine<'_>,
    mut flow: Flow<Recovery>,
    method: (&'static str, &dyn RecoveryMethod),
    step: RecoveryStep,
) -> Result<Outcome, Problem> {
    let RecoveryStep { identity, address, method: mut proved_by, attempt, by_link, writes: mut tx, when_spent } = step;
    let mut identity = cx.services.identities.with_credentials(identity).await?.ok_or_else(Problem::not_found)?;
    let proved = address.and_then(|id| identity.recovery_addresses.iter().find(|address| address.id == id));
    let proved = proved.map(|address| address.value.clone());
    if cx.reply.is_some_and(Reply::is_no) {
        return Ok(Outcome::AlreadySignedIn { return_to: signed_in_return_to(cx) });
    }
    if by_link {
        match may_replace_session(cx, &flow, proved.clone()).await? {
            Leave::Given => {}
            Leave::NotYet(asked) => return Ok(Outcome::Confirm(asked)),
        }
    }
    if let Some(value) = proved {
        proved_by.address.clone_from(&value);
        lifecycle::mark_verified(cx, &mut identity, &value, &mut tx);
    }
    let session = cx.services.sessions.new_session(&cx, &cx.request.client, &identity, vec![proved_by])?;
    let client = if by_link { FlowClient::Browser } else { flow.client };
    // A token that somebody planted before must not be good after it.
    let csrf = CsrfToken::generate(&cx.entropy);
    if client == FlowClient::Browser {
        flow.csrf_token = csrf.masked(&cx.entropy);
        flow.ui.set_csrf(&flow.csrf_token);
    }
    flow.ui.clear_messages();
    flow.state = FlowState::PassedChallenge;
    flow.detail.recovered_identity_id = Some(identity.id);
    flow.updated_at = cx.now();
    tx.update_flow(&flow);
    let hooks = cx.runtime.hooks.after_recovery.of("");
    match run_hooks(cx, hooks, &flow, &identity, &session, &mut tx).instrument(stage::hooks("on_recovery")).await {
        Ok(()) => {}
        Err(Stop::Rejected(rejections)) => {
            let message = rejections.into_iter().next().map(|rejection| rejection.message);
            let message = message.unwrap_or_else(message::recovery_failed);
            // As in Kratos the answer to JSON clients does not say it; the form that takes this one's place does.
            let anew = StartAnew { message, client: flow.client, problem: Some(Problem::new(500)) };
            return start_anew(cx, method, anew).await;
        }
        Err(stop) => return Err(lifecycle::said_nowhere(stop)),
    }
    cx.services.sessions.insert(&mut tx, &session);
    let renewed = Effects { csrf: Some(csrf.clone()).filter(|_| client == FlowClient::Browser), ..Effects::default() };
    attempt.signed_in(&cx, (identity.id, Aal::Aal1), &cx.signed_in(client, &session, &renewed), &mut tx);
    let next = settings_flow(cx, &flow, client, &identity, &csrf)?;
    lifecycle::run_before(cx, AnyFlow::Settings(&next, &identity), Some(&session)).await?;
    tx.insert_flow(&next);
    match cx.services.store.commit(tx).await {
        Ok(()) => {}
        // Of two submissions with one proof, this is the slower one.
        Err(error) if error.is_spent() => return start_anew(cx, method, when_spent).await,
        Err(error) => return Err(error.into()),
    }
    let run = lifecycle::run_after(cx, hooks, AnyFlow::Recovery(&flow), None, &identity);
    run.await.map_err(lifecycle::said_nowhere)?;
    events::recovered(cx, &flow, method.0, &session);
    Ok(Outcome::Recovered(Box::new(completed(cx, flow, &next, session, by_link, csrf))))
}

/// Asks whoever is signed in whether a link may take the place of their session: anybody can send them one of their own.
async fn may_replace_session(cx: Engine<'_>, flow: &Flow<Recovery>, account: Option<String>) -> Result<Leave, Problem> {
    if !cx.services.config.zelus.confirm {
        return Ok(Leave::Given);
    }
    let found = cx.services.sessions.current(&cx, &cx.request.credentials).await?;
    match found.filter(|found| found.via == Via::Cookie) {
        Some(found) => {
            let waiting = Waiting::Recovery { flow: flow.id.uuid() };
            confirmation::leave(cx, waiting, Some(found.session.id), Question::Recovery { account }).await
        }
        None => Ok(Leave::Given),
    }
}

/// Runs the hooks that belong to the recovery itself.
async fn run_hooks(
    cx: Engine<'_>,
    hooks: &[Box<dyn Hook>],
    flow: &Flow<Recovery>,
    identity: &Identity,
    session: &Session,
    writes: &mut Tx,
) -> Result<(), Stop> {
    let scene = Scene { cx: *cx, flow: AnyFlow::Recovery(flow), session: None };
    let progress = RecoveryInProgress { identity, session };
    for hook in hooks {
        hook.before_signing_in(&scene, identity).await?;
        hook.on_recovery(*cx, &progress, writes)?;
    }
    Ok(())
}

fn completed(
    cx: Engine<'_>,
    flow: Flow<Recovery>,
    next: &Flow<Settings>,
    session: Session,
    by_link: bool,
    csrf: CsrfToken,
) -> Recovered {
    let settings_page = cx.services.flow_page(next);
    let mut continue_with = Vec::new();
    let mut effects = Effects::default();
    let is_browser = next.client == FlowClient::Browser;
    if is_browser {
        effects = Effects { sign_in: Some(session), csrf: Some(csrf), ..Effects::default() };
    } else if let Some(token) = &session.token {
        continue_with.push(ContinueWith::SetOrySessionToken { ory_session_token: token.expose().clone() });
    }
    let url = Some(settings_page.clone());
    let show = ContinueWithFlow { id: next.id.uuid(), verifiable_address: None, url };
    continue_with.push(ContinueWith::ShowSettingsUi { flow: show });
    Recovered { flow, settings_page, continue_with, by_link, effects }
}

/// The settings in which the person sets a new credential. They lead where the recovery was to lead.
fn settings_flow(
    cx: Engine<'_>,
    flow: &Flow<Recovery>,
    client: FlowClient,
    identity: &Identity,
    csrf: &CsrfToken,
) -> Result<Flow<Settings>, Problem> {
    let selfservice = &cx.services.config.selfservice;
    let mut next = settings::new_flow(cx, client, identity)?;
    if client == FlowClient::Browser {
        next.ui.set_csrf(&csrf.masked(&cx.entropy));
    }
    let own = selfservice.recovery.after.own_return_url("").map(Url::to_string);
    if let Some(return_to) = flow.return_to.clone().or(own) {
        let mut url = cx.request.url.clone();
        let mut pairs: Vec<_> = url.query_pairs().into_owned().filter(|(key, _)| key != "return_to").collect();
        pairs.push(("return_to".to_owned(), return_to.clone()));
        pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
        url.query_pairs_mut().clear().extend_pairs(pairs);
        next.request_url = lifecycle::kept_url(&url)?;
        next.return_to = Some(return_to);
    }
    next.ui.messages = vec![message::recovered(cx.now() + selfservice.privileged_session_max_age)];
    Ok(next)
}
