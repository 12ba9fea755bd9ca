//! What codes and links have in common.

use crypto::{KeyRing, tokens};
use flow::{Context, Input, Refused, Rejection, ensure_same_sender};
use model::flow::{FlowKind, FlowState};
use model::ui::InputType;
use model::{Flow, Group, Message, Node, Problem, Timestamp, Ui, message};

/// The field for the address.
pub fn email_field(group: Group) -> Node {
    Node::input("email", group, InputType::Email).required().with_label(message::email_label())
}

/// The button of a form.
pub fn continue_button(group: Group, method: &str) -> Node {
    Node::submit("method", group, method, message::continue_label())
}

/// The submitted address; empty if there is none.
///
/// # Errors
/// When it is none.
pub fn email(input: &Input) -> Result<String, Box<Rejection>> {
    let email = input.text("email");
    if email.is_empty() || (email.len() <= MAX_ADDRESS && identity::is_email(&email)) {
        return Ok(email);
    }
    let shown: String = email.chars().take(MAX_ADDRESS).collect();
    Err(Box::new(Rejection::at("email", message::invalid_email(&shown))))
}

/// The longest address that fits the database.
pub const MAX_ADDRESS: usize = 400;

/// Has a form ask for the address again, with what was typed.
pub fn ask_again(ui: &mut Ui, group: Group, form_token: &str, email: &str) {
    ui.set_csrf(form_token);
    ui.upsert(email_field(group).with_value(email));
}

/// Why a form cannot go on: it has done its work, or is in a state that this method does not know. `None` if it can.
pub fn why_over(state: FlowState, completed: fn() -> Message, failed: fn() -> Message) -> Option<Message> {
    match state {
        FlowState::ChooseMethod | FlowState::SentEmail => None,
        FlowState::PassedChallenge => Some(completed()),
        _ => Some(failed()),
    }
}

/// What is wrong with asking for a proof: no address, or a browser's sending of a native form.
///
/// # Errors
/// When the anti-CSRF check failed.
pub fn refusal<K: FlowKind>(
    cx: Context<'_>,
    flow: &Flow<K>,
    input: &Input,
    email: &str,
) -> Result<Option<Rejection>, Problem> {
    if email.is_empty() {
        return Ok(Some(Rejection::at("email", message::property_missing("email"))));
    }
    let refused = ensure_same_sender(cx.request, flow, &input.text("csrf_token")).err();
    refused.map(Refused::into_rejection).transpose()
}

/// A proof as it is kept, of either flow.
pub trait Kept {
    fn hmac(&self) -> &str;
    fn expires_at(&self) -> Timestamp;
    fn used_at(&self) -> Option<Timestamp>;
}

impl Kept for store::VerificationProof {
    fn hmac(&self) -> &str {
        &self.hmac
    }

    fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    fn used_at(&self) -> Option<Timestamp> {
        self.used_at
    }
}

impl Kept for store::RecoveryProof {
    fn hmac(&self) -> &str {
        &self.hmac
    }

    fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    fn used_at(&self) -> Option<Timestamp> {
        self.used_at
    }
}

impl<K: store::CodeTable> Kept for store::SentCode<K> {
    fn hmac(&self) -> &str {
        &self.hmac
    }

    fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    fn used_at(&self) -> Option<Timestamp> {
        self.used_at
    }
}

/// What a submitted code or token is.
pub enum Submitted<P> {
    Good(P),
    Unknown,
    Used,
    Expired(Timestamp),
}

/// Looks for what was submitted among what was sent. Every proof is compared, under every secret, in constant time.
pub fn find<P: Kept>(keys: &KeyRing, proofs: Vec<P>, submitted: &str, now: Timestamp) -> Submitted<P> {
    let matching = proofs.into_iter().filter(|proof| tokens::matches_any(keys, submitted, proof.hmac()));
    match matching.collect::<Vec<_>>().pop() {
        None => Submitted::Unknown,
        Some(proof) if proof.used_at().is_some() => Submitted::Used,
        Some(proof) if proof.expires_at() <= now => Submitted::Expired(proof.expires_at()),
        Some(proof) => Submitted::Good(proof),
    }
}

pub const TOO_MANY_TRIES: &str = "There were too many tries. Please ask for a new code.";
pub const ALREADY_USED: &str = "This code was used already. Please ask for a new one.";

#[cfg(test)]
mod tests {
    use model::{Id, Secret, SignedDuration, Uuid};
    use store::VerificationProof;

    use super::*;

    #[test]
    fn proofs_are_found_under_every_secret_until_used_or_expired() {
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().expect("a time");
        let (new, old) = (Secret::from("the-new-secret-that-writes"), Secret::from("the-old-secret-that-reads"));
        let keys = KeyRing::new(vec![new, old.clone()]).expect("two secrets");
        let proof = VerificationProof {
            id: Uuid::nil(),
            hmac: tokens::hmac_hex(&old, "123456"),
            address_id: Id::random(&model::Entropy::seeded(1)),
            flow_id: Id::random(&model::Entropy::seeded(1)),
            issued_at: now,
            expires_at: now + SignedDuration::from_hours(1),
            used_at: None,
        };
        let found = |proof: VerificationProof, text: &str, now| find(&keys, vec![proof], text, now);
        assert!(matches!(found(proof.clone(), "123456", now), Submitted::Good(_)));
        assert!(matches!(found(proof.clone(), "123457", now), Submitted::Unknown));
        assert!(matches!(found(proof.clone(), "", now), Submitted::Unknown));
        assert!(matches!(found(proof.clone(), "123456", proof.expires_at), Submitted::Expired(_)));
        assert!(matches!(found(VerificationProof { used_at: Some(now), ..proof }, "123456", now), Submitted::Used));
    }
}
