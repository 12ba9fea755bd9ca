//! Signing up: 1040001 to 1040009, and the errors from 4040001.

use jiff::Timestamp;

use super::{Message, MessageType};

/// 1040001: the button that signs up.
pub fn registration_button() -> Message {
    Message::info(1040001, "Sign up")
}

/// 1040002: the button of an identity provider, by its name and its configured id.
pub fn registration_with_provider(provider: &str, provider_id: &str) -> Message {
    let context = [("provider", provider.into()), ("provider_id", provider_id.into())];
    Message::new(1040002, MessageType::Info, format!("Continue with {provider}"), context)
}

/// 1040003: the button that leads to the next step.
pub fn registration_continue() -> Message {
    Message::info(1040003, "Continue")
}

/// 1040004: the button that signs up with a security key.
pub fn registration_with_webauthn() -> Message {
    Message::info(1040004, "Sign up with a security key")
}

/// 1040005: a code is on its way.
pub fn registration_code_sent() -> Message {
    Message::info(1040005, "We sent you a code. If nothing arrives, check the address and sign up again.")
}

/// 1040006: the button that asks for a code.
pub fn registration_send_code() -> Message {
    Message::info(1040006, "Send me a code")
}

/// 1040007: the button that signs up with a passkey.
pub fn registration_with_passkey() -> Message {
    Message::info(1040007, "Sign up with a passkey")
}

/// 1040008: the button that leads to the step before.
pub fn registration_back() -> Message {
    Message::info(1040008, "Back")
}

/// 1040009: the profile is complete, a credential is due.
pub fn choose_credential() -> Message {
    Message::info(1040009, "How would you like to sign in from now on?")
}

/// 4010003: the submission fits no method.
pub fn no_registration_method() -> Message {
    Message::error(4010003, "Please choose how to sign up, and fill in the form.")
}

/// 4040001: the flow is too old.
pub fn registration_flow_expired(expired_at: Timestamp) -> Message {
    Message::expired(4040001, "This sign-up was open for too long. Please start again.", expired_at)
}

/// 4040002: the flow is done.
pub fn registration_already_completed() -> Message {
    Message::error(4040002, "You are signed up already; there is nothing left to do here.")
}

/// 4040003: the code is wrong, spent or too old.
pub fn registration_code_invalid() -> Message {
    Message::error(4040003, "That code did not work. Please check it or ask for a new one.")
}
