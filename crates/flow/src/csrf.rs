//! Who may submit a flow: the browser that opened it, or (for native flows) anything that is not a browser.

use model::flow::Kind;
use model::problem::id;
use model::{Flow, FlowClient, Problem};
use serde_json::Value;

use crate::request::Request;

/// Why a submission is not accepted.
pub(crate) enum Refused {
    /// The anti-CSRF check of a browser failed: an error of its own, never a form.
    Browser(Problem),
    /// A browser submits a native flow: said on the form.
    NotNative(String),
}

/// Checks a submission: `sent` is its `csrf_token` field (OWASP "signed double submit cookie").
pub(crate) fn ensure<K: Kind>(request: &Request, flow: &Flow<K>, sent: &str) -> Result<(), Refused> {
    match flow.client {
        FlowClient::Browser if request.csrf.verify(sent) && request.has_csrf_cookie => Ok(()),
        FlowClient::Browser => Err(Refused::Browser(violation(request, sent))),
        FlowClient::Api => ensure_native(request),
    }
}

/// Checks that whoever fetches a browser's flow is the browser that opened it.
pub(crate) fn ensure_same_browser<K: Kind>(request: &Request, flow: &Flow<K>) -> Result<(), Problem> {
    match flow.client {
        FlowClient::Browser if !request.csrf.verify(&flow.csrf_token) => Err(violation(request, &flow.csrf_token)),
        FlowClient::Browser | FlowClient::Api => Ok(()),
    }
}

fn ensure_native(request: &Request) -> Result<(), Refused> {
    if request.origin.as_deref().is_some_and(|origin| !origin.is_empty()) {
        return Err(Refused::NotNative(
            "This form was opened for a native app, but a browser sent it (there is an Origin header). Open one at \
             the browser route instead."
                .to_owned(),
        ));
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

fn violation(request: &Request, sent: &str) -> Problem {
    let (reject_reason, hint) = if request.cookies.is_empty() {
        (
            "The request carries no cookies at all.",
            "Send the browser's cookies along; from a script, ask for credentials to be included.",
        )
    } else if !request.has_csrf_cookie {
        ("The anti-CSRF cookie is missing.", "Open the form and send it from the same browser, on the same host name.")
    } else if sent.is_empty() {
        ("The request carries no csrf_token.", "Send the value of the hidden field csrf_token along.")
    } else {
        ("The csrf_token does not belong to the anti-CSRF cookie.", "Open a new form and send that one.")
    };
    let reason = match request.from_script {
        true => {
            "The anti-CSRF check failed. Scripts have to include cookies, and the page and this server have to share a site."
        }
        false => "The anti-CSRF check failed. Please open the page anew and try again.",
    };
    Problem::forbidden(reason)
        .with_id(id::CSRF_VIOLATION)
        .detail("docs", Value::from("https://owasp.org/www-community/attacks/csrf"))
        .detail("hint", Value::from(hint))
        .detail("reject_reason", Value::from(reject_reason))
}
