//! The end of a sign-in: the hooks, the session, and where the person goes from there.

use model::flow::Login;
use model::wire::ContinueWith;
use model::{Aal, Cx, Flow, FlowClient, Identity, Problem, Session, message};
use session::{Found, StepUp};
use store::{CommitError, TokenExchange, Tx};
use url::Url;

use super::{add_fields, show_again};
use crate::answer::{Answer, Done, Effects};
use crate::form::Rejection;
use crate::hook::{Instead, LoginInProgress, Stop, run_after};
use crate::lifecycle::{self, Opening};
use crate::linking::{self, PendingLink};
use crate::method::{LoginScene, LoginStep};
use crate::oauth2::{self, Subject};
use crate::request::Request;
use crate::return_to::with_code;
use crate::runtime::Runtime;
use crate::scene::{AnyFlow, Scene};

/// Signs a person in whom a method has recognised outside of a submission. With an `exchange` the session goes to the
/// native app that has its codes, and to no one else.
///
/// # Errors
/// Whatever cannot be said on the form.
pub async fn accept(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    flow: Flow<Login>,
    step: LoginStep,
    exchange: Option<TokenExchange>,
) -> Result<Answer<Login>, Problem> {
    let found = runtime.sessions.current(cx, &request.credentials).await?;
    complete(cx, runtime, request, flow, found, step, exchange).await
}

/// Signs the person in: stages 5 to 7.
pub(super) async fn complete(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    mut flow: Flow<Login>,
    found: Option<Found>,
    step: LoginStep,
    exchange: Option<TokenExchange>,
) -> Result<Answer<Login>, Problem> {
    let mut identity = runtime.identities.with_credentials(step.identity).await?.ok_or_else(Problem::not_found)?;
    let previous = found.map(|found| found.session);
    let same_person = previous.as_ref().is_some_and(|session| session.identity_id == identity.id);
    let name = flow.active.clone().unwrap_or_default();
    let default = runtime.config.selfservice.login.after.return_url(&name);
    let source = Url::parse(&flow.request_url).ok();
    let return_to = runtime.return_to(flow.return_to.as_deref(), source.as_ref(), default)?;

    let mut tx = step.writes;
    if let Some(address) = &step.proved_address {
        lifecycle::mark_verified(cx, &mut identity, address, &mut tx);
    }
    let mut session = match previous.filter(|_| same_person) {
        // The person proved more, or the same again: the session, its token and its logout link stay.
        Some(mut session) => {
            runtime.sessions.strengthen(cx, &request.client, &mut session, &identity, step.method)?;
            session
        }
        None => match runtime.sessions.new_session(cx, &request.client, &identity, vec![step.method]) {
            Ok(session) => session,
            Err(problem) => {
                // An account that is switched off: the form says all the same which method recognised its owner.
                lifecycle::update(cx, runtime, &mut flow, Tx::new()).await?;
                return Err(problem);
            }
        },
    };
    let step_up = StepUp { return_to: None, request_url: Some(&flow.request_url) };
    let second_factor = runtime.sessions.require_aal(&session, runtime.sessions.policy().whoami_aal, step_up).err();
    let pending = PendingLink::of(&flow.internal_context);
    if let (Some(pending), None) = (&pending, &second_factor) {
        if !pending.is_of(&identity) {
            let rejection = Rejection::whole(message::linked_credentials_mismatch());
            return show_again(cx, runtime, request, flow, vec![rejection], Tx::new()).await;
        }
        linking::complete(cx, runtime, pending, &mut identity, &mut session, &mut tx)?;
    }
    match same_person {
        true => runtime.sessions.update(&mut tx, &session),
        false => runtime.sessions.insert(&mut tx, &session),
    }
    let mut continue_with = Vec::new();
    if flow.client == FlowClient::Browser && request.wants_json {
        continue_with.push(ContinueWith::RedirectBrowserTo { redirect_browser_to: return_to.to_string() });
    }
    let mut effects = Effects::default();
    if !same_person && flow.client == FlowClient::Browser {
        // A token that somebody planted before the sign-in must not be good after it.
        effects.csrf = Some(crypto::CsrfToken::generate(&cx.entropy));
    }
    let mut progress = LoginInProgress {
        request,
        flow: &mut flow,
        identity: &identity,
        session: &mut session,
        continue_with,
        verification: None,
        redirect_to: None,
        effects,
    };
    let mut hook_writes = Tx::new();
    let hooks = runtime.hooks.after_login.of(&name);
    for hook in hooks {
        let flow_now = AnyFlow::Login(progress.flow);
        let scene = Scene { cx, runtime, request, flow: flow_now, session: Some(progress.session) };
        let outcome = match hook.before_signing_in(&scene, &identity).await {
            Ok(()) => hook.on_login(cx, runtime, &mut progress, &mut hook_writes),
            stopped => stopped,
        };
        match outcome {
            Ok(()) => {}
            Err(Stop::Problem(problem)) => return Err(problem),
            Err(Stop::Instead(instead)) => return instead_of_login(cx, runtime, request, flow, *instead).await,
            Err(Stop::Rejected(rejections)) => {
                return show_again(cx, runtime, request, flow, rejections, Tx::new()).await;
            }
        }
    }
    let LoginInProgress { continue_with, redirect_to, effects, .. } = progress;
    tx.append(hook_writes);
    flow.updated_at = cx.now();
    tx.update_flow(&flow);
    if exchange.is_some() {
        tx.bind_token_exchange(flow.id.uuid(), session.id, cx.now());
    }
    let mut second_factor_at =
        second_factor.and_then(|problem| Some(problem.extra.get("redirect_browser_to")?.as_str()?.to_owned()));
    if let (Some(to), true, FlowClient::Browser) = (&mut second_factor_at, pending.is_some(), flow.client) {
        // What is to be linked waits for the second factor too.
        *to = ask_second_factor(cx, runtime, request, &flow, &identity, &mut tx)?;
    }
    match (runtime.store.commit(tx).await, step.when_spent) {
        (Ok(()), _) => {}
        (Err(CommitError::Unique(_)), _) if pending.is_some() => {
            let rejection = Rejection::whole(message::duplicate_account());
            return show_again(cx, runtime, request, flow, vec![rejection], Tx::new()).await;
        }
        // Of two submissions with one code, this is the slower one.
        (Err(error), Some(rejection)) if error.is_spent() => {
            return show_again(cx, runtime, request, flow, vec![rejection], Tx::new()).await;
        }
        (Err(error), _) => return Err(error.into()),
    }
    tracing::info!(identity.id = %identity.id, session.id = %session.id, flow.method = name, "Signed in.");
    let scene = Scene { cx, runtime, request, flow: AnyFlow::Login(&flow), session: Some(&session) };
    run_after(hooks, &scene, &identity).await?;
    if let Some(exchange) = exchange {
        return Ok(Answer::HandBack { to: with_code(return_to, &exchange) });
    }
    // Hooks send browsers elsewhere, and apps nowhere.
    let redirect_to = redirect_to.filter(|_| flow.client == FlowClient::Browser);
    let redirect_to = redirect_to.unwrap_or_else(|| return_to.to_string());
    let signed_in = SignedIn { session, second_factor_at, redirect_to, continue_with, effects };
    Ok(lead_on(runtime, request, flow, signed_in).await)
}

/// Somebody who is signed in, and where they may go.
struct SignedIn {
    session: Session,
    /// Where the second factor is asked for that is needed here.
    second_factor_at: Option<String>,
    redirect_to: String,
    continue_with: Vec<ContinueWith>,
    effects: Effects,
}

/// Says where a person goes who is signed in: to the second factor, to the server that asked for the sign-in, or back.
async fn lead_on(runtime: &Runtime, request: &Request, flow: Flow<Login>, signed_in: SignedIn) -> Answer<Login> {
    let SignedIn { session, second_factor_at, mut redirect_to, continue_with, mut effects } = signed_in;
    let show_identity = second_factor_at.is_none();
    if flow.client == FlowClient::Browser {
        effects.sign_in = Some(session.clone());
        if let Some(to) = second_factor_at {
            return Answer::Navigate { to, effects: Box::new(effects) };
        }
        if let Some(challenge) = &flow.detail.oauth2_login_challenge {
            match oauth2::accept(runtime, challenge, Subject::of(&session)).await {
                Ok(to) if request.wants_json => return Answer::Navigate { to, effects: Box::new(effects) },
                Ok(to) => redirect_to = to,
                Err(problem) => return Answer::NotTold { problem, effects: Box::new(effects) },
            }
        }
    }
    Answer::Done(Box::new(Done {
        flow: flow.id,
        client: flow.client,
        session: Some(session),
        identity: None,
        show_identity,
        continue_with,
        redirect_to,
        effects,
    }))
}

/// Nobody is signed in; the person has to do something else first. The form says which method recognised them.
async fn instead_of_login(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    mut flow: Flow<Login>,
    instead: Instead,
) -> Result<Answer<Login>, Problem> {
    let Instead { problem, redirect_to, writes } = instead;
    lifecycle::update(cx, runtime, &mut flow, writes).await?;
    match redirect_to {
        Some(to) if flow.client == FlowClient::Browser && !request.wants_json => {
            Ok(Answer::Navigate { to, effects: Box::default() })
        }
        _ => Err(problem),
    }
}

/// Makes a form that asks for a second factor and keeps what `old` keeps. Says where it is.
fn ask_second_factor(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    old: &Flow<Login>,
    identity: &Identity,
    tx: &mut Tx,
) -> Result<String, Problem> {
    let detail = Login {
        requested_aal: Aal::Aal2,
        oauth2_login_challenge: old.detail.oauth2_login_challenge.clone(),
        organization_id: old.detail.organization_id,
        ..Login::default()
    };
    let opening = Opening::in_place_of(old, request.csrf.masked(&cx.entropy));
    let mut flow = lifecycle::new_flow(cx, runtime, opening, detail);
    flow.internal_context.clone_from(&old.internal_context);
    add_fields(cx, runtime, &LoginScene::SecondFactor { identity }, &mut flow)?;
    flow.ui.messages.push(message::login_aal2());
    model::ui::NodeOrder::login().sort(&mut flow.ui);
    flow.ui.set_csrf(&request.form_token(flow.client, &cx.entropy));
    tx.insert_flow(&flow);
    Ok(runtime.flow_page(&flow))
}
