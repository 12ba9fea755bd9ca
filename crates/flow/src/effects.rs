//! What an answer does to the browser besides what it says.

use crypto::CsrfToken;
use model::Session;

use crate::continuity::ContinuityCookie;

/// The changes of the browser's cookies that come with an answer.
#[derive(Default)]
pub struct Effects {
    /// Sets the session cookie.
    pub sign_in: Option<Session>,
    /// Replaces the anti-CSRF cookie.
    pub csrf: Option<CsrfToken>,
    /// Say anew what the browser has left unfinished, one after the other; the last one counts.
    pub continuity: Vec<ContinuityCookie>,
}
