//! What methods and hooks work with.

use std::ops::Deref;

use model::go::encode_query;
use model::{Cx, FlowClient, Session};
use session::RefreshRequired;

use crate::request::Request;
use crate::services::Services;

/// What a step of a flow works with: the time, randomness, the services, and the request that it answers.
///
/// Reads as a [`Cx`], so that it can be handed to what needs the time and randomness alone.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    cx: &'a Cx,
    /// The services under one configuration.
    pub services: &'a Services,
    /// The request that is answered.
    pub request: &'a Request,
}

impl<'a> Context<'a> {
    /// The context of one request.
    pub fn new(cx: &'a Cx, services: &'a Services, request: &'a Request) -> Self {
        Self { cx, services, request }
    }

    /// The same for another request, that stands for the one that came.
    #[must_use]
    pub fn with_request(self, request: &'a Request) -> Self {
        Self { request, ..self }
    }

    /// Checks that a credential was proved so lately that this request may change credentials. After a fresh sign-in a browser
    /// comes back to it: below the public URL, since nobody else's host is followed, whichever the request came to.
    ///
    /// # Errors
    /// When it was not.
    pub fn require_privileged(self, session: &Session) -> Result<(), RefreshRequired> {
        self.services.sessions.require_privileged(&self, session, || {
            let url = &self.request.url;
            let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            let query = encode_query(query.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            let separator = if query.is_empty() { "" } else { "?" };
            format!("{}{separator}{query}", self.services.public_route(url.path()))
        })
    }

    /// The value of a form's hidden anti-CSRF field. Native flows carry it empty, unless a browser opens them.
    pub fn form_token(self, client: FlowClient) -> String {
        self.request.form_token(client, &self.cx.entropy)
    }
}

impl Deref for Context<'_> {
    type Target = Cx;

    fn deref(&self) -> &Cx {
        self.cx
    }
}
