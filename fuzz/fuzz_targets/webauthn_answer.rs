//! What browsers answer for security keys and passkeys: any text is read or refused, and none is believed.
#![no_main]

use crypto::webauthn::{Assertion, Creation, Expected};
use libfuzzer_sys::fuzz_target;

/// A key whose owner is not among the fuzzers (ES256).
const PUBLIC_KEY: [u8; 77] = *b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20\
    \x5f\x97\xae\x48\x7f\x53\x43\x8b\x8b\xd6\x79\xf0\xcb\x29\xde\xf3\x87\x0b\x44\xf3\x62\xca\x8d\xdc\x3d\xdb\xeb\x93\x2d\x87\xd8\xb2\
    \x22\x58\x20\
    \xde\x84\x6d\x9e\x97\xc0\xd9\xe3\x97\x97\x0e\x4d\x54\x98\x95\x2a\xb2\xfe\xe5\xf2\x00\x97\xb5\x3c\xa1\xec\xe6\xe6\x46\x8c\xe3\xff";

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let origins = ["https://example.org".to_owned()];
    let expected =
        Expected { challenge: "Y2hhbGxlbmdl", rp_id: "example.org", origins: &origins, user_verification: false };
    if let Ok(creation) = Creation::parse(text) {
        let _ = creation.verify(&expected);
    }
    if let Ok(assertion) = Assertion::parse(text) {
        assert!(assertion.verify(&expected, &PUBLIC_KEY).is_err(), "nobody can sign for this key");
        // The key itself comes from a browser too.
        let _ = assertion.verify(&expected, &assertion.credential_id);
    }
});
