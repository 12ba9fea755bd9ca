//! Signing up with a code.

use courier::{Content, Message};
use flow::{
    Context, Input, MethodOutcome, RegistrationForm, RegistrationMethod, RegistrationOutcome, RegistrationStep,
    Rejection, Services, Verifying, registration,
};
use guard::Factor;
use model::flow::{FlowState, Registration};
use model::ui::{InputType, flatten};
use model::{Aal, AddressStatus, AuthenticationMethod, CredentialType, Flow, Group, Identity, Node, Problem, message};
use serde_json::Value;
use store::Tx;

use super::address::{Address, addresses_of};
use super::screens::{add_code_fields, send_button};
use super::{
    Asked, Code, NAME, Try, already_used, count_try, keep_new_code, level, malformed_resend, requested, too_many_tries,
};
use crate::proof::{self, Submitted};

/// The value of the button that leads back to the choice of a credential.
const SELECTION: &str = "credential-selection";

impl RegistrationMethod for Code {
    fn add_fields(&self, cx: Context<'_>, flow: &mut Flow<Registration>) -> Result<(), Problem> {
        if is_enabled(cx.services) {
            flow.ui.nodes.push(send_button(message::registration_send_code()));
        }
        Ok(())
    }

    fn add_profile_fields(&self, _: Context<'_>, flow: &mut Flow<Registration>) -> Result<(), Problem> {
        remove_fields(flow);
        Ok(())
    }

    fn add_credential_fields(&self, cx: Context<'_>, flow: &mut Flow<Registration>) -> Result<(), Problem> {
        remove_fields(flow);
        RegistrationMethod::add_fields(self, cx, flow)
    }

    fn is_meant(&self, services: &Services, _: &Flow<Registration>, input: &Input) -> bool {
        is_enabled(services) && input.method() == NAME
    }

    fn malformed(&self, services: &Services, flow: &Flow<Registration>, input: &Input) -> Vec<Rejection> {
        let mut rejections = registration::malformed_traits(services, flow, input);
        rejections.extend(malformed_resend(input));
        rejections
    }

    fn verify<'a>(&'a self, cx: Context<'a>, form: RegistrationForm<'a>) -> Verifying<'a, RegistrationOutcome> {
        let RegistrationForm { flow, input } = form;
        Box::pin(check(cx, flow, input))
    }
}

fn is_enabled(services: &Services) -> bool {
    level(services) == Some(Aal::Aal1)
}

/// Removes what this method has added to any screen.
fn remove_fields(flow: &mut Flow<Registration>) {
    flow.ui.nodes.retain(|node| node.group != Group::Code);
    flow.ui.remove_button("screen", Group::Profile, SELECTION);
}

async fn check(cx: Context<'_>, flow: &mut Flow<Registration>, input: &Input) -> Result<RegistrationOutcome, Problem> {
    let asked = requested(&mut flow.state, input);
    if matches!(asked, Asked::Nothing) {
        return Ok(MethodOutcome::rejected(message::no_registration_method()));
    }
    let traits = registration::traits(cx.services, flow, input);
    let mut candidate = registration::candidate(cx, flow, input.as_sent(&traits));
    if let Err(errors) = cx.services.identities.validate(&cx, &mut candidate) {
        return Ok(MethodOutcome::invalid(errors));
    }
    let code = input.text("code");
    if matches!(asked, Asked::Enter) && code.is_empty() {
        return Ok(MethodOutcome::rejected(Rejection::at("code", message::property_missing("code"))));
    }
    let has_identifier = |identity: &Identity| {
        identity.credentials.get(&CredentialType::Code).is_some_and(|credential| !credential.identifiers.is_empty())
    };
    if !has_identifier(&candidate) {
        return Ok(MethodOutcome::rejected(message::identifier_missing()));
    }
    match asked {
        Asked::Enter => enter_code(cx, flow, candidate, &traits, &code).await,
        Asked::Send | Asked::Nothing => send_codes(cx, flow, &candidate, &traits).await,
    }
}

/// Sends a code of its own to every address of the traits: by the code it is known which of them was read.
///
/// # Errors
/// When the database fails.
async fn send_codes(
    cx: Context<'_>,
    flow: &mut Flow<Registration>,
    candidate: &Identity,
    traits: &Value,
) -> Result<RegistrationOutcome, Problem> {
    let mut writes = Tx::new();
    let mut addresses = Vec::new();
    for address in addresses_of(cx.services, candidate) {
        if cx.services.guard.may_send(&cx, &address.value, false).await? {
            addresses.push(address);
        }
    }
    // Where nothing is sent, the codes from before are good.
    if !addresses.is_empty() {
        writes.delete_codes(flow.id);
    }
    let lifespan = cx.services.config.selfservice.methods.code.lifespan;
    for address in addresses {
        let code = keep_new_code(cx, flow, &address, (), &mut writes);
        let message = Message {
            channel: address.channel,
            to: &address.value,
            content: Content::RegistrationCodeValid { code: &code, traits, lifespan },
            request_url: &flow.request_url,
            transient_payload: flow.transient_payload.as_ref(),
            request_headers: None,
        };
        cx.services.courier.queue(&cx, &message, &mut writes);
    }
    flow.state = FlowState::SentEmail;
    flow.active = Some(NAME.to_owned());
    show_code_screen(cx.services, flow, traits);
    flow.ui.set_csrf(&cx.form_token(flow.client));
    // Kratos answers 400 here although nothing is wrong, and clients count on it.
    Ok(MethodOutcome::NextStep { status: 400, writes })
}

/// The form on which the code is entered. The traits stay there, hidden, since they have to be sent again.
fn show_code_screen(services: &Services, flow: &mut Flow<Registration>, traits: &Value) {
    let ui = &mut flow.ui;
    ui.clear_messages();
    ui.messages.push(message::registration_code_sent());
    let is_button = |node: &Node| node.as_input().is_some_and(|input| input.kind == InputType::Submit);
    ui.nodes.retain(|node| node.group == Group::Default && !is_button(node));
    for input in ui.nodes.iter_mut().filter_map(Node::as_input_mut) {
        input.kind = InputType::Hidden;
    }
    ui.fill_again("traits", traits);
    add_code_fields(ui, message::registration_code_label());
    if registration::has_two_screens(services) {
        ui.nodes.push(Node::submit("screen", Group::Profile, SELECTION, message::registration_back()));
    }
}

async fn enter_code(
    cx: Context<'_>,
    flow: &mut Flow<Registration>,
    mut candidate: Identity,
    traits: &Value,
    code: &str,
) -> Result<RegistrationOutcome, Problem> {
    let differs = |(name, value): &(String, Value)| {
        flow.ui.node(name).is_some_and(|node| node.value() != Some(value).filter(|value| !value.is_null()))
    };
    if flatten("traits", traits).iter().any(differs) {
        return Ok(MethodOutcome::rejected(message::traits_mismatch()));
    }
    // Nobody has signed up with these addresses yet.
    let first = addresses_of(cx.services, &candidate).into_iter().next().map(|address| address.value);
    let subject = cx.services.guard.nobody(Factor::Code, &first.unwrap_or_default());
    let attempt = match cx.attempt(flow.client, &subject).await? {
        Ok(attempt) => attempt,
        Err(resting) => return Ok(MethodOutcome::rejected(resting)),
    };
    let wrong = |rejection: Rejection| Ok(MethodOutcome::failed(cx, &attempt, rejection));
    if let Try::TooMany = count_try(cx.services, flow).await? {
        return wrong(too_many_tries().into());
    }
    // A code proves the address that it was sent to, and no other that the traits may have by now.
    let addresses = addresses_of(cx.services, &candidate);
    let mut sent = cx.services.store.sent_codes(flow.id).await?;
    sent.retain(|sent| addresses.contains(&Address { channel: sent.channel, value: sent.address.clone() }));
    let found = match proof::find(&cx.services.proof_keys(), sent, code, cx.now()) {
        Submitted::Good(found) => found,
        Submitted::Unknown => return wrong(message::registration_code_invalid().into()),
        Submitted::Used => return wrong(already_used()),
        Submitted::Expired(at) => return Ok(MethodOutcome::Expired(at)),
    };
    for address in &mut candidate.verifiable_addresses {
        if address.value == found.address && address.via == found.channel {
            address.verified = true;
            address.verified_at = Some(cx.now());
            address.status = AddressStatus::Completed;
        }
    }
    flow.state = FlowState::PassedChallenge;
    flow.updated_at = cx.now();
    let mut writes = Tx::new();
    writes.use_code(&found, cx.now());
    writes.update_flow(flow);
    let address = found.address.clone();
    let method = AuthenticationMethod { address, ..AuthenticationMethod::new(NAME, Aal::Aal1, cx.now()) };
    Ok(MethodOutcome::Accepted(RegistrationStep { candidate, method, attempt, writes }))
}
