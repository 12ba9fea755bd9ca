//! What sign-up methods share.

use config::RegistrationStyle;
use model::flow::Registration;
use model::{Flow, Id, Identity, RawJson};
use serde_json::Value;

use crate::context::Context;
use crate::form::Rejection;
use crate::input::Input;
use crate::services::Services;

/// Whether the sign-up form asks for the traits on a screen of their own.
pub fn has_two_screens(services: &Services) -> bool {
    services.config.selfservice.registration_style == RegistrationStyle::ProfileFirst
}

/// The traits of a submission, as the schema types them.
pub fn traits(services: &Services, flow: &Flow<Registration>, input: &Input) -> Value {
    let schema = flow.detail.identity_schema.as_deref();
    services.identities.schemas().traits(schema, input.traits())
}

/// The identity that a sign-up would make, without credentials.
pub fn candidate(cx: Context<'_>, flow: &Flow<Registration>, traits: RawJson) -> Identity {
    let schemas = cx.services.identities.schemas();
    let wanted = flow.detail.identity_schema.as_deref().and_then(|id| schemas.get(id));
    let schema = wanted.unwrap_or_else(|| schemas.default_schema());
    Identity::new(Id::random(&cx.entropy), schema.id().to_owned(), traits, cx.now())
}

/// As [`candidate`], with the traits of a submission.
pub fn candidate_of(cx: Context<'_>, flow: &Flow<Registration>, input: &Input) -> Identity {
    candidate(cx, flow, input.as_sent(&traits(cx.services, flow, input)))
}

/// What the schema has against the traits of a submission.
pub fn malformed_traits(services: &Services, flow: &Flow<Registration>, input: &Input) -> Vec<Rejection> {
    let traits = traits(services, flow, input);
    let complaints = services.identities.schemas().complaints(flow.detail.identity_schema.as_deref(), &traits);
    complaints.into_iter().map(Rejection::from).collect()
}
