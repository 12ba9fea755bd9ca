//! What becomes of somebody whom a provider has recognised: a sign-in if they are known here, else a sign-up, whichever of
//! the two they began.

use flow::{LoginStep, Newcomer, ProviderMethod, Recognised, RegistrationStep, Rejection, Unrecognised};
use model::flow::{Login, Registration};
use model::{Flow, Problem, message};
use serde_json::Value;
use store::{TokenExchange, Tx};

use crate::answer::Answer;
use crate::login::{complete as signing_in, form as login};
use crate::registration::complete::{self as signing_up, ByProvider, NotSignedUp};
use crate::registration::form::{self as registration, OpenError};
use crate::runtime::Engine;
use crate::sender::Sender;

/// Ends a sign-in: somebody new signs up. `name` is the method's.
pub(crate) async fn sign_in(
    cx: Engine<'_>,
    name: &str,
    flow: Flow<Login>,
    recognised: Recognised,
    sender: Sender,
) -> Result<Answer, Problem> {
    let known = cx.services.store.find_by_identifier(recognised.kind, &recognised.identifier).await?;
    if let Some(found) = known {
        let step = LoginStep::new(recognised.attempt, found.identity_id, recognised.proved, recognised.writes);
        return signing_in::sign_in(cx, flow, step, sender).await;
    }
    match registration::open_in_place_of(cx, &flow).await {
        Ok(registration) => {
            tracing::debug!(flow.id = %flow.id, "Somebody new signs in with a provider, and so signs up.");
            make_account(cx, name, registration, recognised, sender.exchange()).await
        }
        Err(OpenError::SwitchedOff) => {
            let rejections = vec![Rejection::whole(message::generic(registration::SWITCHED_OFF))];
            login::refuse(cx, flow, rejections, sender.exchange()).await
        }
        Err(OpenError::Failed(problem)) => Err(problem),
    }
}

/// Ends a sign-up: somebody known signs in.
pub(crate) async fn sign_up(
    cx: Engine<'_>,
    name: &str,
    flow: Flow<Registration>,
    recognised: Recognised,
    sender: Sender,
) -> Result<Answer, Problem> {
    let known = cx.services.store.find_by_identifier(recognised.kind, &recognised.identifier).await?;
    let Some(found) = known else { return make_account(cx, name, flow, recognised, sender.exchange()).await };
    let flow = login::open_in_place_of(cx, &flow).await?;
    let step = LoginStep::new(recognised.attempt, found.identity_id, recognised.proved, recognised.writes);
    signing_in::sign_in(cx, flow, step, sender).await
}

async fn make_account(
    cx: Engine<'_>,
    name: &str,
    flow: Flow<Registration>,
    mut recognised: Recognised,
    exchange: Option<&TokenExchange>,
) -> Result<Answer, Problem> {
    let candidate = match method(cx, name)?.newcomer(*cx, &flow, &recognised).await? {
        Newcomer::Complete(candidate) => *candidate,
        Newcomer::Incomplete { traits, rejections } => {
            let refused = Unrecognised { provider: recognised.provider, rejections };
            return ask_for_rest(cx, name, flow, refused, Some(&traits), exchange).await;
        }
    };
    let writes = std::mem::take(&mut recognised.writes);
    let step =
        RegistrationStep { candidate, method: recognised.proved.clone(), attempt: recognised.attempt.clone(), writes };
    let by = ByProvider { recognised: &recognised, exchange };
    let (flow, candidate, rejections) = match signing_up::complete(cx, flow, name, step, Some(by)).await {
        Ok(answer) => return Ok(answer),
        Err(NotSignedUp::Refused { flow, candidate, rejections }) => (flow, candidate, rejections),
        Err(NotSignedUp::Taken { flow, candidate, message }) => (flow, candidate, vec![Rejection::whole(message)]),
        Err(NotSignedUp::Failed(problem)) => return Err(problem),
    };
    let refused = Unrecognised { provider: recognised.provider, rejections };
    ask_for_rest(cx, name, *flow, refused, Some(&candidate.traits.to_value()), exchange).await
}

/// Shows a sign-up form with what was wrong: the provider's button, and the traits as far as they are known. The browser
/// of a native app goes back to the app, which looks there, and is told which form it is if that is not the one it opened.
pub(crate) async fn ask_for_rest(
    cx: Engine<'_>,
    name: &str,
    mut flow: Flow<Registration>,
    refused: Unrecognised,
    traits: Option<&Value>,
    exchange: Option<&TokenExchange>,
) -> Result<Answer, Problem> {
    let to = exchange.map(|exchange| {
        let mut to = cx.services.return_to_of(&flow);
        if exchange.flow_id != flow.id.uuid() {
            to.query_pairs_mut().append_pair("flow", &flow.id.to_string());
        }
        to
    });
    flow.ui.nodes.clear();
    flow.ui.set_csrf(&cx.form_token(flow.client));
    method(cx, name)?.ask_for_rest(*cx, &mut flow, &refused.provider, traits)?;
    let answer = registration::show_again(cx, flow, refused.rejections, Tx::new()).await?;
    Ok(to.map_or(answer, |to| Answer::HandBack { to }))
}

fn method<'a>(cx: Engine<'a>, name: &str) -> Result<&'a dyn ProviderMethod, Problem> {
    cx.runtime
        .find(name, |method| method.provider())
        .ok_or_else(|| Problem::internal("people are recognised by a method that knows no providers"))
}
