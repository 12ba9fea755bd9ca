//! Tokens that others have signed (JSON Web Tokens, RFC 7519 and RFC 7515), and the keys that they sign with (RFC 7517).
//!
//! Only signatures by key pairs are accepted: a token that says `none`, or that is signed with a shared secret, proves
//! nothing here.
//!
//! The crate `jsonwebtoken` looks at the system's clock when it checks a token; here the time is a value.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::signature::{self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The longest token that is looked at, in bytes.
const MAX_LENGTH: usize = 64 << 10;
/// How many keys of a set are looked at.
const MAX_KEYS: usize = 64;

/// Why a token proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwtError {
    /// It is no token, or holds no claims.
    #[error("it is no signed token")]
    Malformed,
    /// It is signed in a way that is not accepted.
    #[error("it is not signed with a key pair of a known kind")]
    Algorithm,
    /// None of the keys may have signed it.
    #[error("the key that it names is not among the issuer's keys")]
    UnknownKey,
    /// The signature is wrong.
    #[error("its signature is wrong")]
    Signature,
    /// The set of keys cannot be read.
    #[error("the issuer's keys cannot be read")]
    Keys,
}

/// The public keys of an issuer.
#[derive(Clone, Debug, Default)]
pub struct KeySet(Vec<Key>);

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Key {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Reads a JSON Web Key Set. Keys of unknown kinds are no matter.
    ///
    /// # Errors
    /// [`JwtError::Keys`] when it is none.
    pub fn parse(text: &[u8]) -> Result<Self, JwtError> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<Value>,
        }
        let document: Document = serde_json::from_slice(text).map_err(|_| JwtError::Keys)?;
        let keys = document.keys.into_iter().take(MAX_KEYS);
        Ok(Self(keys.filter_map(|key| serde_json::from_value(key).ok()).collect()))
    }
}

/// A token, not verified yet.
#[derive(Clone, Debug)]
pub struct Jwt {
    algorithm: String,
    key_id: Option<String>,
    claims: Map<String, Value>,
    signed: String,
    signature: Vec<u8>,
}

impl Jwt {
    /// Takes a token apart.
    ///
    /// # Errors
    /// [`JwtError::Malformed`].
    pub fn parse(token: &str) -> Result<Self, JwtError> {
        #[derive(Deserialize)]
        struct Header {
            alg: String,
            #[serde(default)]
            kid: Option<String>,
            #[serde(default)]
            crit: Option<Value>,
        }
        if token.len() > MAX_LENGTH {
            return Err(JwtError::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(JwtError::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(JwtError::Malformed)?;
        let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| JwtError::Malformed);
        let Header { alg, kid, crit } = serde_json::from_slice(&decode(header)?).map_err(|_| JwtError::Malformed)?;
        // Nothing that must be understood (RFC 7515 §4.1.11) is.
        if crit.is_some() {
            return Err(JwtError::Malformed);
        }
        Ok(Self {
            algorithm: alg,
            key_id: kid,
            claims: serde_json::from_slice(&decode(claims)?).map_err(|_| JwtError::Malformed)?,
            signed: signed.to_owned(),
            signature: decode(signature)?,
        })
    }

    /// What the token says of itself. Nothing of it is proved.
    pub fn unverified_claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// Checks the signature, and gives back the claims. Who it is for and how long it is good is for the caller to check.
    ///
    /// # Errors
    /// Says why it proves nothing.
    pub fn verify(self, keys: &KeySet) -> Result<Map<String, Value>, JwtError> {
        let scheme = Scheme::of(&self.algorithm).ok_or(JwtError::Algorithm)?;
        let named = |key: &&Key| self.key_id.is_none() || key.kid.is_none() || key.kid == self.key_id;
        let mut usable = keys.0.iter().filter(named).filter(|key| key.purpose.as_deref() != Some("enc"));
        let mut outcome = JwtError::UnknownKey;
        let is_signed = usable.any(|key| match scheme.verify(key, self.signed.as_bytes(), &self.signature) {
            Some(Ok(())) => true,
            Some(Err(())) => {
                outcome = JwtError::Signature;
                false
            }
            None => false,
        });
        if is_signed { Ok(self.claims) } else { Err(outcome) }
    }
}

/// A way to sign, by its name in RFC 7518 §3.1.
enum Scheme {
    Rsa(&'static RsaParameters),
    /// On this curve, with coordinates of so many bytes.
    Ecdsa(&'static str, usize, &'static dyn VerificationAlgorithm),
    Ed25519,
}

impl Scheme {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
            "RS384" => Self::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
            "RS512" => Self::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
            "PS256" => Self::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
            "PS384" => Self::Rsa(&signature::RSA_PSS_2048_8192_SHA384),
            "PS512" => Self::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
            "ES256" => Self::Ecdsa("P-256", 32, &signature::ECDSA_P256_SHA256_FIXED),
            "ES384" => Self::Ecdsa("P-384", 48, &signature::ECDSA_P384_SHA384_FIXED),
            "EdDSA" => Self::Ed25519,
            _ => return None,
        })
    }

    /// `None` when the key is not one for this scheme.
    fn verify(&self, key: &Key, message: &[u8], signature: &[u8]) -> Option<Result<(), ()>> {
        let decode = |part: &Option<String>| BASE64_URL_SAFE_NO_PAD.decode(part.as_deref()?.trim_end_matches('=')).ok();
        let curve = key.crv.as_deref();
        let outcome = match self {
            Self::Rsa(parameters) if key.kty == "RSA" => {
                RsaPublicKeyComponents { n: decode(&key.n)?, e: decode(&key.e)? }.verify(parameters, message, signature)
            }
            Self::Ecdsa(name, length, algorithm) if key.kty == "EC" && curve == Some(name) => {
                let (x, y) = (decode(&key.x)?, decode(&key.y)?);
                if x.len() != *length || y.len() != *length {
                    return None;
                }
                let point = [&[4], x.as_slice(), y.as_slice()].concat();
                UnparsedPublicKey::new(*algorithm, point).verify(message, signature)
            }
            Self::Ed25519 if key.kty == "OKP" && curve == Some("Ed25519") => {
                UnparsedPublicKey::new(&signature::ED25519, decode(&key.x)?).verify(message, signature)
            }
            _ => return None,
        };
        Some(outcome.map_err(|_| ()))
    }
}
