//! Recovery: people who cannot sign in any more prove who they are, are signed in, and set a new credential.

use config::AddressProof;
use crypto::CsrfToken;
use model::flow::{FlowState, Recovery, Settings};
use model::problem::id;
use model::wire::{ContinueWith, ContinueWithFlow};
use model::{
    Cx, Flow, FlowClient, FlowName, Id, Identity, IdentityId, Problem, Session, SignedDuration, Timestamp, message,
};
use store::Tx;
use url::Url;

use crate::answer::{Effects, SubmitError};
use crate::csrf;
use crate::expiry;
use crate::form::{self, Rejection};
use crate::hook::{RecoveryInProgress, Stop, run_after};
use crate::input::{Input, InputError};
use crate::lifecycle::{self, Opening};
use crate::proof::{IssuedProof, NO_METHOD, ProofVerdict, RecoveryMethod, RecoveryStep, StartAnew};
use crate::request::Request;
use crate::runtime::Runtime;
use crate::scene::{AnyFlow, Scene};
use crate::settings;
use crate::verification::form_token;

/// The outcome of opening a flow.
pub enum Opened {
    Flow(Box<Flow<Recovery>>),
    /// The caller is signed in already. A browser goes on to `return_to`.
    AlreadySignedIn {
        return_to: Url,
    },
}

/// The outcome of a submission.
pub enum Outcome {
    /// The form again, with what is wrong.
    Rejected(Box<Flow<Recovery>>),
    /// The form's next step.
    NextStep(Box<Flow<Recovery>>),
    /// The flow was too old; `replacement` took its place.
    Expired { replacement: Box<Flow<Recovery>>, problem: Box<Problem> },
    /// The flow was of no use any more. JSON clients are told `problem`, if there is one.
    Replaced { replacement: Box<Flow<Recovery>>, problem: Option<Problem>, csrf: CsrfToken },
    /// The anti-CSRF check failed; the browser gets a new cookie.
    Denied(Problem),
    /// The caller is signed in already. A browser goes on to `return_to`.
    AlreadySignedIn { return_to: Url },
    /// The person is signed in, and goes on to set a new credential.
    Recovered(Box<Recovered>),
}

/// A recovery that is completed.
pub struct Recovered {
    pub flow: Flow<Recovery>,
    /// The page of the settings flow.
    pub settings_page: String,
    pub continue_with: Vec<ContinueWith>,
    /// Whether a link was opened: the answer is a redirect, whoever asks.
    pub by_link: bool,
    pub effects: Effects,
}

/// 400: recovery is for those who cannot sign in.
pub fn already_signed_in() -> Problem {
    Problem::bad_request("You are signed in already, so there is no access to win back.").with_id(id::ALREADY_SIGNED_IN)
}

/// Opens a form that asks for an address.
///
/// # Errors
/// 400 when recovery is switched off, or for an unusable `return_to`.
pub async fn open(cx: &Cx, runtime: &Runtime, request: &Request, client: FlowClient) -> Result<Opened, Problem> {
    if runtime.sessions.current(cx, &request.credentials).await?.is_some() {
        return Ok(Opened::AlreadySignedIn { return_to: signed_in_return_to(runtime, request) });
    }
    require_enabled(runtime)?;
    let method = runtime.recovery_method()?;
    let flow = new_flow(cx, runtime, request, client, method, &request.csrf)?;
    let scene = Scene { cx, runtime, request, flow: AnyFlow::Recovery(&flow), session: None };
    runtime.hooks.before_opening(FlowName::Recovery, &scene).await?;
    let mut tx = Tx::new();
    tx.insert_flow(&flow);
    runtime.store.commit(tx).await?;
    Ok(Opened::Flow(Box::new(flow)))
}

fn require_enabled(runtime: &Runtime) -> Result<(), Problem> {
    match runtime.config.selfservice.recovery.enabled {
        true => Ok(()),
        false => Err(Problem::bad_request("Access cannot be won back here: recovery is switched off.")),
    }
}

fn signed_in_return_to(runtime: &Runtime, request: &Request) -> Url {
    let default = &runtime.config.selfservice.default_browser_return_url;
    runtime.return_to(None, Some(&request.url), default).unwrap_or_else(|_| default.clone())
}

/// A new form for `client`, filled in by `method`. `csrf` is the browser's anti-CSRF token from now on.
fn new_flow(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    client: FlowClient,
    (name, method): (&'static str, &dyn RecoveryMethod),
    csrf: &CsrfToken,
) -> Result<Flow<Recovery>, Problem> {
    runtime.return_to(None, Some(&request.url), &runtime.config.selfservice.default_browser_return_url)?;
    let opening = Opening::of(request, client, csrf.masked(&cx.entropy));
    let mut flow = lifecycle::new_flow(cx, runtime, opening, Recovery::default());
    flow.active = Some(name.to_owned());
    if runtime.config.feature_flags.choose_recovery_address {
        flow.state = FlowState::RecoveryAwaitingAddress;
    }
    method.add_fields(&mut flow, &form_token(cx, request, client, csrf));
    Ok(flow)
}

/// A proof that an operator hands to a person.
pub struct Issued {
    pub proof: IssuedProof,
    pub expires_at: Timestamp,
}

/// Issues a proof on behalf of an operator by the method named `name`, whether or not recovery is switched on. It is
/// good for `lifespan`, or as long as the method's proofs are.
///
/// # Errors
/// 404 when the method is switched off or nobody has this id; 400 for an unusable `return_to`.
pub async fn issue(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    name: AddressProof,
    identity: IdentityId,
    client: FlowClient,
    lifespan: Option<SignedDuration>,
) -> Result<Issued, Problem> {
    let methods = &runtime.config.selfservice.methods;
    let usual = match name {
        AddressProof::Code => methods.code.lifespan,
        AddressProof::Link => methods.link.lifespan,
    };
    let mut found = runtime.methods.iter().filter(|method| method.name() == name.as_str());
    let method = found.find_map(|method| Some((method.name(), method.recovery()?)));
    let method = method.ok_or_else(|| Problem::not_found().reason("This way to win back access is switched off."))?;
    let mut flow = new_flow(cx, runtime, request, client, method, &request.csrf)?;
    let unknown = || Problem::not_found().reason("There is no identity with this id.");
    let identity = runtime.store.find_identity(identity).await?.ok_or_else(unknown)?;
    flow.expires_at = cx.now() + lifespan.unwrap_or(usual);
    let mut tx = Tx::new();
    let mut proof_writes = Tx::new();
    let proof = method.1.issue(cx, runtime, &identity, &mut flow, &mut proof_writes);
    tx.insert_flow(&flow);
    tx.append(proof_writes);
    runtime.store.commit(tx).await?;
    tracing::info!(identity.id = %identity.id, flow.id = %flow.id, flow.method = method.0, "An operator issued a recovery.");
    Ok(Issued { proof, expires_at: flow.expires_at })
}

/// Fetches a form, for the browser that opened it (or any native client that knows its id, or any client at all when an
/// operator made it).
///
/// # Errors
/// 400 when recovery is switched off, 403 for another browser, 404 for an unknown flow, 410 for one that is too old.
pub async fn fetch(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    id: Id<Flow<Recovery>>,
) -> Result<Flow<Recovery>, Problem> {
    require_enabled(runtime)?;
    let flow: Flow<Recovery> = runtime.store.flow(id).await?.ok_or_else(Problem::not_found)?;
    if !flow.detail.skip_csrf_check {
        csrf::ensure_same_browser(request, &flow)?;
    }
    if flow.expires_at > cx.now() {
        return Ok(flow);
    }
    let problem = expiry::expired_on_fetch(runtime, &flow);
    Err(match flow.client {
        FlowClient::Api => problem.with_id(id::FLOW_EXPIRED),
        FlowClient::Browser => problem,
    })
}

/// Submits a form, or opens a link from a mail.
///
/// # Errors
/// Whatever cannot be said on the form.
pub async fn submit(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    id: Id<Flow<Recovery>>,
    input: Result<Input, InputError>,
) -> Result<Outcome, SubmitError> {
    let flow: Option<Flow<Recovery>> = runtime.store.flow(id).await.map_err(Problem::from)?;
    let missing = || Problem::not_found().reason("This form does not exist any more. Please open a new one.");
    let flow = flow.ok_or_else(missing)?;
    let client = Some(flow.client);
    submit_to(cx, runtime, request, flow, input).await.map_err(|problem| SubmitError { problem, client })
}

async fn submit_to(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    mut flow: Flow<Recovery>,
    input: Result<Input, InputError>,
) -> Result<Outcome, Problem> {
    if flow.expires_at <= cx.now() {
        return expired(cx, runtime, request, &flow).await;
    }
    let input = match input {
        Ok(input) => input,
        Err(InputError(why)) => {
            // Codes look at forms of their own alone, links at the rest.
            let name = if flow.active.as_deref() == Some("code") { "code" } else { "link" };
            flow.active = Some(name.to_owned());
            return show_again(cx, runtime, flow, Rejection::whole(message::generic(why))).await;
        }
    };
    flow.transient_payload = Some(input.transient_payload().unwrap_or_else(|| serde_json::json!({})));
    for (name, method) in runtime.methods.iter().filter_map(|method| Some((method.name(), method.recovery()?))) {
        let verdict = method.check(cx, runtime, request, &mut flow, &input).await?;
        if !matches!(verdict, ProofVerdict::NotMeant) {
            flow.active = Some(name.to_owned());
        }
        return match verdict {
            ProofVerdict::NotMeant => continue,
            ProofVerdict::Rejected(rejection) => show_again(cx, runtime, flow, rejection).await,
            ProofVerdict::NextStep(writes) => next_step(cx, runtime, flow, writes).await,
            ProofVerdict::FilledIn => next_step(cx, runtime, flow, Tx::new()).await,
            ProofVerdict::Denied(problem) => Ok(Outcome::Denied(problem)),
            ProofVerdict::AlreadySignedIn => {
                Ok(Outcome::AlreadySignedIn { return_to: signed_in_return_to(runtime, request) })
            }
            ProofVerdict::StartAnew(anew) => start_anew(cx, runtime, request, (name, method), anew).await,
            ProofVerdict::Proved(step) => recovered(cx, runtime, request, flow, (name, method), step).await,
        };
    }
    // As in Kratos: codes look at forms of their own alone.
    if input.method() == "link" {
        runtime.ensure_switched_on("link")?;
    }
    flow.active = Some(NO_METHOD.to_owned());
    show_again(cx, runtime, flow, Rejection::whole(message::no_recovery_method())).await
}

/// Shows the form again, with what was wrong.
async fn show_again(
    cx: &Cx,
    runtime: &Runtime,
    mut flow: Flow<Recovery>,
    rejection: Rejection,
) -> Result<Outcome, Problem> {
    form::say(&mut flow.ui, vec![rejection]);
    flow.transient_payload = None;
    lifecycle::update(cx, runtime, &mut flow, Tx::new()).await?;
    Ok(Outcome::Rejected(Box::new(flow)))
}

async fn next_step(cx: &Cx, runtime: &Runtime, mut flow: Flow<Recovery>, writes: Tx) -> Result<Outcome, Problem> {
    lifecycle::update(cx, runtime, &mut flow, writes).await?;
    Ok(Outcome::NextStep(Box::new(flow)))
}

/// Signs the person in and opens their settings.
async fn recovered(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    mut flow: Flow<Recovery>,
    method: (&'static str, &dyn RecoveryMethod),
    step: RecoveryStep,
) -> Result<Outcome, Problem> {
    let RecoveryStep { identity, address, method: proved_by, by_link, writes: mut tx, when_spent } = step;
    let mut identity = runtime.identities.with_credentials(identity).await?.ok_or_else(Problem::not_found)?;
    let proved = address.and_then(|id| identity.recovery_addresses.iter().find(|address| address.id == id));
    if let Some(value) = proved.map(|address| address.value.clone()) {
        lifecycle::mark_verified(cx, &mut identity, &value, &mut tx);
    }
    let session = runtime.sessions.new_session(cx, &request.client, &identity, vec![proved_by])?;
    let client = if by_link { FlowClient::Browser } else { flow.client };
    // A token that somebody planted before must not be good after it.
    let csrf = CsrfToken::generate(&cx.entropy);
    if client == FlowClient::Browser {
        flow.csrf_token = csrf.masked(&cx.entropy);
        flow.ui.set_csrf(&flow.csrf_token);
    }
    flow.ui.clear_messages();
    flow.state = FlowState::PassedChallenge;
    flow.detail.recovered_identity_id = Some(identity.id);
    flow.updated_at = cx.now();
    tx.update_flow(&flow);
    let progress = RecoveryInProgress { request, flow: &flow, identity: &identity, session: &session };
    let hooks = runtime.hooks.after_recovery.of("");
    let scene = Scene { cx, runtime, request, flow: AnyFlow::Recovery(&flow), session: None };
    for hook in hooks {
        let outcome = match hook.before_signing_in(&scene, &identity).await {
            Ok(()) => hook.on_recovery(cx, runtime, &progress, &mut tx),
            stopped => stopped,
        };
        match outcome {
            Ok(()) => {}
            Err(stop @ (Stop::Problem(_) | Stop::Instead(_))) => return Err(stop.into()),
            Err(Stop::Rejected(rejections)) => {
                let message = rejections.into_iter().next().map(|rejection| rejection.message);
                let message = message.unwrap_or_else(message::recovery_failed);
                // As in Kratos the answer to JSON clients does not say it; the form that takes this one's place does.
                let anew = StartAnew { message, client: flow.client, problem: Some(Problem::new(500)) };
                return start_anew(cx, runtime, request, method_of(runtime, &flow)?, anew).await;
            }
        }
    }
    runtime.sessions.insert(&mut tx, &session);
    let next = settings_flow(cx, runtime, request, &flow, client, &identity, &csrf)?;
    settings::run_before(cx, runtime, request, (&next, &identity), &session).await?;
    tx.insert_flow(&next);
    match runtime.store.commit(tx).await {
        Ok(()) => {}
        // Of two submissions with one proof, this is the slower one.
        Err(error) if error.is_spent() => return start_anew(cx, runtime, request, method, when_spent).await,
        Err(error) => return Err(error.into()),
    }
    let scene = Scene { cx, runtime, request, flow: AnyFlow::Recovery(&flow), session: None };
    run_after(hooks, &scene, &identity).await?;
    tracing::info!(identity.id = %identity.id, session.id = %session.id, "Access was won back.");
    Ok(Outcome::Recovered(Box::new(completed(runtime, flow, &next, session, by_link, csrf))))
}

fn completed(
    runtime: &Runtime,
    flow: Flow<Recovery>,
    next: &Flow<Settings>,
    session: Session,
    by_link: bool,
    csrf: CsrfToken,
) -> Recovered {
    let settings_page = runtime.flow_page(next);
    let mut continue_with = Vec::new();
    let mut effects = Effects::default();
    let is_browser = next.client == FlowClient::Browser;
    if is_browser {
        effects = Effects { sign_in: Some(session), csrf: Some(csrf), ..Effects::default() };
    } else if let Some(token) = &session.token {
        continue_with.push(ContinueWith::SetOrySessionToken { ory_session_token: token.expose().clone() });
    }
    let url = Some(settings_page.clone());
    let show = ContinueWithFlow { id: next.id.uuid(), verifiable_address: None, url };
    continue_with.push(ContinueWith::ShowSettingsUi { flow: show });
    Recovered { flow, settings_page, continue_with, by_link, effects }
}

/// The settings in which the person sets a new credential. They lead where the recovery was to lead.
fn settings_flow(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    flow: &Flow<Recovery>,
    client: FlowClient,
    identity: &Identity,
    csrf: &CsrfToken,
) -> Result<Flow<Settings>, Problem> {
    let selfservice = &runtime.config.selfservice;
    let mut next = settings::new_flow(cx, runtime, request, client, identity)?;
    if client == FlowClient::Browser {
        next.ui.set_csrf(&csrf.masked(&cx.entropy));
    }
    let own = selfservice.recovery.after.own_return_url("").map(Url::to_string);
    if let Some(return_to) = flow.return_to.clone().or(own) {
        let mut url = request.url.clone();
        let mut pairs: Vec<_> = url.query_pairs().into_owned().filter(|(key, _)| key != "return_to").collect();
        pairs.push(("return_to".to_owned(), return_to.clone()));
        pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
        url.query_pairs_mut().clear().extend_pairs(pairs);
        next.request_url = url.into();
        next.return_to = Some(return_to);
    }
    next.ui.messages = vec![message::recovered(cx.now() + selfservice.privileged_session_max_age)];
    Ok(next)
}

/// The method that a flow was opened for, or else the configured one.
fn method_of<'a>(
    runtime: &'a Runtime,
    flow: &Flow<Recovery>,
) -> Result<(&'static str, &'a dyn RecoveryMethod), Problem> {
    let mut named = runtime.methods.iter().filter(|method| Some(method.name()) == flow.active.as_deref());
    let method = named.find_map(|method| Some((method.name(), method.recovery()?)));
    method.map_or_else(|| runtime.recovery_method(), Ok)
}

/// Opens a fresh form in the place of one that is too old.
async fn expired(cx: &Cx, runtime: &Runtime, request: &Request, old: &Flow<Recovery>) -> Result<Outcome, Problem> {
    let method = method_of(runtime, old)?;
    // A link is opened in a browser, whoever opened the flow.
    let client = if old.active.as_deref() == Some("link") { FlowClient::Browser } else { old.client };
    let mut flow = new_flow(cx, runtime, request, client, method, &request.csrf)?;
    lifecycle::insert_in_place_of(runtime, old, &mut flow, message::recovery_flow_expired(old.expires_at), Tx::new())
        .await?;
    let problem = expiry::expired_on_submit(&flow, old.expires_at, cx.now());
    let problem = problem.detail("continue_with", show_recovery(&flow));
    Ok(Outcome::Expired { replacement: Box::new(flow), problem: Box::new(problem) })
}

async fn start_anew(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    method: (&'static str, &dyn RecoveryMethod),
    anew: StartAnew,
) -> Result<Outcome, Problem> {
    let StartAnew { message, client, problem } = anew;
    let csrf = CsrfToken::generate(&cx.entropy);
    let mut flow = new_flow(cx, runtime, request, client, method, &csrf)?;
    lifecycle::insert_saying(runtime, &mut flow, message, Tx::new()).await?;
    let problem = problem.map(|problem| problem.detail("continue_with", show_recovery(&flow)));
    Ok(Outcome::Replaced { replacement: Box::new(flow), problem, csrf })
}

fn show_recovery(flow: &Flow<Recovery>) -> serde_json::Value {
    let flow = ContinueWithFlow { id: flow.id.uuid(), verifiable_address: None, url: None };
    serde_json::json!([ContinueWith::ShowRecoveryUi { flow }])
}
