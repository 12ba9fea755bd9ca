//! Labels that several forms share: 1070000 to 1070017.

use super::{Message, MessageType};

/// 1070000: a label that says what it is given, such as a masked address.
pub fn plain_label(text: impl Into<String>) -> Message {
    Message::info(1070000, text.into())
}

/// 1070001: the field for a password.
pub fn password_label() -> Message {
    Message::info(1070001, "Password")
}

/// 1070002: the field of a trait: its `title` in the identity schema and the `name` of the node.
pub fn schema_label(title: &str, name: &str) -> Message {
    Message::new(1070002, MessageType::Info, title.to_owned(), [("name", name.into()), ("title", title.into())])
}

/// 1070003: the button that saves.
pub fn save_label() -> Message {
    Message::info(1070003, "Save")
}

/// 1070004: the field for an identifier that has no title in the identity schema.
pub fn id_label() -> Message {
    Message::info(1070004, "ID")
}

/// 1070005: the button that submits.
pub fn submit_label() -> Message {
    Message::info(1070005, "Submit")
}

/// 1070006: the field for the first code of a new authenticator app.
pub fn verify_code_label() -> Message {
    Message::info(1070006, "Code from your app")
}

/// 1070007: the field for an email address.
pub fn email_label() -> Message {
    Message::info(1070007, "Email")
}

/// 1070008: the button that sends another code.
pub fn resend_code_label() -> Message {
    Message::info(1070008, "Send a new code")
}

/// 1070009: the button that leads to the next step.
pub fn continue_label() -> Message {
    Message::info(1070009, "Continue")
}

/// 1070010: the field for a recovery code.
pub fn recovery_code_label() -> Message {
    Message::info(1070010, "Recovery code")
}

/// 1070011: the field for a verification code.
pub fn verification_code_label() -> Message {
    Message::info(1070011, "Verification code")
}

/// 1070012: the field for a registration code.
pub fn registration_code_label() -> Message {
    Message::info(1070012, "Sign-up code")
}

/// 1070013: the field for a login code.
pub fn login_code_label() -> Message {
    Message::info(1070013, "Sign-in code")
}

/// 1070014: the button that signs in and links the credential that was just used.
pub fn login_and_link_credential_label() -> Message {
    Message::info(1070014, "Sign in and connect")
}

/// 1070015: the place of the captcha.
pub fn captcha_label() -> Message {
    Message::info(1070015, "Please show that you are human.")
}

/// 1070016: the field for the address of the account to recover.
pub fn recovery_address_label() -> Message {
    Message::info(1070016, "Email or phone number")
}

/// 1070017: the field for a phone number.
pub fn phone_label() -> Message {
    Message::info(1070017, "Phone number")
}
