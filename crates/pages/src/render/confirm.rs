//! The page that asks before a browser goes on that somebody else may have led there.

use model::beginning;
use model::ui::flatten;
use serde::Serialize;
use serde_json::Value;

use super::{Frame, Page};

/// The most details that are shown, and the most characters of each.
const MAX_DETAILS: usize = 10;
const MAX_LENGTH: usize = 100;

/// What is asked, and the two answers.
#[derive(Clone, Debug, Serialize)]
pub struct ConfirmPage {
    /// What is around the content.
    pub frame: Frame,
    /// Who is signed in, if anybody.
    pub person: Option<String>,
    /// What an app's sign-in comes to. Without it a recovery link was opened.
    pub app: Option<AppRequest>,
    /// What the account is known by that the link signs in.
    pub account: Option<String>,
    /// The address that the answer is sent to.
    pub action: String,
    /// What it brings along.
    pub csrf_token: String,
}

/// What an app's sign-in comes to.
#[derive(Clone, Debug, Serialize)]
pub struct AppRequest {
    /// Where the browser goes back to.
    pub host: String,
    /// The provider that it comes from.
    pub provider: String,
    /// Whether the app gets the browser's session.
    pub hands_over: bool,
    /// What was typed in the app.
    pub details: Vec<Detail>,
    /// How much more that was.
    pub more_details: usize,
    /// What is connected.
    pub connects: Option<ConnectedAccounts>,
}

/// Something that was typed.
#[derive(Clone, Debug, Serialize)]
pub struct Detail {
    name: String,
    value: String,
}

/// An account here, and one at a provider.
#[derive(Clone, Debug, Serialize)]
pub struct ConnectedAccounts {
    /// What the one here is known by.
    pub account: String,
    /// The provider of the other.
    pub provider: String,
}

impl Page for ConfirmPage {
    const TEMPLATE: &'static str = "confirm.html";
}

impl ConfirmPage {
    /// The page's title.
    pub const TITLE: &'static str = "Please confirm";
}

/// Traits as they are shown, and how many more there are.
pub fn details(traits: &Value) -> (Vec<Detail>, usize) {
    let all = flatten("", traits);
    let more = all.len().saturating_sub(MAX_DETAILS);
    let shown = all.into_iter().take(MAX_DETAILS).map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Detail { name: beginning(&name, MAX_LENGTH).to_owned(), value: beginning(&value, MAX_LENGTH).to_owned() }
    });
    (shown.collect(), more)
}
