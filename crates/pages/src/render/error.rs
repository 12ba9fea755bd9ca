//! The page that shows errors: what happened and what to do, by the error's kind. What the error itself says is written
//! for developers, and not shown.

use model::problem::id;
use serde::Serialize;
use serde_json::Value;

use super::{Frame, Page};

/// An error, for people.
#[derive(Clone, Debug, Serialize)]
pub struct ErrorPage {
    frame: Frame,
    what_happened: &'static str,
    what_to_do: &'static str,
    next: Next,
    /// What to tell the operator.
    reference: Option<Reference>,
}

#[derive(Clone, Debug, Serialize)]
struct Next {
    text: &'static str,
    href: String,
}

#[derive(Clone, Debug, Serialize)]
struct Reference {
    /// The HTTP status.
    code: u64,
    /// One of Kratos' error ids.
    kind: Option<String>,
    /// Under which the error is stored.
    id: String,
}

impl Page for ErrorPage {
    const TEMPLATE: &'static str = "error.html";
}

/// What there is to know about an error without its texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// There is no such error, or no longer.
    Unknown,
    /// The browser keeps no cookies.
    NoCookies,
    /// The browser keeps cookies of an earlier scope beside those of today.
    OldCookies,
    /// There is no question that this browser could answer.
    NotAsked,
    /// A stored error: its `code` and `id`.
    Stored {
        /// The `code` of the envelope.
        code: u64,
        /// The `id` of the envelope.
        id: Option<String>,
    },
}

impl ErrorKind {
    /// Reads the inner object of a stored error envelope, Kratos' or ours.
    pub fn read(error: &Value) -> Self {
        let code = error.get("code").and_then(Value::as_u64).unwrap_or(500);
        // Go writes an absent id as an empty one in places.
        let id = error.get("id").and_then(Value::as_str).filter(|id| !id.is_empty() && id.len() <= 100);
        Self::Stored { code, id: id.map(str::to_owned) }
    }
}

impl ErrorPage {
    /// The page for an error; `stored_as` is its id in the store. `home` is where to go on, usually to sign in.
    pub fn new(public_url: &str, kind: ErrorKind, stored_as: Option<&str>, home: String) -> Self {
        let (title, what_happened, what_to_do) = words(&kind);
        let reference = match (kind, stored_as) {
            (ErrorKind::Stored { code, id }, Some(stored_as)) => {
                Some(Reference { code, kind: id, id: stored_as.to_owned() })
            }
            _ => None,
        };
        let next = Next { text: "Go on", href: home };
        Self { frame: Frame::new(public_url, title), what_happened, what_to_do, next, reference }
    }
}

/// Title, what happened, what to do.
fn words(kind: &ErrorKind) -> (&'static str, &'static str, &'static str) {
    let (code, error_id) = match kind {
        ErrorKind::Unknown => {
            return (
                "Nothing to see here",
                "There is no error under this address, or it is long gone.",
                "All is well as far as we know.",
            );
        }
        ErrorKind::NoCookies => {
            return (
                "Cookies are needed",
                "Your browser sent no cookies along, and without them we cannot tell your form from a stranger’s.",
                "Please allow cookies for this site, then go on.",
            );
        }
        ErrorKind::OldCookies => {
            return (
                "Old cookies are in the way",
                "Your browser keeps more than one cookie of this site where one is needed: something has moved here. We have \
                 asked it to forget the old ones.",
                "Please go on. If this page comes back, delete the cookies of this site in your browser.",
            );
        }
        ErrorKind::NotAsked => {
            return (
                "Nothing to confirm",
                "A question is for the browser that was asked, for ten minutes and one answer. There is none here, or it is \
                 over.",
                "Please start again where you came from: in the app, or with the link from your mail.",
            );
        }
        ErrorKind::Stored { code, id } => (*code, id.as_deref().unwrap_or_default()),
    };
    match error_id {
        id::CSRF_VIOLATION => (
            "Please try that again",
            "For your safety we could not accept this form: it did not come from the page that this browser opened.",
            "Open the page anew, and make sure that cookies are allowed.",
        ),
        id::RETURN_TO_FORBIDDEN => (
            "This link leads astray",
            "The link that brought you here wants to send you to a place that is not on our list.",
            "Please go back to the app you came from, or sign in here.",
        ),
        id::FLOW_EXPIRED => ("That took a while", "The form was open for too long.", "Please open a new one."),
        id::FLOW_DISABLED => {
            ("Not offered here", "This is switched off on this server.", "Please ask its operator if you need it.")
        }
        id::ALREADY_SIGNED_IN => ("You are signed in", "You are signed in already.", "There is nothing left to do."),
        id::SESSION_INACTIVE | id::AAL1_REQUIRED => {
            ("Please sign in", "Nobody is signed in in this browser.", "Sign in, then try again.")
        }
        id::AAL2_REQUIRED | id::REFRESH_REQUIRED => (
            "Please confirm that it is you",
            "This needs a fresh or a second proof of who you are.",
            "Sign in again, then try once more.",
        ),
        id::IDENTITY_MISMATCH => (
            "This belongs to someone else",
            "The form was opened by another account.",
            "Log out, sign in with the right one, and try again.",
        ),
        _ => match code {
            401 => ("Please sign in", "Nobody is signed in in this browser.", "Sign in, then try again."),
            403 => (
                "That is not allowed",
                "You may not do this.",
                "If you think you should, please tell the operator of this site.",
            ),
            404 => (
                "Nothing here",
                "What you asked for is not here, or no longer.",
                "The link may be old or cut off. Please start anew.",
            ),
            410 => ("That took a while", "What you asked for is no longer available.", "Please start anew."),
            429 => ("One moment, please", "That was a lot at once.", "Wait a minute, then try again."),
            400..500 => (
                "That did not work",
                "Something about the link or form that brought you here is not right.",
                "Please go back and try again.",
            ),
            _ => (
                "Something went wrong",
                "The fault is ours, not yours.",
                "Please try again in a moment. If it stays, tell the operator of this site, with the reference below.",
            ),
        },
    }
}
