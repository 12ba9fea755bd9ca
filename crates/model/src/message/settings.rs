//! Settings: 1050001 to 1050020, and the errors from 4050001.

use jiff::Timestamp;
use serde_json::json;

use super::{Message, MessageType, time};

/// The id of a backup code that is spent.
const LOOKUP_SECRET_USED: u32 = 1050014;

/// 1050001: the change is stored.
pub fn settings_saved() -> Message {
    Message::new(1050001, MessageType::Success, "Saved.", [])
}

/// 1050002: the button that links a provider.
pub fn link_provider(provider: &str) -> Message {
    Message::new(1050002, MessageType::Info, format!("Connect {provider}"), [("provider", provider.into())])
}

/// 1050003: the button that unlinks a provider.
pub fn unlink_provider(provider: &str) -> Message {
    Message::new(1050003, MessageType::Info, format!("Disconnect {provider}"), [("provider", provider.into())])
}

/// 1050004: the button that gives up the authenticator app.
pub fn unlink_totp() -> Message {
    Message::info(1050004, "Remove authenticator app")
}

/// 1050005: the image for an authenticator app to scan.
pub fn totp_qr_code() -> Message {
    Message::info(1050005, "QR code for your authenticator app")
}

/// 1050006: the secret in that image, to be typed instead.
pub fn totp_secret(secret: &str) -> Message {
    Message::new(1050006, MessageType::Info, secret.to_owned(), [("secret", secret.into())])
}

/// 1050007: the button that shows the backup codes.
pub fn reveal_lookup_secrets() -> Message {
    Message::info(1050007, "Show backup codes")
}

/// 1050008: the button that makes new backup codes.
pub fn regenerate_lookup_secrets() -> Message {
    Message::info(1050008, "Make new backup codes")
}

/// 1050009: one backup code that still works.
pub fn lookup_secret(secret: &str) -> Message {
    Message::new(1050009, MessageType::Info, secret.to_owned(), [("secret", secret.into())])
}

/// 1050010: the heading of the backup codes.
pub fn lookup_secrets_label() -> Message {
    Message::info(1050010, "Your backup codes. Keep them where only you can find them.")
}

/// 1050011: the button that puts new backup codes into force.
pub fn confirm_lookup_secrets() -> Message {
    Message::info(1050011, "I have stored these codes")
}

/// 1050012: the button that adds a security key.
pub fn add_webauthn() -> Message {
    Message::info(1050012, "Add a security key")
}

/// 1050013: the field for the name of a new security key.
pub fn webauthn_display_name_label() -> Message {
    Message::info(1050013, "Name for this key")
}

/// 1050014: one backup code that is spent.
pub fn lookup_secret_used(used_at: Timestamp) -> Message {
    let context = [("used_at", time(used_at)), ("used_at_unix", used_at.as_second().into())];
    let text = format!("Used on {}", used_at.strftime("%Y-%m-%d"));
    Message::new(LOOKUP_SECRET_USED, MessageType::Info, text, context)
}

/// 1050015: all backup codes, each a [`lookup_secret`] or a [`lookup_secret_used`].
pub fn lookup_secret_list(secrets: &[Message]) -> Message {
    let shown = secrets.iter().map(|secret| if secret.id == LOOKUP_SECRET_USED { "used" } else { &*secret.text });
    let text = shown.collect::<Vec<_>>().join(", ");
    Message::new(1050015, MessageType::Info, text, [("secrets", json!(secrets))])
}

/// 1050016: the button that gives up the backup codes.
pub fn disable_lookup_secrets() -> Message {
    Message::info(1050016, "Turn off backup codes")
}

/// 1050017: the heading of the secret of an authenticator app.
pub fn totp_secret_label() -> Message {
    Message::info(1050017, "Cannot scan the image? Type this secret into your authenticator app.")
}

/// 1050018: the button that removes a security key.
pub fn remove_webauthn(display_name: &str, added_at: Timestamp) -> Message {
    remove_key(1050018, "security key", display_name, added_at)
}

/// 1050019: the button that adds a passkey.
pub fn add_passkey() -> Message {
    Message::info(1050019, "Add a passkey")
}

/// 1050020: the button that removes a passkey.
pub fn remove_passkey(display_name: &str, added_at: Timestamp) -> Message {
    remove_key(1050020, "passkey", display_name, added_at)
}

fn remove_key(id: u32, what: &str, display_name: &str, added_at: Timestamp) -> Message {
    let context = [
        ("added_at", time(added_at)),
        ("added_at_unix", added_at.as_second().into()),
        ("display_name", display_name.into()),
    ];
    Message::new(id, MessageType::Info, format!("Remove the {what} “{display_name}”"), context)
}

/// 4010004: the submission fits no method.
pub fn no_settings_method() -> Message {
    Message::error(4010004, "Please choose what to change, and fill in the form.")
}

/// 4050001: the flow is too old.
pub fn settings_flow_expired(expired_at: Timestamp) -> Message {
    Message::expired(4050001, "Your settings were open for too long. Please start again.", expired_at)
}
