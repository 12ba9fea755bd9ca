//! Signing in with a code: as the only factor, or as the second one.

use courier::{Content, Message};
use flow::{
    BoxFuture, Context, Input, LoginForm, LoginMethod, LoginOutcome, LoginScene, LoginStep, MethodOutcome, Rejection,
    Services, Verifying,
};
use guard::Factor;
use identity::identifier_for_code;
use model::flow::{FlowState, Login};
use model::go::to_lower;
use model::ui::InputType;
use model::{
    Aal, AuthenticationMethod, CredentialType, Flow, FlowClient, Group, Identity, IdentityId, Node, Problem, Session,
    is_mailbox_of_first, message,
};
use serde_json::Value;
use store::Tx;

use super::address::{Address, address_named, addresses_of, addresses_to_choose_from, falls_back};
use super::screens::{add_code_fields, send_button};
use super::{
    Asked, Code, NAME, Try, already_used, count_try, keep_new_code, level, malformed_resend, requested, too_many_tries,
};
use crate::proof::{self, Submitted};
use crate::sending;

impl LoginMethod for Code {
    fn add_fields(&self, cx: Context<'_>, scene: &LoginScene<'_>, flow: &mut Flow<Login>) -> Result<bool, Problem> {
        match (scene, level(cx.services)) {
            (LoginScene::FirstFactor | LoginScene::Linking(_) | LoginScene::Refresh { .. }, Some(Aal::Aal1)) => {
                let label = cx.services.identities.schemas().identifier_label(flow.detail.identity_schema.as_deref());
                let identifier = Node::input("identifier", Group::Default, InputType::Text);
                flow.ui.upsert(identifier.required().with_value("").with_label(label));
                flow.ui.nodes.push(send_button(message::login_send_code()));
            }
            (LoginScene::Identified(visitor), Some(Aal::Aal1)) => {
                let can = |identity: &Identity| address_named(cx.services, identity, visitor.identifier).is_some();
                if !visitor.account.is_offered(can) {
                    return Ok(false);
                }
                flow.ui.remove_button("method", Group::Code, NAME);
                flow.ui.nodes.push(send_button(message::login_send_code()));
                return Ok(true);
            }
            (LoginScene::SecondFactor { identity, proved }, Some(Aal::Aal2)) => {
                let addresses = addresses_to_choose_from(cx.services, identity, proved, &flow.request_url)?;
                if addresses.is_empty() {
                    return Ok(false);
                }
                for Address { channel, value } in &addresses {
                    let label = message::login_send_code_to(value, channel.as_str());
                    flow.ui.nodes.push(Node::submit("address", Group::Code, value, label));
                }
            }
            _ => return Ok(false),
        }
        if flow.client == FlowClient::Browser {
            flow.ui.set_csrf("");
        }
        Ok(true)
    }

    fn begin<'a>(
        &'a self,
        cx: Context<'a>,
        scene: &'a LoginScene<'a>,
        flow: &'a mut Flow<Login>,
    ) -> BoxFuture<'a, Result<Option<Tx>, Problem>> {
        Box::pin(async move {
            if flow.state != FlowState::ChooseMethod {
                return Ok(None);
            }
            let (recipient, shown) = match scene {
                LoginScene::Identified(visitor) => {
                    (first_factor_of(cx, visitor.identifier).await?, visitor.identifier.to_owned())
                }
                LoginScene::SecondFactor { identity, proved } => {
                    let mut addresses = addresses_to_choose_from(cx.services, identity, proved, &flow.request_url)?;
                    let (Some(address), true) = (addresses.pop(), addresses.is_empty()) else { return Ok(None) };
                    let shown = address.value.clone();
                    (Some(Recipient { identity: (*identity).clone(), address }), shown)
                }
                _ => return Ok(None),
            };
            send(cx, flow, recipient.as_ref(), &shown).await
        })
    }

    /// At the second step the address may stand for the method: it is the button that is pressed.
    fn is_meant(&self, services: &Services, flow: &Flow<Login>, input: &Input) -> bool {
        let names_address = flow.detail.requested_aal == Aal::Aal2 && !input.text("address").is_empty();
        level(services) == Some(flow.detail.requested_aal) && (input.method() == NAME || names_address)
    }

    fn malformed(&self, _: &Flow<Login>, input: &Input) -> Vec<Rejection> {
        malformed_resend(input).into_iter().collect()
    }

    fn keep_input(&self, flow: &mut Flow<Login>, input: &Input) {
        if flow.ui.node("csrf_token").is_none() {
            flow.ui.set_csrf("");
        }
        flow.ui.set_value("identifier", Value::String(typed(input)));
    }

    fn verify<'a>(&'a self, cx: Context<'a>, form: LoginForm<'a>) -> Verifying<'a, LoginOutcome> {
        let LoginForm { flow, session, input } = form;
        Box::pin(async move {
            match requested(&mut flow.state, input) {
                Asked::Send => send_code(cx, flow, session, input).await,
                Asked::Enter => {
                    flow.ui.upsert(Node::hidden("identifier", Group::Default, &typed(input)));
                    enter_code(cx, flow, session, input).await
                }
                Asked::Nothing => Ok(MethodOutcome::rejected(message::no_login_method())),
            }
        })
    }
}

/// Whom a code is sent to, and where.
struct Recipient {
    identity: Identity,
    address: Address,
}

/// What the person typed, or which address they chose.
fn typed(input: &Input) -> String {
    let address = input.text("address");
    if address.is_empty() { input.text("identifier") } else { address }
}

async fn send_code(
    cx: Context<'_>,
    flow: &mut Flow<Login>,
    session: Option<&Session>,
    input: &Input,
) -> Result<LoginOutcome, Problem> {
    let mut identifier = typed(input);
    if identifier.is_empty() {
        return Ok(MethodOutcome::rejected(Rejection::at("identifier", message::property_missing("identifier"))));
    }
    if identifier.contains('@') {
        // Keyboards of phones begin with a capital letter.
        identifier = to_lower(&identifier);
    }
    let recipient = match (flow.detail.requested_aal, session) {
        (Aal::Aal2, Some(session)) => second_factor_of(cx.services, session, &identifier).await?,
        _ => first_factor_of(cx, &identifier).await?,
    };
    Ok(match send(cx, flow, recipient.as_ref(), &identifier).await? {
        Some(writes) => MethodOutcome::NextStep { status: 400, writes },
        None if flow.detail.requested_aal == Aal::Aal2 && falls_back(cx.services) => {
            MethodOutcome::rejected(message::login_address_unknown())
        }
        None => MethodOutcome::rejected(message::no_code_user()),
    })
}

/// Whoever signs in by this identifier.
async fn first_factor_of(cx: Context<'_>, identifier: &str) -> Result<Option<Recipient>, Problem> {
    let value = identifier_for_code(identifier);
    let owner = owner_of(cx.services, &value).await?;
    // As many reads for nobody as for somebody, so that the time tells nothing.
    let id = owner.unwrap_or_else(|| IdentityId::random(&cx.entropy));
    let identity = cx.services.identities.with_credentials(id).await?;
    Ok(identity.and_then(|identity| {
        let address = address_named(cx.services, &identity, &value)?;
        Some(Recipient { identity, address })
    }))
}

/// Whose identifier this is; `value` is in the form of the code method.
async fn owner_of(services: &Services, value: &str) -> Result<Option<IdentityId>, Problem> {
    let by_code = services.store.find_by_identifier(CredentialType::Code, value).await?;
    let by_any = match falls_back(services) {
        true => services.store.find_identity_by_identifier([value, value]).await?,
        false => None,
    };
    Ok(by_code.map(|found| found.identity_id).or_else(|| by_any.map(|identity| identity.id)))
}

/// The person who is signed in, if the address is theirs.
async fn second_factor_of(
    services: &Services,
    session: &Session,
    identifier: &str,
) -> Result<Option<Recipient>, Problem> {
    let Some(identity) = services.identities.with_credentials(session.identity_id).await? else { return Ok(None) };
    let value = identifier_for_code(identifier);
    let adds = |address: &Address| !is_mailbox_of_first(&session.authentication_methods, &address.value);
    let address = addresses_of(services, &identity).into_iter().find(|address| address.value == value && adds(address));
    Ok(address.map(|address| Recipient { identity, address }))
}

/// Sends a code and turns the form into the one on which it is entered. Without a recipient this is only pretended, with
/// the same work, and only where nobody is to learn which accounts there are; otherwise `None`.
///
/// # Errors
/// When the database fails.
async fn send(
    cx: Context<'_>,
    flow: &mut Flow<Login>,
    recipient: Option<&Recipient>,
    shown: &str,
) -> Result<Option<Tx>, Problem> {
    let is_secret = cx.services.config.security.mitigate_account_enumeration;
    if recipient.is_none() && !(is_secret && flow.detail.requested_aal == Aal::Aal1) {
        return Ok(None);
    }
    let to = recipient.map_or(shown, |recipient| &recipient.address.value);
    let mut tx = Tx::new();
    if cx.services.guard.may_send(&cx, to, recipient.is_some()).await? {
        tx.delete_codes(flow.id);
        match recipient {
            Some(Recipient { identity, address }) => {
                let code = keep_new_code(cx, flow, address, identity.id, &mut tx);
                queue(cx, flow, &code, identity, address, &mut tx);
            }
            None => sending::pretend(cx, flow, &mut tx),
        }
    }
    flow.state = FlowState::SentEmail;
    flow.active = Some(NAME.to_owned());
    show_code_screen(flow, shown, &cx.form_token(flow.client));
    Ok(Some(tx))
}

fn queue(
    cx: Context<'_>,
    flow: &Flow<Login>,
    code: &model::Secret,
    identity: &Identity,
    address: &Address,
    tx: &mut Tx,
) {
    let lifespan = cx.services.config.selfservice.methods.code.lifespan;
    let message = Message {
        channel: address.channel,
        to: &address.value,
        content: Content::LoginCodeValid { code, identity, lifespan },
        request_url: &flow.request_url,
        transient_payload: flow.transient_payload.as_ref(),
        request_headers: None,
    };
    cx.services.courier.queue(&cx, &message, tx);
}

/// The form on which the code is entered. What was typed or chosen stays there, hidden, to ask for another code.
fn show_code_screen(flow: &mut Flow<Login>, shown: &str, form_token: &str) {
    let ui = &mut flow.ui;
    ui.clear_messages();
    ui.messages.push(message::login_code_sent());
    ui.nodes.retain(|node| matches!(node.id(), "identifier" | "address"));
    for node in &mut ui.nodes {
        if let Some(input) = node.as_input_mut() {
            input.kind = InputType::Hidden;
            "identifier".clone_into(&mut input.name);
        }
    }
    ui.set_value("identifier", shown.into());
    add_code_fields(ui, message::login_code_label());
    if flow.client == FlowClient::Browser {
        ui.set_csrf(form_token);
    }
}

async fn enter_code(
    cx: Context<'_>,
    flow: &mut Flow<Login>,
    session: Option<&Session>,
    input: &Input,
) -> Result<LoginOutcome, Problem> {
    let code = input.text("code");
    if code.is_empty() {
        return Ok(MethodOutcome::rejected(Rejection::at("code", message::property_missing("code"))));
    }
    let identity = match (flow.detail.requested_aal, session) {
        (Aal::Aal2, Some(session)) => Some(session.identity_id),
        _ if typed(input).is_empty() => {
            return Ok(MethodOutcome::rejected(Rejection::at("identifier", message::property_missing("identifier"))));
        }
        _ => owner_of(cx.services, &identifier_for_code(&typed(input))).await?,
    };
    if identity.is_none() && !cx.services.config.security.mitigate_account_enumeration {
        return Ok(MethodOutcome::rejected(message::no_code_user()));
    }
    let subject = cx.services.guard.whoever(Factor::Code, flow.detail.requested_aal, identity, &typed(input));
    let attempt = match cx.attempt(flow.client, &subject).await? {
        Ok(attempt) => attempt,
        Err(resting) => return Ok(MethodOutcome::rejected(resting)),
    };
    let wrong = |rejection: Rejection| Ok(MethodOutcome::failed(cx, &attempt, rejection));
    if let Try::TooMany = count_try(cx.services, flow).await? {
        return wrong(too_many_tries().into());
    }
    let mut sent = cx.services.store.sent_codes(flow.id).await?;
    sent.retain(|sent| Some(sent.owner) == identity);
    let found = match proof::find(&cx.services.proof_keys(), sent, &code, cx.now()) {
        Submitted::Good(found) => found,
        Submitted::Unknown => return wrong(message::login_code_invalid().into()),
        Submitted::Used => return wrong(already_used()),
        Submitted::Expired(at) => return Ok(MethodOutcome::Expired(at)),
    };
    flow.state = FlowState::PassedChallenge;
    let mut writes = Tx::new();
    writes.use_code(&found, cx.now());
    let address = found.address.clone();
    let method =
        AuthenticationMethod { address, ..AuthenticationMethod::new(NAME, flow.detail.requested_aal, cx.now()) };
    Ok(MethodOutcome::Accepted(LoginStep {
        proved_address: Some(found.address),
        when_spent: Some(already_used()),
        ..LoginStep::new(attempt, found.owner, method, writes)
    }))
}
