//! The sign-in form: opened, fetched, and shown again.

use flow::login::is_identifier_first;
use flow::{AnyFlow, LoginMethod, LoginScene, Rejection, say};
use model::flow::{Login, Registration};
use model::problem::id;
use model::ui::NodeOrder;
use model::{Aal, Flow, FlowClient, Id, Problem, Timestamp, message};
use session::Found;
use store::{TokenExchange, Tx};

use crate::answer::{Answer, Opened, Shown};
use crate::error::FetchError;
use crate::events;
use crate::lifecycle::{self, Opening};
use crate::oauth2::{self, LoginRequest, Subject};
use crate::runtime::Engine;

/// Opens a sign-in form.
///
/// # Errors
/// 400 for an unusable `return_to`, `aal` or `identity_schema`; 401 for a second factor without a first.
pub async fn open(cx: Engine<'_>, client: FlowClient) -> Result<Opened<Login>, Problem> {
    // A server sends browsers only; what native apps bring along is kept and shown.
    let challenge = match client {
        FlowClient::Browser => oauth2::challenge(cx, &cx.request.url)?,
        FlowClient::Api => None,
    };
    let Some(challenge) = challenge else { return open_as_asked(cx, client, None).await };
    let asked = oauth2::login_request(cx, &challenge).await?;
    let request = oauth2::as_asked(cx, &asked);
    open_as_asked(cx.with_request(&request), client, Some((asked, challenge))).await
}

async fn open_as_asked(
    cx: Engine<'_>,
    client: FlowClient,
    asked: Option<(LoginRequest, String)>,
) -> Result<Opened<Login>, Problem> {
    let selfservice = &cx.services.config.selfservice;
    let return_to = cx.services.return_to(None, Some(&cx.request.url), &selfservice.default_browser_return_url)?;
    let oauth2_login_challenge = oauth2::challenge(cx, &cx.request.url)?;
    let requested_aal = match cx.request.query("aal").as_deref() {
        None => Aal::Aal1,
        Some(name) => Aal::parse(&name.to_lowercase()).filter(|aal| *aal != Aal::Aal0).ok_or_else(|| {
            Problem::bad_request("The assurance level in the query parameter aal has to be one of aal1 and aal2.")
        })?,
    };
    let identity_schema = match cx.request.query("identity_schema") {
        Some(schema) if requested_aal == Aal::Aal1 => Some(cx.services.identities.selectable_schema(&schema)?),
        _ => None,
    };
    let found = cx.services.sessions.current(&cx, &cx.request.credentials).await?;
    let refresh = cx.request.flag("refresh") && found.is_some();
    match &found {
        None if requested_aal > Aal::Aal1 => return Err(first_factor_missing()),
        Some(found) if !refresh && requested_aal <= found.session.aal => {
            let Some((_, challenge)) = asked else { return Ok(Opened::AlreadySignedIn { return_to }) };
            let to = oauth2::accept(cx, &challenge, Subject::of(&found.session)).await?;
            return Ok(Opened::ToldWho { to });
        }
        _ => {}
    }
    let detail = Login {
        refresh,
        requested_aal,
        oauth2_login_challenge,
        organization_id: cx.request.query("organization").and_then(|id| id.parse().ok()),
        identity_schema,
        ..Login::default()
    };
    let opening = Opening::of(cx.request, client, cx.request.csrf.masked(&cx.entropy))?;
    let mut flow = lifecycle::new_flow(cx, opening, detail);
    let begun = fill_in(cx, &mut flow, found.as_ref()).await?;
    lifecycle::run_before(cx, AnyFlow::Login(&flow), None).await?;
    let mut tx = Tx::new();
    tx.insert_flow(&flow);
    tx.append(begun);
    let wants_code =
        client == FlowClient::Api && found.is_none() && cx.request.flag("return_session_token_exchange_code");
    let session_token_exchange_code = wants_code.then(|| start_exchange(cx, flow.id.uuid(), &mut tx));
    cx.services.store.commit(tx).await?;
    tracing::debug!(flow.id = %flow.id, flow.client = client.as_str(), flow.refresh = refresh, "A sign-in form was opened.");
    let oauth2_login_request = asked.map(|(LoginRequest(shown), _)| shown);
    Ok(Opened::Flow { shown: Box::new(Shown { flow, oauth2_login_request }), session_token_exchange_code })
}

/// Starts trading codes for a session; the first of the two goes to the native app.
pub(crate) fn start_exchange(cx: Engine<'_>, flow_id: model::Uuid, tx: &mut Tx) -> String {
    let exchange = cx.services.sessions.new_token_exchange(&cx, flow_id);
    tx.insert_token_exchange(&exchange, cx.now());
    exchange.init_code.expose().clone()
}

/// Fills in an empty form. Gives back the writes of a method that began at once.
async fn fill_in(cx: Engine<'_>, flow: &mut Flow<Login>, found: Option<&Found>) -> Result<Tx, Problem> {
    let known = match found {
        Some(found) => cx.services.identities.with_credentials(found.session.identity_id).await?,
        None => None,
    };
    let wants_second = flow.detail.requested_aal == Aal::Aal2;
    let proved = found.map(|found| found.session.authentication_methods.as_slice()).unwrap_or_default();
    let scene = match &known {
        Some(identity) if wants_second => LoginScene::SecondFactor { identity, proved },
        Some(identity) if flow.detail.refresh => LoginScene::Refresh { identity },
        _ if is_identifier_first(cx.services) => LoginScene::Identification,
        _ => LoginScene::FirstFactor,
    };
    // Members of an organization sign in by its own provider, and no method is one.
    let is_of_organization = flow.detail.organization_id.is_some() && !wants_second;
    let mut of_use = match is_of_organization {
        true => Vec::new(),
        false => add_fields(cx, &scene, flow)?,
    };
    if flow.detail.refresh {
        flow.ui.messages = vec![message::login_refresh()];
    }
    if wants_second && found.is_some_and(|found| found.session.aal < Aal::Aal2) {
        flow.ui.messages.push(message::login_aal2());
    }
    NodeOrder::login().sort(&mut flow.ui);
    if flow.ui.node("csrf_token").is_some() || flow.client == FlowClient::Browser {
        flow.ui.set_csrf(&cx.form_token(flow.client));
    }
    if let (LoginScene::SecondFactor { .. }, Some(method), true) = (&scene, of_use.pop(), of_use.is_empty())
        && let Some(writes) = method.begin(*cx, &scene, flow).await?
    {
        return Ok(writes);
    }
    Ok(Tx::new())
}

/// Adds the fields of every method that is of use in a scene. Gives back those that are.
///
/// # Errors
/// When a method cannot make its fields.
pub(crate) fn add_fields<'a>(
    cx: Engine<'a>,
    scene: &LoginScene<'_>,
    flow: &mut Flow<Login>,
) -> Result<Vec<&'a dyn LoginMethod>, Problem> {
    let mut of_use = Vec::new();
    for method in cx.runtime.methods.iter().filter_map(|method| method.login()) {
        if method.add_fields(*cx, scene, flow)? {
            of_use.push(method);
        }
    }
    Ok(of_use)
}

/// Fetches a sign-in form, for the browser that opened it (or any native client that knows its id).
///
/// # Errors
/// When it is not this caller's, or too old; 400 or 500 when an OAuth 2.0 server does not say what it wants.
pub async fn fetch(cx: Engine<'_>, id: Id<Flow<Login>>) -> Result<Shown<Login>, FetchError> {
    lifecycle::fetch(cx, id).await
}

/// Makes a sign-in form that goes on where a sign-up has led to an account that exists. It is not stored yet.
pub(crate) fn new_in_place_of(
    cx: Engine<'_>,
    old: &Flow<Registration>,
    scene: &LoginScene<'_>,
) -> Result<Flow<Login>, Problem> {
    let detail = Login {
        requested_aal: Aal::Aal1,
        oauth2_login_challenge: old.detail.oauth2_login_challenge.clone(),
        organization_id: old.detail.organization_id,
        identity_schema: old.detail.identity_schema.clone(),
        ..Login::default()
    };
    let opening = Opening::in_place_of(old, cx.request.csrf.masked(&cx.entropy));
    let mut flow = lifecycle::new_flow(cx, opening, detail);
    flow.internal_context.clone_from(&old.internal_context);
    flow.transient_payload.clone_from(&old.transient_payload);
    flow.active.clone_from(&old.active);
    add_fields(cx, scene, &mut flow)?;
    NodeOrder::login().sort(&mut flow.ui);
    flow.ui.set_csrf(&cx.form_token(flow.client));
    Ok(flow)
}

/// Opens a sign-in form that goes on where a sign-up has turned out to be somebody known.
pub(crate) async fn open_in_place_of(cx: Engine<'_>, old: &Flow<Registration>) -> Result<Flow<Login>, Problem> {
    let flow = new_in_place_of(cx, old, &LoginScene::FirstFactor)?;
    let mut tx = Tx::new();
    tx.insert_flow(&flow);
    tx.move_token_exchange(old.id.uuid(), flow.id.uuid(), cx.now());
    cx.services.store.commit(tx).await?;
    Ok(flow)
}

/// Shows the form again, with what was wrong.
pub(crate) async fn show_again(
    cx: Engine<'_>,
    mut flow: Flow<Login>,
    rejections: Vec<Rejection>,
    writes: Tx,
) -> Result<Answer, Problem> {
    events::sign_in_refused(cx, &flow, &rejections);
    say(&mut flow.ui, rejections);
    if flow.client == FlowClient::Browser {
        flow.ui.set_csrf(&cx.request.csrf.masked(&cx.entropy));
    }
    NodeOrder::login().sort(&mut flow.ui);
    let shown = update(cx, flow, writes).await?;
    Ok(Answer::Rejected(shown.into()))
}

/// As [`show_again`]. The browser that signs somebody in for a native app goes back to the app, which looks there.
pub(crate) async fn refuse(
    cx: Engine<'_>,
    flow: Flow<Login>,
    rejections: Vec<Rejection>,
    exchange: Option<&TokenExchange>,
) -> Result<Answer, Problem> {
    let to = exchange.map(|_| cx.services.return_to_of(&flow));
    let answer = show_again(cx, flow, rejections, Tx::new()).await?;
    Ok(to.map_or(answer, |to| Answer::HandBack { to }))
}

/// Saves the form. Kratos reads it anew before it answers, and the payload is not stored.
pub(super) async fn update(cx: Engine<'_>, mut flow: Flow<Login>, writes: Tx) -> Result<Box<Shown<Login>>, Problem> {
    lifecycle::update(cx, &mut flow, writes).await?;
    flow.transient_payload = None;
    lifecycle::shown(cx, flow).await
}

/// Opens a fresh form in the place of one that is of no use since `expired_at`.
pub(super) async fn expired(
    cx: Engine<'_>,
    old: &Flow<Login>,
    found: Option<&Found>,
    expired_at: Timestamp,
) -> Result<Answer, Problem> {
    let opening = Opening::of(cx.request, old.client, cx.request.csrf.masked(&cx.entropy))?;
    let mut flow = lifecycle::new_flow(cx, opening, old.detail.clone());
    let mut tx = fill_in(cx, &mut flow, found).await?;
    lifecycle::run_before(cx, AnyFlow::Login(&flow), None).await?;
    tx.move_token_exchange(old.id.uuid(), flow.id.uuid(), cx.now());
    lifecycle::insert_in_place_of(cx, old, &mut flow, message::login_flow_expired(expired_at), tx).await?;
    let replacement = Box::new(Shown { flow, oauth2_login_request: None }).into();
    Ok(Answer::Expired { replacement, expired_at })
}

pub(super) const ALREADY_SIGNED_IN: &str =
    "You are signed in already. To prove it anew, open the form with refresh=true.";

/// 400: signed in already.
pub fn already_signed_in() -> Problem {
    Problem::bad_request(ALREADY_SIGNED_IN).with_id(id::ALREADY_SIGNED_IN).message("You are signed in already.")
}

pub(super) fn first_factor_missing() -> Problem {
    Problem::unauthorized("Please sign in first: a second factor can only be added to a session.")
        .with_id(id::AAL1_REQUIRED)
        .message("There is no session that a second factor could be added to.")
}
