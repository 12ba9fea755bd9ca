//! What sign-in methods share.

use config::LoginStyle;
use model::{CredentialType, Identity};

use crate::services::Services;

/// Whether the configured style asks for the identifier before anything else.
pub fn is_identifier_first(services: &Services) -> bool {
    services.config.selfservice.login_style == LoginStyle::IdentifierFirst
}

/// The identifier that a person who is signed in would type, for forms that show it hidden.
pub fn known_identifier(identity: &Identity, kind: CredentialType) -> Option<String> {
    identity.credentials.get(&kind)?.identifiers.first().cloned()
}
