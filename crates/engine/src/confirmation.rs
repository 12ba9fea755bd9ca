//! Asking people before a request goes on that somebody else may have led their browser to. That is done on a page of ours,
//! wherever forms are shown.
//!
//! What waits is the request itself: nothing has come of it yet, and after a yes it begins anew. Its address may hold a
//! provider's code or the token of a link, so it is kept encrypted; for the browser that sent it and the session that it had,
//! for a short time and one answer. If what there is to ask about has changed by then, it is asked again.

use crypto::{Cipher, tokens};
use flow::continuity::{self, Pause};
use flow::{Bound, Effects, ResumedFlow};
use model::{FlowClient, Problem, Session, SessionId, SignedDuration, Uuid};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Tx;
use url::Url;

use crate::pending_link::PendingLink;
use crate::question::{AppQuestion, Connection, Question};
use crate::runtime::Engine;

/// The page below the public address on which people are asked.
pub(crate) const PAGE: &str = "/ui/confirm";
/// Under which name a browser remembers that it was asked.
const NAME: &str = "zelus_confirmation";
/// How long an answer is waited for.
const LIFESPAN: SignedDuration = SignedDuration::from_mins(10);

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
pub(crate) struct Kept {
    pub question: Question,
    pub waiting: Waiting,
    pub url: String,
    /// The session that the browser had.
    pub session: Option<SessionId>,
    /// Only the page that asks knows it.
    pub csrf_token: String,
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
    tracing::info!(http.request_id = cx.request.id, "Somebody is asked before their browser goes on.");
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

/// A question that waits for its answer in this browser, with all that is kept.
pub(crate) struct Found {
    pub kept: Kept,
    pub container: store::ContinuityContainer,
    session: Option<Session>,
}

/// The question that waits for its answer in this browser.
///
/// # Errors
/// When the database fails.
pub(crate) async fn find(cx: Engine<'_>) -> Result<Option<Found>, Problem> {
    let Some(container) = continuity::find(*cx, NAME, None).await? else { return Ok(None) };
    let payload = container.payload.to_value();
    let text = payload["sealed"].as_str().and_then(|sealed| cipher(cx, container.id).decrypt(sealed).ok());
    let kept: Option<Kept> = text.and_then(|text| serde_json::from_slice(text.expose()).ok());
    let session = cx.services.sessions.current(&cx, &cx.request.credentials).await?.map(|found| found.session);
    let is_same = |kept: &Kept| kept.session == session.as_ref().map(|session| session.id);
    Ok(kept.filter(is_same).map(|kept| Found { kept, container, session }))
}
