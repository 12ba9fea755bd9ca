//! Verification: people prove that an address is their own.

use crypto::CsrfToken;
use model::flow::{FlowState, Verification};
use model::ui::{Attributes, NodeType};
use model::{Cx, Flow, FlowClient, FlowName, Group, Id, Node, Problem, Ui, message};
use store::Tx;
use url::Url;

use crate::answer::{Effects, SubmitError};
use crate::csrf;
use crate::expiry;
use crate::form::Rejection;
use crate::hook::{Stop, run_after};
use crate::input::{Input, InputError};
use crate::lifecycle::{self, Opening};
use crate::oauth2::{self, Subject};
use crate::proof::{NO_METHOD, ProofVerdict, StartAnew, VerificationMethod, VerificationStep};
use crate::request::Request;
use crate::runtime::Runtime;
use crate::scene::{AnyFlow, Scene};

/// The outcome of a submission.
pub enum Outcome {
    /// The form again, with what is wrong.
    Rejected(Box<Flow<Verification>>),
    /// The form's next step, or its end.
    NextStep(Box<Flow<Verification>>),
    /// The address is verified, and an OAuth 2.0 server was told who signed in. A browser goes on at `to`.
    ToldWho { flow: Box<Flow<Verification>>, to: String, effects: Box<Effects> },
    /// The form was filled in by a link; the browser gets a new anti-CSRF cookie and is shown the form.
    FilledIn { flow: Box<Flow<Verification>>, csrf: CsrfToken },
    /// The flow was too old; `replacement` took its place, with a new anti-CSRF cookie.
    Expired { replacement: Box<Flow<Verification>>, csrf: CsrfToken },
    /// The flow was of no use any more. JSON clients are told `problem`, if there is one.
    Replaced { replacement: Box<Flow<Verification>>, problem: Option<Problem>, csrf: CsrfToken },
}

/// Opens a form that asks for an address.
///
/// # Errors
/// 400 when verification is switched off, or for an unusable `return_to`.
pub async fn open(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    client: FlowClient,
) -> Result<Flow<Verification>, Problem> {
    require_enabled(runtime)?;
    let method = runtime.verification_method()?;
    let flow = new_flow(cx, runtime, request, client, method, &request.csrf)?;
    let scene = Scene { cx, runtime, request, flow: AnyFlow::Verification(&flow), session: None };
    runtime.hooks.before_opening(FlowName::Verification, &scene).await?;
    let mut tx = Tx::new();
    tx.insert_flow(&flow);
    runtime.store.commit(tx).await?;
    Ok(flow)
}

fn require_enabled(runtime: &Runtime) -> Result<(), Problem> {
    match runtime.config.selfservice.verification.enabled {
        true => Ok(()),
        false => Err(Problem::bad_request("Addresses cannot be verified here: it is switched off.")),
    }
}

/// `csrf` is the browser's anti-CSRF token from now on.
fn new_flow(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    client: FlowClient,
    (name, method): (&'static str, &dyn VerificationMethod),
    csrf: &CsrfToken,
) -> Result<Flow<Verification>, Problem> {
    runtime.return_to(None, Some(&request.url), &runtime.config.selfservice.default_browser_return_url)?;
    let opening = Opening::of(request, client, csrf.masked(&cx.entropy));
    let mut flow = lifecycle::new_flow(cx, runtime, opening, Verification::default());
    flow.active = Some(name.to_owned());
    let form_token = form_token(cx, request, client, csrf);
    method.add_fields(&mut flow, &form_token);
    Ok(flow)
}

/// The value of the hidden anti-CSRF field, when the token may just have been replaced.
pub(crate) fn form_token(cx: &Cx, request: &Request, client: FlowClient, csrf: &CsrfToken) -> String {
    match client {
        FlowClient::Browser => csrf.masked(&cx.entropy),
        FlowClient::Api => request.form_token(client, &cx.entropy),
    }
}

/// Opens a flow in which a proof for `address` was sent already, on behalf of another flow that was opened at
/// `request_url`. `csrf_token` is the browser's.
#[expect(clippy::too_many_arguments, reason = "what a flow is made of")]
pub fn opened_for(
    cx: &Cx,
    runtime: &Runtime,
    (name, method): (&'static str, &dyn VerificationMethod),
    client: FlowClient,
    csrf_token: String,
    address: &str,
    request_url: &str,
    detail: Verification,
) -> Flow<Verification> {
    let (request_url, return_to) = after_verification(request_url);
    let opening = Opening { client, csrf_token: csrf_token.clone(), request_url, return_to };
    let mut flow = lifecycle::new_flow(cx, runtime, opening, detail);
    flow.state = FlowState::SentEmail;
    flow.active = Some(name.to_owned());
    method.add_fields_when_sent(&mut flow, &csrf_token, address);
    flow
}

/// Fetches a form, for the browser that opened it (or any native client that knows its id).
///
/// # Errors
/// 400 when verification is switched off, 403 for another browser, 404 for an unknown flow, 410 for one that is too old.
pub async fn fetch(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    id: Id<Flow<Verification>>,
) -> Result<Flow<Verification>, Problem> {
    require_enabled(runtime)?;
    let flow = runtime.store.flow(id).await?.ok_or_else(Problem::not_found)?;
    csrf::ensure_same_browser(request, &flow)?;
    match flow.expires_at <= cx.now() {
        true => Err(expiry::expired_on_fetch(runtime, &flow)),
        false => Ok(flow),
    }
}

/// Submits a form, or opens a link from a mail.
///
/// # Errors
/// Whatever cannot be said on the form.
pub async fn submit(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    id: Id<Flow<Verification>>,
    input: Result<Input, InputError>,
) -> Result<Outcome, SubmitError> {
    let flow: Option<Flow<Verification>> = runtime.store.flow(id).await.map_err(Problem::from)?;
    let missing = || Problem::not_found().reason("This form does not exist any more. Please open a new one.");
    let flow = flow.ok_or_else(missing)?;
    let client = Some(flow.client);
    submit_to(cx, runtime, request, flow, input).await.map_err(|problem| SubmitError { problem, client })
}

async fn submit_to(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    mut flow: Flow<Verification>,
    input: Result<Input, InputError>,
) -> Result<Outcome, Problem> {
    if flow.expires_at <= cx.now() {
        return expired(cx, runtime, request, &flow).await;
    }
    let input = match input {
        Ok(input) => input,
        Err(InputError(why)) => {
            return show_again(cx, runtime, flow, Rejection::whole(message::generic(why))).await;
        }
    };
    let Some((name, method)) = method_of(runtime, &flow) else {
        return no_method(cx, runtime, flow).await;
    };
    flow.transient_payload = Some(input.transient_payload().unwrap_or_else(|| serde_json::json!({})));
    let is_same_browser = is_same_browser(request, &flow, &input);
    let verdict = method.check(cx, runtime, request, &mut flow, &input).await?;
    if !matches!(verdict, ProofVerdict::NotMeant) {
        flow.active = Some(name.to_owned());
    }
    match verdict {
        ProofVerdict::NotMeant => no_method(cx, runtime, flow).await,
        ProofVerdict::Rejected(rejection) => show_again(cx, runtime, flow, rejection).await,
        ProofVerdict::NextStep(writes) => next_step(cx, runtime, flow, writes).await,
        ProofVerdict::FilledIn => filled_in(cx, runtime, flow).await,
        ProofVerdict::Denied(problem) => Err(problem),
        ProofVerdict::AlreadySignedIn => Err(Problem::bad_request("You are signed in already.")),
        ProofVerdict::StartAnew(anew) => start_anew(cx, runtime, request, (name, method), anew).await,
        ProofVerdict::Proved(step) => {
            let flow = Proved { flow, is_same_browser };
            verified(cx, runtime, request, flow, (name, method), step).await
        }
    }
}

/// Whether this is the browser that opened the flow, by its own choice as far as can be told. A code or a link alone says
/// nothing of that: another site could have sent it here, and had the visitor signed in to an account of its own.
fn is_same_browser(request: &Request, flow: &Flow<Verification>, input: &Input) -> bool {
    flow.client == FlowClient::Browser
        && match request.is_get {
            true => csrf::ensure_same_browser(request, flow).is_ok(),
            false => csrf::ensure(request, flow, &input.text("csrf_token")).is_ok(),
        }
}

/// A flow in which an address was proved.
struct Proved {
    flow: Flow<Verification>,
    is_same_browser: bool,
}

/// The method that a flow was opened for.
fn method_of<'a>(
    runtime: &'a Runtime,
    flow: &Flow<Verification>,
) -> Option<(&'static str, &'a dyn VerificationMethod)> {
    let active = flow.active.as_deref().unwrap_or(runtime.config.selfservice.verification_use.as_str());
    let mut methods = runtime.methods.iter().filter(|method| method.name() == active);
    methods.find_map(|method| Some((method.name(), method.verification()?)))
}

/// Shows the form again: no method is responsible for what was sent.
async fn no_method(cx: &Cx, runtime: &Runtime, mut flow: Flow<Verification>) -> Result<Outcome, Problem> {
    flow.active = Some(NO_METHOD.to_owned());
    show_again(cx, runtime, flow, Rejection::whole(message::no_verification_method())).await
}

/// A form that has said so much begins anew, so that none grows without end.
const MAX_MESSAGES: usize = 50;

/// Shows the form again, with what was wrong. What it said before stays, as in Kratos.
async fn show_again(
    cx: &Cx,
    runtime: &Runtime,
    mut flow: Flow<Verification>,
    Rejection { field, message }: Rejection,
) -> Result<Outcome, Problem> {
    let said: usize = flow.ui.nodes.iter().map(|node| node.messages.len()).sum();
    if said + flow.ui.messages.len() >= MAX_MESSAGES {
        flow.ui.clear_messages();
    }
    flow.ui.say(&field, message);
    flow.transient_payload = None;
    lifecycle::update(cx, runtime, &mut flow, Tx::new()).await?;
    Ok(Outcome::Rejected(Box::new(flow)))
}

async fn next_step(cx: &Cx, runtime: &Runtime, mut flow: Flow<Verification>, writes: Tx) -> Result<Outcome, Problem> {
    lifecycle::update(cx, runtime, &mut flow, writes).await?;
    Ok(Outcome::NextStep(Box::new(flow)))
}

/// Mails are opened in any browser, so no anti-CSRF token can be asked for; from here on the flow has one.
async fn filled_in(cx: &Cx, runtime: &Runtime, mut flow: Flow<Verification>) -> Result<Outcome, Problem> {
    let csrf = CsrfToken::generate(&cx.entropy);
    flow.csrf_token = csrf.masked(&cx.entropy);
    flow.ui.set_csrf(&flow.csrf_token);
    lifecycle::update(cx, runtime, &mut flow, Tx::new()).await?;
    Ok(Outcome::FilledIn { flow: Box::new(flow), csrf })
}

/// Marks the address as verified, and tells the person where to go on.
async fn verified(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    proved: Proved,
    method: (&'static str, &dyn VerificationMethod),
    step: VerificationStep,
) -> Result<Outcome, Problem> {
    let Proved { mut flow, is_same_browser } = proved;
    let VerificationStep { address, writes: mut tx, when_spent } = step;
    let continue_url = continue_url(runtime, &flow);
    let form_token = request.form_token(flow.client, &cx.entropy);
    flow.state = FlowState::PassedChallenge;
    flow.csrf_token.clone_from(&form_token);
    flow.ui = Ui::new(continue_url.to_string());
    flow.ui.method = "GET".to_owned();
    flow.ui.messages = vec![message::verified()];
    flow.ui.set_csrf(&form_token);
    flow.ui.nodes.push(continue_link(method.1.group(), &continue_url));
    let payload = flow.transient_payload.take();
    tx.set_address_verified(address, cx.now());
    match lifecycle::update(cx, runtime, &mut flow, tx).await {
        Ok(()) => {}
        // Of two submissions with one proof, this is the slower one.
        Err(error) if error.is_spent() => return start_anew(cx, runtime, request, method, when_spent).await,
        Err(error) => return Err(error.into()),
    }
    tracing::info!(flow.id = %flow.id, address.id = %address, "An address was verified.");
    let hooks = runtime.hooks.after_verification.of("");
    if !hooks.is_empty()
        && let Some(identity) = runtime.store.find_identity_by_verifiable_address(address).await?
    {
        let told = Flow { transient_payload: payload, ..flow.clone() };
        let scene = Scene { cx, runtime, request, flow: AnyFlow::Verification(&told), session: None };
        match run_after(hooks, &scene, &identity).await {
            Ok(()) => {}
            // As in Kratos the address stays verified, and a new form says why that is not all.
            Err(Stop::Rejected(rejections)) => {
                let said = rejections.into_iter().next();
                let message = said.map_or(when_spent.message, |rejection| rejection.message);
                return start_anew(cx, runtime, request, method, StartAnew { message, ..when_spent }).await;
            }
            Err(stop) => return Err(stop.into()),
        }
    }
    let is_in_browser = flow.client == FlowClient::Browser || !request.wants_json;
    match flow.detail.oauth2_login_challenge.clone() {
        Some(challenge) if is_in_browser => {
            tell_who(cx, runtime, request, Proved { flow, is_same_browser }, &challenge).await
        }
        _ => Ok(Outcome::NextStep(Box::new(flow))),
    }
}

/// Goes on with the sign-in at an OAuth 2.0 server that began all this. The browser that began it is signed in here too.
async fn tell_who(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    Proved { mut flow, is_same_browser }: Proved,
    challenge: &str,
) -> Result<Outcome, Problem> {
    let session = match flow.detail.session_id {
        Some(id) => runtime.store.session(id).await?.filter(|session| oauth2::is_alive(cx, session)),
        None => None,
    };
    let Some(session) = session.filter(|session| Some(session.identity_id) == flow.detail.identity_id) else {
        let why = "The sign-in that this belongs to is over. Please begin it again at the application.";
        return show_again(cx, runtime, flow, Rejection::whole(message::generic(why))).await;
    };
    let methods = &flow.detail.authentication_methods;
    let who = Subject { identity: session.identity_id, session: session.id, methods };
    let to = oauth2::accept(runtime, challenge, who).await?;
    if request.wants_json {
        // A script shows that it worked, with a link that leads on.
        if let Some(Node { attributes: Attributes::Anchor(link), .. }) = flow.ui.node_mut("continue") {
            link.href.clone_from(&to);
        }
        lifecycle::update(cx, runtime, &mut flow, Tx::new()).await?;
        flow.transient_payload = Some(serde_json::json!({}));
    }
    let effects = Box::new(Effects { sign_in: is_same_browser.then_some(session), ..Effects::default() });
    Ok(Outcome::ToldWho { flow: Box::new(flow), to, effects })
}

fn continue_link(group: Group, url: &Url) -> Node {
    Node {
        kind: NodeType::A,
        group,
        attributes: Attributes::Anchor(model::ui::AnchorAttributes {
            href: url.to_string(),
            title: message::continue_label(),
            id: "continue".to_owned(),
        }),
        messages: Vec::new(),
        meta: model::ui::Meta::default(),
    }
    .with_label(message::continue_label())
}

/// Where people go after verification: `return_to`, else the flow's own address, else the global one.
fn continue_url(runtime: &Runtime, flow: &Flow<Verification>) -> Url {
    let after = &runtime.config.selfservice.verification.after;
    let default = after.return_url(flow.active.as_deref().unwrap_or_default());
    let source = Url::parse(&flow.request_url).ok();
    runtime.return_to(None, source.as_ref(), default).unwrap_or_else(|_| default.clone())
}

/// Opens a fresh form in the place of one that is too old. As in Kratos it is a browser's, since the old one may have
/// been opened from a mail.
async fn expired(cx: &Cx, runtime: &Runtime, request: &Request, old: &Flow<Verification>) -> Result<Outcome, Problem> {
    let method = method_of(runtime, old).map_or_else(|| runtime.verification_method(), Ok)?;
    let csrf = CsrfToken::generate(&cx.entropy);
    let mut flow = new_flow(cx, runtime, request, FlowClient::Browser, method, &csrf)?;
    lifecycle::insert_in_place_of(
        runtime,
        old,
        &mut flow,
        message::verification_flow_expired(old.expires_at),
        Tx::new(),
    )
    .await?;
    Ok(Outcome::Expired { replacement: Box::new(flow), csrf })
}

async fn start_anew(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    method: (&'static str, &dyn VerificationMethod),
    anew: StartAnew,
) -> Result<Outcome, Problem> {
    let StartAnew { message, client, problem } = anew;
    let csrf = CsrfToken::generate(&cx.entropy);
    let mut flow = new_flow(cx, runtime, request, client, method, &csrf)?;
    lifecycle::insert_saying(runtime, &mut flow, message, Tx::new()).await?;
    Ok(Outcome::Replaced { replacement: Box::new(flow), problem, csrf })
}

/// The opening URL of the other flow, in which `after_verification_return_to` has become `return_to`.
fn after_verification(request_url: &str) -> (String, Option<String>) {
    let Ok(mut url) = Url::parse(request_url) else { return (request_url.to_owned(), None) };
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let find =
        |name| query.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.clone());
    let return_to = find("after_verification_return_to").or_else(|| find("return_to"));
    let others = query.iter().filter(|(key, _)| key != "after_verification_return_to" && key != "return_to");
    url.query_pairs_mut().clear().extend_pairs(others).extend_pairs(return_to.iter().map(|value| ("return_to", value)));
    if url.query() == Some("") {
        url.set_query(None);
    }
    (url.into(), return_to)
}
