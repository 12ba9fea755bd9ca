use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// One key for each algorithm, made and used by another implementation (Python's `cryptography`, on top of OpenSSL).
const VECTORS: &str = include_str!("vectors.json");

const CREATE: &str = "Y2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2M";
const GET: &str = "Z2dnZ2dnZ2dnZ2dnZ2dnZ2dnZ2dnZ2dnZ2dnZ2dnZ2c";

fn vectors() -> Vec<(i64, Value, Value)> {
    let vectors: Vec<Value> = serde_json::from_str(VECTORS).expect("JSON");
    let one = |vector: Value| {
        let algorithm = vector["algorithm"].as_i64().expect("a number");
        (algorithm, vector["creation"].clone(), vector["assertion"].clone())
    };
    vectors.into_iter().map(one).collect()
}

fn es256() -> (Value, Value) {
    let (_, creation, assertion) = vectors().into_iter().find(|(algorithm, ..)| *algorithm == -7).expect("ES256");
    (creation, assertion)
}

struct Site {
    origins: Vec<String>,
}

impl Site {
    fn new() -> Self {
        Self { origins: vec!["https://other.example.org".to_owned(), "https://Example.org/".to_owned()] }
    }

    fn expects<'a>(&'a self, challenge: &'a str) -> Expected<'a> {
        Expected { challenge, rp_id: "example.org", origins: &self.origins, user_verification: false }
    }
}

fn create(answer: &Value, expected: &Expected<'_>) -> Result<NewKey, WebAuthnError> {
    Creation::parse(&answer.to_string())?.verify(expected)
}

fn get(answer: &Value, expected: &Expected<'_>, key: &NewKey) -> Result<(), WebAuthnError> {
    Assertion::parse(&answer.to_string())?.verify(expected, &key.public_key)
}

/// `answer` with a part that is base64 changed.
fn changed(answer: &Value, part: &str, change: impl FnOnce(&mut Vec<u8>)) -> Value {
    let mut answer = answer.clone();
    let text = answer["response"][part].as_str().expect("text");
    let mut bytes = BASE64_URL.decode(text).expect("base64");
    change(&mut bytes);
    answer["response"][part] = BASE64_URL.encode(bytes).into();
    answer
}

#[test]
fn every_algorithm_that_is_offered_can_be_registered_and_used() {
    let site = Site::new();
    let algorithms: Vec<i64> = vectors().iter().map(|(algorithm, ..)| *algorithm).collect();
    assert_eq!(algorithms, ALGORITHMS);
    for (algorithm, creation, assertion) in vectors() {
        let key = create(&creation, &site.expects(CREATE)).unwrap_or_else(|error| panic!("{algorithm}: {error}"));
        assert_eq!((key.sign_count, key.attestation_format.as_str()), (1, "packed"));
        assert_eq!(get(&assertion, &site.expects(GET), &key), Ok(()), "{algorithm}");
        let forged = changed(&assertion, "authenticatorData", |data| data[36] ^= 1);
        assert_eq!(get(&forged, &site.expects(GET), &key), Err(WebAuthnError::WrongSignature), "{algorithm}");
        let forged = changed(&assertion, "signature", |data| *data.last_mut().expect("a byte") ^= 1);
        assert_eq!(get(&forged, &site.expects(GET), &key), Err(WebAuthnError::WrongSignature), "{algorithm}");
        let forged = changed(&creation, "clientDataJSON", |data| data.push(b' '));
        assert_eq!(create(&forged, &site.expects(CREATE)), Err(WebAuthnError::WrongAttestation), "{algorithm}");
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let site = Site::new();
    let (creation, assertion) = es256();
    let key = create(&creation, &site.expects(CREATE)).expect("a key");
    let judged = |expected: &Expected<'_>| get(&assertion, expected, &key);
    let fine = site.expects(GET);
    assert_eq!(judged(&fine), Ok(()));
    assert_eq!(judged(&site.expects(CREATE)), Err(WebAuthnError::WrongChallenge));
    assert_eq!(judged(&site.expects("")), Err(WebAuthnError::WrongChallenge));
    assert_eq!(judged(&Expected { rp_id: "example.com", ..fine }), Err(WebAuthnError::WrongRelyingParty));
    let elsewhere = ["https://example.org.evil.example".to_owned(), "http://example.org".to_owned()];
    assert_eq!(judged(&Expected { origins: &elsewhere, ..fine }), Err(WebAuthnError::WrongOrigin));
    assert_eq!(judged(&Expected { origins: &[], ..fine }), Err(WebAuthnError::WrongOrigin));
    assert_eq!(judged(&Expected { user_verification: true, ..fine }), Ok(()));
    let unverified = changed(&assertion, "authenticatorData", |data| data[32] = 1);
    let strict = Expected { user_verification: true, ..fine };
    assert_eq!(get(&unverified, &strict, &key), Err(WebAuthnError::UserNotVerified));
    let untouched = changed(&assertion, "authenticatorData", |data| data[32] = 0);
    assert_eq!(get(&untouched, &fine, &key), Err(WebAuthnError::UserNotPresent));
    let contradictory = changed(&assertion, "authenticatorData", |data| data[32] = 0x11);
    assert_eq!(get(&contradictory, &fine, &key), Err(WebAuthnError::WrongBackupFlags));
}

/// A page of another site may show ours in a frame, and something of its own on top of it (§7.1 and §7.2, on `topOrigin`).
#[test]
fn no_other_site_stands_around_the_page_that_asks() {
    let site = Site::new();
    let judged = |more: &str| {
        let hash = [0; 32];
        let kind = "webauthn.get";
        let data = format!(r#"{{"type":"{kind}","challenge":"{GET}","origin":"https://example.org"{more}}}"#);
        let data = serde_json::from_str(&data).expect("client data");
        SignedClientData { data, hash }.verify(kind, &site.expects(GET))
    };
    for more in [
        "",
        r#","crossOrigin":false"#,
        r#","crossOrigin":true"#,
        r#","topOrigin":null"#,
        r#","crossOrigin":true,"topOrigin":"https://example.org""#,
        r#","crossOrigin":true,"topOrigin":"https://other.example.org""#,
    ] {
        assert_eq!(judged(more), Ok(()), "{more}");
    }
    for top in ["https://evil.example", "http://example.org", "https://example.org.evil.example", "null", ""] {
        for crossed in ["true", "false"] {
            let more = format!(r#","crossOrigin":{crossed},"topOrigin":"{top}""#);
            assert_eq!(judged(&more), Err(WebAuthnError::WrongTopOrigin), "{more}");
        }
    }
}

#[test]
fn an_answer_is_good_for_its_own_question_only() {
    let site = Site::new();
    let (creation, assertion) = es256();
    let key = create(&creation, &site.expects(CREATE)).expect("a key");
    let mut swapped = assertion.clone();
    swapped["response"]["clientDataJSON"] = creation["response"]["clientDataJSON"].clone();
    assert_eq!(get(&swapped, &site.expects(CREATE), &key), Err(WebAuthnError::WrongType));
    let mut swapped = creation.clone();
    swapped["response"]["clientDataJSON"] = assertion["response"]["clientDataJSON"].clone();
    assert_eq!(create(&swapped, &site.expects(GET)), Err(WebAuthnError::WrongType));
    let (_, other, _) = vectors().swap_remove(1);
    let other = create(&other, &site.expects(CREATE)).expect("a key");
    assert!(get(&assertion, &site.expects(GET), &other).is_err());
}

#[test]
fn unreadable_answers_are_errors() {
    let (creation, assertion) = es256();
    for text in ["", "{}", "null", "[]", "{\"rawId\":1}"] {
        assert!(Creation::parse(text).is_err() && Assertion::parse(text).is_err(), "{text}");
    }
    let without = |answer: &Value, part: &str| {
        let mut answer = answer.clone();
        answer["response"].as_object_mut().expect("an object").remove(part);
        answer.to_string()
    };
    for part in ["clientDataJSON", "authenticatorData", "signature"] {
        assert!(Assertion::parse(&without(&assertion, part)).is_err(), "{part}");
    }
    for part in ["clientDataJSON", "attestationObject"] {
        assert!(Creation::parse(&without(&creation, part)).is_err(), "{part}");
    }
    let mut odd = assertion.clone();
    odd["type"] = json!("password");
    assert_eq!(Assertion::parse(&odd.to_string()).err(), Some(Malformed("type")));
    odd = assertion.clone();
    odd["rawId"] = json!("");
    assert_eq!(Assertion::parse(&odd.to_string()).err(), Some(Malformed("rawId")));
    let long = changed(&assertion, "signature", |data| data.resize(MAX_ANSWER, 0));
    assert_eq!(Assertion::parse(&long.to_string()).err(), Some(Malformed("it is too long")));
    let surplus = changed(&assertion, "authenticatorData", |data| data.push(0));
    assert!(Assertion::parse(&surplus.to_string()).is_err());
    // A script of Kratos' sends an empty handle where there is none.
    let mut anonymous = assertion;
    anonymous["response"]["userHandle"] = json!("");
    assert_eq!(Assertion::parse(&anonymous.to_string()).expect("an assertion").user_handle, None);
}

#[test]
fn keys_that_kratos_stored_are_read() {
    let stored =
        "pQECAyYgASFYIF+Xrkh/U0OLi9Z58Msp3vOHC0TzYsqN3D3b65Mth9iyIlgg3oRtnpfA2eOXlw5NVJiVKrL+5fIAl7U8oezm5kaM4/8=";
    let stored = base64::prelude::BASE64_STANDARD.decode(stored).expect("base64");
    assert_eq!(PublicKey::parse(&stored).expect("a key").algorithm(), -7);
}

proptest! {
    #[test]
    fn any_bytes_are_an_answer_or_an_error(json in ".*", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Creation::parse(&json);
        let _ = Assertion::parse(&json);
        let _ = PublicKey::parse(&bytes).map(|key| key.verify(b"message", &bytes));
        let (creation, assertion) = es256();
        for (answer, parts) in [
            (&creation, ["attestationObject", "clientDataJSON"]),
            (&assertion, ["authenticatorData", "clientDataJSON"]),
        ] {
            for part in parts {
                let text = changed(answer, part, |data| *data = bytes.clone()).to_string();
                prop_assert!(Creation::parse(&text).is_err());
                let _ = Assertion::parse(&text);
            }
        }
    }

    #[test]
    fn no_bit_of_an_answer_can_be_turned(at in any::<prop::sample::Index>(), bit in 0..8u32) {
        let site = Site::new();
        let (creation, assertion) = es256();
        let key = create(&creation, &site.expects(CREATE)).expect("a key");
        for part in ["authenticatorData", "clientDataJSON"] {
            let forged = changed(&assertion, part, |data| {
                let at = at.index(data.len());
                data[at] ^= 1u8 << bit;
            });
            prop_assert!(get(&forged, &site.expects(GET), &key).is_err());
        }
    }
}
