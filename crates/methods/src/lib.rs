//! Sign-in methods, one folder each. The engine knows them only by the [`flow::Method`] trait.

mod code;
mod identifier_first;
mod keys;
mod link;
mod lookup_secret;
mod oidc;
mod passkey;
mod password;
mod profile;
mod proof;
mod second_factor;
mod sending;
#[cfg(test)]
mod testing;
mod totp;
mod webauthn;

use config::{Config, LoginStyle};
use flow::{InputClaims, Method};

pub use oidc::{Claims, Tokens, read_tokens};
pub use password::Policy;

/// What every method claims of submissions.
static CLAIMS: [InputClaims; 9] = [
    profile::CLAIMS,
    password::CLAIMS,
    oidc::CLAIMS,
    code::CLAIMS,
    link::CLAIMS,
    totp::CLAIMS,
    passkey::CLAIMS,
    webauthn::CLAIMS,
    lookup_secret::CLAIMS,
];

/// What the methods claim that the configuration switches off.
pub fn switched_off(config: &Config) -> Vec<&'static InputClaims> {
    CLAIMS.iter().filter(|claims| !config.selfservice.methods.enabled(claims.name)).collect()
}

/// The methods that the configuration switches on, in the order in which they fill in forms.
pub fn enabled(config: &Config) -> Vec<Box<dyn Method>> {
    let methods = &config.selfservice.methods;
    let mut enabled: Vec<Box<dyn Method>> = vec![Box::new(profile::Profile { in_settings: methods.profile_enabled })];
    if methods.password.enabled {
        enabled.push(Box::new(password::Password));
    }
    if methods.oidc.enabled {
        enabled.push(Box::new(oidc::Oidc::new(config)));
    }
    if methods.code.enabled {
        enabled.push(Box::new(code::Code));
    }
    if methods.link.enabled {
        enabled.push(Box::new(link::Link));
    }
    if methods.totp.enabled {
        enabled.push(Box::new(totp::Totp));
    }
    if let Some(relying_party) = methods.passkey.relying_party.clone().filter(|_| methods.passkey.enabled) {
        enabled.push(Box::new(passkey::Passkey::new(relying_party)));
    }
    if let Some(relying_party) = methods.webauthn.relying_party.clone().filter(|_| methods.webauthn.enabled) {
        enabled.push(Box::new(webauthn::Webauthn::new(relying_party, methods.webauthn.passwordless)));
    }
    if methods.lookup_secret_enabled {
        enabled.push(Box::new(lookup_secret::LookupSecret));
    }
    if config.selfservice.login_style == LoginStyle::IdentifierFirst {
        // It takes what is meant for nobody else, so it comes last.
        enabled.push(Box::new(identifier_first::IdentifierFirst));
    }
    enabled
}
