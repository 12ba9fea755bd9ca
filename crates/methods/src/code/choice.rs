//! Winning back access with a choice of addresses (`feature_flags.choose_recovery_address`): people type any address of
//! theirs, choose where the code goes, and type that address in full, unless it is the one they began with.

use crypto::tokens;
use flow::{Context, Input, ProofOutcome, Rejection};
use model::flow::Recovery;
use model::ui::InputType;
use model::{Channel, Flow, FlowState, Group, Id, Node, Problem, RecoveryAddress, Ui, message};
use store::{ProofKind, Tx};

use super::recovery::{Outcome, code_field, use_code};
use crate::proof;
use crate::sending;

/// The most addresses to choose from.
const MAX_CHOICES: usize = 10;

/// Whether a form is one of those that let people choose.
pub(super) fn is_meant(state: FlowState) -> bool {
    matches!(
        state,
        FlowState::RecoveryAwaitingAddress
            | FlowState::RecoveryAwaitingAddressChoice
            | FlowState::RecoveryConfirmingAddress
            | FlowState::RecoveryAwaitingCode
    )
}

/// What is sent at any step.
struct Asked {
    /// The address that was typed first. It travels with every form.
    address: String,
    /// What stands for the chosen one.
    selected: String,
    /// The chosen one, in full.
    confirmed: String,
}

/// The first form: it asks for an address.
pub(super) fn ask_for_address(flow: &mut Flow<Recovery>, form_token: &str) {
    flow.state = FlowState::RecoveryAwaitingAddress;
    flow.ui = Ui::new(flow.ui.action.clone());
    flow.ui.set_csrf(form_token);
    let field = Node::input("recovery_address", Group::Code, InputType::Text).required();
    flow.ui.nodes.push(field.with_label(message::recovery_address_label()));
    flow.ui.nodes.push(proof::continue_button(Group::Code, "code"));
}

/// Takes one step.
///
/// # Errors
/// When the database fails.
pub(super) async fn step(cx: Context<'_>, flow: &mut Flow<Recovery>, input: &Input) -> Result<Outcome, Problem> {
    let asked = Asked {
        address: input.text("recovery_address"),
        selected: input.text("recovery_select_address"),
        confirmed: input.text("recovery_confirm_address"),
    };
    if let Some(rejection) = asked.too_long() {
        return Ok(ProofOutcome::Rejected(rejection));
    }
    let form_token = cx.form_token(flow.client);
    if input.text("screen") == "previous" {
        return go_back(cx, flow, asked, &form_token).await;
    }
    match flow.state {
        FlowState::RecoveryAwaitingAddress => typed(cx, flow, asked, &form_token).await,
        FlowState::RecoveryAwaitingAddressChoice => chosen(cx, flow, asked, &form_token).await,
        FlowState::RecoveryAwaitingCode if !input.text("code").is_empty() => {
            flow.transient_payload = None;
            use_code(cx, flow, &input.text("code")).await
        }
        // Without a code it is sent again.
        _ => send(cx, flow, &asked, &form_token).await,
    }
}

impl Asked {
    fn too_long(&self) -> Option<Rejection> {
        let fields = [("recovery_address", &self.address), ("recovery_confirm_address", &self.confirmed)];
        let (name, _) = fields.into_iter().find(|(_, value)| value.len() > proof::MAX_ADDRESS)?;
        let why = format!("An address may have at most {} characters.", proof::MAX_ADDRESS);
        Some(Rejection::at(name, message::generic(why)))
    }
}

fn missing(name: &str) -> Outcome {
    ProofOutcome::Rejected(Rejection::at(name, message::property_missing(name)))
}

/// The first address was typed: it is the only one, or there is a choice. An unknown one is treated like the only one.
async fn typed(cx: Context<'_>, flow: &mut Flow<Recovery>, asked: Asked, form_token: &str) -> Result<Outcome, Problem> {
    if asked.address.is_empty() {
        return Ok(missing("recovery_address"));
    }
    let addresses = addresses_beside(cx, &asked.address).await?;
    if addresses.is_empty() || (addresses.len() == 1 && addresses[0].value == asked.address) {
        let confirmed = asked.address.clone();
        return send(cx, flow, &Asked { confirmed, ..asked }, form_token).await;
    }
    let (keys, form) = (cx.services.proof_keys(), flow.id.to_string());
    flow.state = FlowState::RecoveryAwaitingAddressChoice;
    flow.ui = Ui::new(flow.ui.action.clone());
    flow.ui.messages = vec![message::recovery_choose_address()];
    flow.ui.set_csrf(form_token);
    for address in addresses {
        let label = message::plain_label(masked(&address.value));
        let choice = tokens::pseudonym(keys.first(), &form, &address.value);
        flow.ui.nodes.push(Node::submit("recovery_select_address", Group::Code, &choice, label));
    }
    flow.ui.nodes.push(Node::hidden("method", Group::Code, "code"));
    flow.ui.nodes.push(Node::hidden("recovery_address", Group::Code, &asked.address));
    Ok(ProofOutcome::NextStep(Tx::new()))
}

/// An address was chosen: it is the one that was typed, or has to be typed in full, since only a part of it was shown.
async fn chosen(
    cx: Context<'_>,
    flow: &mut Flow<Recovery>,
    asked: Asked,
    form_token: &str,
) -> Result<Outcome, Problem> {
    if asked.selected.is_empty() {
        return Ok(missing("recovery_select_address"));
    }
    if asked.address.is_empty() {
        return Ok(missing("recovery_address"));
    }
    let (keys, form) = (cx.services.proof_keys(), flow.id.to_string());
    let is_chosen = |address: &str| tokens::is_pseudonym(&keys, &form, address, &asked.selected);
    if is_chosen(&asked.address) {
        let confirmed = asked.address.clone();
        return send(cx, flow, &Asked { confirmed, ..asked }, form_token).await;
    }
    let addresses = addresses_beside(cx, &asked.address).await?;
    let Some(address) = addresses.iter().find(|address| is_chosen(&address.value)) else {
        let why = "This address is none of those to choose from.";
        return Ok(ProofOutcome::Rejected(Rejection::whole(message::generic(why))));
    };
    let (kind, label) = match channel(&address.value) {
        Channel::Email => (InputType::Email, message::email_label()),
        Channel::Sms => (InputType::Tel, message::phone_label()),
    };
    flow.state = FlowState::RecoveryConfirmingAddress;
    flow.ui = Ui::new(flow.ui.action.clone());
    flow.ui.messages = vec![message::recovery_ask_full_address()];
    flow.ui.set_csrf(form_token);
    let field = Node::input("recovery_confirm_address", Group::Code, kind).required();
    flow.ui.nodes.push(field.with_value(asked.confirmed).with_label(label));
    flow.ui.nodes.push(Node::hidden("recovery_address", Group::Code, &asked.address));
    flow.ui.nodes.push(proof::continue_button(Group::Code, "code"));
    flow.ui.nodes.push(Node::hidden("method", Group::Code, "code"));
    flow.ui.nodes.push(back_button());
    Ok(ProofOutcome::NextStep(Tx::new()))
}

/// Sends a code to the address that was typed in full, if somebody has it. The answer does not tell.
async fn send(cx: Context<'_>, flow: &mut Flow<Recovery>, asked: &Asked, form_token: &str) -> Result<Outcome, Problem> {
    if asked.confirmed.is_empty() {
        return Ok(missing("recovery_confirm_address"));
    }
    let mut tx = Tx::new();
    let to = (channel(&asked.confirmed), asked.confirmed.as_str());
    sending::recovery(cx, ProofKind::Code, flow, to, &mut tx).await?;
    flow.state = FlowState::RecoveryAwaitingCode;
    flow.ui = Ui::new(flow.ui.action.clone());
    flow.ui.messages = vec![message::recovery_code_sent_to(&masked(&asked.confirmed))];
    flow.ui.set_csrf(form_token);
    flow.ui.nodes.push(code_field());
    flow.ui.nodes.push(proof::continue_button(Group::Code, "code"));
    flow.ui.nodes.push(Node::hidden("method", Group::Code, "code"));
    let label = message::resend_code_label();
    flow.ui.nodes.push(Node::submit("recovery_confirm_address", Group::Code, &asked.confirmed, label));
    flow.ui.nodes.push(Node::hidden("recovery_address", Group::Code, &asked.address));
    flow.ui.nodes.push(back_button());
    Ok(ProofOutcome::NextStep(tx))
}

/// Goes back to the choice, or where there is none to the first form.
async fn go_back(
    cx: Context<'_>,
    flow: &mut Flow<Recovery>,
    asked: Asked,
    form_token: &str,
) -> Result<Outcome, Problem> {
    if addresses_beside(cx, &asked.address).await?.len() <= 1 {
        ask_for_address(flow, form_token);
        return Ok(ProofOutcome::NextStep(Tx::new()));
    }
    match flow.state {
        FlowState::RecoveryConfirmingAddress | FlowState::RecoveryAwaitingCode => {
            typed(cx, flow, asked, form_token).await
        }
        _ => Ok(ProofOutcome::NextStep(Tx::new())),
    }
}

fn back_button() -> Node {
    Node::submit("screen", Group::Code, "previous", message::recovery_back())
}

/// All addresses of the account that has this one, in the order of their values. The statements are the same for an
/// unknown address.
async fn addresses_beside(cx: Context<'_>, address: &str) -> Result<Vec<RecoveryAddress>, Problem> {
    let found = cx.services.store.find_recovery_address(channel(address), address).await?;
    let owner = found.map_or_else(|| Id::random(&cx.entropy), |(owner, _)| owner);
    let identity = cx.services.store.find_identity(owner).await?;
    let mut addresses = identity.map(|identity| identity.recovery_addresses).unwrap_or_default();
    addresses.sort_by(|one, other| one.value.cmp(&other.value));
    addresses.truncate(MAX_CHOICES);
    Ok(addresses)
}

fn channel(address: &str) -> Channel {
    if address.contains('@') { Channel::Email } else { Channel::Sms }
}

/// As much of an address as its owner needs to know it again.
fn masked(address: &str) -> String {
    let part = |text: &str, from: usize, to: usize| text.chars().skip(from).take(to - from).collect::<String>();
    if let Some((name, domain)) = address.split_once('@') {
        return match name.chars().count() {
            0 | 1 => address.to_owned(),
            _ => format!("{}****@{domain}", part(name, 0, 2)),
        };
    }
    match address.chars().count() {
        0..6 => address.to_owned(),
        length => format!("{}****{}", part(address, 0, 3), part(address, length - 2, length)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_in_part() {
        for (address, shown) in [
            ("someone@example.org", "so****@example.org"),
            ("ab@example.org", "ab****@example.org"),
            ("a@example.org", "a@example.org"),
            ("@example.org", "@example.org"),
            ("+491701234567", "+49****67"),
            ("12345", "12345"),
            ("äöü@example.org", "äö****@example.org"),
        ] {
            assert_eq!(masked(address), shown);
        }
    }
}
