//! Keys that nobody has. Where nobody is to learn who has an account, whoever asks for the keys of somebody without any is
//! shown one of these (Web Authentication §14.6.2, "Username Enumeration").

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use crypto::tokens;
use flow::Context;
use model::{Credential, CredentialType, Id, Identity, IdentityId, RawJson};
use serde_json::json;
use sha2::{Digest, Sha256};

/// A COSE key (ES256) whose private half nobody knows: the point of P-256 at x = SHA-256("zelus decoy")
/// with even y.
const PUBLIC_KEY: &str =
    "pQECAyYgASFYIHEPbroKreUiZYV94a/YcWyaQ/Ghp6exwRn22YHY6cIgIlgg4mNm5yAMRkQL4hoPaeDY8XJa4tb/ke1vQBoaOWXJxiI=";

/// Somebody who is not stored, and has one key that is a first factor. It is the same one whenever this identifier is
/// asked about, and whoever has no secret of this server cannot tell it from a real one.
pub(crate) fn owner(cx: Context<'_>, kind: CredentialType, identifier: &str) -> Identity {
    let identifier = kind.normalise(identifier);
    let keys = cx.services.proof_keys();
    let bytes = |what: &str| {
        let hmac = tokens::hmac_hex(keys.first(), &format!("{} decoy {what} {identifier}", kind.as_str()));
        BASE64_STANDARD.encode(Sha256::digest(hmac))
    };
    let key = json!({ "id": bytes("key"), "public_key": PUBLIC_KEY, "is_passwordless": true });
    let config = json!({ "credentials": [key], "user_handle": bytes("handle") });
    let now = cx.now();
    let credential = Credential {
        id: Id::random(&cx.entropy),
        kind,
        identifiers: vec![identifier],
        config: RawJson::from_value(&config),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let nothing = RawJson::from_value(&json!({}));
    let mut nobody = Identity::new(IdentityId::random(&cx.entropy), String::new(), nothing, now);
    nobody.credentials.insert(kind, credential);
    nobody
}
