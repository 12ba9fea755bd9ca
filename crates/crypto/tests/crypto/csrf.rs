use crypto::CsrfToken;
use crypto::csrf::cookie_name;
use model::Entropy;
use proptest::prelude::*;

/// A cookie and a form's token that Kratos gave out together.
const COOKIE: &str = "viWIf9Tg6oKrxLodb9xuyP0V6jVxY6xI+JanrSiTonE=";
const FORM: &str = "qt+XzqKTDn+hThkv2AfZ7xiAPyMkHto3uXSAvIC20YkU+h+xdnPk/QqKozK327cn5ZXVFlV9dn9B4icRqCVz+A==";
const OTHER_FORM: &str = "aHHbIq0pkxr0Jy3uwuVBLBSali4U/FNhJxsvyeN7pQKu15L/5O1abE4onywcNIPNhyZjpDleaVfVKDzrscYVRg==";

#[test]
fn the_cookies_name_is_kratos() {
    assert_eq!(
        cookie_name("http://127.0.0.1:45331/"),
        "csrf_token_32d0f90bc129ca5d4093b0bd8e6b76c126572fb100c18f0f12f93ced19674554"
    );
}

#[test]
fn kratos_pairs_match_and_others_do_not() {
    let token = CsrfToken::from_cookie(COOKIE).unwrap();
    assert_eq!(token.cookie_value(), COOKIE);
    assert!(token.verify(FORM));
    assert!(!token.verify(OTHER_FORM));
    for wrong in ["", COOKIE, &FORM[4..], &format!("{FORM}AAAA"), &FORM.replace('+', "-"), "é"] {
        assert!(!token.verify(wrong), "{wrong}");
    }
}

#[test]
fn only_32_bytes_of_base64_are_a_cookie() {
    for wrong in ["", "AAAA", FORM, &COOKIE.replace('=', "A"), &COOKIE.replace('+', "-"), &COOKIE[..43]] {
        assert!(CsrfToken::from_cookie(wrong).is_none(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn every_mask_of_a_token_verifies_and_no_other_tokens_does(seed in any::<u64>()) {
        let entropy = Entropy::seeded(seed);
        let (token, other) = (CsrfToken::generate(&entropy), CsrfToken::generate(&entropy));
        let (first, second) = (token.masked(&entropy), token.masked(&entropy));
        prop_assert_ne!(&first, &second);
        for masked in [first, second] {
            prop_assert!(CsrfToken::from_cookie(&token.cookie_value()).unwrap().verify(&masked));
            prop_assert!(!other.verify(&masked));
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,100}") {
        let token = CsrfToken::generate(&Entropy::seeded(1));
        prop_assert!(!token.verify(&text));
        let _ = CsrfToken::from_cookie(&text);
    }
}
