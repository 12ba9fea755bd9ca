//! The end of a change of settings: the hooks, what is written, and the form after it.

use std::collections::BTreeSet;

use flow::continuity;
use flow::{
    AnyFlow, BadReturnTo, Effects, Hook, Input, Rejection, ResumedSettings, Scene, SettingsError, SettingsInProgress,
    SettingsMethod, SettingsStep, Stop,
};
use model::flow::{FlowState, Settings, Verification};
use model::wire::ContinueWith;
use model::{AddressStatus, Flow, FlowClient, Identity, Problem, Session, message};
use session::Via;
use store::{CommitError, Tx};
use tracing::Instrument;
use url::Url;

use super::form::{Outcome, Saved, Shown, new_flow, show_again};
use super::resume;
use crate::events;
use crate::lifecycle;
use crate::runtime::Engine;
use crate::stage;
use crate::verification::for_others as verification;

/// A change that a method has accepted.
pub(super) struct Change<'a> {
    pub name: &'static str,
    pub method: &'a dyn SettingsMethod,
    pub before: Identity,
    pub step: SettingsStep,
    pub session: Session,
    /// What that was found by.
    pub via: Via,
}

/// Saves a change that the method `name` has accepted outside of a submission.
///
/// # Errors
/// Whatever cannot be said on the form.
pub(crate) async fn save_change(
    cx: Engine<'_>,
    name: &str,
    resumed: ResumedSettings,
    step: SettingsStep,
) -> Result<Outcome, Problem> {
    let found = cx.runtime.find(name, |method| Some((method.name(), method.settings()?)));
    let (name, method) = found.ok_or_else(|| Problem::internal("settings are changed by a method that cannot"))?;
    let ResumedSettings { flow, session, via, identity } = resumed;
    let change = Change { name, method, before: identity, step, session, via };
    save(cx, flow, change, &Input::default()).await.map_err(|error| match error {
        SettingsError::Refresh(required) => required.into(),
        SettingsError::Problem(problem) => problem,
    })
}

/// Saves a change: stages 3 to 7.
pub(super) async fn save(
    cx: Engine<'_>,
    mut flow: Flow<Settings>,
    change: Change<'_>,
    input: &Input,
) -> Result<Outcome, SettingsError> {
    let Change { name, method, before, step, mut session, via } = change;
    let SettingsStep { mut identity, writes: mut tx, proved } = step;
    let rejected = async |mut flow: Flow<Settings>, identity: Identity, rejections: Vec<Rejection>| {
        method.keep_input(cx.services, &identity, &mut flow, input);
        Ok(show_again(cx, flow, identity, rejections, Tx::new()).await?)
    };
    let hooks = cx.runtime.hooks.after_settings.of(name);
    let consult = consult(cx, hooks, AnyFlow::Settings(&flow, &before), &session, &mut identity);
    if let Err(stop) = consult.instrument(stage::hooks("before_persisting")).await {
        return rejected(flow, before, lifecycle::rejections(stop)?).await;
    }
    let valid = stage::validate().in_scope(|| cx.services.identities.validate_change(&cx, &before, &mut identity));
    if let Err(errors) = valid {
        return rejected(flow, before, errors.into_iter().map(Rejection::from).collect()).await;
    }
    if changes_protected(&before, &identity) {
        cx.require_privileged(&session)?;
    }
    let return_to = return_to(cx, &flow, name).map_err(Problem::from)?;
    let run = run_hooks(cx, hooks, &mut flow, &mut identity, &session, &return_to);
    let after = match run.instrument(stage::hooks("on_settings")).await {
        Ok(after) => after,
        Err(stop) => return rejected(flow, before, lifecycle::rejections(stop)?).await,
    };
    let AfterHooks { mut continue_with, writes } = after;
    cx.services.identities.save(&cx, &before, &mut identity, &mut tx);
    if let Some(method) = proved {
        // Whoever copied the token before does not get what is proved from here on.
        let before = session.token.clone();
        cx.services.sessions.rotate(&cx, &mut session, via, flow.client, &mut tx).await?;
        if let (FlowClient::Api, Some(token)) =
            (flow.client, session.token.as_ref().filter(|_| session.token != before))
        {
            let ory_session_token = token.expose().clone();
            continue_with.insert(0, ContinueWith::SetOrySessionToken { ory_session_token });
        }
        cx.services.sessions.add_method(&cx, &mut session, &identity, method);
        cx.services.sessions.update(&mut tx, &session);
    }
    tx.append(writes);
    // As in Kratos the form is that of a new flow, and is sent to it, while this one stays where it is.
    let next = new_flow(cx, flow.client, &identity)?;
    lifecycle::run_before(cx, AnyFlow::Settings(&next, &identity), Some(&session)).await?;
    tx.insert_flow(&next);
    let continuity = continuity::forget(*cx, resume::PREFIX, &mut tx)?.into_iter().collect();
    let mut effects = Effects { continuity, ..Effects::default() };
    let before_saving = flow.clone();
    show_saved(cx, &mut flow, next);
    tx.update_flow(&flow);
    match cx.services.store.commit(tx).await {
        Ok(()) => {}
        Err(CommitError::Unique(_)) => {
            let rejection = Rejection::whole(message::duplicate_account());
            return rejected(before_saving, before, vec![rejection]).await;
        }
        Err(error) => return Err(error.into()),
    }
    events::settings_changed(cx, name, &session, identity.id);
    // As in Kratos the flow shows who the person was, beside the identity as it is now.
    let run = lifecycle::run_after(cx, hooks, AnyFlow::Settings(&flow, &before), Some(&session), &identity);
    run.await.map_err(lifecycle::said_nowhere)?;
    if flow.client == FlowClient::Browser {
        effects.sign_in = Some(session);
    }
    flow.transient_payload = None;
    let shown = Shown { flow, identity };
    Ok(Outcome::Saved(Box::new(Saved { shown, continue_with, redirect_to: return_to.into(), effects })))
}

/// Stage 3: the hooks that may change the identity.
async fn consult(
    cx: Engine<'_>,
    hooks: &[Box<dyn Hook>],
    flow: AnyFlow<'_>,
    session: &Session,
    identity: &mut Identity,
) -> Result<(), Stop> {
    let scene = Scene { cx: *cx, flow, session: Some(session) };
    for hook in hooks {
        hook.before_persisting(&scene, identity).await?;
    }
    Ok(())
}

/// Where the person goes after the change: to where it was to lead, or back to the form.
fn return_to(cx: Engine<'_>, flow: &Flow<Settings>, name: &str) -> Result<Url, BadReturnTo> {
    let selfservice = &cx.services.config.selfservice;
    let page = Url::parse(&cx.services.flow_page(flow)).ok();
    let default = selfservice.settings.after.own_return_url(name).cloned().or(page);
    let default = default.unwrap_or_else(|| selfservice.default_browser_return_url.clone());
    let source = Url::parse(&flow.request_url).ok();
    cx.services.return_to(None, source.as_ref(), &default)
}

/// What the hooks have made of a change.
struct AfterHooks {
    continue_with: Vec<ContinueWith>,
    writes: Tx,
}

/// Runs the hooks that belong to the change itself.
async fn run_hooks(
    cx: Engine<'_>,
    hooks: &[Box<dyn Hook>],
    flow: &mut Flow<Settings>,
    identity: &mut Identity,
    session: &Session,
    return_to: &Url,
) -> Result<AfterHooks, Stop> {
    let (continue_with, verification) = (Vec::new(), None);
    let mut progress = SettingsInProgress { flow, identity, session, continue_with, verification };
    let mut writes = Tx::new();
    for hook in hooks {
        hook.on_settings(*cx, &mut progress, &mut writes)?;
        let to_verify =
            hook.to_verify(cx.services, AnyFlow::Settings(progress.flow, progress.identity), progress.identity);
        for at in to_verify {
            let csrf_token = verification::csrf_token(cx, progress.flow.client);
            let whose = (&*progress.identity, &progress.identity.verifiable_addresses[at]);
            let detail = Verification::default();
            let (flow, next) = (&*progress.flow, &mut progress.continue_with);
            let announced =
                verification::send_and_announce(cx, flow, whose, csrf_token, detail, &mut writes, next).await?;
            progress.identity.verifiable_addresses[at].status = AddressStatus::Sent;
            progress.verification = Some(announced);
        }
    }
    let SettingsInProgress { mut continue_with, flow, .. } = progress;
    if flow.client == FlowClient::Browser && cx.request.wants_json {
        continue_with.push(ContinueWith::RedirectBrowserTo { redirect_browser_to: return_to.to_string() });
    }
    Ok(AfterHooks { continue_with, writes })
}

/// Turns the form into that of the next flow, which says that the change is saved.
fn show_saved(cx: Engine<'_>, flow: &mut Flow<Settings>, next: Flow<Settings>) {
    flow.state = FlowState::Success;
    flow.internal_context = next.internal_context;
    flow.ui = next.ui;
    flow.ui.messages = vec![message::settings_saved()];
    flow.updated_at = cx.now();
}

/// Whether a change concerns what a person signs in with or is reached by, which takes a fresh sign-in.
fn changes_protected(before: &Identity, after: &Identity) -> bool {
    let credentials = |identity: &Identity| {
        let each = identity.credentials.values();
        each.map(|credential| (credential.kind, credential.identifiers.clone(), credential.config.to_value()))
            .collect::<Vec<_>>()
    };
    let verifiable = |identity: &Identity| {
        identity
            .verifiable_addresses
            .iter()
            .map(|address| (address.via, address.value.clone()))
            .collect::<BTreeSet<_>>()
    };
    let recovery = |identity: &Identity| {
        identity.recovery_addresses.iter().map(|address| (address.via, address.value.clone())).collect::<BTreeSet<_>>()
    };
    credentials(before) != credentials(after)
        || verifiable(before) != verifiable(after)
        || recovery(before) != recovery(after)
}
