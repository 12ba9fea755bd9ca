//! Getting back into an account: 1060001 to 1060007, and the errors from 4060001.

use jiff::Timestamp;

use super::{Message, MessageType, time};

/// 1060001: the person is signed in again, and may set a new credential until `privileged_until`.
pub fn recovered(privileged_until: Timestamp) -> Message {
    let context = [
        ("privilegedSessionExpiresAt", time(privileged_until)),
        ("privileged_session_expires_at", time(privileged_until)),
        ("privileged_session_expires_at_unix", privileged_until.as_second().into()),
    ];
    let text = "Welcome back. Please set a new password or another way to sign in right away.";
    Message::new(1060001, MessageType::Success, text, context)
}

/// 1060002: a link is on its way, if there is such an account.
pub fn recovery_link_sent() -> Message {
    let text = "If this address belongs to an account, a link is on its way to it. \
                If nothing arrives, check the address and try again.";
    Message::info(1060002, text)
}

/// 1060003: a code is on its way, if there is such an account.
pub fn recovery_code_sent() -> Message {
    let text = "If this address belongs to an account, a code is on its way to it. \
                If nothing arrives, check the address and try again.";
    Message::info(1060003, text)
}

/// 1060004: a code is on its way to an address that is shown in part only.
pub fn recovery_code_sent_to(masked_address: &str) -> Message {
    let text = format!("A code is on its way to {masked_address}. If nothing arrives, try again.");
    Message::new(1060004, MessageType::Info, text, [("masked_address", masked_address.into())])
}

/// 1060005: the chosen address has to be typed in full.
pub fn recovery_ask_full_address() -> Message {
    Message::info(1060005, "Please type the whole address.")
}

/// 1060006: the account has several addresses to choose from.
pub fn recovery_choose_address() -> Message {
    Message::info(1060006, "Where shall we send the code?")
}

/// 1060007: the button that leads to the step before.
pub fn recovery_back() -> Message {
    Message::info(1060007, "Back")
}

/// 4010005: the submission fits no method.
pub fn no_recovery_method() -> Message {
    Message::error(4010005, "Please choose how to get back into your account, and fill in the form.")
}

/// 4060001: the flow is done.
pub fn recovery_already_completed() -> Message {
    Message::error(4060001, "You are back in your account already; there is nothing left to do here.")
}

/// 4060002: the flow cannot go on.
pub fn recovery_failed() -> Message {
    Message::error(4060002, "Something went wrong on the way back into your account. Please start again.")
}

/// 4060004: the link is wrong, spent or too old.
pub fn recovery_link_invalid() -> Message {
    Message::error(4060004, "That link does not work any more. Please ask for a new one.")
}

/// 4060005: the flow is too old.
pub fn recovery_flow_expired(expired_at: Timestamp) -> Message {
    Message::expired(4060005, "This page was open for too long. Please ask for a new code or link.", expired_at)
}

/// 4060006: the code is wrong, spent or too old.
pub fn recovery_code_invalid() -> Message {
    Message::error(4060006, "That code did not work. Please check it or ask for a new one.")
}
