//! Asking people before a request goes on that somebody else may have led their browser to. That is done on a page of ours,
//! wherever forms are shown.
//!
//! What waits is the request itself: nothing has come of it yet, and after a yes it begins anew. Its address may hold a
//! provider's code or the token of a link, so it is kept encrypted; for the browser that sent it and the session that it had,
//! for a short time and one answer. If what there is to ask about has changed by then, it is asked again.

use crypto::{Cipher, tokens};
use flow::continuity::{self, Pause};
use flow::{Bound, ContinuityCookie, Effects, Input, Request, ResumedFlow, csrf_clues};
use model::{Flow, FlowClient, Id, Problem, Session, SessionId, SignedDuration, Uuid};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::Tx;
use url::Url;

use crate::callback::{self, CallbackAnswer};
use crate::error::SubmitError;
use crate::pending_link::PendingLink;
use crate::recovery;
use crate::runtime::Engine;

/// The page below the public address on which people are asked.
const PAGE: &str = "/ui/confirm";
/// Under which name a browser remembers that it was asked.
const NAME: &str = "zelus_confirmation";
/// How long an answer is waited for.
const LIFESPAN: SignedDuration = SignedDuration::from_mins(10);

/// What somebody is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Question {
    /// Whether an app's sign-in at a provider may go on in this browser.
    App(AppQuestion),
    /// Whether a recovery link may take the place of the session that this browser has.
    Recovery {
        /// The address that the link was sent to, if it was.
        account: Option<String>,
    },
}

/// What comes of an app's sign-in, once its browser is back from a provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AppQuestion {
    /// Where the browser goes back to: a host, or the address of an app without its path.
    pub app: String,
    /// The provider.
    pub provider: String,
    /// Whether the app may get the session that this browser has.
    pub hands_over: bool,
    /// The traits that were typed in the app and would count; `null` without any.
    pub typed: Value,
    /// What would be connected.
    pub connects: Option<Connection>,
}

/// An account at a provider that would be connected to an account here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// The provider at which it is.
    pub provider: String,
    /// What the account here is known by.
    pub account: String,
}

/// The request that waits for an answer, but for its address.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Waiting {
    /// A browser is back from elsewhere.
    Callback { method: String, provider: Option<String> },
    /// A link from a mail.
    Recovery { flow: Uuid },
}

/// What is kept until there is an answer.
#[derive(Serialize, Deserialize)]
struct Kept {
    question: Question,
    waiting: Waiting,
    url: String,
    /// The session that the browser had.
    session: Option<SessionId>,
    /// Only the page that asks knows it.
    csrf_token: String,
}

/// What somebody has answered.
pub(crate) struct Reply {
    agrees: bool,
    question: Question,
    session: Option<SessionId>,
}

impl Reply {
    /// Whether somebody said no. That holds whatever there is to ask about by now.
    pub(crate) fn is_no(&self) -> bool {
        !self.agrees
    }

    /// Whether somebody agreed that accounts be connected.
    pub(crate) fn connects(&self) -> bool {
        self.agrees && matches!(&self.question, Question::App(app) if app.connects.is_some())
    }
}

/// A browser that has to ask its person first.
pub struct Asked {
    /// The page.
    pub page: String,
    /// The cookies that change with the answer.
    pub effects: Box<Effects>,
}

/// Whether a request may go on.
pub(crate) enum Leave {
    Given,
    NotYet(Asked),
}

/// Asks whether the request may go on, of a browser that has this session, unless that was answered already.
pub(crate) async fn leave(
    cx: Engine<'_>,
    waiting: Waiting,
    session: Option<SessionId>,
    question: Question,
) -> Result<Leave, Problem> {
    match cx.reply {
        Some(reply) if reply.agrees && reply.question == question && reply.session == session => Ok(Leave::Given),
        _ => ask(cx, waiting, session, question).await.map(Leave::NotYet),
    }
}

async fn ask(
    cx: Engine<'_>,
    waiting: Waiting,
    session: Option<SessionId>,
    question: Question,
) -> Result<Asked, Problem> {
    let csrf_token = tokens::link_token(&cx.entropy).expose().clone();
    let kept = Kept { question, waiting, url: cx.request.url.to_string(), session, csrf_token };
    let text = serde_json::to_vec(&kept).map_err(Problem::internal)?;
    let payload = |id| {
        let sealed = cipher(cx, id).encrypt(&cx.entropy, &text);
        json!({ "sealed": sealed.expect("derived keys are always there") })
    };
    let mut tx = Tx::new();
    let what = Pause { name: NAME, identity: None, lifespan: LIFESPAN };
    let cookie = continuity::pause(*cx, &what, payload, &mut tx)?;
    cx.services.store.commit(tx).await?;
    tracing::info!("Somebody is asked before their browser goes on.");
    let effects = Box::new(Effects { continuity: vec![cookie], ..Effects::default() });
    Ok(Asked { page: cx.services.public_route(PAGE), effects })
}

fn cipher(cx: Engine<'_>, container: Uuid) -> Cipher {
    Cipher::derived(&cx.services.proof_keys(), &format!("a request to be confirmed|{container}"))
}

/// What there is to ask before an app's sign-in goes on, and of which session; `None` where there is nothing.
pub(crate) async fn of_callback(
    cx: Engine<'_>,
    flow: &ResumedFlow,
    bound: &Bound,
) -> Result<Option<(Question, Option<SessionId>)>, Problem> {
    let is_asked = cx.services.config.zelus.confirm && bound.is_answered;
    let (return_to, is_refresh) = match flow {
        ResumedFlow::Login(flow) => (cx.services.return_to_of(flow), flow.detail.refresh),
        ResumedFlow::Registration(flow) => (cx.services.return_to_of(flow), false),
        ResumedFlow::Settings(_) => return Ok(None),
    };
    if !is_asked || flow.client() != FlowClient::Api {
        return Ok(None);
    }
    let session = cx.services.sessions.current(&cx, &cx.request.credentials).await?.map(|found| found.session.id);
    // Whoever is signed in is sent on without a look at what the provider says, unless they are to prove it anew.
    let goes_on = session.is_none() || is_refresh;
    let connects = PendingLink::of(flow.internal_context()).filter(|_| goes_on).map(|pending| Connection {
        provider: provider_label(cx, pending.provider()),
        account: pending.duplicate_identifier,
    });
    let counts = goes_on && bound.exchange.is_some();
    let typed = flow.typed().filter(|_| counts).cloned().unwrap_or_default();
    let hands_over = session.is_some() && bound.exchange.is_some();
    if !hands_over && connects.is_none() && typed.is_null() {
        return Ok(None);
    }
    let (app, provider) = (name_of_app(&return_to), bound.provider_label.clone());
    Ok(Some((Question::App(AppQuestion { app, provider, hands_over, typed, connects }), session)))
}

/// What a provider is called, which may be configured no more.
fn provider_label(cx: Engine<'_>, id: &str) -> String {
    let mut providers = cx.services.config.selfservice.methods.oidc.providers.iter();
    let label = providers.find(|provider| provider.id == id).and_then(|provider| provider.label.clone());
    label.unwrap_or_else(|| id.to_owned())
}

fn name_of_app(return_to: &Url) -> String {
    let host = return_to.host_str().unwrap_or_default();
    match (return_to.scheme(), return_to.port()) {
        ("http" | "https", None) => host.to_owned(),
        ("http" | "https", Some(port)) => format!("{host}:{port}"),
        (scheme, _) => format!("{scheme}://{host}"),
    }
}

/// A question that waits for its answer in this browser.
pub struct Open {
    /// What is asked.
    pub question: Question,
    /// Who is signed in, if anybody.
    pub session: Option<Session>,
    /// What the answer has to bring along.
    pub csrf_token: String,
}

/// The question that this browser is to be asked. `None` for every other browser, if it was answered, and after a while.
///
/// # Errors
/// When the database fails.
pub async fn open(cx: Engine<'_>) -> Result<Option<Open>, Problem> {
    let found = find(cx).await?;
    Ok(found.map(|Found { kept: Kept { question, csrf_token, .. }, session, .. }| Open {
        question,
        session,
        csrf_token,
    }))
}

struct Found {
    kept: Kept,
    container: store::ContinuityContainer,
    session: Option<Session>,
}

async fn find(cx: Engine<'_>) -> Result<Option<Found>, Problem> {
    let Some(container) = continuity::find(*cx, NAME, None).await? else { return Ok(None) };
    let payload = container.payload.to_value();
    let text = payload["sealed"].as_str().and_then(|sealed| cipher(cx, container.id).decrypt(sealed).ok());
    let kept: Option<Kept> = text.and_then(|text| serde_json::from_slice(text.expose()).ok());
    let session = cx.services.sessions.current(&cx, &cx.request.credentials).await?.map(|found| found.session);
    let is_same = |kept: &Kept| kept.session == session.as_ref().map(|session| session.id);
    Ok(kept.filter(is_same).map(|kept| Found { kept, container, session }))
}

/// What an answer comes to.
pub enum Answered {
    /// Nobody was asked, or no longer. The page says so.
    NobodyAsked {
        /// That page.
        page: String,
    },
    /// What the request that waited comes to.
    WentOn {
        /// That.
        outcome: Box<Outcome>,
        /// What the browser has left unfinished without it.
        cookie: ContinuityCookie,
    },
}

/// What a request that waited comes to.
pub enum Outcome {
    /// That of a browser that is back from elsewhere.
    Callback(CallbackAnswer),
    /// That of a recovery link.
    Recovery(recovery::Outcome),
}

/// Takes an answer: the field `answer` is `yes`, or else a no.
///
/// # Errors
/// 403 when it comes from elsewhere than the page; whatever the request comes to that waited.
pub async fn answer(cx: Engine<'_>, input: &Input) -> Result<Answered, SubmitError> {
    let nobody_asked = || Answered::NobodyAsked { page: cx.services.public_route(PAGE) };
    let Some(Found { kept, container, .. }) = find(cx).await? else { return Ok(nobody_asked()) };
    let sent = input.text("csrf_token");
    if !tokens::same(&sent, &kept.csrf_token) {
        return Err(Problem::from(csrf_clues(cx.request, &sent)).into());
    }
    let Some(cookie) = continuity::use_up(*cx, &container).await? else { return Ok(nobody_asked()) };
    let Kept { question, waiting, url, session, .. } = kept;
    let url = Url::parse(&url).map_err(Problem::internal)?;
    let reply = Reply { agrees: input.text("answer") == "yes", question, session };
    let continuity_cookie = Some(cookie.0.clone());
    let request = Request { url, is_get: true, sends_json: false, continuity_cookie, ..cx.request.clone() };
    let outcome = go_on(cx.with_request(&request).with_reply(&reply), waiting).await?;
    Ok(Answered::WentOn { outcome: Box::new(outcome), cookie })
}

/// Begins the request anew.
async fn go_on(cx: Engine<'_>, waiting: Waiting) -> Result<Outcome, SubmitError> {
    match waiting {
        Waiting::Callback { method, provider } => {
            let receiver = callback::receiver(cx.runtime, &method);
            let receiver =
                receiver.ok_or_else(|| Problem::not_found().reason("This way to sign in is switched off here."))?;
            callback::come_back(cx, receiver, provider.as_deref()).await.map(Outcome::Callback)
        }
        Waiting::Recovery { flow } => {
            let input = Input::from_form(cx.request.url.query_pairs().into_owned());
            let flow: Id<Flow<model::flow::Recovery>> = Id::from_uuid(flow);
            recovery::submit(cx, flow, input.into()).await.map(Outcome::Recovery)
        }
    }
}
