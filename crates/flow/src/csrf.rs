//! Who may submit a flow: the browser that opened it, or (for native flows) anything that is not a browser.

use model::flow::FlowKind;
use model::problem::id;
use model::{Flow, FlowClient, Problem, message};

use crate::form::Rejection;
use crate::request::Request;

/// Why a submission is not accepted.
pub enum Refused {
    /// The anti-CSRF check of a browser failed: an error of its own, never a form.
    Browser(CsrfClues),
    /// A browser submits a native flow: said on the form.
    NotNative(String),
}

impl Refused {
    /// What to say on the form.
    ///
    /// # Errors
    /// When it is not to be said there.
    pub fn into_rejection(self) -> Result<Rejection, Problem> {
        match self {
            Self::Browser(clues) => Err(clues.into()),
            Self::NotNative(why) => Ok(message::generic(why).into()),
        }
    }
}

/// Checks a submission: `sent` is its `csrf_token` field (OWASP "signed double submit cookie"). Scripts may send the header
/// `X-CSRF-Token` instead.
///
/// # Errors
/// Says what to answer.
pub fn ensure<K: FlowKind>(request: &Request, flow: &Flow<K>, sent: &str) -> Result<(), Refused> {
    match flow.client {
        FlowClient::Browser if has_token(request, sent) => Ok(()),
        FlowClient::Browser => Err(Refused::Browser(clues(request, sent))),
        FlowClient::Api => ensure_native(request),
    }
}

/// Checks that a browser's flow goes on elsewhere, at a provider say, by its own form in the browser that opened it. Any site
/// can have a visitor's browser send a form, and any visitor can open one for another. `sent` is as for [`ensure`].
///
/// Native flows pass: they are told by no cookie.
///
/// # Errors
/// When another site, or another browser, has sent it.
pub fn ensure_own_form<K: FlowKind>(request: &Request, flow: &Flow<K>, sent: &str) -> Result<(), CsrfClues> {
    match flow.client {
        FlowClient::Browser if !has_token(request, sent) => Err(clues(request, sent)),
        FlowClient::Browser | FlowClient::Api => ensure_same_browser(request, flow),
    }
}

/// Whether a request brings the token of its cookie along, as a field or as a header.
fn has_token(request: &Request, sent: &str) -> bool {
    let header = request.csrf_header.as_deref().unwrap_or_default();
    request.has_csrf_cookie && (request.csrf.verify(sent) || request.csrf.verify(header))
}

/// Checks that whoever fetches a browser's flow, or goes on with it, is the browser that opened it.
///
/// # Errors
/// When it is another one.
pub fn ensure_same_browser<K: FlowKind>(request: &Request, flow: &Flow<K>) -> Result<(), CsrfClues> {
    match flow.client {
        FlowClient::Browser if !request.csrf.verify(&flow.csrf_token) => Err(clues(request, "")),
        FlowClient::Browser | FlowClient::Api => Ok(()),
    }
}

fn ensure_native(request: &Request) -> Result<(), Refused> {
    ensure_no_page(request)?;
    if request.any_client {
        return Ok(());
    }
    // Cloudflare sets cookies of its own on every client, native apps included.
    let foreign = |name: &&String| !["__cf", "_cf", "cf_"].iter().any(|prefix| name.starts_with(prefix));
    if request.cookies.iter().any(|name| foreign(&name)) {
        return Err(Refused::NotNative(
            "This form was opened for a native app, but cookies came along, as from a browser. Open one at the \
             browser route instead, or send no cookies."
                .to_owned(),
        ));
    }
    Ok(())
}

/// Checks that what a native flow is sent comes from no page, which may be anybody's. Apps may send cookies.
///
/// # Errors
/// When there is an `Origin` header.
pub fn ensure_no_page(request: &Request) -> Result<(), Refused> {
    if !request.any_client && request.origin.as_deref().is_some_and(|origin| !origin.is_empty()) {
        return Err(Refused::NotNative(
            "This form was opened for a native app, but a browser sent it (there is an Origin header). Open one at \
             the browser route instead."
                .to_owned(),
        ));
    }
    Ok(())
}

/// What a refused request says about why it was refused.
#[derive(Clone, Copy, Debug)]
pub struct CsrfClues {
    /// Whether it carries any cookie.
    pub has_cookies: bool,
    /// Whether it carries the anti-CSRF cookie.
    pub has_csrf_cookie: bool,
    /// Whether it carries it more than once, so that nobody knows which of them counts.
    pub repeats_csrf_cookie: bool,
    /// Whether it carries a token. A body of JSON counts as one, since it may hold a token that nobody has read.
    pub has_token: bool,
    /// Whether a script in a browser sent it.
    pub from_script: bool,
}

/// What `request` says about why the token that it has `sent` is refused.
pub fn clues(request: &Request, sent: &str) -> CsrfClues {
    CsrfClues {
        has_cookies: !request.cookies.is_empty(),
        has_csrf_cookie: request.has_csrf_cookie,
        repeats_csrf_cookie: request.repeats_csrf_cookie,
        has_token: request.sends_json || !sent.is_empty() || request.csrf_header.is_some(),
        from_script: request.from_script,
    }
}

/// 403: the anti-CSRF check failed, and probably for this reason.
impl From<CsrfClues> for Problem {
    fn from(clues: CsrfClues) -> Self {
        violation(&clues)
    }
}

fn violation(clues: &CsrfClues) -> Problem {
    let reason = match clues.from_script {
        true => {
            "The anti-CSRF check failed. Scripts have to include cookies, and the page and this server have to share a site."
        }
        false => "The anti-CSRF check failed. Please open the page anew and try again.",
    };
    let problem = Problem::forbidden(reason)
        .with_id(id::CSRF_VIOLATION)
        .message("This was refused, since it may have been sent by another site than ours.")
        .detail("docs", "https://owasp.org/www-community/attacks/csrf");
    let (reject_reason, hint) = if !clues.has_cookies {
        (
            "The request carries no cookies at all.",
            "Send the browser's cookies along; from a script, ask for credentials to be included.",
        )
    } else if clues.repeats_csrf_cookie {
        (
            "The anti-CSRF cookie is there more than once: the browser keeps one of an earlier domain or path.",
            "Open a new form, which has the browser forget the old ones. If that does not help, delete the cookies of this site.",
        )
    } else if !clues.has_csrf_cookie {
        (
            "The anti-CSRF cookie is missing or broken.",
            "Open the form and send it from the same browser, on the same host name.",
        )
    } else if !clues.has_token {
        // Kratos tells this one apart by the hint alone.
        return problem.detail("hint", "The request carries no token. Send the one of the hidden field csrf_token along, or in the header X-CSRF-Token.");
    } else {
        ("The token does not belong to the anti-CSRF cookie.", "Open a new form and send that one.")
    };
    problem.detail("hint", hint).detail("reject_reason", reject_reason)
}
