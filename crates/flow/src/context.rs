//! What methods and hooks work with.

use std::ops::Deref;

use model::{Cx, FlowClient};

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
