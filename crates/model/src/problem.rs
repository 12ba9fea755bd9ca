//! What a caller is told when something cannot be done.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use serde_json::{Map, Value};

/// The error ids of Kratos, on which clients match.
pub mod id {
    /// A fresh sign-in is needed before a credential may change.
    pub const REFRESH_REQUIRED: &str = "session_refresh_required";
    /// The flow is too old.
    pub const FLOW_EXPIRED: &str = "self_service_flow_expired";
    /// The flow is switched off.
    pub const FLOW_DISABLED: &str = "self_service_flow_disabled";
    /// The browser has to go somewhere else.
    pub const BROWSER_LOCATION_CHANGE_REQUIRED: &str = "browser_location_change_required";
    /// Another flow has taken this one's place.
    pub const FLOW_REPLACED: &str = "self_service_flow_replaced";
    /// The caller is signed in already.
    pub const ALREADY_SIGNED_IN: &str = "session_already_available";
    /// An address has to be verified first.
    pub const VERIFIED_ADDRESS_REQUIRED: &str = "session_verified_address_required";
    /// A second factor was asked for without a first.
    pub const AAL1_REQUIRED: &str = "session_aal1_required";
    /// A second factor is needed.
    pub const AAL2_REQUIRED: &str = "session_aal2_required";
    /// There is no valid session.
    pub const SESSION_INACTIVE: &str = "session_inactive";
    /// The return URL is not on the allow-list.
    pub const RETURN_TO_FORBIDDEN: &str = "self_service_flow_return_to_forbidden";
    /// The flow belongs to someone else.
    pub const IDENTITY_MISMATCH: &str = "security_identity_mismatch";
    /// The anti-CSRF check failed.
    pub const CSRF_VIOLATION: &str = "security_csrf_violation";
    /// A service that is asked for this gave no usable answer.
    pub const UPSTREAM_ERROR: &str = "upstream_error";
    /// The configuration does not allow what was asked.
    pub const INVALID_CONFIGURATION: &str = "invalid_configuration";
}

/// An error as the caller sees it (Kratos' error envelope), with a separate text for the log.
///
/// It is boxed, since it travels in the `Err` of nearly every function and is rarely made.
#[derive(Clone)]
pub struct Problem(Box<ProblemMembers>);

/// The members of a [`Problem`].
#[derive(Clone)]
pub struct ProblemMembers {
    /// HTTP status, and `code` of the envelope.
    pub status: u16,
    /// HTTP status where it differs from the envelope's `code`.
    pub http_status: Option<u16>,
    /// One of [`id`], where Kratos gives one.
    pub id: Option<&'static str>,
    /// A general sentence.
    pub message: Cow<'static, str>,
    /// What went wrong here and what to do about it.
    pub reason: Option<Cow<'static, str>>,
    /// Further facts for programs.
    pub details: Map<String, Value>,
    /// Members beside `error`, such as `redirect_browser_to`.
    pub extra: Map<String, Value>,
    /// What the operator should read and the caller must not.
    pub log: Option<String>,
}

impl Problem {
    /// An error of the given HTTP status with the general sentence for it.
    pub fn new(status: u16) -> Self {
        Self(Box::new(ProblemMembers {
            status,
            http_status: None,
            id: None,
            message: Cow::Borrowed(general_message(status)),
            reason: None,
            details: Map::new(),
            extra: Map::new(),
            log: None,
        }))
    }

    /// 400: the request itself is at fault.
    pub fn bad_request(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400).reason(reason)
    }

    /// 401: nobody is signed in.
    pub fn unauthorized(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(401).reason(reason)
    }

    /// 403: not allowed.
    pub fn forbidden(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(403).reason(reason)
    }

    /// 404, without saying what is missing.
    pub fn not_found() -> Self {
        Self::new(404)
    }

    /// 409: something like it exists already.
    pub fn conflict(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(409).reason(reason)
    }

    /// 500: our fault. `log` is what the operator needs to know.
    pub fn internal(log: impl fmt::Display) -> Self {
        Self::new(500).log(log)
    }

    /// 503: a dependency, such as the database, is out of reach for now.
    pub fn unavailable(log: impl fmt::Display) -> Self {
        Self::new(503).log(log)
    }

    /// Sets the error id.
    #[must_use]
    pub fn with_id(mut self, id: &'static str) -> Self {
        self.0.id = Some(id);
        self
    }

    /// Replaces the general sentence.
    #[must_use]
    pub fn message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.0.message = message.into();
        self
    }

    /// Sets the reason.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.0.reason = Some(reason.into());
        self
    }

    /// Tells the same reason under another HTTP status, and all of it to the operator.
    #[must_use]
    pub fn restated(self, status: u16) -> Self {
        let mut problem = Self::new(status).log(&self);
        problem.0.reason = self.0.reason;
        problem
    }

    /// Adds one detail.
    #[must_use]
    pub fn detail(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.details.insert(key.to_owned(), value.into());
        self
    }

    /// Adds a member beside `error`.
    #[must_use]
    pub fn extra(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.extra.insert(key.to_owned(), value.into());
        self
    }

    /// Answers with another HTTP status than the envelope's `code`.
    #[must_use]
    pub fn over_http(mut self, status: u16) -> Self {
        self.0.http_status = Some(status);
        self
    }

    /// Adds a text for the operator's log, never shown to the caller.
    #[must_use]
    pub fn log(mut self, log: impl fmt::Display) -> Self {
        self.0.log = Some(log.to_string());
        self
    }

    /// The status of the HTTP answer.
    pub fn http_status(&self) -> u16 {
        self.http_status.unwrap_or(self.status)
    }

    /// The inner object of the envelope, as it is sent and stored. `request_id` is the caller's `X-Request-ID`.
    pub fn to_json(&self, request_id: Option<&str>) -> Map<String, Value> {
        let mut error = Map::new();
        if let Some(id) = self.id {
            error.insert("id".into(), id.into());
        }
        error.insert("code".into(), self.status.into());
        error.insert("status".into(), status_text(self.status).into());
        if let Some(request) = request_id {
            error.insert("request".into(), request.into());
        }
        if let Some(reason) = &self.reason {
            error.insert("reason".into(), reason.as_ref().into());
        }
        if !self.details.is_empty() {
            error.insert("details".into(), Value::Object(self.details.clone()));
        }
        error.insert("message".into(), self.message.as_ref().into());
        error
    }
}

impl Deref for Problem {
    type Target = ProblemMembers;

    fn deref(&self) -> &ProblemMembers {
        &self.0
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.message)?;
        if let Some(reason) = &self.reason {
            write!(f, " {reason}")?;
        }
        if let Some(log) = &self.log {
            write!(f, " ({log})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Problem {}

/// The reason phrase of RFC 9110 for a status.
pub fn status_text(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        410 => "Gone",
        413 => "Request Entity Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        499 => "Client Closed Request",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}

fn general_message(status: u16) -> &'static str {
    match status {
        400 => "This request cannot be understood or is not valid.",
        401 => "Please sign in: this request carries no valid sign-in.",
        403 => "You are not allowed to do this.",
        404 => "There is nothing here.",
        409 => "This conflicts with something that exists already.",
        410 => "This is no longer available.",
        413 => "This request is too large.",
        415 => "This kind of content is not accepted here.",
        422 => "The browser has to be sent somewhere else to go on.",
        429 => "Too many requests at once. Please try again in a moment.",
        502 => "A service that is needed for this gave no usable answer.",
        503 => "This is not available right now. Please try again in a moment.",
        504 => "A service that is needed for this did not answer in time.",
        _ => "Something went wrong on our side.",
    }
}
