//! A submitted sign-in form, up to what the method makes of it.

use flow::{
    Account, Identified, Input, LoginForm, LoginMethod, LoginScene, LoginStep, MethodOutcome, Rejection, Submission,
};
use model::flow::Login;
use model::{Aal, Flow, FlowClient, FlowName, Id, Problem, message};
use serde_json::json;
use session::Found;
use store::Tx;
use tracing::Instrument;

use super::complete::complete;
use super::form::{ALREADY_SIGNED_IN, add_fields, expired, first_factor_missing, show_again, update};
use crate::answer::Answer;
use crate::error::SubmitError;
use crate::runtime::Engine;
use crate::sender::Sender;
use crate::submission::{self, Checked};
use crate::{lifecycle, recognised, stage};

/// Submits a sign-in form.
///
/// # Errors
/// Whatever cannot be said on the form.
pub async fn submit(cx: Engine<'_>, id: Id<Flow<Login>>, submission: Submission) -> Result<Answer, SubmitError> {
    let flow = submission::load(cx, id, Problem::not_found).await?;
    let failed = SubmitError::of(flow.client);
    submit_to(cx, flow, submission).await.map_err(failed)
}

async fn submit_to(cx: Engine<'_>, mut flow: Flow<Login>, submission: Submission) -> Result<Answer, Problem> {
    let found = cx.services.sessions.current(&cx, &cx.request.credentials).await?;
    let cx = cx.sent_by(found.as_ref());
    if let Some(found) = &found
        && !flow.detail.refresh
        && flow.detail.requested_aal <= found.session.aal
    {
        return signed_in_already(cx, flow).await;
    }
    if found.is_none() && flow.detail.requested_aal > Aal::Aal1 {
        return Err(first_factor_missing());
    }
    if flow.expires_at <= cx.now() {
        return expired(cx, &flow, found.as_ref(), flow.expires_at).await;
    }
    let input = match submission::bounded(cx, submission, None) {
        Submission::Readable(input) => input,
        Submission::Unreadable(why) => return say(cx, flow, message::generic(why)).await,
    };
    if cx.runtime.switched_off.iter().any(|method| (method.login)(&flow, &input)) {
        return Err(submission::switched_off());
    }
    let meant = cx.runtime.methods.iter().find_map(|method| {
        method.login().filter(|login| login.is_meant(cx.services, &flow, &input)).map(|login| (method.name(), login))
    });
    let Some((name, method)) = meant else { return say(cx, flow, message::no_login_method()).await };
    let cx = cx.meaning(name);
    let malformed = method.malformed(&flow, &input);
    match submission::check(cx, &mut flow, &input, malformed, method.needs_csrf())? {
        Checked::Passed => {}
        Checked::Malformed(rejections) => return reject(cx, method, flow, &input, rejections, Tx::new()).await,
        Checked::NotNative(rejection) => return reject(cx, method, flow, &input, vec![rejection], Tx::new()).await,
    }
    flow.transient_payload.get_or_insert_with(|| json!({}));
    verify(cx, flow, found, (name, method), &input).await
}

/// Whoever is signed in far enough has no need of this form.
async fn signed_in_already(cx: Engine<'_>, flow: Flow<Login>) -> Result<Answer, Problem> {
    if cx.request.wants_json || flow.client == FlowClient::Api {
        return say(cx, flow, message::generic(ALREADY_SIGNED_IN)).await;
    }
    let return_to = cx.services.config.selfservice.default_browser_return_url.clone();
    Ok(Answer::AlreadySignedIn { flow: FlowName::Login, return_to })
}

async fn say(cx: Engine<'_>, flow: Flow<Login>, message: model::Message) -> Result<Answer, Problem> {
    show_again(cx, flow, vec![Rejection::whole(message)], Tx::new()).await
}

/// Shows the form again with what was typed, but for secrets, and what was wrong.
async fn reject(
    cx: Engine<'_>,
    method: &dyn LoginMethod,
    mut flow: Flow<Login>,
    input: &Input,
    rejections: Vec<Rejection>,
    writes: Tx,
) -> Result<Answer, Problem> {
    method.keep_input(&mut flow, input);
    show_again(cx, flow, rejections, writes).await
}

/// Stage 2: has the method look at the submission, and goes on with what it makes of it.
async fn verify(
    cx: Engine<'_>,
    mut flow: Flow<Login>,
    found: Option<Found>,
    (name, method): (&'static str, &dyn LoginMethod),
    input: &Input,
) -> Result<Answer, Problem> {
    let session = found.as_ref().map(|found| &found.session);
    let verify =
        method.verify(*cx, LoginForm { flow: &mut flow, session, input }).instrument(stage::verify::<Login>(name));
    match verify.await? {
        MethodOutcome::Accepted(step) => accept(cx, flow, found, name, step).await,
        MethodOutcome::Rejected { rejections, writes } => reject(cx, method, flow, input, rejections, writes).await,
        MethodOutcome::NextStep { status, writes } => next_step(cx, flow, status, writes).await,
        MethodOutcome::Ask(identified) => ask(cx, method, flow, identified, input).await,
        MethodOutcome::Expired(at) => expired(cx, &flow, found.as_ref(), at).await,
        MethodOutcome::Elsewhere { to, effects, writes } => {
            lifecycle::update(cx, &mut flow, writes).await?;
            Ok(Answer::Navigate { to, effects })
        }
        MethodOutcome::Recognised(recognised) => {
            flow.active = Some(name.to_owned());
            recognised::sign_in(cx, name, flow, *recognised, Sender::Form).await
        }
        MethodOutcome::Unrecognised(unrecognised) => {
            flow.active = Some(name.to_owned());
            show_again(cx, flow, unrecognised.rejections, Tx::new()).await
        }
    }
}

async fn accept(
    cx: Engine<'_>,
    mut flow: Flow<Login>,
    found: Option<Found>,
    name: &str,
    step: LoginStep,
) -> Result<Answer, Problem> {
    flow.active = Some(name.to_owned());
    complete(cx, flow, found, step, Sender::Form).await
}

/// Saves the form's next step. What the client gave along is shown with it, as in Kratos.
async fn next_step(cx: Engine<'_>, mut flow: Flow<Login>, status: u16, writes: Tx) -> Result<Answer, Problem> {
    let payload = flow.transient_payload.take();
    let mut shown = update(cx, flow, writes).await?;
    shown.flow.transient_payload = payload;
    Ok(Answer::NextStep { shown: shown.into(), status })
}

/// Kratos answers the step from one screen to the next by 400 although nothing is wrong, and clients count on it.
const NEXT_SCREEN: u16 = 400;

/// Turns the first of two screens into the second, with the ways to sign in that the account has. Where there is but one
/// that can begin by itself, it does so at once.
async fn ask(
    cx: Engine<'_>,
    asker: &dyn LoginMethod,
    mut flow: Flow<Login>,
    mut identified: Identified,
    input: &Input,
) -> Result<Answer, Problem> {
    let rejection = identified.rejection.take();
    let visitor = identified.visitor();
    let is_secret = matches!(visitor.account, Account::Secret);
    let scene = LoginScene::Identified(visitor);
    let mut of_use = add_fields(cx, &scene, &mut flow)?;
    let none_of_use = || Rejection::at("identifier", message::account_not_found());
    let rejection = rejection.or_else(|| (of_use.is_empty() && !is_secret).then(none_of_use));
    if let Some(rejection) = rejection {
        return reject(cx, asker, flow, input, vec![rejection], Tx::new()).await;
    }
    if let (Some(method), true) = (of_use.pop(), of_use.is_empty())
        && let Some(writes) = method.begin(*cx, &scene, &mut flow).await?
    {
        return next_step(cx, flow, NEXT_SCREEN, writes).await;
    }
    flow.ui.set_csrf(&cx.form_token(flow.client));
    asker.leave_identification(&mut flow);
    next_step(cx, flow, NEXT_SCREEN, Tx::new()).await
}
