//! Signing in: for the first time, again (`refresh`), or further (`aal=aal2`).

mod complete;

use std::collections::BTreeSet;

use config::LoginStyle;
use model::flow::{Login, Registration};
use model::problem::id;
use model::{Aal, Cx, Flow, FlowClient, FlowName, Id, Identity, Problem, Timestamp, message};
use session::Found;
use store::Tx;

pub use self::complete::accept;
use self::complete::complete;
use crate::answer::{Answer, Opened, Shown, SubmitError};
use crate::csrf;
use crate::form::{self, Rejection};
use crate::input::{Input, InputError};
use crate::lifecycle::{self, Opening};
use crate::method::{LoginMethod, LoginScene, Verdict};
use crate::oauth2::{self, LoginRequest, Subject};
use crate::request::Request;
use crate::runtime::Runtime;
use crate::scene::{AnyFlow, Scene};

/// Opens a sign-in form.
///
/// # Errors
/// 400 for an unusable `return_to`, `aal` or `identity_schema`; 401 for a second factor without a first.
pub async fn open(cx: &Cx, runtime: &Runtime, request: &Request, client: FlowClient) -> Result<Opened<Login>, Problem> {
    // A server sends browsers only; what native apps bring along is kept and shown.
    let challenge = match client {
        FlowClient::Browser => oauth2::challenge(runtime, &request.url)?,
        FlowClient::Api => None,
    };
    let Some(challenge) = challenge else { return open_as_asked(cx, runtime, request, client, None).await };
    let asked = oauth2::login_request(runtime, &challenge).await?;
    let request = oauth2::as_asked(runtime, request, &asked);
    open_as_asked(cx, runtime, &request, client, Some((asked, challenge))).await
}

async fn open_as_asked(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    client: FlowClient,
    asked: Option<(LoginRequest, String)>,
) -> Result<Opened<Login>, Problem> {
    let selfservice = &runtime.config.selfservice;
    let return_to = runtime.return_to(None, Some(&request.url), &selfservice.default_browser_return_url)?;
    let oauth2_login_challenge = oauth2::challenge(runtime, &request.url)?;
    let requested_aal = match request.query("aal").as_deref() {
        None => Aal::Aal1,
        Some(name) => Aal::parse(&name.to_lowercase()).filter(|aal| *aal != Aal::Aal0).ok_or_else(|| {
            Problem::bad_request("The assurance level in the query parameter aal has to be one of aal1 and aal2.")
        })?,
    };
    let identity_schema = match request.query("identity_schema") {
        Some(schema) if requested_aal == Aal::Aal1 => Some(runtime.identities.selectable_schema(&schema)?),
        _ => None,
    };
    let found = runtime.sessions.current(cx, &request.credentials).await?;
    let refresh = request.flag("refresh") && found.is_some();
    match &found {
        None if requested_aal > Aal::Aal1 => return Err(first_factor_missing()),
        Some(found) if !refresh && requested_aal <= found.session.aal => {
            let Some((_, challenge)) = asked else { return Ok(Opened::AlreadySignedIn { return_to }) };
            let to = oauth2::accept(runtime, &challenge, Subject::of(&found.session)).await?;
            return Ok(Opened::ToldWho { to });
        }
        _ => {}
    }
    let detail = Login {
        refresh,
        requested_aal,
        oauth2_login_challenge,
        organization_id: request.query("organization").and_then(|id| id.parse().ok()),
        identity_schema,
        ..Login::default()
    };
    let opening = Opening::of(request, client, request.csrf.masked(&cx.entropy));
    let mut flow = lifecycle::new_flow(cx, runtime, opening, detail);
    let begun = fill_in(cx, runtime, request, &mut flow, found.as_ref()).await?;
    run_before(cx, runtime, request, &flow).await?;
    let mut tx = Tx::new();
    tx.insert_flow(&flow);
    tx.append(begun);
    let wants_code = client == FlowClient::Api && found.is_none() && request.flag("return_session_token_exchange_code");
    let session_token_exchange_code = wants_code.then(|| start_exchange(cx, runtime, flow.id.uuid(), &mut tx));
    runtime.store.commit(tx).await?;
    tracing::debug!(flow.id = %flow.id, flow.client = client.as_str(), flow.refresh = refresh, "A sign-in form was opened.");
    let oauth2_login_request = asked.map(|(LoginRequest(shown), _)| shown);
    Ok(Opened::Flow { shown: Box::new(Shown { flow, oauth2_login_request }), session_token_exchange_code })
}

/// Starts trading codes for a session; the first of the two goes to the native app.
pub(crate) fn start_exchange(cx: &Cx, runtime: &Runtime, flow_id: model::Uuid, tx: &mut Tx) -> String {
    let exchange = runtime.sessions.new_token_exchange(cx, flow_id);
    tx.insert_token_exchange(&exchange, cx.now());
    exchange.init_code.expose().clone()
}

/// Fills in an empty form. Gives back the writes of a method that began at once.
async fn fill_in(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    flow: &mut Flow<Login>,
    found: Option<&Found>,
) -> Result<Tx, Problem> {
    let known = match found {
        Some(found) => runtime.identities.with_credentials(found.session.identity_id).await?,
        None => None,
    };
    let wants_second = flow.detail.requested_aal == Aal::Aal2;
    let scene = match &known {
        Some(identity) if wants_second => LoginScene::SecondFactor { identity },
        Some(identity) if flow.detail.refresh => LoginScene::Refresh { identity },
        _ if is_identifier_first(runtime) => LoginScene::Identification,
        _ => LoginScene::FirstFactor,
    };
    // Members of an organization sign in by its own provider, and no method is one.
    let is_of_organization = flow.detail.organization_id.is_some() && !wants_second;
    let mut of_use = match is_of_organization {
        true => Vec::new(),
        false => add_fields(cx, runtime, &scene, flow)?,
    };
    if flow.detail.refresh {
        flow.ui.messages = vec![message::login_refresh()];
    }
    if wants_second && found.is_some_and(|found| found.session.aal < Aal::Aal2) {
        flow.ui.messages.push(message::login_aal2());
    }
    model::ui::NodeOrder::login().sort(&mut flow.ui);
    if flow.ui.node("csrf_token").is_some() || flow.client == FlowClient::Browser {
        flow.ui.set_csrf(&request.form_token(flow.client, &cx.entropy));
    }
    if let (LoginScene::SecondFactor { .. }, Some(method), true) = (&scene, of_use.pop(), of_use.is_empty())
        && let Some(writes) = method.begin(cx, runtime, request, &scene, flow).await?
    {
        return Ok(writes);
    }
    Ok(Tx::new())
}

/// Adds the fields of every method that is of use in a scene. Gives back those that are.
///
/// # Errors
/// When a method cannot make its fields.
pub fn add_fields<'a>(
    cx: &Cx,
    runtime: &'a Runtime,
    scene: &LoginScene<'_>,
    flow: &mut Flow<Login>,
) -> Result<Vec<&'a dyn LoginMethod>, Problem> {
    let mut of_use = Vec::new();
    for method in runtime.methods.iter().filter_map(|method| method.login()) {
        if method.add_fields(cx, runtime, scene, flow)? {
            of_use.push(method);
        }
    }
    Ok(of_use)
}

/// Fetches a sign-in form, for the browser that opened it (or any native client that knows its id).
///
/// # Errors
/// 403 for another browser, 404 for an unknown flow, 410 for one that is too old; 400 or 500 when an OAuth 2.0 server does
/// not say what it wants.
pub async fn fetch(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    id: Id<Flow<Login>>,
) -> Result<Shown<Login>, Problem> {
    lifecycle::fetch(cx, runtime, request, id).await
}

/// Submits a sign-in form.
///
/// # Errors
/// Whatever cannot be said on the form.
pub async fn submit(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    id: Id<Flow<Login>>,
    input: Result<Input, InputError>,
) -> Result<Answer<Login>, SubmitError> {
    let flow: Option<Flow<Login>> = runtime.store.flow(id).await.map_err(Problem::from)?;
    let flow = flow.ok_or_else(Problem::not_found)?;
    let client = Some(flow.client);
    submit_to(cx, runtime, request, flow, input).await.map_err(|problem| SubmitError { problem, client })
}

async fn submit_to(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    mut flow: Flow<Login>,
    input: Result<Input, InputError>,
) -> Result<Answer<Login>, Problem> {
    let found = runtime.sessions.current(cx, &request.credentials).await?;
    match &found {
        Some(found) if !flow.detail.refresh && flow.detail.requested_aal <= found.session.aal => {
            return if request.wants_json || flow.client == FlowClient::Api {
                let message = message::generic(already_signed_in().reason.clone().unwrap_or_default());
                show_again(cx, runtime, request, flow, vec![Rejection::whole(message)], Tx::new()).await
            } else {
                Ok(Answer::AlreadySignedIn { return_to: runtime.config.selfservice.default_browser_return_url.clone() })
            };
        }
        None if flow.detail.requested_aal > Aal::Aal1 => return Err(first_factor_missing()),
        _ => {}
    }
    if flow.expires_at <= cx.now() {
        return expired(cx, runtime, request, &flow, found.as_ref(), flow.expires_at).await;
    }
    let input = match input {
        Ok(input) => input,
        Err(InputError(why)) => {
            let rejection = Rejection::whole(message::generic(why));
            return show_again(cx, runtime, request, flow, vec![rejection], Tx::new()).await;
        }
    };
    ensure_switched_on(runtime, &flow, &input)?;
    let meant = runtime.methods.iter().find_map(|method| {
        method.login().filter(|login| login.is_meant(runtime, &flow, &input)).map(|login| (method.name(), login))
    });
    let Some((name, method)) = meant else {
        return show_again(cx, runtime, request, flow, vec![Rejection::whole(message::no_login_method())], Tx::new())
            .await;
    };
    let mut malformed = method.malformed(&flow, &input);
    malformed.extend(form::malformed_payload(&input));
    if !malformed.is_empty() {
        method.keep_input(&mut flow, &input);
        return show_again(cx, runtime, request, flow, malformed, Tx::new()).await;
    }
    flow.transient_payload = Some(input.transient_payload().unwrap_or_else(|| serde_json::json!({})));
    if method.needs_csrf()
        && let Err(refused) = csrf::ensure(request, &flow, &input.text("csrf_token"))
    {
        let rejections = vec![refused.into_rejection()?];
        method.keep_input(&mut flow, &input);
        return show_again(cx, runtime, request, flow, rejections, Tx::new()).await;
    }
    let session = found.as_ref().map(|found| &found.session);
    let step = match method.verify(cx, runtime, request, &mut flow, session, &input).await? {
        Verdict::Accepted(step) => step,
        Verdict::Rejected { rejections, writes } => {
            method.keep_input(&mut flow, &input);
            return show_again(cx, runtime, request, flow, rejections, writes).await;
        }
        Verdict::NextStep { status, writes } => {
            // What the client gave along is shown with the step that it led to, as in Kratos.
            let payload = flow.transient_payload.take();
            let mut shown = update(cx, runtime, request, flow, writes).await?;
            shown.flow.transient_payload = payload;
            return Ok(Answer::NextStep { shown, status });
        }
        Verdict::Expired(at) => return expired(cx, runtime, request, &flow, found.as_ref(), at).await,
        Verdict::Elsewhere { to, effects, writes } => {
            lifecycle::update(cx, runtime, &mut flow, writes).await?;
            return Ok(Answer::Navigate { to, effects });
        }
        Verdict::Answered(answer) => return Ok(Answer::Other(answer)),
    };
    flow.active = Some(name.to_owned());
    complete(cx, runtime, request, flow, found, step, None).await
}

/// Makes a sign-in form that goes on where a sign-up has led to an account that exists. It is not stored yet.
pub(crate) fn new_in_place_of(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    old: &Flow<Registration>,
) -> Result<Flow<Login>, Problem> {
    let detail = Login {
        requested_aal: Aal::Aal1,
        oauth2_login_challenge: old.detail.oauth2_login_challenge.clone(),
        organization_id: old.detail.organization_id,
        identity_schema: old.detail.identity_schema.clone(),
        ..Login::default()
    };
    let opening = Opening::in_place_of(old, request.csrf.masked(&cx.entropy));
    let mut flow = lifecycle::new_flow(cx, runtime, opening, detail);
    flow.internal_context.clone_from(&old.internal_context);
    flow.transient_payload.clone_from(&old.transient_payload);
    flow.active.clone_from(&old.active);
    add_fields(cx, runtime, &LoginScene::FirstFactor, &mut flow)?;
    model::ui::NodeOrder::login().sort(&mut flow.ui);
    flow.ui.set_csrf(&request.form_token(flow.client, &cx.entropy));
    Ok(flow)
}

/// Opens a sign-in form that goes on where a sign-up has turned out to be somebody known.
///
/// # Errors
/// When the database fails.
pub async fn open_in_place_of(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    old: &Flow<Registration>,
) -> Result<Flow<Login>, Problem> {
    let flow = new_in_place_of(cx, runtime, request, old)?;
    let mut tx = Tx::new();
    tx.insert_flow(&flow);
    tx.move_token_exchange(old.id.uuid(), flow.id.uuid(), cx.now());
    runtime.store.commit(tx).await?;
    Ok(flow)
}

/// 404 for a method that could be meant, if it were not switched off.
fn ensure_switched_on(runtime: &Runtime, flow: &Flow<Login>, input: &Input) -> Result<(), Problem> {
    let method = input.method();
    let exists = match (flow.detail.requested_aal, method.as_str()) {
        (Aal::Aal2, "totp" | "lookup_secret" | "code") | (Aal::Aal1, "password" | "code" | "passkey") => true,
        (_, "webauthn") => flow.client == FlowClient::Browser,
        _ => false,
    };
    if exists {
        runtime.ensure_switched_on(&method)?;
    }
    ensure_providers_switched_on(runtime, input)
}

/// 404 for a provider that could be meant, if they were not switched off.
pub(crate) fn ensure_providers_switched_on(runtime: &Runtime, input: &Input) -> Result<(), Problem> {
    let is_meant = !input.text("provider").is_empty() && matches!(input.method().as_str(), "" | "oidc");
    if is_meant { runtime.ensure_switched_on("oidc") } else { Ok(()) }
}

/// Runs the hooks that may keep a form from being opened.
async fn run_before(cx: &Cx, runtime: &Runtime, request: &Request, flow: &Flow<Login>) -> Result<(), Problem> {
    let scene = Scene { cx, runtime, request, flow: AnyFlow::Login(flow), session: None };
    runtime.hooks.before_opening(FlowName::Login, &scene).await
}

/// Shows the form again, with what was wrong.
///
/// # Errors
/// When the database fails.
pub async fn show_again(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    mut flow: Flow<Login>,
    rejections: Vec<Rejection>,
    writes: Tx,
) -> Result<Answer<Login>, Problem> {
    let ids: BTreeSet<u32> = rejections.iter().map(|rejection| rejection.message.id).collect();
    tracing::info!(flow.id = %flow.id, messages = ?ids, "A sign-in was not accepted.");
    form::say(&mut flow.ui, rejections);
    if flow.client == FlowClient::Browser {
        flow.ui.set_csrf(&request.csrf.masked(&cx.entropy));
    }
    model::ui::NodeOrder::login().sort(&mut flow.ui);
    update(cx, runtime, request, flow, writes).await.map(Answer::Rejected)
}

/// Saves the form. Kratos reads it anew before it answers, and the payload is not stored.
async fn update(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    mut flow: Flow<Login>,
    writes: Tx,
) -> Result<Box<Shown<Login>>, Problem> {
    lifecycle::update(cx, runtime, &mut flow, writes).await?;
    flow.transient_payload = None;
    lifecycle::shown(runtime, request, flow).await
}

/// Opens a fresh form in the place of one that is of no use since `expired_at`.
async fn expired(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    old: &Flow<Login>,
    found: Option<&Found>,
    expired_at: Timestamp,
) -> Result<Answer<Login>, Problem> {
    let opening = Opening::of(request, old.client, request.csrf.masked(&cx.entropy));
    let mut flow = lifecycle::new_flow(cx, runtime, opening, old.detail.clone());
    let begun = fill_in(cx, runtime, request, &mut flow, found).await?;
    run_before(cx, runtime, request, &flow).await?;
    lifecycle::insert_in_place_of(runtime, old, &mut flow, message::login_flow_expired(expired_at), begun).await?;
    Ok(Answer::Expired { replacement: Box::new(flow), expired_at })
}

/// 400: signed in already.
pub fn already_signed_in() -> Problem {
    Problem::bad_request("You are signed in already. To prove it anew, open the form with refresh=true.")
        .with_id(id::ALREADY_SIGNED_IN)
        .message("You are signed in already.")
}

fn first_factor_missing() -> Problem {
    Problem::unauthorized("Please sign in first: a second factor can only be added to a session.")
        .with_id(id::AAL1_REQUIRED)
        .message("There is no session that a second factor could be added to.")
}

/// Whether the configured style asks for the identifier before anything else.
pub fn is_identifier_first(runtime: &Runtime) -> bool {
    runtime.config.selfservice.login_style == LoginStyle::IdentifierFirst
}

/// The identifier that a person who is signed in would type, for forms that show it hidden.
pub fn known_identifier(identity: &Identity, kind: model::CredentialType) -> Option<String> {
    identity.credentials.get(&kind)?.identifiers.first().cloned()
}
