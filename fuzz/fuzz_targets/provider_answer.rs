//! What OpenID providers answer: tokens, keys and claims of any shape are read or refused, and no ID token that was not
//! signed with the provider's key is believed.
#![no_main]

use crypto::jwt::{Jwt, KeySet};
use libfuzzer_sys::fuzz_target;
use methods::{Claims, read_tokens};

/// A key whose owner is not among the fuzzers (ES256).
const KEYS: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"key","use":"sig",
    "x":"cQ9uugqt5SJlhX3hr9hxbJpD8aGnp7HBGfbZgdjpwiA","y":"4mNm5yAMRkQL4hoPaeDY8XJa4tb_ke1vQBoaOWXJxiI"}]}"#;

fuzz_target!(|answer: (&str, &[u8])| {
    let (content_type, body) = answer;
    if let Some(tokens) = read_tokens(content_type, body) {
        assert!(!tokens.access.is_empty());
        believe(tokens.id.as_deref().unwrap_or_default());
    }
    if let Ok(claims) = serde_json::from_slice(body) {
        let claims = Claims::read(claims);
        let _ = claims.to_value().to_string();
        if let Ok(claims) = claims.complete() {
            assert!(!claims.subject().is_empty());
        }
    }
    let _ = KeySet::parse(body);
    believe(std::str::from_utf8(body).unwrap_or_default());
});

fn believe(token: &str) {
    let keys = KeySet::parse(KEYS.as_bytes()).expect("keys");
    if let Ok(token) = Jwt::parse(token) {
        let _ = token.unverified_claims();
        assert!(token.verify(&keys).is_err(), "nobody can sign for this key");
    }
}
