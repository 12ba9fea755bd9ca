//! Settings: what people change about their own account.

mod resume;

use std::collections::BTreeSet;

use model::flow::{FlowState, Settings};
use model::problem::id;
use model::ui::NodeOrder;
use model::wire::ContinueWith;
use model::{Cx, Flow, FlowClient, FlowName, Id, Identity, Problem, Session, Timestamp, message};
use serde_json::{Map, Value};
use session::{Found, StepUp};
use store::{CommitError, Tx};
use url::Url;

use crate::answer::{AnyAnswer, Effects};
use crate::continuity;
use crate::csrf;
use crate::expiry;
use crate::form::{self, Rejection};
use crate::hook::{SettingsInProgress, Stop, run_after};
use crate::input::{Input, InputError};
use crate::lifecycle::{self, Opening};
use crate::method::{SettingsMethod, SettingsStep, Verdict};
use crate::request::Request;
use crate::runtime::Runtime;
use crate::scene::{AnyFlow, Scene};

/// A settings form and whose it is.
pub struct Shown {
    pub flow: Flow<Settings>,
    pub identity: Identity,
}

/// The outcome of a submission.
pub enum Outcome {
    /// The form again, with messages or the next step. `status` is what JSON clients get.
    Form { shown: Box<Shown>, status: u16 },
    /// The flow was too old; `replacement` took its place.
    Expired { replacement: Box<Flow<Settings>>, expired_at: Timestamp },
    /// The change needs a fresh sign-in, to which `problem` leads. A browser's is kept until then.
    NotPrivileged { problem: Problem, effects: Box<Effects> },
    /// The browser has to go elsewhere.
    Elsewhere { to: String, effects: Box<Effects> },
    /// It is saved.
    Saved(Box<Saved>),
}

/// A change that was saved.
pub struct Saved {
    pub shown: Shown,
    pub continue_with: Vec<ContinueWith>,
    /// Where a browser goes.
    pub redirect_to: String,
    pub effects: Effects,
}

/// Why a submission failed.
pub struct Failed {
    pub problem: Problem,
    /// Whose flow it was, as far as that is known.
    pub client: Option<FlowClient>,
    /// Whether nobody is signed in, or not far enough: browsers are sent to sign in.
    pub not_signed_in: bool,
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Self { problem, client: None, not_signed_in: false }
    }
}

/// Opens a settings form for the person who is signed in. What the browser has left unfinished is forgotten.
///
/// # Errors
/// 401 `session_inactive` when nobody is; 403 when a second factor is needed; 400 for an unusable `return_to`.
pub async fn open(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    client: FlowClient,
) -> Result<(Shown, Effects), Problem> {
    let found = runtime.sessions.require(cx, &request.credentials).await?;
    let has_return_to = client == FlowClient::Browser && request.query("return_to").is_some();
    let asked = has_return_to.then(|| request.url.as_str());
    require_level(runtime, &found.session, asked)?;
    runtime.return_to(None, Some(&request.url), &runtime.config.selfservice.default_browser_return_url)?;
    let identity = identity_of(runtime, &found).await?;
    let flow = new_flow(cx, runtime, request, client, &identity)?;
    run_before(cx, runtime, request, (&flow, &identity), &found.session).await?;
    let mut tx = Tx::new();
    let continuity = Vec::from_iter(continuity::forget(cx, runtime, request, resume::PREFIX, &mut tx)?);
    tx.insert_flow(&flow);
    runtime.store.commit(tx).await?;
    Ok((Shown { flow, identity }, Effects { continuity, ..Effects::default() }))
}

pub(crate) fn new_flow(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    client: FlowClient,
    identity: &Identity,
) -> Result<Flow<Settings>, Problem> {
    let opening = Opening::of(request, client, String::new());
    let mut flow = lifecycle::new_flow(cx, runtime, opening, Settings { identity_id: identity.id });
    flow.state = FlowState::ShowForm;
    for method in runtime.methods.iter().filter_map(|method| method.settings()) {
        method.add_fields(cx, runtime, identity, &mut flow)?;
    }
    flow.ui.set_csrf(&request.form_token(client, &cx.entropy));
    sort(runtime, identity, &mut flow);
    Ok(flow)
}

/// Runs the hooks that may keep a form from being opened.
pub(crate) async fn run_before(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    (flow, identity): (&Flow<Settings>, &Identity),
    session: &Session,
) -> Result<(), Problem> {
    let scene = Scene { cx, runtime, request, flow: AnyFlow::Settings(flow, identity), session: Some(session) };
    runtime.hooks.before_opening(FlowName::Settings, &scene).await
}

fn sort(runtime: &Runtime, identity: &Identity, flow: &mut Flow<Settings>) {
    let fields = runtime.identities.schemas().fields(Some(&identity.schema_id));
    let names: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
    NodeOrder::settings(&names).sort(&mut flow.ui);
}

async fn identity_of(runtime: &Runtime, found: &Found) -> Result<Identity, Problem> {
    runtime.identities.get(found.session.identity_id).await
}

fn require_level(runtime: &Runtime, session: &Session, request_url: Option<&str>) -> Result<(), Problem> {
    let required = runtime.config.selfservice.settings_required_aal;
    runtime.sessions.require_aal(session, required, StepUp { return_to: None, request_url })
}

/// Fetches a settings form, for the person whose it is.
///
/// # Errors
/// 401 when nobody is signed in, 403 for somebody else or when a second factor is needed, 404 for an unknown flow, 410
/// for one that is too old.
pub async fn fetch(cx: &Cx, runtime: &Runtime, request: &Request, id: Id<Flow<Settings>>) -> Result<Shown, Failed> {
    let found = signed_in(cx, runtime, request).await?;
    let flow: Option<Flow<Settings>> = runtime.store.flow(id).await.map_err(Problem::from)?;
    let flow = flow.ok_or_else(Problem::not_found)?;
    require_owner(&flow, &found.session)?;
    let page = runtime.flow_page(&flow);
    let required = runtime.config.selfservice.settings_required_aal;
    let back_to_form = StepUp { return_to: Some(&page), request_url: None };
    runtime.sessions.require_aal(&found.session, required, back_to_form)?;
    if flow.expires_at <= cx.now() {
        return Err(expiry::expired_on_fetch(runtime, &flow).into());
    }
    Ok(Shown { flow, identity: identity_of(runtime, &found).await? })
}

/// The session of a fetch or a submission. Unlike when a form is opened, the error has no id.
async fn signed_in(cx: &Cx, runtime: &Runtime, request: &Request) -> Result<Found, Failed> {
    let found = runtime.sessions.current(cx, &request.credentials).await?;
    found.ok_or_else(|| Failed {
        problem: Problem::unauthorized("Please sign in first: settings are those of the person who is signed in."),
        client: None,
        not_signed_in: true,
    })
}

fn require_owner(flow: &Flow<Settings>, session: &Session) -> Result<(), Problem> {
    if flow.detail.identity_id == session.identity_id {
        return Ok(());
    }
    let reason = "This form was opened by somebody else. Please open one of your own.";
    Err(Problem::forbidden(reason).with_id(id::IDENTITY_MISMATCH))
}

/// Submits a settings form.
///
/// # Errors
/// Whatever cannot be said on the form.
pub async fn submit(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    id: Id<Flow<Settings>>,
    input: Result<Input, InputError>,
) -> Result<Outcome, Failed> {
    let found = signed_in(cx, runtime, request).await?;
    let flow: Option<Flow<Settings>> = runtime.store.flow(id).await.map_err(Problem::from)?;
    let missing = || Problem::not_found().reason("This form does not exist any more. Please open a new one.");
    let flow = flow.ok_or_else(missing)?;
    let client = Some(flow.client);
    let failed = |problem| Failed { problem, client, not_signed_in: false };
    submit_to(cx, runtime, request, flow, found, input).await.map_err(failed)
}

async fn submit_to(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    mut flow: Flow<Settings>,
    found: Found,
    input: Result<Input, InputError>,
) -> Result<Outcome, Problem> {
    require_level(runtime, &found.session, Some(request.url.as_str()))?;
    let identity = identity_of(runtime, &found).await?;
    if flow.expires_at <= cx.now() {
        return expired(cx, runtime, request, &flow, &identity).await;
    }
    require_owner(&flow, &found.session)?;
    let resumed = resume::take(cx, runtime, request, &flow, &found.session).await?;
    let is_resumed = resumed.is_some();
    let (resumed, used_up) = resumed.unzip();
    let input = match resumed.map_or(input, Ok) {
        Ok(input) => input,
        Err(InputError(why)) => {
            flow.ui.clear_messages();
            let rejection = Rejection::whole(message::generic(why));
            return show_again(cx, runtime, flow, identity, vec![rejection], Tx::new()).await;
        }
    };
    let meant = runtime.methods.iter().find_map(|method| {
        let settings = method.settings()?;
        settings.is_meant(&flow, &input).then_some((method.name(), settings))
    });
    let Some(meant) = meant else {
        if let Some(method) = named(&input) {
            runtime.ensure_switched_on(&method)?;
        }
        flow.ui.clear_messages();
        let rejection = Rejection::whole(message::no_settings_method());
        return show_again(cx, runtime, flow, identity, vec![rejection], Tx::new()).await;
    };
    let mut malformed = meant.1.malformed(runtime, &identity, &input);
    malformed.extend(form::malformed_payload(&input));
    if !malformed.is_empty() {
        meant.1.keep_input(runtime, &identity, &mut flow, &input);
        flow.ui.set_csrf(&request.form_token(flow.client, &cx.entropy));
        return show_again(cx, runtime, flow, identity, malformed, Tx::new()).await;
    }
    flow.transient_payload = input.transient_payload();
    if !is_resumed && meant.1.needs_csrf() {
        // What is resumed has passed this check, and a token may have changed with the sign-in.
        if let Err(refused) = csrf::ensure(request, &flow, &input.text("csrf_token")) {
            let rejections = vec![refused.into_rejection()?];
            meant.1.keep_input(runtime, &identity, &mut flow, &input);
            return show_again(cx, runtime, flow, identity, rejections, Tx::new()).await;
        }
    }
    let (id, client, session) = (flow.id.uuid(), flow.client, found.session.clone());
    match change(cx, runtime, request, flow, found.session, identity, meant, &input).await {
        Err(problem) if problem.id == Some(id::REFRESH_REQUIRED) => {
            let continuity = match client {
                FlowClient::Browser => vec![resume::keep(cx, runtime, request, id, &session, meant.0, &input).await?],
                FlowClient::Api => Vec::new(),
            };
            let effects = Box::new(Effects { continuity, ..Effects::default() });
            Ok(Outcome::NotPrivileged { problem, effects })
        }
        Ok(Outcome::Saved(mut saved)) => {
            // Kratos sets the cookie twice here, and the second time it is the same.
            saved.effects.continuity.extend(used_up);
            Ok(Outcome::Saved(saved))
        }
        other => other,
    }
}

/// Has the method that is meant look at a submission, and saves what it makes of it.
#[expect(clippy::too_many_arguments, reason = "all that a change may depend on")]
async fn change(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    mut flow: Flow<Settings>,
    session: Session,
    identity: Identity,
    (name, method): (&'static str, &dyn SettingsMethod),
    input: &Input,
) -> Result<Outcome, Problem> {
    let step = match method.verify(cx, runtime, request, &mut flow, &session, &identity, input).await? {
        Verdict::Accepted(step) => step,
        Verdict::Rejected { rejections, writes } => {
            method.keep_input(runtime, &identity, &mut flow, input);
            flow.ui.set_csrf(&request.form_token(flow.client, &cx.entropy));
            return show_again(cx, runtime, flow, identity, rejections, writes).await;
        }
        Verdict::NextStep { status, writes } => {
            flow.ui.set_csrf(&request.form_token(flow.client, &cx.entropy));
            // As in Kratos this answer alone is not sorted, and has what was sent for hooks.
            let payload = flow.transient_payload.clone().unwrap_or_else(|| Value::Object(Map::new()));
            let mut outcome = next_step(cx, runtime, flow, identity, status, writes).await?;
            if let Outcome::Form { shown, .. } = &mut outcome {
                shown.flow.transient_payload = Some(payload);
            }
            return Ok(outcome);
        }
        Verdict::Expired(_) => return expired(cx, runtime, request, &flow, &identity).await,
        Verdict::Elsewhere { to, effects, writes } => {
            runtime.store.commit(writes).await?;
            return Ok(Outcome::Elsewhere { to, effects });
        }
        Verdict::Answered(answer) => {
            let AnyAnswer::Settings(outcome) = *answer else {
                return Err(Problem::internal("a change of settings was answered by another flow"));
            };
            return Ok(outcome);
        }
    };
    let change = Change { name, method, before: identity, step, session };
    save(cx, runtime, request, flow, change, input).await
}

/// The method that a submission names, by `method` or by a field that stands for it.
fn named(input: &Input) -> Option<String> {
    const LOOKUP_SECRET: [&str; 4] =
        ["lookup_secret_confirm", "lookup_secret_disable", "lookup_secret_regenerate", "lookup_secret_reveal"];
    let method = input.method();
    if matches!(method.as_str(), "password" | "profile" | "totp") {
        return Some(method);
    }
    if !input.text("link").is_empty() || !input.text("unlink").is_empty() {
        return Some("oidc".to_owned());
    }
    if input.flag("totp_unlink") {
        return Some("totp".to_owned());
    }
    LOOKUP_SECRET.iter().any(|field| input.flag(field)).then(|| "lookup_secret".to_owned())
}

/// The flow of a browser that comes back from elsewhere, and whose it is.
pub struct Resumed {
    pub flow: Flow<Settings>,
    pub session: Session,
    pub identity: Identity,
}

/// Finds the flow of a browser that comes back from elsewhere.
///
/// # Errors
/// As for a submission.
pub async fn resume(cx: &Cx, runtime: &Runtime, request: &Request, flow: Flow<Settings>) -> Result<Resumed, Failed> {
    let found = signed_in(cx, runtime, request).await?;
    require_owner(&flow, &found.session)?;
    require_level(runtime, &found.session, Some(request.url.as_str()))?;
    let identity = identity_of(runtime, &found).await?;
    Ok(Resumed { flow, session: found.session, identity })
}

/// Saves a change that a method has accepted outside of a submission.
///
/// # Errors
/// Whatever cannot be said on the form.
pub async fn accept(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    resumed: Resumed,
    (name, method): (&'static str, &dyn SettingsMethod),
    step: SettingsStep,
) -> Result<Outcome, Problem> {
    let Resumed { flow, session, identity } = resumed;
    let change = Change { name, method, before: identity, step, session };
    save(cx, runtime, request, flow, change, &Input::default()).await
}

/// A change that a method has accepted.
struct Change<'a> {
    name: &'static str,
    method: &'a dyn SettingsMethod,
    before: Identity,
    step: SettingsStep,
    session: Session,
}

/// Saves a change: stages 3 to 7.
async fn save(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    mut flow: Flow<Settings>,
    change: Change<'_>,
    input: &Input,
) -> Result<Outcome, Problem> {
    let Change { name, method, before, step, mut session } = change;
    let SettingsStep { mut identity, writes: mut tx, proved } = step;
    let rejected = |flow: Flow<Settings>, identity: Identity, rejections: Vec<Rejection>| {
        let mut flow = flow;
        method.keep_input(runtime, &identity, &mut flow, input);
        show_again(cx, runtime, flow, identity, rejections, Tx::new())
    };
    let hooks = runtime.hooks.after_settings.of(name);
    for hook in hooks {
        let flow_now = AnyFlow::Settings(&flow, &before);
        let scene = Scene { cx, runtime, request, flow: flow_now, session: Some(&session) };
        match hook.before_persisting(&scene, &mut identity).await {
            Ok(()) => {}
            Err(Stop::Rejected(rejections)) => return rejected(flow, before, rejections).await,
            Err(stop) => return Err(stop.into()),
        }
    }
    if let Err(errors) = runtime.identities.validate(cx, &mut identity) {
        return rejected(flow, before, errors.into_iter().map(Rejection::from).collect()).await;
    }
    if changes_protected(&before, &identity) {
        runtime.sessions.require_privileged(cx, &session, request.url.as_str())?;
    }
    let settings = &runtime.config.selfservice.settings;
    let page = Url::parse(&runtime.flow_page(&flow)).ok();
    let default = settings.after.own_return_url(name).cloned().or(page);
    let default = default.unwrap_or_else(|| runtime.config.selfservice.default_browser_return_url.clone());
    let source = Url::parse(&flow.request_url).ok();
    let return_to = runtime.return_to(None, source.as_ref(), &default)?;

    let mut hook_writes = Tx::new();
    let mut progress = SettingsInProgress {
        request,
        flow: &mut flow,
        identity: &mut identity,
        session: &session,
        continue_with: Vec::new(),
        verification: None,
        effects: Effects::default(),
    };
    for hook in hooks {
        match hook.on_settings(cx, runtime, &mut progress, &mut hook_writes) {
            Ok(()) => {}
            Err(Stop::Rejected(rejections)) => return rejected(flow, before, rejections).await,
            Err(stop) => return Err(stop.into()),
        }
    }
    let SettingsInProgress { mut continue_with, mut effects, .. } = progress;
    if flow.client == FlowClient::Browser && request.wants_json {
        let redirect_browser_to = return_to.to_string();
        continue_with.push(ContinueWith::RedirectBrowserTo { redirect_browser_to });
    }
    runtime.identities.save(cx, &before, &mut identity, &mut tx);
    if let Some(method) = proved {
        runtime.sessions.add_method(cx, &mut session, &identity, method);
        runtime.sessions.update(&mut tx, &session);
    }
    tx.append(hook_writes);
    // As in Kratos the form is that of a new flow, and is sent to it, while this one stays where it is.
    let next = new_flow(cx, runtime, request, flow.client, &identity)?;
    run_before(cx, runtime, request, (&next, &identity), &session).await?;
    tx.insert_flow(&next);
    effects.continuity.extend(continuity::forget(cx, runtime, request, resume::PREFIX, &mut tx)?);
    let before_saving = flow.clone();
    flow.state = FlowState::Success;
    flow.internal_context = next.internal_context;
    flow.ui = next.ui;
    flow.ui.messages = vec![message::settings_saved()];
    flow.updated_at = cx.now();
    tx.update_flow(&flow);
    match runtime.store.commit(tx).await {
        Ok(()) => {}
        Err(CommitError::Unique(_)) => {
            let rejection = Rejection::whole(message::duplicate_account());
            return rejected(before_saving, before, vec![rejection]).await;
        }
        Err(error) => return Err(error.into()),
    }
    tracing::info!(identity.id = %identity.id, flow.method = name, "Settings were changed.");
    // As in Kratos the flow shows who the person was, beside the identity as it is now.
    let scene = Scene { cx, runtime, request, flow: AnyFlow::Settings(&flow, &before), session: Some(&session) };
    run_after(hooks, &scene, &identity).await?;
    if flow.client == FlowClient::Browser {
        effects.sign_in = Some(session);
    }
    flow.transient_payload = None;
    let shown = Shown { flow, identity };
    Ok(Outcome::Saved(Box::new(Saved { shown, continue_with, redirect_to: return_to.into(), effects })))
}

/// Whether a change concerns what a person signs in with or is reached by, which takes a fresh sign-in.
fn changes_protected(before: &Identity, after: &Identity) -> bool {
    let credentials = |identity: &Identity| {
        let each = identity.credentials.values();
        each.map(|credential| (credential.kind, credential.identifiers.clone(), credential.config.to_value()))
            .collect::<Vec<_>>()
    };
    let verifiable = |identity: &Identity| {
        identity
            .verifiable_addresses
            .iter()
            .map(|address| (address.via, address.value.clone()))
            .collect::<BTreeSet<_>>()
    };
    let recovery = |identity: &Identity| {
        identity.recovery_addresses.iter().map(|address| (address.via, address.value.clone())).collect::<BTreeSet<_>>()
    };
    credentials(before) != credentials(after)
        || verifiable(before) != verifiable(after)
        || recovery(before) != recovery(after)
}

/// Shows the form again, with what was wrong. What it said before is the method's to clear.
///
/// # Errors
/// When the database fails.
pub async fn show_again(
    cx: &Cx,
    runtime: &Runtime,
    mut flow: Flow<Settings>,
    identity: Identity,
    rejections: Vec<Rejection>,
    writes: Tx,
) -> Result<Outcome, Problem> {
    for Rejection { field, message } in rejections {
        flow.ui.say(&field, message);
    }
    sort(runtime, &identity, &mut flow);
    next_step(cx, runtime, flow, identity, 400, writes).await
}

async fn next_step(
    cx: &Cx,
    runtime: &Runtime,
    mut flow: Flow<Settings>,
    identity: Identity,
    status: u16,
    writes: Tx,
) -> Result<Outcome, Problem> {
    lifecycle::update(cx, runtime, &mut flow, writes).await?;
    flow.transient_payload = None;
    Ok(Outcome::Form { shown: Box::new(Shown { flow, identity }), status })
}

/// Opens a fresh form in the place of one that is too old.
async fn expired(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    old: &Flow<Settings>,
    identity: &Identity,
) -> Result<Outcome, Problem> {
    let mut flow = new_flow(cx, runtime, request, old.client, identity)?;
    lifecycle::insert_in_place_of(runtime, old, &mut flow, message::settings_flow_expired(old.expires_at), Tx::new())
        .await?;
    Ok(Outcome::Expired { replacement: Box::new(flow), expired_at: old.expires_at })
}
