//! What methods that are only ever a second factor have in common.

use flow::{Input, Services};
use model::{Aal, AuthenticationMethod, Credential, CredentialType, Cx, Id, Identity, RawJson};

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

/// That a second factor of this kind was just shown.
pub(crate) fn proved(cx: &Cx, kind: CredentialType) -> AuthenticationMethod {
    AuthenticationMethod::new(kind.as_str(), Aal::Aal2, cx.now())
}

/// A code that has to be there; `None` if it is missing or empty.
pub(crate) fn required(input: &Input, field: &str) -> Option<String> {
    let code = input.text(field);
    (!code.is_empty()).then_some(code)
}
