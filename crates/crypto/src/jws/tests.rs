//! Signatures are checked by ring's verifying side, and for shared secrets by an example of RFC 7515.

use proptest::prelude::*;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use serde_json::{Value, json};

use super::*;

/// Keys that were made for these tests, and that nothing else knows.
fn jwk(kind: &str, algorithm: &str) -> Value {
    let keys: Vec<Value> = serde_json::from_str(include_str!("test-keys.json")).expect("JSON");
    let mut key = keys.into_iter().find(|key| key["kid"] == kind).expect("a key");
    key["alg"] = algorithm.into();
    key
}

fn bytes(jwk: &Value, name: &str) -> Vec<u8> {
    parameter(jwk, name).expect("a parameter").expose().clone()
}

/// Signs, and gives back what was signed and the signature.
fn signed(jwk: &Value) -> (String, Vec<u8>) {
    let token = SigningKey::from_jwk(jwk).expect("a key").sign(br#"{"sub":"s"}"#).expect("a token");
    let (message, signature) = token.rsplit_once('.').expect("three parts");
    let (header, claims) = message.split_once('.').expect("three parts");
    let decode = |part: &str| -> Value {
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).expect("Base64")).expect("JSON")
    };
    assert_eq!(decode(header), json!({ "alg": jwk["alg"], "kid": jwk["kid"], "typ": "JWT" }));
    assert_eq!(decode(claims), json!({ "sub": "s" }));
    (message.to_owned(), BASE64_URL_SAFE_NO_PAD.decode(signature).expect("Base64"))
}

#[test]
fn elliptic_curves_sign() {
    let check = |algorithm: &str, scheme: &'static dyn VerificationAlgorithm, is_point: bool| {
        let jwk = jwk(algorithm, algorithm);
        let public = match is_point {
            true => [&[4], bytes(&jwk, "x").as_slice(), &bytes(&jwk, "y")].concat(),
            false => bytes(&jwk, "x"),
        };
        let (message, signature) = signed(&jwk);
        let key = UnparsedPublicKey::new(scheme, public);
        assert!(key.verify(message.as_bytes(), &signature).is_ok(), "{algorithm}");
        assert!(key.verify(b"something else", &signature).is_err(), "{algorithm}");
    };
    check("ES256", &ECDSA_P256_SHA256_FIXED, true);
    check("ES384", &ECDSA_P384_SHA384_FIXED, true);
    check("EdDSA", &ED25519, false);
}

#[test]
fn rsa_signs() {
    for (algorithm, scheme) in [
        ("RS256", &RSA_PKCS1_2048_8192_SHA256),
        ("RS384", &RSA_PKCS1_2048_8192_SHA384),
        ("RS512", &RSA_PKCS1_2048_8192_SHA512),
        ("PS256", &RSA_PSS_2048_8192_SHA256),
        ("PS384", &RSA_PSS_2048_8192_SHA384),
        ("PS512", &RSA_PSS_2048_8192_SHA512),
    ] {
        let jwk = jwk("RSA", algorithm);
        let (message, signature) = signed(&jwk);
        let key = RsaPublicKeyComponents { n: bytes(&jwk, "n"), e: bytes(&jwk, "e") };
        assert!(key.verify(scheme, message.as_bytes(), &signature).is_ok(), "{algorithm}");
    }
}

#[test]
fn shared_secrets_sign_as_in_the_example_of_rfc_7515() {
    let k = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let key = SigningKey::from_jwk(&json!({ "kty": "oct", "alg": "HS256", "k": k })).expect("a key");
    let message = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
        eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let signature = BASE64_URL_SAFE_NO_PAD.encode(key.signature(message.as_bytes()).expect("a signature"));
    assert_eq!(signature, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
}

#[test]
fn keys_that_cannot_sign_are_refused() {
    let check = |jwk: Value, error: JwkError| assert_eq!(SigningKey::from_jwk(&jwk).err(), Some(error), "{jwk}");
    check(jwk("ES256", ""), JwkError::Algorithm);
    check(jwk("ES256", "none"), JwkError::Algorithm);
    check(jwk("ES256", "ES384"), JwkError::Key);
    check(jwk("RSA", "HS256"), JwkError::Key);
    for kind in ["ES256", "ES384", "EdDSA", "RSA"] {
        let algorithm = if kind == "RSA" { "RS256" } else { kind };
        let mut public = jwk(kind, algorithm);
        public.as_object_mut().expect("an object").remove("d");
        check(public, JwkError::Key);
    }
    // A public key that belongs to another.
    let mut mixed = jwk("ES256", "ES256");
    mixed["x"] = mixed["y"].clone();
    check(mixed, JwkError::Key);
    check(json!({ "kty": "oct", "alg": "HS256", "k": "" }), JwkError::Key);
    check(json!([]), JwkError::Algorithm);
}

#[test]
fn keys_do_not_print_themselves() {
    let key = SigningKey::from_jwk(&jwk("ES256", "ES256")).expect("a key");
    assert_eq!(format!("{key:?}"), "SigningKey(ES256 \"ES256\")");
}

proptest! {
    #[test]
    fn any_parameters_are_read_or_refused(alg in "(ES256|ES384|EdDSA|RS256|HS256)", kty in "(EC|OKP|RSA|oct)", text in "[A-Za-z0-9_=-]{0,64}") {
        let jwk = json!({ "kty": kty, "alg": alg, "crv": "P-256", "x": text, "y": text, "d": text, "k": text, "n": text,
            "e": "AQAB", "p": text, "q": text, "dp": text, "dq": text, "qi": text });
        if let Ok(key) = SigningKey::from_jwk(&jwk) {
            let token = key.sign(b"{}");
            prop_assert!(token.is_ok());
        }
    }
}
