//! Security keys and passkeys: what browsers answer, read and verified (W3C Web Authentication Level 3, §7).
//!
//! Nothing is asked of a key but that it is the same one again: statements about who made it ("attestation") are not
//! requested, so certificates in them are not looked at, and nothing depends on them.
//!
//! Why this is not the crate `webauthn-rs`: `docs/decisions/0003-web-authentication.md`.

mod authenticator_data;
mod cose;
mod error;
mod expected;
mod script;
#[cfg(test)]
mod tests;

pub use authenticator_data::Flags;
pub use cose::ALGORITHMS;
pub use error::WebAuthnError;
pub use expected::Expected;
pub use script::{SCRIPT, SCRIPT_PATH, script_integrity};

use authenticator_data::AuthenticatorData;
use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use cose::PublicKey;
use error::WebAuthnError::Malformed;
use minicbor::Decoder;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::tokens;

/// The longest answer that is looked at, in bytes of JSON. Statements with certificates have a few thousand.
const MAX_ANSWER: usize = 64 * 1024;

/// Browsers leave the padding out; some libraries put it there.
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A key that was just made (`navigator.credentials.create`), not verified yet.
#[derive(Debug)]
pub struct Creation {
    client_data: SignedClientData,
    format: String,
    statement: Statement,
    auth_data: Vec<u8>,
}

/// A new key, verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// The credential id, at most 1023 bytes.
    pub id: Vec<u8>,
    /// A COSE key (RFC 9052 §7).
    pub public_key: Vec<u8>,
    /// How the key described itself: `none`, `packed` …
    pub attestation_format: String,
    /// The model of the authenticator; zeros when it is not told.
    pub aaguid: [u8; 16],
    /// How often the key was used; 0 when it does not count.
    pub sign_count: u32,
    /// What the key says about this use.
    pub flags: Flags,
}

/// A key that was just used (`navigator.credentials.get`), not verified yet.
#[derive(Debug)]
pub struct Assertion {
    client_data: SignedClientData,
    auth_data: Vec<u8>,
    signature: Vec<u8>,
    /// The credential id.
    pub credential_id: Vec<u8>,
    /// Whom the key says it belongs to; passkeys always do.
    pub user_handle: Option<Vec<u8>>,
    /// What the key says about this use.
    pub flags: Flags,
    /// How often the key was used; 0 when it does not count.
    pub sign_count: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<R> {
    raw_id: String,
    #[serde(rename = "type")]
    kind: String,
    response: R,
}

#[derive(Deserialize)]
struct CreationResponse {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    #[serde(rename = "attestationObject")]
    attestation_object: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AssertionResponse {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    authenticator_data: String,
    signature: String,
    #[serde(default)]
    user_handle: Option<String>,
}

/// What the browser says, as it was signed.
#[derive(Debug)]
struct SignedClientData {
    data: ClientData,
    hash: [u8; 32],
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    /// Which site the person saw in the address bar, where the page that asked stands in a frame of another one.
    #[serde(default)]
    top_origin: Option<String>,
}

/// An attestation statement, as far as it is looked at.
#[derive(Debug, Default)]
struct Statement {
    is_empty: bool,
    algorithm: Option<i64>,
    signature: Option<Vec<u8>>,
    has_certificate: bool,
}

impl Creation {
    /// Reads what a browser made of `navigator.credentials.create`, as JSON.
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse(json: &str) -> Result<Self, WebAuthnError> {
        let (_, response) = answer::<CreationResponse>(json)?;
        let client_data = SignedClientData::parse(&response.client_data)?;
        let object = base64(&response.attestation_object, "attestationObject")?;
        let unreadable = |_| Malformed("attestationObject");
        let mut decoder = Decoder::new(&object);
        let (mut format, mut statement, mut auth_data) = (None, None, None);
        let members = decoder.map().map_err(unreadable)?.ok_or(Malformed("attestationObject"))?;
        for _ in 0..members {
            match decoder.str().map_err(unreadable)? {
                "fmt" => format = Some(decoder.str().map_err(unreadable)?.to_owned()),
                "attStmt" => statement = Some(Statement::read(&mut decoder).map_err(unreadable)?),
                "authData" => auth_data = Some(decoder.bytes().map_err(unreadable)?.to_vec()),
                _ => decoder.skip().map_err(unreadable)?,
            }
        }
        let auth_data = auth_data.ok_or(Malformed("authData"))?;
        AuthenticatorData::parse(&auth_data)?.attested.ok_or(Malformed("authData"))?;
        Ok(Self {
            client_data,
            format: format.ok_or(Malformed("fmt"))?,
            statement: statement.ok_or(Malformed("attStmt"))?,
            auth_data,
        })
    }

    /// Verifies the answer (§7.1).
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn verify(&self, expected: &Expected<'_>) -> Result<NewKey, WebAuthnError> {
        self.client_data.verify("webauthn.create", expected)?;
        let auth_data = AuthenticatorData::parse(&self.auth_data)?;
        auth_data.verify(expected)?;
        let attested = auth_data.attested.ok_or(Malformed("authData"))?;
        let public_key = PublicKey::parse(attested.public_key)?;
        self.verify_statement(&public_key)?;
        Ok(NewKey {
            id: attested.credential_id.to_vec(),
            public_key: attested.public_key.to_vec(),
            attestation_format: self.format.clone(),
            aaguid: attested.aaguid,
            sign_count: auth_data.sign_count,
            flags: auth_data.flags,
        })
    }

    fn verify_statement(&self, key: &PublicKey<'_>) -> Result<(), WebAuthnError> {
        match self.format.as_str() {
            "none" if self.statement.is_empty => Ok(()),
            "none" => Err(WebAuthnError::WrongAttestation),
            // Signed by the key itself (§8.2, "self attestation").
            "packed" if !self.statement.has_certificate => {
                let signature = self.statement.signature.as_deref().ok_or(WebAuthnError::WrongAttestation)?;
                if self.statement.algorithm != Some(key.algorithm()) {
                    return Err(WebAuthnError::WrongAttestation);
                }
                let signed = self.client_data.signed(&self.auth_data);
                key.verify(&signed, signature).map_err(|_| WebAuthnError::WrongAttestation)
            }
            "packed" | "tpm" | "android-key" | "android-safetynet" | "fido-u2f" | "apple" => Ok(()),
            _ => Err(WebAuthnError::UnsupportedAttestation),
        }
    }
}

impl Assertion {
    /// Reads what a browser made of `navigator.credentials.get`, as JSON.
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse(json: &str) -> Result<Self, WebAuthnError> {
        let (credential_id, response) = answer::<AssertionResponse>(json)?;
        let auth_data = base64(&response.authenticator_data, "authenticatorData")?;
        let AuthenticatorData { flags, sign_count, .. } = AuthenticatorData::parse(&auth_data)?;
        let user_handle = response.user_handle.map(|handle| base64(&handle, "userHandle")).transpose()?;
        Ok(Self {
            client_data: SignedClientData::parse(&response.client_data)?,
            auth_data,
            signature: base64(&response.signature, "signature")?,
            credential_id,
            user_handle: user_handle.filter(|handle| !handle.is_empty()),
            flags,
            sign_count,
        })
    }

    /// Verifies the answer (§7.2) by the key that was stored. Whose key it is, and whether its counter went on, is the
    /// caller's to see to.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn verify(&self, expected: &Expected<'_>, public_key: &[u8]) -> Result<(), WebAuthnError> {
        self.client_data.verify("webauthn.get", expected)?;
        AuthenticatorData::parse(&self.auth_data)?.verify(expected)?;
        if self.flags.backup_state && !self.flags.backup_eligible {
            return Err(WebAuthnError::WrongBackupFlags);
        }
        PublicKey::parse(public_key)?.verify(&self.client_data.signed(&self.auth_data), &self.signature)
    }
}

impl SignedClientData {
    fn parse(text: &str) -> Result<Self, WebAuthnError> {
        let json = base64(text, "clientDataJSON")?;
        let data = serde_json::from_slice(&json).map_err(|_| Malformed("clientDataJSON"))?;
        Ok(Self { data, hash: Sha256::digest(&json).into() })
    }

    fn verify(&self, kind: &str, expected: &Expected<'_>) -> Result<(), WebAuthnError> {
        if self.data.kind != kind {
            return Err(WebAuthnError::WrongType);
        }
        if expected.challenge.is_empty() || !tokens::same(&self.data.challenge, expected.challenge) {
            return Err(WebAuthnError::WrongChallenge);
        }
        // Browsers write origins in one way only, so there is nothing to take apart.
        let is_ours =
            |said: &str| expected.origins.iter().any(|origin| origin.trim_end_matches('/').eq_ignore_ascii_case(said));
        if !is_ours(&self.data.origin) {
            return Err(WebAuthnError::WrongOrigin);
        }
        match &self.data.top_origin {
            Some(top) if !is_ours(top) => Err(WebAuthnError::WrongTopOrigin),
            _ => Ok(()),
        }
    }

    /// What a key signs.
    fn signed(&self, auth_data: &[u8]) -> Vec<u8> {
        [auth_data, &self.hash].concat()
    }
}

impl Statement {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, minicbor::decode::Error> {
        let members = decoder.map()?.ok_or_else(|| minicbor::decode::Error::message("a map without a length"))?;
        let mut statement = Self { is_empty: members == 0, ..Self::default() };
        for _ in 0..members {
            match decoder.str()? {
                "alg" => statement.algorithm = Some(decoder.i64()?),
                "sig" => statement.signature = Some(decoder.bytes()?.to_vec()),
                "x5c" => {
                    statement.has_certificate = true;
                    decoder.skip()?;
                }
                _ => decoder.skip()?,
            }
        }
        Ok(statement)
    }
}

/// The credential id and the response of an answer.
fn answer<'a, R: Deserialize<'a>>(json: &'a str) -> Result<(Vec<u8>, R), WebAuthnError> {
    if json.len() > MAX_ANSWER {
        return Err(Malformed("it is too long"));
    }
    let answer: Answer<R> = serde_json::from_str(json).map_err(|_| Malformed("JSON"))?;
    if answer.kind != "public-key" {
        return Err(Malformed("type"));
    }
    let id = base64(&answer.raw_id, "rawId")?;
    if id.is_empty() {
        return Err(Malformed("rawId"));
    }
    Ok((id, answer.response))
}

fn base64(text: &str, part: &'static str) -> Result<Vec<u8>, WebAuthnError> {
    BASE64_URL.decode(text).map_err(|_| Malformed(part))
}
