//! A submitted sign-up form, up to what the method makes of it.

use flow::registration::{malformed_traits, traits};
use flow::{Input, MethodOutcome, RegistrationForm, RegistrationMethod, RegistrationScreen, Rejection, Submission};
use model::flow::Registration;
use model::{Flow, FlowClient, FlowName, Group, Id, Problem, message};
use serde_json::json;
use store::Tx;
use tracing::Instrument;

use super::complete::{NotSignedUp, complete};
use super::form::{already_signed_in, expired, methods, show_again, sort};
use crate::answer::{Answer, Shown};
use crate::error::SubmitError;
use crate::runtime::Engine;
use crate::sender::Sender;
use crate::submission::{self, Checked};
use crate::{lifecycle, recognised, stage};

/// Submits a sign-up form.
///
/// # Errors
/// Whatever cannot be said on the form.
pub async fn submit(cx: Engine<'_>, id: Id<Flow<Registration>>, submission: Submission) -> Result<Answer, SubmitError> {
    let flow = submission::load(cx, id, Problem::not_found).await?;
    let failed = SubmitError::of(flow.client);
    submit_to(cx, flow, submission).await.map_err(failed)
}

async fn submit_to(cx: Engine<'_>, mut flow: Flow<Registration>, submission: Submission) -> Result<Answer, Problem> {
    if cx.services.sessions.current(&cx, &cx.request.credentials).await?.is_some() {
        if cx.request.wants_json || flow.client == FlowClient::Api {
            return Err(already_signed_in());
        }
        let return_to = cx.services.config.selfservice.default_browser_return_url.clone();
        return Ok(Answer::AlreadySignedIn { flow: FlowName::Registration, return_to });
    }
    if flow.expires_at <= cx.now() {
        return expired(cx, &flow, flow.expires_at).await;
    }
    let input = match submission::bounded(cx, submission, None) {
        Submission::Readable(input) => input,
        Submission::Unreadable(why) => return show_again(cx, flow, whole(message::generic(why)), Tx::new()).await,
    };
    let meant = cx.runtime.methods.iter().find_map(|method| {
        let registration = method.registration()?;
        registration.is_meant(cx.services, &flow, &input).then_some((method.name(), registration))
    });
    let switched_off = cx.runtime.switched_off.iter().find(|method| (method.registration)(&input));
    // As in Kratos: wrong traits are said whatever the rest is, but for methods that say it in their own time.
    let says_itself = meant.is_some_and(|(_, method)| method.checks_traits(cx.services))
        || switched_off.is_some_and(|method| (method.checks_traits)(cx.services));
    let is_for_nobody = meant.is_none() && switched_off.is_none();
    if !says_itself && (is_for_nobody || input.has_traits()) {
        let malformed = malformed_traits(cx.services, &flow, &input);
        if !malformed.is_empty() {
            return reject(cx, flow, &input, malformed, Tx::new()).await;
        }
    }
    let Some((name, method)) = meant else {
        if switched_off.is_some() {
            return Err(submission::switched_off());
        }
        return show_again(cx, flow, whole(message::no_registration_method()), Tx::new()).await;
    };
    let cx = cx.meaning(name);
    let malformed = method.malformed(cx.services, &flow, &input);
    match submission::check(cx, &mut flow, &input, malformed, method.needs_csrf(&input))? {
        Checked::Passed => {}
        Checked::Malformed(rejections) => return reject(cx, flow, &input, rejections, Tx::new()).await,
        Checked::NotNative(rejection) => return reject(cx, flow, &input, vec![rejection], Tx::new()).await,
    }
    flow.transient_payload.get_or_insert_with(|| json!({}));
    verify(cx, flow, (name, method), &input).await
}

fn whole(message: model::Message) -> Vec<Rejection> {
    vec![Rejection::whole(message)]
}

/// Stage 2: has the method look at the submission, and goes on with what it makes of it.
async fn verify(
    cx: Engine<'_>,
    mut flow: Flow<Registration>,
    (name, method): (&'static str, &dyn RegistrationMethod),
    input: &Input,
) -> Result<Answer, Problem> {
    let verify =
        method.verify(*cx, RegistrationForm { flow: &mut flow, input }).instrument(stage::verify::<Registration>(name));
    match verify.await? {
        MethodOutcome::Accepted(step) => match complete(cx, flow, name, step, None).await {
            Ok(answer) => Ok(answer),
            Err(NotSignedUp::Refused { flow, rejections, .. }) => reject(cx, *flow, input, rejections, Tx::new()).await,
            // As in Kratos, what was typed does not come back here.
            Err(NotSignedUp::Taken { flow, message, .. }) => show_again(cx, *flow, whole(message), Tx::new()).await,
            Err(NotSignedUp::Failed(problem)) => Err(problem),
        },
        MethodOutcome::Rejected { rejections, writes } => reject(cx, flow, input, rejections, writes).await,
        MethodOutcome::NextStep { status, writes } => next_step(cx, flow, status, writes).await,
        MethodOutcome::Ask(screen) => show_screen(cx, flow, screen, input).await,
        MethodOutcome::Expired(at) => expired(cx, &flow, at).await,
        MethodOutcome::Elsewhere { to, effects, writes } => {
            lifecycle::update(cx, &mut flow, writes).await?;
            Ok(Answer::Navigate { to, effects })
        }
        MethodOutcome::Recognised(recognised) => recognised::sign_up(cx, name, flow, *recognised, Sender::Form).await,
        MethodOutcome::Unrecognised(refused) => recognised::ask_for_rest(cx, name, flow, refused, None, None).await,
    }
}

/// Saves the form's next step. What the client gave along is shown with it, as in Kratos.
async fn next_step(cx: Engine<'_>, mut flow: Flow<Registration>, status: u16, writes: Tx) -> Result<Answer, Problem> {
    lifecycle::update(cx, &mut flow, writes).await?;
    // As in Kratos: the screens in between do not ask the OAuth 2.0 server.
    let shown = match flow.active {
        Some(_) => lifecycle::shown(cx, flow).await?,
        None => Box::new(Shown { flow, oauth2_login_request: None }),
    };
    Ok(Answer::NextStep { shown: shown.into(), status })
}

/// Has every method show what it shows on one of two screens, with the traits as they were sent.
async fn show_screen(
    cx: Engine<'_>,
    mut flow: Flow<Registration>,
    screen: RegistrationScreen,
    input: &Input,
) -> Result<Answer, Problem> {
    let traits = traits(cx.services, &flow, input);
    for method in methods(cx) {
        match screen {
            RegistrationScreen::Profile => method.add_profile_fields(*cx, &mut flow)?,
            RegistrationScreen::Credential => method.add_credential_fields(*cx, &mut flow)?,
        }
    }
    flow.ui.fill("traits", &traits, Group::Default);
    flow.ui.set_csrf(&cx.form_token(flow.client));
    sort(cx, &mut flow);
    // Kratos answers 400 here although nothing is wrong, and clients count on it.
    next_step(cx, flow, 400, Tx::new()).await
}

/// Shows the form again with what was typed, but for secrets, and what was wrong.
async fn reject(
    cx: Engine<'_>,
    mut flow: Flow<Registration>,
    input: &Input,
    rejections: Vec<Rejection>,
    writes: Tx,
) -> Result<Answer, Problem> {
    let traits = traits(cx.services, &flow, input);
    flow.ui.fill_again("traits", &traits);
    if flow.client == FlowClient::Browser {
        flow.ui.set_csrf(&cx.request.csrf.masked(&cx.entropy));
    }
    show_again(cx, flow, rejections, writes).await
}
