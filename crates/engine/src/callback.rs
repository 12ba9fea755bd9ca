//! Browsers that come back from elsewhere: `/self-service/methods/{method}/callback`.

use flow::{Bound, CallbackMethod, CallbackOutcome, LeftFlow, Rejection, ResumedFlow, Unrecognised, with_code};
use model::problem::id;
use model::{Flow, FlowName, Id, Problem, SessionId, Uuid, message};
use serde_json::Value;
use store::{FlowTable, TokenExchange, Tx};

use crate::answer::Answer;
use crate::confirmation::{self, Leave, Waiting};
use crate::error::SubmitError;
use crate::login::form as login;
use crate::question::{Question, Reply};
use crate::recognised;
use crate::runtime::{Engine, Runtime};
use crate::sender::Sender;
use crate::settings::form::{self as settings, Outcome};
use crate::settings::save::save_change;

/// What a browser that came back is answered: by the kind of flow that it left.
pub enum CallbackAnswer {
    /// It was to sign in or up.
    SignIn(Answer),
    /// It was to change its settings.
    Settings(Outcome),
}

/// A method that receives browsers.
#[derive(Clone, Copy)]
pub struct Receiver<'a> {
    name: &'static str,
    method: &'a dyn CallbackMethod,
}

/// The method of this name, if it is switched on and receives browsers.
pub fn receiver<'a>(runtime: &'a Runtime, name: &str) -> Option<Receiver<'a>> {
    runtime.find(name, |method| Some(Receiver { name: method.name(), method: method.callback()? }))
}

/// Goes on where the browser left, once its person has been asked where that is due. `provider` is the last segment of the
/// path, if there is one.
///
/// # Errors
/// Whatever cannot be said on a form.
pub async fn come_back(
    cx: Engine<'_>,
    Receiver { name, method }: Receiver<'_>,
    provider: Option<&str>,
) -> Result<CallbackAnswer, SubmitError> {
    let left = method.left_flow(*cx, provider)?;
    let mut flow = find(cx, &left).await?;
    let mut bound = method.bind(*cx, provider, &flow).await?;
    let failed = SubmitError::of(flow.client());
    let cx = cx.meaning(name);
    let come_back = async {
        if cx.reply.is_some_and(Reply::is_no) {
            return refuse(cx, name, flow, called_off(&bound), bound.exchange.as_ref()).await;
        }
        if let Some((question, session)) = confirmation::of_callback(cx, &flow, &bound).await? {
            let waiting = Waiting::Callback { method: name.to_owned(), provider: provider.map(str::to_owned) };
            match confirmation::leave(cx, waiting, session, question.clone()).await? {
                Leave::Given => bound.confirmed_traits = typed_in(question),
                Leave::NotYet(asked) => return Ok(CallbackAnswer::SignIn(Answer::Confirm(asked))),
            }
        }
        let outcome = method.come_back(*cx, provider, &mut flow, &bound).await?;
        go_on(cx, name, flow, outcome, bound.exchange).await
    };
    come_back.await.map_err(failed)
}

/// The traits that somebody has confirmed, if there are any.
fn typed_in(question: Question) -> Option<Value> {
    match question {
        Question::App(app) => Some(app.typed).filter(|typed| !typed.is_null()),
        Question::Recovery { .. } => None,
    }
}

/// What the form says of a sign-in that its browser's person did not want.
fn called_off(bound: &Bound) -> Unrecognised {
    let message = message::generic("The sign-in was called off in the browser.");
    Unrecognised { provider: bound.provider.clone(), rejections: vec![Rejection::whole(message)] }
}

async fn go_on(
    cx: Engine<'_>,
    name: &str,
    flow: ResumedFlow,
    outcome: CallbackOutcome,
    exchange: Option<TokenExchange>,
) -> Result<CallbackAnswer, Problem> {
    match outcome {
        CallbackOutcome::Recognised(person) => {
            let sender = Sender::Returning { exchange };
            match flow {
                ResumedFlow::Login(flow) => recognised::sign_in(cx, name, flow, *person, sender).await,
                ResumedFlow::Registration(flow) => recognised::sign_up(cx, name, flow, *person, sender).await,
                ResumedFlow::Settings(_) => Err(misplaced()),
            }
            .map(CallbackAnswer::SignIn)
        }
        CallbackOutcome::Changed(step) => match flow {
            ResumedFlow::Settings(resumed) => {
                save_change(cx, name, *resumed, *step).await.map(CallbackAnswer::Settings)
            }
            ResumedFlow::Login(_) | ResumedFlow::Registration(_) => Err(misplaced()),
        },
        CallbackOutcome::Unrecognised(refused) => refuse(cx, name, flow, refused, exchange.as_ref()).await,
        CallbackOutcome::AlreadySignedIn(session) => {
            let answer = hand_over(cx, &flow, session, exchange).await?;
            Ok(CallbackAnswer::SignIn(answer))
        }
    }
}

fn misplaced() -> Problem {
    Problem::internal("a method has answered a callback with what is of no use in its flow")
}

/// Says on the form that the browser left why it is back without a sign-in.
async fn refuse(
    cx: Engine<'_>,
    name: &str,
    flow: ResumedFlow,
    refused: Unrecognised,
    exchange: Option<&TokenExchange>,
) -> Result<CallbackAnswer, Problem> {
    match flow {
        ResumedFlow::Login(flow) => {
            login::refuse(cx, flow, refused.rejections, exchange).await.map(CallbackAnswer::SignIn)
        }
        ResumedFlow::Registration(flow) => {
            recognised::ask_for_rest(cx, name, flow, refused, None, exchange).await.map(CallbackAnswer::SignIn)
        }
        ResumedFlow::Settings(resumed) => {
            let shown = settings::show_again(cx, resumed.flow, resumed.identity, refused.rejections, Tx::new());
            shown.await.map(CallbackAnswer::Settings)
        }
    }
}

/// Sends somebody on who is signed in already, and hands the session to the native app that waits for one.
async fn hand_over(
    cx: Engine<'_>,
    flow: &ResumedFlow,
    session: SessionId,
    exchange: Option<TokenExchange>,
) -> Result<Answer, Problem> {
    let return_to = match flow {
        ResumedFlow::Login(flow) => cx.services.return_to_of(flow),
        ResumedFlow::Registration(flow) => cx.services.return_to_of(flow),
        ResumedFlow::Settings(_) => return Err(misplaced()),
    };
    let Some(exchange) = exchange else { return Ok(Answer::HandBack { to: return_to }) };
    let mut tx = Tx::new();
    tx.bind_token_exchange(flow.id(), session, cx.now());
    cx.services.store.commit(tx).await?;
    Ok(Answer::HandBack { to: with_code(return_to, &exchange) })
}

/// Finds the flow that the browser left, if it is still good. Old states do not say of which kind it is.
async fn find(cx: Engine<'_>, left: &LeftFlow) -> Result<ResumedFlow, Problem> {
    let may_be = |kind| left.kind.is_none() || left.kind == Some(kind);
    if may_be(FlowName::Login)
        && let Some(flow) = stored(cx, left.id).await?
    {
        return Ok(ResumedFlow::Login(flow));
    }
    if may_be(FlowName::Registration)
        && let Some(flow) = stored(cx, left.id).await?
    {
        return Ok(ResumedFlow::Registration(flow));
    }
    if may_be(FlowName::Settings)
        && let Some(flow) = stored(cx, left.id).await?
    {
        return settings::resume(cx, flow).await.map(|resumed| ResumedFlow::Settings(Box::new(resumed)));
    }
    Err(Problem::not_found().reason("This sign-in does not exist any more. Please start again."))
}

async fn stored<K: FlowTable>(cx: Engine<'_>, id: Uuid) -> Result<Option<Flow<K>>, Problem> {
    let Some(flow): Option<Flow<K>> = cx.services.store.flow(Id::from_uuid(id)).await? else { return Ok(None) };
    if flow.expires_at <= cx.now() {
        return Err(Problem::new(410)
            .with_id(id::FLOW_EXPIRED)
            .reason("The sign-in at the provider took too long. Please start again."));
    }
    Ok(Some(flow))
}
