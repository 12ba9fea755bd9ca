//! Where somebody is signed in.

use serde::Serialize;

use super::{Frame, LogoutForm, Moment, Page};

/// Every place in which a person is signed in, each of which they can leave from here.
#[derive(Clone, Debug, Serialize)]
pub struct SessionsPage {
    /// What is around the content.
    pub frame: Frame,
    /// What has just been done.
    pub done: Option<&'static str>,
    /// This browser.
    pub here: Place,
    /// The others, the newest first.
    pub others: Vec<Place>,
    /// Whether there are others still, which are not listed.
    pub has_more: bool,
    /// Whether the others are not told, since a second factor is still owed.
    pub owes_second_factor: bool,
    /// Where forms of this page are sent to.
    pub action: String,
    /// The browser's anti-CSRF token.
    pub csrf_token: String,
    /// The way out of this browser.
    pub logout: LogoutForm,
    /// Where the page was opened from.
    pub back: String,
}

/// One session, in words.
#[derive(Clone, Debug, Serialize)]
pub struct Place {
    /// What the session is called.
    pub id: String,
    /// Browser and system.
    pub device: String,
    /// City and country, where something in front of the server tells them.
    pub location: Option<String>,
    /// How the person signed in there.
    pub methods: String,
    /// When they last proved who they are.
    pub since: Moment,
}

impl Page for SessionsPage {
    const TEMPLATE: &'static str = "sessions.html";
}

impl SessionsPage {
    /// The page's title.
    pub const TITLE: &'static str = "Where you are signed in";
}
