//! Signing in: 1010001 to 1010023, and the errors from 4010001.

use jiff::Timestamp;

use super::{Message, MessageType, strings};

/// 1010001: the button that signs in.
pub fn login_button() -> Message {
    Message::info(1010001, "Sign in")
}

/// 1010002: the button of an identity provider, by its name and its configured id.
pub fn login_with_provider(provider: &str, provider_id: &str) -> Message {
    let context = [("provider", provider.into()), ("provider_id", provider_id.into())];
    Message::new(1010002, MessageType::Info, format!("Continue with {provider}"), context)
}

/// 1010003: a signed-in person has to prove again who they are.
pub fn login_refresh() -> Message {
    Message::info(1010003, "To go on, please show that it is still you.")
}

/// 1010004: the second factor is due.
pub fn login_aal2() -> Message {
    Message::info(1010004, "One more step: please use your second factor.")
}

/// 1010005: the button that checks a second factor.
pub fn login_verify() -> Message {
    Message::info(1010005, "Verify")
}

/// 1010006: the field for the code of an authenticator app.
pub fn login_totp_label() -> Message {
    Message::info(1010006, "Code from your authenticator app")
}

/// 1010007: the field for a backup code.
pub fn login_lookup_secret_label() -> Message {
    Message::info(1010007, "Backup code")
}

/// 1010008: the button that signs in with a security key.
pub fn login_with_webauthn() -> Message {
    Message::info(1010008, "Sign in with a security key")
}

/// 1010009: the button that sends the code of an authenticator app.
pub fn login_with_totp() -> Message {
    Message::info(1010009, "Use your authenticator app")
}

/// 1010010: the button that sends a backup code.
pub fn login_with_lookup_secret() -> Message {
    Message::info(1010010, "Use a backup code")
}

/// 1010011: the button that asks the security key, once the account is known.
pub fn login_continue_with_webauthn() -> Message {
    Message::info(1010011, "Continue with your security key")
}

/// 1010012: the security key is about to be asked.
pub fn login_prepare_webauthn() -> Message {
    Message::info(1010012, "Have your security key at hand, then continue.")
}

/// 1010013: the button that leads to the next step.
pub fn login_continue() -> Message {
    Message::info(1010013, "Continue")
}

/// 1010014: a code is on its way.
pub fn login_code_sent() -> Message {
    Message::info(1010014, "We sent you a code. If nothing arrives, check the address and try again.")
}

/// 1010015: the button that asks for a code.
pub fn login_send_code() -> Message {
    Message::info(1010015, "Send me a code")
}

/// 1010016: the provider's account belongs to an identity that exists already; signing in to it links the two.
pub fn login_link(
    identifier: &str,
    provider: &str,
    new_login_url: &str,
    credential_types: &[impl AsRef<str>],
    providers: &[impl AsRef<str>],
) -> Message {
    let text = format!("{identifier} already has an account. Sign in to it once, and {provider} will be connected.");
    let context = [
        ("available_credential_types", strings(credential_types)),
        ("available_providers", strings(providers)),
        ("duplicateIdentifier", identifier.into()),
        ("duplicate_identifier", identifier.into()),
        ("newLoginUrl", new_login_url.into()),
        ("new_login_url", new_login_url.into()),
        ("provider", provider.into()),
    ];
    Message::new(1010016, MessageType::Info, text, context)
}

/// 1010017: the button that signs in and links the provider's account.
pub fn login_and_link() -> Message {
    Message::info(1010017, "Sign in and connect")
}

/// 1010018: the button of a provider that is linked already, shown while another one is being linked.
pub fn login_with_provider_and_link(provider: &str) -> Message {
    let text = format!("Sign in with {provider} and connect");
    Message::new(1010018, MessageType::Info, text, [("provider", provider.into())])
}

/// 1010019: the button that asks for a code as second factor.
pub fn login_request_code() -> Message {
    Message::info(1010019, "Continue with a code")
}

/// 1010021: the button that signs in with a passkey.
pub fn login_with_passkey() -> Message {
    Message::info(1010021, "Sign in with a passkey")
}

/// 1010022: the button that signs in with a password.
pub fn login_with_password() -> Message {
    Message::info(1010022, "Sign in with your password")
}

/// 1010023: the button that sends a code to one of the addresses; `channel` is `email` or `sms`.
pub fn login_send_code_to(address: &str, channel: &str) -> Message {
    let context = [("address", address.into()), ("channel", channel.into())];
    Message::new(1010023, MessageType::Info, format!("Send a code to {address}"), context)
}

/// 4010001: the flow is too old.
pub fn login_flow_expired(expired_at: Timestamp) -> Message {
    Message::expired(4010001, "This sign-in was open for too long. Please start again.", expired_at)
}

/// 4010002: the submission fits no method.
pub fn no_login_method() -> Message {
    Message::error(4010002, "Please choose how to sign in, and fill in the form.")
}

/// 4010007: the flow is done.
pub fn login_already_completed() -> Message {
    Message::error(4010007, "You are signed in already; there is nothing left to do here.")
}

/// 4010008: the code is wrong, spent or too old.
pub fn login_code_invalid() -> Message {
    Message::error(4010008, "That code did not work. Please check it or ask for a new one.")
}

/// 4010009: the account signed in to is not the one that was to be linked.
pub fn linked_credentials_mismatch() -> Message {
    Message::error(4010009, "This is a different account from the one you want to connect.")
}

/// 4010010: the address is none of the identity's.
pub fn login_address_unknown() -> Message {
    Message::error(4010010, "Your account does not have this address.")
}
