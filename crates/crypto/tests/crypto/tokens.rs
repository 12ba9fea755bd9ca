use crypto::tokens::*;

use crate::{entropy, ring};

/// The HMAC-SHA-512/256 of `123456` under this secret, by Go's standard library.
const SECRET: &str = "a-cookie-secret-that-is-long-enough";
const STORED: &str = "11c3635e02696b92550f6968f6cbb6afeba4e82c26f33347938ce180d708a80d";

#[test]
fn tokens_have_kratos_shapes() {
    let entropy = entropy();
    let session = session_token(&entropy);
    assert!(session.expose().starts_with("ory_st_") && session.expose().len() == 39);
    assert!(is_session_token_shaped(session.expose()) && !is_logout_token_shaped(session.expose()));
    let logout = logout_token(&entropy);
    assert!(logout.expose().starts_with("ory_lo_") && logout.expose().len() == 39);
    assert!(is_logout_token_shaped(logout.expose()) && !is_session_token_shaped(logout.expose()));
    assert_eq!(exchange_code(&entropy).expose().len(), 64);
    assert_eq!(link_token(&entropy).expose().len(), 32);
    let code = numeric_code(&entropy, 6);
    assert!(code.expose().len() == 6 && code.expose().bytes().all(|digit| digit.is_ascii_digit()));
    assert_ne!(session_token(&entropy), session);
    for wrong in ["", "ory_st_", "ory_st_akMI5nyVSdzMcldgpfrh0nJr56PowbQ", "ory_st_akMI5nyVSdzMcldgpfrh0nJr56Powb%E"] {
        assert!(!is_session_token_shaped(wrong), "{wrong}");
    }
}

#[test]
fn codes_are_stored_as_kratos_stores_them() {
    assert_eq!(hmac_hex(&SECRET.into(), "123456"), STORED);
}

#[test]
fn codes_of_rotated_secrets_are_found() {
    let keys = ring(&["a-newer-cookie-secret", SECRET]);
    assert_eq!(hmac_candidates(&keys, "123456")[1], STORED);
    assert!(matches_any(&keys, "123456", STORED));
    assert!(matches_any(&ring(&[SECRET, "an-older-cookie-secret"]), "123456", STORED));
    assert!(!matches_any(&keys, "123457", STORED));
    assert!(!matches_any(&ring(&["a-newer-cookie-secret"]), "123456", STORED));
    assert!(!matches_any(&keys, "123456", ""));
    assert!(!matches_any(&keys, "123456", &STORED[1..]));
}

#[test]
fn what_stands_for_a_text_tells_nothing_of_it() {
    let key = SECRET.into();
    let choice = pseudonym(&key, "form", "+491701234567");
    assert_eq!(choice.len(), 44, "base64 of 32 bytes");
    assert_eq!(choice, pseudonym(&key, "form", "+491701234567"));
    assert_ne!(choice, pseudonym(&key, "another", "+491701234567"));
    assert_ne!(choice, pseudonym(&key, "form", "+491701234568"));
    assert_ne!(choice, pseudonym(&"a-newer-cookie-secret".into(), "form", "+491701234567"));
    let keys = ring(&["a-newer-cookie-secret", SECRET]);
    assert!(is_pseudonym(&keys, "form", "+491701234567", &choice));
    for (form, text, given) in
        [("another", "+491701234567", &*choice), ("form", "+491701234568", &choice), ("form", "+491701234567", "")]
    {
        assert!(!is_pseudonym(&keys, form, text, given), "{form}, {text}, {given}");
    }
    assert!(!is_pseudonym(&ring(&["a-newer-cookie-secret"]), "form", "+491701234567", &choice));
}
