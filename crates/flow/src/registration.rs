//! Signing up: on two screens (traits first, then a credential), or on one.

use std::collections::BTreeSet;

use config::RegistrationStyle;
use model::flow::{Login, Registration};
use model::problem::id;
use model::ui::NodeOrder;
use model::wire::ContinueWith;
use model::{CredentialType, Cx, Flow, FlowClient, FlowName, Id, Identity, Problem, RawJson, Timestamp, message};
use serde_json::{Value, json};
use store::{CommitError, TokenExchange, Tx};
use url::Url;

use crate::answer::{Answer, Done, Effects, Opened, Shown, SubmitError};
use crate::csrf;
use crate::form::{self, Rejection};
use crate::hook::{RegistrationInProgress, Stop, run_after};
use crate::input::{Input, InputError};
use crate::lifecycle::{self, Opening};
use crate::linking::{self, Conflict};
use crate::login;
use crate::method::{RegistrationMethod, RegistrationStep, Verdict};
use crate::oauth2::{self, Subject};
use crate::request::Request;
use crate::return_to::with_code;
use crate::runtime::Runtime;
use crate::scene::{AnyFlow, Scene};

/// Opens a sign-up form.
///
/// # Errors
/// 400 where signing up is switched off, or for an unusable `return_to` or `identity_schema`.
pub async fn open(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    client: FlowClient,
) -> Result<Opened<Registration>, Problem> {
    let selfservice = &runtime.config.selfservice;
    ensure_enabled(runtime)?;
    let return_to = runtime.return_to(None, Some(&request.url), &selfservice.default_browser_return_url)?;
    let oauth2_login_challenge = oauth2::challenge(runtime, &request.url)?;
    let identity_schema = request.query("identity_schema");
    let identity_schema = identity_schema.map(|schema| runtime.identities.selectable_schema(&schema)).transpose()?;
    let asked = match &oauth2_login_challenge {
        Some(challenge) if client == FlowClient::Browser => Some(oauth2::login_request(runtime, challenge).await?),
        _ => None,
    };
    if let Some(found) = runtime.sessions.current(cx, &request.credentials).await? {
        return match (asked, &oauth2_login_challenge) {
            (Some(asked), Some(challenge)) if asked.may_skip() => {
                let to = oauth2::accept(runtime, challenge, Subject::of(&found.session)).await?;
                Ok(Opened::ToldWho { to })
            }
            (Some(_), _) => {
                let mut url = runtime.config.serve.public.base_url.join("/self-service/login/browser");
                url.set_query(request.url.query());
                Ok(Opened::SignInInstead { to: url.into() })
            }
            (None, _) => Ok(Opened::AlreadySignedIn { return_to }),
        };
    }
    let detail = Registration {
        oauth2_login_challenge,
        organization_id: request.query("organization").and_then(|id| id.parse().ok()),
        identity_schema,
        ..Registration::default()
    };
    let flow = new_flow(cx, runtime, request, client, detail)?;
    run_before(cx, runtime, request, &flow).await?;
    let mut tx = Tx::new();
    tx.insert_flow(&flow);
    // Unlike for sign-ins, Kratos takes this spelling only.
    let wants_code =
        client == FlowClient::Api && request.query("return_session_token_exchange_code").as_deref() == Some("true");
    let session_token_exchange_code = wants_code.then(|| login::start_exchange(cx, runtime, flow.id.uuid(), &mut tx));
    runtime.store.commit(tx).await?;
    tracing::debug!(flow.id = %flow.id, flow.client = client.as_str(), "A sign-up form was opened.");
    // Unlike for sign-ins, Kratos tells what the server wants to know when the flow is fetched, and not before.
    let shown = Box::new(Shown { flow, oauth2_login_request: None });
    Ok(Opened::Flow { shown, session_token_exchange_code })
}

fn new_flow(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    client: FlowClient,
    detail: Registration,
) -> Result<Flow<Registration>, Problem> {
    let opening = Opening::of(request, client, request.csrf.masked(&cx.entropy));
    let mut flow = lifecycle::new_flow(cx, runtime, opening, detail);
    // Members of an organization sign up by its own provider, and no method is one.
    let is_of_organization = flow.detail.organization_id.is_some();
    for method in registration_methods(runtime).filter(|_| !is_of_organization) {
        match has_two_screens(runtime) {
            true => method.add_profile_fields(cx, runtime, &mut flow)?,
            false => method.add_fields(cx, runtime, &mut flow)?,
        }
    }
    if !is_of_organization {
        flow.ui.set_csrf(&request.form_token(client, &cx.entropy));
    }
    sort(runtime, &mut flow);
    Ok(flow)
}

/// Runs the hooks that may keep a form from being opened.
async fn run_before(cx: &Cx, runtime: &Runtime, request: &Request, flow: &Flow<Registration>) -> Result<(), Problem> {
    let scene = Scene { cx, runtime, request, flow: AnyFlow::Registration(flow), session: None };
    runtime.hooks.before_opening(FlowName::Registration, &scene).await
}

/// Whether the sign-up form asks for the traits on a screen of their own.
pub fn has_two_screens(runtime: &Runtime) -> bool {
    runtime.config.selfservice.registration_style == RegistrationStyle::ProfileFirst
}

/// Everything that can be signed up with.
pub fn registration_methods(runtime: &Runtime) -> impl Iterator<Item = &dyn RegistrationMethod> {
    runtime.methods.iter().filter_map(|method| method.registration())
}

/// The identity that a sign-up would make, without credentials.
pub fn candidate(cx: &Cx, runtime: &Runtime, flow: &Flow<Registration>, traits: &Value) -> Identity {
    let schemas = runtime.identities.schemas();
    let wanted = flow.detail.identity_schema.as_deref().and_then(|id| schemas.get(id));
    let schema = wanted.unwrap_or_else(|| schemas.default_schema());
    Identity::new(Id::random(&cx.entropy), schema.id().to_owned(), RawJson::from_value(traits), cx.now())
}

/// What the schema has against the traits of a submission.
pub fn malformed_traits(runtime: &Runtime, flow: &Flow<Registration>, input: &Input) -> Vec<Rejection> {
    let schemas = runtime.identities.schemas();
    let schema = flow.detail.identity_schema.as_deref();
    let traits = schemas.traits(schema, &input.traits(), input.is_form);
    schemas.complaints(schema, &traits).into_iter().map(Rejection::from).collect()
}

/// Brings the nodes into the order that the schema gives.
pub fn sort(runtime: &Runtime, flow: &mut Flow<Registration>) {
    let fields = runtime.identities.schemas().fields(flow.detail.identity_schema.as_deref());
    let names: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
    NodeOrder::registration(&names).sort(&mut flow.ui);
}

/// Fetches a sign-up form, for the browser that opened it (or any native client that knows its id).
///
/// # Errors
/// 400 where signing up is switched off, 403 for another browser, 404 for an unknown flow, 410 for one that is too old.
pub async fn fetch(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    id: Id<Flow<Registration>>,
) -> Result<Shown<Registration>, Problem> {
    ensure_enabled(runtime)?;
    lifecycle::fetch(cx, runtime, request, id).await
}

/// Submits a sign-up form.
///
/// # Errors
/// Whatever cannot be said on the form.
pub async fn submit(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    id: Id<Flow<Registration>>,
    input: Result<Input, InputError>,
) -> Result<Answer<Registration>, SubmitError> {
    let flow: Option<Flow<Registration>> = runtime.store.flow(id).await.map_err(Problem::from)?;
    let flow = flow.ok_or_else(Problem::not_found)?;
    let client = Some(flow.client);
    submit_to(cx, runtime, request, flow, input).await.map_err(|problem| SubmitError { problem, client })
}

async fn submit_to(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    mut flow: Flow<Registration>,
    input: Result<Input, InputError>,
) -> Result<Answer<Registration>, Problem> {
    if runtime.sessions.current(cx, &request.credentials).await?.is_some() {
        if request.wants_json || flow.client == FlowClient::Api {
            return Err(already_signed_in());
        }
        return Ok(Answer::AlreadySignedIn {
            return_to: runtime.config.selfservice.default_browser_return_url.clone(),
        });
    }
    if flow.expires_at <= cx.now() {
        return expired(cx, runtime, request, &flow, flow.expires_at).await;
    }
    let input = match input {
        Ok(input) => input,
        Err(InputError(why)) => {
            return show_again(cx, runtime, request, flow, vec![Rejection::whole(message::generic(why))], Tx::new())
                .await;
        }
    };
    let meant = runtime.methods.iter().find_map(|method| {
        let registration = method.registration()?;
        registration.is_meant(runtime, &flow, &input).then_some((method.name(), registration))
    });
    // As in Kratos: wrong traits are said whatever the rest is, unless a password comes on the same screen with them, or a
    // provider is asked first.
    let says_itself = match meant {
        Some(("profile" | "oidc", _)) => true,
        _ => input.method() == "password" && !has_two_screens(runtime),
    };
    if input.get("traits").is_some() && !says_itself {
        let malformed = malformed_traits(runtime, &flow, &input);
        if !malformed.is_empty() {
            return reject(cx, runtime, request, flow, &input, malformed, Tx::new()).await;
        }
    }
    let Some((name, method)) = meant else {
        if matches!(input.method().as_str(), "password" | "code") {
            runtime.ensure_switched_on(&input.method())?;
        }
        login::ensure_providers_switched_on(runtime, &input)?;
        let malformed = malformed_traits(runtime, &flow, &input);
        if !malformed.is_empty() {
            return reject(cx, runtime, request, flow, &input, malformed, Tx::new()).await;
        }
        let rejection = Rejection::whole(message::no_registration_method());
        return show_again(cx, runtime, request, flow, vec![rejection], Tx::new()).await;
    };
    let mut malformed = method.malformed(runtime, &flow, &input);
    malformed.extend(form::malformed_payload(&input));
    if !malformed.is_empty() {
        return reject(cx, runtime, request, flow, &input, malformed, Tx::new()).await;
    }
    flow.transient_payload = Some(input.transient_payload().unwrap_or_else(|| json!({})));
    if method.needs_csrf(&input)
        && let Err(refused) = csrf::ensure(request, &flow, &input.text("csrf_token"))
    {
        let rejections = vec![refused.into_rejection()?];
        return reject(cx, runtime, request, flow, &input, rejections, Tx::new()).await;
    }
    match method.verify(cx, runtime, request, &mut flow, &input).await? {
        Verdict::Accepted(step) => {
            let accepted = Accepted { step, name, on_conflict: None, exchange: None };
            match accept(cx, runtime, request, flow, accepted).await? {
                Completed::Answered(answer) => Ok(answer),
                Completed::Refused { flow, rejections, .. } => {
                    reject(cx, runtime, request, flow, &input, rejections, Tx::new()).await
                }
                // As in Kratos, what was typed does not come back here.
                Completed::Taken { flow, .. } => {
                    show_again(
                        cx,
                        runtime,
                        request,
                        flow,
                        vec![Rejection::whole(message::duplicate_account())],
                        Tx::new(),
                    )
                    .await
                }
            }
        }
        Verdict::Rejected { rejections, writes } => {
            reject(cx, runtime, request, flow, &input, rejections, writes).await
        }
        Verdict::NextStep { status, writes } => {
            // What the client gave along is shown with the step that it led to, as in Kratos.
            lifecycle::update(cx, runtime, &mut flow, writes).await?;
            // As in Kratos: the screens in between do not ask the server.
            let shown = match flow.active {
                Some(_) => lifecycle::shown(runtime, request, flow).await?,
                None => Box::new(Shown { flow, oauth2_login_request: None }),
            };
            Ok(Answer::NextStep { shown, status })
        }
        Verdict::Expired(at) => expired(cx, runtime, request, &flow, at).await,
        Verdict::Elsewhere { to, effects, writes } => {
            lifecycle::update(cx, runtime, &mut flow, writes).await?;
            Ok(Answer::Navigate { to, effects })
        }
        Verdict::Answered(answer) => Ok(Answer::Other(answer)),
    }
}

/// A sign-up that a method has accepted, in a submission or outside of one.
pub struct Accepted<'a> {
    pub step: RegistrationStep,
    /// The method.
    pub name: &'a str,
    /// What can be linked to an account that has one of the identifiers already.
    pub on_conflict: Option<OnConflict<'a>>,
    /// The session goes to the native app that has these codes, and to no one else.
    pub exchange: Option<TokenExchange>,
}

/// What can be linked to an existing account.
pub struct OnConflict<'a> {
    pub kind: CredentialType,
    /// The `config` of the credential, with nothing in it but what is to be linked.
    pub config: Value,
    pub provider_id: &'a str,
    pub provider_label: &'a str,
}

/// How far a sign-up came.
pub enum Completed {
    Answered(Answer<Registration>),
    /// Something about the candidate is wrong.
    Refused {
        flow: Flow<Registration>,
        candidate: Box<Identity>,
        rejections: Vec<Rejection>,
    },
    /// Somebody else has one of the identifiers or addresses.
    Taken {
        flow: Flow<Registration>,
        candidate: Box<Identity>,
    },
}

/// Opens a sign-up form that goes on where a sign-in has turned out to be somebody new.
///
/// # Errors
/// 400 where signing up is switched off.
pub async fn open_in_place_of(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    old: &Flow<Login>,
) -> Result<Flow<Registration>, Problem> {
    ensure_enabled(runtime)?;
    let detail = Registration {
        oauth2_login_challenge: old.detail.oauth2_login_challenge.clone(),
        organization_id: old.detail.organization_id,
        identity_schema: old.detail.identity_schema.clone(),
        ..Registration::default()
    };
    let mut flow = new_flow(cx, runtime, request, old.client, detail)?;
    flow.request_url.clone_from(&old.request_url);
    flow.return_to.clone_from(&old.return_to);
    flow.active.clone_from(&old.active);
    flow.transient_payload.clone_from(&old.transient_payload);
    let mut tx = Tx::new();
    tx.insert_flow(&flow);
    tx.move_token_exchange(old.id.uuid(), flow.id.uuid(), cx.now());
    runtime.store.commit(tx).await?;
    Ok(flow)
}

/// Makes the account of a person whom a method has accepted, in a submission or outside of one: stages 3 to 7.
///
/// # Errors
/// Whatever cannot be said on the form.
pub async fn accept(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    mut flow: Flow<Registration>,
    accepted: Accepted<'_>,
) -> Result<Completed, Problem> {
    let Accepted { step, name, on_conflict, exchange } = accepted;
    let RegistrationStep { mut candidate, method, writes: mut tx } = step;
    let refused =
        |flow, candidate, rejections| Ok(Completed::Refused { flow, candidate: Box::new(candidate), rejections });
    let hooks = runtime.hooks.after_registration.of(name);
    for hook in hooks {
        let scene = Scene { cx, runtime, request, flow: AnyFlow::Registration(&flow), session: None };
        match hook.before_persisting(&scene, &mut candidate).await {
            Ok(()) => {}
            Err(Stop::Rejected(rejections)) => {
                return refused(flow, candidate, rejections);
            }
            Err(stop) => return Err(stop.into()),
        }
    }
    if let Err(errors) = runtime.identities.validate(cx, &mut candidate) {
        let rejections = errors.into_iter().map(Rejection::from).collect();
        return refused(flow, candidate, rejections);
    }
    let selfservice = &runtime.config.selfservice;
    let default = selfservice.registration.after.return_url(name);
    let source = Url::parse(&flow.request_url).ok();
    let return_to = runtime.return_to(flow.return_to.as_deref(), source.as_ref(), default)?;
    let mut session = runtime.sessions.new_session(cx, &request.client, &candidate, vec![method])?;
    let mut continue_with = Vec::new();
    if flow.client == FlowClient::Browser && request.wants_json {
        continue_with.push(ContinueWith::RedirectBrowserTo { redirect_browser_to: return_to.to_string() });
    }
    let signs_in = hooks.iter().any(|hook| hook.name() == "session");
    let mut progress = RegistrationInProgress {
        request,
        flow: &mut flow,
        identity: &mut candidate,
        session: &mut session,
        signs_in,
        continue_with,
        verification: None,
        return_to,
        redirect_to: None,
        effects: Effects::default(),
    };
    let mut hook_writes = Tx::new();
    for hook in hooks {
        match hook.on_registration(cx, runtime, &mut progress, &mut hook_writes) {
            Ok(()) => {}
            Err(Stop::Rejected(rejections)) => {
                return refused(flow, candidate, rejections);
            }
            Err(stop) => return Err(stop.into()),
        }
    }
    let RegistrationInProgress { mut continue_with, return_to, redirect_to, mut effects, .. } = progress;
    runtime.identities.insert(cx, &mut candidate, &mut tx);
    runtime.sessions.insert(&mut tx, &session);
    tx.append(hook_writes);
    if exchange.is_some() {
        tx.bind_token_exchange(flow.id.uuid(), session.id, cx.now());
    }
    match runtime.store.commit(tx).await {
        Ok(()) => {}
        Err(CommitError::Unique(_)) => {
            if let Some(OnConflict { kind, config, provider_id, provider_label }) = on_conflict {
                let conflict = Conflict { candidate: &candidate, kind, config, provider_id, provider_label };
                if let Some(answer) = linking::offer(cx, runtime, request, flow.clone(), conflict).await? {
                    return Ok(Completed::Answered(Answer::Other(Box::new(answer))));
                }
            }
            return Ok(Completed::Taken { flow, candidate: Box::new(candidate) });
        }
        // Of two submissions with one code, this is the slower one.
        Err(error) if error.is_spent() => {
            let why = "This code was used already. Please ask for a new one.";
            let rejection = Rejection::whole(message::generic(why));
            return refused(flow, candidate, vec![rejection]);
        }
        Err(error) => return Err(error.into()),
    }
    tracing::info!(identity.id = %candidate.id, flow.method = name, "Signed up.");
    let scene = Scene { cx, runtime, request, flow: AnyFlow::Registration(&flow), session: None };
    run_after(hooks, &scene, &candidate).await?;
    if let Some(exchange) = exchange {
        let to = with_code(return_to, &exchange);
        return Ok(Completed::Answered(Answer::HandBack { to }));
    }
    session.identity = Some(candidate.clone());
    if signs_in && flow.client == FlowClient::Browser {
        effects.csrf.get_or_insert_with(|| crypto::CsrfToken::generate(&cx.entropy));
        effects.sign_in = Some(session.clone());
    }
    let verifies_first = match request.wants_json {
        true => continue_with.iter().any(|next| matches!(next, ContinueWith::ShowVerificationUi { .. })),
        false => redirect_to.is_some(),
    };
    let mut redirect_to = redirect_to.unwrap_or_else(|| return_to.to_string());
    // Whoever has an address to verify goes there first, and on to the server that asked for the sign-in from there.
    let leads_to_server = flow.client == FlowClient::Browser && !verifies_first && (signs_in || !request.wants_json);
    if let (Some(challenge), true) = (&flow.detail.oauth2_login_challenge, leads_to_server) {
        match oauth2::accept(runtime, challenge, Subject::of(&session)).await {
            Ok(to) => {
                continue_with.retain(|next| !matches!(next, ContinueWith::RedirectBrowserTo { .. }));
                continue_with.push(ContinueWith::RedirectBrowserTo { redirect_browser_to: to.clone() });
                redirect_to = to;
            }
            Err(problem) => {
                return Ok(Completed::Answered(Answer::NotTold { problem, effects: Box::new(effects) }));
            }
        }
    }
    Ok(Completed::Answered(Answer::Done(Box::new(Done {
        flow: flow.id,
        client: flow.client,
        session: signs_in.then_some(session),
        identity: Some(candidate),
        show_identity: true,
        continue_with,
        redirect_to,
        effects,
    }))))
}

/// Shows the form again with what was typed, but for secrets, and what was wrong.
async fn reject(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    mut flow: Flow<Registration>,
    input: &Input,
    rejections: Vec<Rejection>,
    writes: Tx,
) -> Result<Answer<Registration>, Problem> {
    let traits =
        runtime.identities.schemas().traits(flow.detail.identity_schema.as_deref(), &input.traits(), input.is_form);
    for (name, value) in model::ui::flatten("traits", &traits) {
        flow.ui.set_value(&name, value);
    }
    if flow.client == FlowClient::Browser {
        flow.ui.set_csrf(&request.csrf.masked(&cx.entropy));
    }
    show_again(cx, runtime, request, flow, rejections, writes).await
}

/// Shows the form again, with what was wrong.
///
/// # Errors
/// When the database fails.
pub async fn show_again(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    mut flow: Flow<Registration>,
    rejections: Vec<Rejection>,
    writes: Tx,
) -> Result<Answer<Registration>, Problem> {
    let ids: BTreeSet<u32> = rejections.iter().map(|rejection| rejection.message.id).collect();
    tracing::info!(flow.id = %flow.id, messages = ?ids, "A sign-up was not accepted.");
    form::say(&mut flow.ui, rejections);
    sort(runtime, &mut flow);
    lifecycle::update(cx, runtime, &mut flow, writes).await?;
    flow.transient_payload = None;
    lifecycle::shown(runtime, request, flow).await.map(Answer::Rejected)
}

/// Opens a fresh form in the place of one that is of no use since `expired_at`.
async fn expired(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    old: &Flow<Registration>,
    expired_at: Timestamp,
) -> Result<Answer<Registration>, Problem> {
    let mut flow = new_flow(cx, runtime, request, old.client, old.detail.clone())?;
    run_before(cx, runtime, request, &flow).await?;
    let message = message::registration_flow_expired(expired_at);
    lifecycle::insert_in_place_of(runtime, old, &mut flow, message, Tx::new()).await?;
    Ok(Answer::Expired { replacement: Box::new(flow), expired_at })
}

fn ensure_enabled(runtime: &Runtime) -> Result<(), Problem> {
    if runtime.config.selfservice.registration.enabled {
        return Ok(());
    }
    Err(Problem::bad_request("Signing up is switched off here. Please ask the administrator for an account.")
        .with_id(id::FLOW_DISABLED)
        .message("Signing up is switched off."))
}

/// 400: signed in already.
pub fn already_signed_in() -> Problem {
    Problem::bad_request("You are signed in already. Sign out first to make another account.")
        .with_id(id::ALREADY_SIGNED_IN)
        .message("You are signed in already.")
}
