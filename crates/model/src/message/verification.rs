//! Proving that an address is one's own: 1080001 to 1080003, and the errors from 4070001.

use jiff::Timestamp;

use super::{Message, MessageType};

/// 1080001: a link is on its way, if the address is known.
pub fn verification_link_sent() -> Message {
    let text = "If we know this address, a link is on its way to it. \
                If nothing arrives, check the address and try again.";
    Message::info(1080001, text)
}

/// 1080002: the address is verified.
pub fn verified() -> Message {
    Message::new(1080002, MessageType::Success, "Thank you, your address is verified.", [])
}

/// 1080003: a code is on its way, if the address is known.
pub fn verification_code_sent() -> Message {
    let text = "If we know this address, a code is on its way to it. \
                If nothing arrives, check the address and try again.";
    Message::info(1080003, text)
}

/// 4010006: the submission fits no method.
pub fn no_verification_method() -> Message {
    Message::error(4010006, "Please choose how to verify your address, and fill in the form.")
}

/// 4070001: the link is wrong, spent or too old.
pub fn verification_link_invalid() -> Message {
    Message::error(4070001, "That link does not work any more. Please ask for a new one.")
}

/// 4070002: the flow is done.
pub fn verification_already_completed() -> Message {
    Message::error(4070002, "Your address is verified already; there is nothing left to do here.")
}

/// 4070003: the flow cannot go on.
pub fn verification_failed() -> Message {
    Message::error(4070003, "Something went wrong while verifying your address. Please start again.")
}

/// 4070005: the flow is too old.
pub fn verification_flow_expired(expired_at: Timestamp) -> Message {
    Message::expired(4070005, "This page was open for too long. Please ask for a new code or link.", expired_at)
}

/// 4070006: the code is wrong, spent or too old.
pub fn verification_code_invalid() -> Message {
    Message::error(4070006, "That code did not work. Please check it or ask for a new one.")
}
