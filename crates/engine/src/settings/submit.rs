//! A submitted settings form, up to what the method makes of it.

use flow::{Effects, Input, MethodOutcome, Rejection, SettingsError, SettingsForm, SettingsMethod, Submission};
use model::flow::Settings;
use model::{Flow, FlowClient, Id, Identity, Message, Problem, Session, message};
use serde_json::{Map, Value};
use session::{Found, Via};
use store::Tx;
use tracing::Instrument;

use super::form::{Outcome, SubmitError, expired, identity_of, is_owner, next_step, require_level_here, show_again};
use super::resume;
use super::save::{Change, save};
use crate::error::somebody_elses;
use crate::runtime::Engine;
use crate::stage;
use crate::submission::{self, Checked};

/// Submits a settings form.
///
/// # Errors
/// Whatever cannot be said on the form.
pub async fn submit(cx: Engine<'_>, id: Id<Flow<Settings>>, submission: Submission) -> Result<Outcome, SubmitError> {
    let found = cx.services.sessions.current(&cx, &cx.request.credentials).await?.ok_or(SubmitError::SignedOut)?;
    let flow = submission::load(cx, id, submission::missing).await?;
    let client = flow.client;
    if let Err(required) = require_level_here(cx, &found.session) {
        return Err(SubmitError::SecondFactor { required, client });
    }
    submit_to(cx, flow, found, submission)
        .await
        .map_err(|problem| SubmitError::Failed { problem, client: Some(client) })
}

async fn submit_to(
    cx: Engine<'_>,
    mut flow: Flow<Settings>,
    found: Found,
    submission: Submission,
) -> Result<Outcome, Problem> {
    let identity = identity_of(cx, &found).await?;
    if flow.expires_at <= cx.now() {
        return expired(cx, &flow, &identity).await;
    }
    if !is_owner(&flow, &found.session) {
        return Err(somebody_elses());
    }
    let resumed = resume::take(cx, &flow, &found.session).await?;
    let is_resumed = resumed.is_some();
    let (resumed, used_up) = resumed.unzip();
    let input = match resumed.map_or_else(|| submission::bounded(cx, submission, Some(&identity)), Submission::Readable)
    {
        Submission::Readable(input) => input,
        Submission::Unreadable(why) => return say(cx, flow, identity, message::generic(why)).await,
    };
    let meant = cx.runtime.methods.iter().find_map(|method| {
        let settings = method.settings()?;
        settings.is_meant(&flow, &input).then_some((method.name(), settings))
    });
    let Some((name, method)) = meant else {
        if cx.runtime.switched_off.iter().any(|method| (method.settings)(&input)) {
            return Err(submission::switched_off());
        }
        return say(cx, flow, identity, message::no_settings_method()).await;
    };
    let malformed = method.malformed(cx.services, &identity, &input);
    // What is resumed has passed the anti-CSRF check, and a token may have changed with the sign-in.
    match submission::check(cx, &mut flow, &input, malformed, !is_resumed && method.needs_csrf())? {
        Checked::Passed => {}
        Checked::Malformed(rejections) => {
            flow = kept(cx, method, flow, &identity, &input);
            return show_again(cx, flow, identity, rejections, Tx::new()).await;
        }
        Checked::NotNative(rejection) => {
            method.keep_input(cx.services, &identity, &mut flow, &input);
            return show_again(cx, flow, identity, vec![rejection], Tx::new()).await;
        }
    }
    let (id, client, session) = (flow.id.uuid(), flow.client, found.session.clone());
    match change(cx, flow, (found.session, found.via), identity, (name, method), &input).await {
        Ok(Outcome::Saved(mut saved)) => {
            // Kratos sets the cookie twice here, and the second time it is the same.
            saved.effects.continuity.extend(used_up);
            Ok(Outcome::Saved(saved))
        }
        Ok(other) => Ok(other),
        Err(SettingsError::Refresh(refresh)) => {
            let continuity = match client {
                FlowClient::Browser => vec![resume::keep(cx, id, &session, name, &input).await?],
                FlowClient::Api => Vec::new(),
            };
            let effects = Box::new(Effects { continuity, ..Effects::default() });
            Ok(Outcome::NotPrivileged { refresh, effects })
        }
        Err(SettingsError::Problem(problem)) => Err(problem),
    }
}

async fn say(
    cx: Engine<'_>,
    mut flow: Flow<Settings>,
    identity: Identity,
    message: Message,
) -> Result<Outcome, Problem> {
    flow.ui.clear_messages();
    show_again(cx, flow, identity, vec![Rejection::whole(message)], Tx::new()).await
}

/// The form with what was typed, but for secrets, and a fresh anti-CSRF field.
fn kept(
    cx: Engine<'_>,
    method: &dyn SettingsMethod,
    mut flow: Flow<Settings>,
    identity: &Identity,
    input: &Input,
) -> Flow<Settings> {
    method.keep_input(cx.services, identity, &mut flow, input);
    flow.ui.set_csrf(&cx.form_token(flow.client));
    flow
}

/// Stage 2: has the method look at the submission, and goes on with what it makes of it.
async fn change(
    cx: Engine<'_>,
    mut flow: Flow<Settings>,
    (session, via): (Session, Via),
    identity: Identity,
    (name, method): (&'static str, &dyn SettingsMethod),
    input: &Input,
) -> Result<Outcome, SettingsError> {
    let form = SettingsForm { flow: &mut flow, session: &session, identity: &identity, input };
    let verify = method.verify(*cx, form);
    match verify.instrument(stage::verify::<Settings>(name)).await? {
        MethodOutcome::Accepted(step) => {
            let change = Change { name, method, before: identity, step, session, via };
            save(cx, flow, change, input).await
        }
        MethodOutcome::Rejected { rejections, writes } => {
            flow = kept(cx, method, flow, &identity, input);
            Ok(show_again(cx, flow, identity, rejections, writes).await?)
        }
        MethodOutcome::NextStep { status, writes } => {
            flow.ui.set_csrf(&cx.form_token(flow.client));
            // As in Kratos this answer alone is not sorted, and has what was sent for hooks.
            let payload = flow.transient_payload.clone().unwrap_or_else(|| Value::Object(Map::new()));
            let mut outcome = next_step(cx, flow, identity, status, writes).await?;
            if let Outcome::Form { shown, .. } = &mut outcome {
                shown.flow.transient_payload = Some(payload);
            }
            Ok(outcome)
        }
        MethodOutcome::Expired(_) => Ok(expired(cx, &flow, &identity).await?),
        MethodOutcome::Elsewhere { to, effects, writes } => {
            cx.services.store.commit(writes).await?;
            Ok(Outcome::Elsewhere { to, effects })
        }
        MethodOutcome::Recognised(_) | MethodOutcome::Unrecognised(_) => {
            Err(Problem::internal("nobody is recognised by a change of settings").into())
        }
        MethodOutcome::Ask(nothing) => match nothing {},
    }
}
