//! Signed tokens (JSON Web Signature, RFC 7515, in its compact form) under keys that are given as JSON Web Keys (RFC 7517).
//!
//! Signatures are made by ring, which takes the randomness that ECDSA and RSA-PSS need from the operating system itself: no
//! signature is the same twice, and nobody can hand it bad randomness.
//!
//! The crate `jsonwebtoken` takes private keys as PEM or DER, not as JSON Web Keys.

use std::fmt;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use model::Secret;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPairComponents, PublicKeyComponents};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use serde_json::{Value, json};

/// The longest shared secret and the largest modulus that are taken, in bytes.
const MAX_KEY: usize = 1024;

/// A private key that signs tokens by one algorithm.
pub struct SigningKey {
    algorithm: &'static str,
    id: String,
    pair: KeyPair,
}

enum KeyPair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
    Hmac(hmac::Key),
}

/// Why a key cannot sign. The texts hold nothing of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwkError {
    /// It names no algorithm that is known here.
    #[error(
        "the key names none of the algorithms ES256, ES384, EdDSA, RS256 to RS512, PS256 to PS512 and HS256 to HS512"
    )]
    Algorithm,
    /// It does not fit its algorithm, or is no private key.
    #[error("the key is not a private key for its algorithm")]
    Key,
    /// It is no private key as providers hand them out in a file.
    #[error("the private key is not a P-256 key in PKCS#8")]
    Pem,
}

impl SigningKey {
    /// Reads a private JSON Web Key, which must name its algorithm (`alg`). The parameters are those of RFC 7518 §6, with
    /// all primes of an RSA key, and of RFC 8037.
    ///
    /// # Errors
    /// See [`JwkError`].
    pub fn from_jwk(jwk: &Value) -> Result<Self, JwkError> {
        let text = |name: &str| jwk[name].as_str().unwrap_or_default();
        let ecdsa = |curve, scheme| ecdsa(jwk, curve, scheme);
        let rsa = |encoding: &'static dyn RsaEncoding| rsa(jwk).map(|pair| KeyPair::Rsa(Box::new(pair), encoding));
        let (algorithm, pair) = match text("alg") {
            "ES256" => ("ES256", ecdsa("P-256", &ECDSA_P256_SHA256_FIXED_SIGNING)?),
            "ES384" => ("ES384", ecdsa("P-384", &ECDSA_P384_SHA384_FIXED_SIGNING)?),
            "EdDSA" => ("EdDSA", ed25519(jwk)?),
            "RS256" => ("RS256", rsa(&RSA_PKCS1_SHA256)?),
            "RS384" => ("RS384", rsa(&RSA_PKCS1_SHA384)?),
            "RS512" => ("RS512", rsa(&RSA_PKCS1_SHA512)?),
            "PS256" => ("PS256", rsa(&RSA_PSS_SHA256)?),
            "PS384" => ("PS384", rsa(&RSA_PSS_SHA384)?),
            "PS512" => ("PS512", rsa(&RSA_PSS_SHA512)?),
            "HS256" => ("HS256", secret(jwk, hmac::HMAC_SHA256)?),
            "HS384" => ("HS384", secret(jwk, hmac::HMAC_SHA384)?),
            "HS512" => ("HS512", secret(jwk, hmac::HMAC_SHA512)?),
            _ => return Err(JwkError::Algorithm),
        };
        Ok(Self { algorithm, id: text("kid").to_owned(), pair })
    }

    /// Reads a P-256 key, which signs by ES256, from PKCS#8 in PEM (RFC 7468 §10). Tokens name it by `id`.
    ///
    /// # Errors
    /// [`JwkError::Pem`].
    pub fn from_pem(id: &str, pem: &Secret) -> Result<Self, JwkError> {
        let lines = pem.expose().lines().map(str::trim).filter(|line| !line.starts_with("-----"));
        let der = Secret::new(BASE64_STANDARD.decode(lines.collect::<String>()).map_err(|_| JwkError::Pem)?);
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.expose(), &SystemRandom::new())
            .map(|pair| Self { algorithm: "ES256", id: id.to_owned(), pair: KeyPair::Ecdsa(pair) })
            .map_err(|_| JwkError::Pem)
    }

    /// Signs `claims`, a JSON object, as a JSON Web Token (RFC 7519).
    ///
    /// # Errors
    /// [`JwkError::Key`] when the key turns out to be unfit.
    pub fn sign(&self, claims: &[u8]) -> Result<String, JwkError> {
        let header = json!({ "alg": self.algorithm, "kid": self.id, "typ": "JWT" }).to_string();
        let encode = |part: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(part);
        let signed = format!("{}.{}", encode(header.as_bytes()), encode(claims));
        let signature = self.signature(signed.as_bytes())?;
        Ok(format!("{signed}.{}", encode(&signature)))
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, JwkError> {
        let random = SystemRandom::new();
        match &self.pair {
            KeyPair::Ecdsa(pair) => {
                pair.sign(&random, message).map(|signature| signature.as_ref().to_vec()).map_err(|_| JwkError::Key)
            }
            KeyPair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            KeyPair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature).map_err(|_| JwkError::Key)?;
                Ok(signature)
            }
            KeyPair::Hmac(key) => Ok(hmac::sign(key, message).as_ref().to_vec()),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} {:?})", self.algorithm, self.id)
    }
}

/// A parameter of a key, decoded.
fn parameter(jwk: &Value, name: &str) -> Result<Secret<Vec<u8>>, JwkError> {
    let text = jwk[name].as_str().filter(|text| text.len() <= 2 * MAX_KEY).ok_or(JwkError::Key)?;
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| JwkError::Key)?;
    Ok(Secret::new(bytes))
}

fn require(jwk: &Value, name: &str, value: &str) -> Result<(), JwkError> {
    if jwk[name] == value { Ok(()) } else { Err(JwkError::Key) }
}

fn ecdsa(jwk: &Value, curve: &str, scheme: &'static EcdsaSigningAlgorithm) -> Result<KeyPair, JwkError> {
    require(jwk, "kty", "EC")?;
    require(jwk, "crv", curve)?;
    let private = parameter(jwk, "d")?;
    // An uncompressed point (SEC 1 §2.3.3).
    let (x, y) = (parameter(jwk, "x")?, parameter(jwk, "y")?);
    let public = [&[4], x.expose().as_slice(), y.expose()].concat();
    EcdsaKeyPair::from_private_key_and_public_key(scheme, private.expose(), &public, &SystemRandom::new())
        .map(KeyPair::Ecdsa)
        .map_err(|_| JwkError::Key)
}

fn ed25519(jwk: &Value) -> Result<KeyPair, JwkError> {
    require(jwk, "kty", "OKP")?;
    require(jwk, "crv", "Ed25519")?;
    let (seed, public) = (parameter(jwk, "d")?, parameter(jwk, "x")?);
    Ed25519KeyPair::from_seed_and_public_key(seed.expose(), public.expose())
        .map(KeyPair::Ed25519)
        .map_err(|_| JwkError::Key)
}

fn rsa(jwk: &Value) -> Result<RsaKeyPair, JwkError> {
    require(jwk, "kty", "RSA")?;
    let [n, e, d, p, q, dp, dq, qi] = ["n", "e", "d", "p", "q", "dp", "dq", "qi"].map(|name| parameter(jwk, name));
    let (n, e, d, p, q, dp, dq, qi) = (n?, e?, d?, p?, q?, dp?, dq?, qi?);
    RsaKeyPair::from_components(&KeyPairComponents {
        public_key: PublicKeyComponents { n: n.expose(), e: e.expose() },
        d: d.expose(),
        p: p.expose(),
        q: q.expose(),
        dP: dp.expose(),
        dQ: dq.expose(),
        qInv: qi.expose(),
    })
    .map_err(|_| JwkError::Key)
}

fn secret(jwk: &Value, algorithm: hmac::Algorithm) -> Result<KeyPair, JwkError> {
    require(jwk, "kty", "oct")?;
    let key = parameter(jwk, "k")?;
    if key.expose().is_empty() {
        return Err(JwkError::Key);
    }
    Ok(KeyPair::Hmac(hmac::Key::new(algorithm, key.expose())))
}

#[cfg(test)]
mod tests;
