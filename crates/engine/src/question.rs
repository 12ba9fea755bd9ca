//! What people are asked before a request goes on, and what they have answered.

use model::SessionId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What somebody is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Question {
    /// Whether an app's sign-in at a provider may go on in this browser.
    App(AppQuestion),
    /// Whether a recovery link may take the place of the session that this browser has.
    Recovery {
        /// The address that the link was sent to, if it was.
        account: Option<String>,
    },
}

/// What comes of an app's sign-in, once its browser is back from a provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AppQuestion {
    /// Where the browser goes back to: a host, or the address of an app without its path.
    pub app: String,
    /// The provider.
    pub provider: String,
    /// Whether the app may get the session that this browser has.
    pub hands_over: bool,
    /// The traits that were typed in the app and would count; `null` without any.
    pub typed: Value,
    /// What would be connected.
    pub connects: Option<Connection>,
}

/// An account at a provider that would be connected to an account here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// The provider at which it is.
    pub provider: String,
    /// What the account here is known by.
    pub account: String,
}

/// What somebody has answered.
pub(crate) struct Reply {
    pub agrees: bool,
    pub question: Question,
    pub session: Option<SessionId>,
}

impl Reply {
    /// Whether somebody said no. That holds whatever there is to ask about by now.
    pub(crate) fn is_no(&self) -> bool {
        !self.agrees
    }

    /// Whether somebody agreed that accounts be connected.
    pub(crate) fn connects(&self) -> bool {
        self.agrees && matches!(&self.question, Question::App(app) if app.connects.is_some())
    }
}
