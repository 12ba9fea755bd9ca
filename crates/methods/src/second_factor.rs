//! What methods that are only ever a second factor have in common.

use flow::{Context, Input, Rejection, Services};
use guard::{Attempt, Factor};
use model::{
    Aal, AuthenticationMethod, Credential, CredentialType, Cx, FlowClient, Id, Identity, IdentityId, Message, Problem,
    RawJson, Session,
};

/// Whether the person has set up a second factor of this kind.
pub(crate) fn is_set_up(services: &Services, identity: &Identity, kind: CredentialType) -> bool {
    let credential = identity.credentials.get(&kind);
    credential.is_some_and(|credential| model::factors::is_second_factor(credential, services.identities.rules()))
}

/// Gives an identity a second factor of this kind, in the place of the one it had. As in Kratos its identifier is that
/// of the identity: nobody is looked up by it who is not signed in.
pub(crate) fn set_up(cx: &Cx, identity: &mut Identity, kind: CredentialType, config: RawJson) {
    let now = cx.now();
    let identifiers = vec![identity.id.to_string()];
    let id = identity.credentials.get(&kind).map_or_else(|| Id::random(&cx.entropy), |credential| credential.id);
    let credential = Credential { id, kind, identifiers, config, version: 0, created_at: now, updated_at: now };
    identity.credentials.insert(kind, credential);
}

/// A second factor of whoever is signed in, and a try at it.
pub(crate) struct Tried {
    pub owner: IdentityId,
    pub credential: Credential,
    pub attempt: Attempt,
}

/// Reserves a try at a second factor of whoever is signed in with `session`. Without one of this kind the form says that it is
/// `missing`.
///
/// # Errors
/// When the database fails.
pub(crate) async fn reserve(
    cx: Context<'_>,
    (client, session): (FlowClient, Option<&Session>),
    (kind, factor): (CredentialType, Factor),
    missing: fn() -> Message,
) -> Result<Result<Tried, Rejection>, Problem> {
    let identity = match session {
        Some(session) => cx.services.identities.with_credentials(session.identity_id).await?,
        None => None,
    };
    let found = identity.and_then(|mut identity| Some((identity.id, identity.credentials.remove(&kind)?)));
    let Some((owner, credential)) = found else { return Ok(Err(missing().into())) };
    let tried = cx.attempt(client, &cx.services.guard.account(factor, Aal::Aal2, owner)).await?;
    Ok(tried.map(|attempt| Tried { owner, credential, attempt }))
}

/// That a second factor of this kind was just shown.
pub(crate) fn proved(cx: &Cx, kind: CredentialType) -> AuthenticationMethod {
    AuthenticationMethod::new(kind.as_str(), Aal::Aal2, cx.now())
}

/// A code that has to be there; `None` if it is missing or empty.
pub(crate) fn required(input: &Input, field: &str) -> Option<String> {
    let code = input.text(field);
    (!code.is_empty()).then_some(code)
}
