//! The welcome page.

use model::{AuthenticationMethod, Identity};
use serde::Serialize;
use serde_json::Value;

use super::{Frame, Moment, Page};

/// Who is signed in, since when, how, and the way out.
#[derive(Clone, Debug, Serialize)]
pub struct WelcomePage {
    /// What is around the content.
    pub frame: Frame,
    /// The person's name, or what else they are known by.
    pub person: String,
    /// When they signed in.
    pub since: Moment,
    /// When the session ends.
    pub until: Moment,
    /// How they signed in, in words.
    pub methods: String,
    /// Where they signed in, in words.
    pub device: String,
    /// The way out.
    pub logout: LogoutForm,
    /// Where to change one's account.
    pub settings: String,
    /// Where to see all sessions, and to end them.
    pub sessions: String,
    /// The person's other sessions.
    pub others: Vec<OtherSession>,
}

/// What the log-out button sends, by GET, as Kratos' logout link does.
#[derive(Clone, Debug, Serialize)]
pub struct LogoutForm {
    /// The address that the button leads to.
    pub action: String,
    /// The logout token.
    pub token: String,
}

/// The same person, signed in elsewhere.
#[derive(Clone, Debug, Serialize)]
pub struct OtherSession {
    /// Where it was last used, in words.
    pub device: String,
    /// When it began.
    pub since: Moment,
}

impl Page for WelcomePage {
    const TEMPLATE: &'static str = "welcome.html";
}

impl WelcomePage {
    /// The page's title.
    pub const TITLE: &'static str = "Welcome";
}

/// What to call a person: an address or name from their traits; their identifier if there is none.
pub fn display_name(identity: &Identity) -> String {
    let traits: Value = serde_json::from_str(identity.traits.as_str()).unwrap_or_default();
    let text = |value: &Value| value.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned);
    let telling = ["email", "username", "phone", "name"].iter().find_map(|name| text(traits.get(name)?));
    telling
        .or_else(|| identity.verifiable_addresses.first().map(|address| address.value.clone()))
        .or_else(|| traits.as_object()?.values().find_map(text))
        .unwrap_or_else(|| identity.id.to_string())
}

/// How someone signed in: "password and authenticator app".
pub fn method_names(methods: &[AuthenticationMethod]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for method in methods {
        let name = match method.method.as_str() {
            "password" => "password",
            "code" => "a code that was sent to you",
            "totp" => "authenticator app",
            "lookup_secret" => "backup code",
            "webauthn" => "security key",
            "passkey" => "passkey",
            "oidc" | "saml" => "another service",
            "link_recovery" | "code_recovery" => "account recovery",
            other => other,
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let text = match names.split_last() {
        None => "an unknown way".to_owned(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    };
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
