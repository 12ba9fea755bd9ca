//! Authenticator data (Web Authentication §6.1): what a key says, and signs.

use minicbor::Decoder;
use sha2::{Digest, Sha256};

use super::error::WebAuthnError::{self, Malformed};
use super::expected::Expected;

/// The hash, the flags and the counter.
const HEAD: usize = 37;
/// The longest credential id (§6.5.1).
const MAX_ID: usize = 1023;

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKUP_STATE: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;
const EXTENDED: u8 = 1 << 7;

/// What a key says about one use of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// Somebody touched the key.
    pub user_present: bool,
    /// The key checked who it was, by a PIN or a finger.
    pub user_verified: bool,
    /// The key can be copied to other devices of the person.
    pub backup_eligible: bool,
    /// It was.
    pub backup_state: bool,
}

pub(super) struct AuthenticatorData<'a> {
    rp_id_hash: &'a [u8],
    pub flags: Flags,
    pub sign_count: u32,
    pub attested: Option<Attested<'a>>,
}

/// A new key.
pub(super) struct Attested<'a> {
    pub aaguid: [u8; 16],
    pub credential_id: &'a [u8],
    /// A COSE key, which is not taken apart yet.
    pub public_key: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    /// Reads all of `bytes`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WebAuthnError> {
        let (head, mut rest) = bytes.split_at_checked(HEAD).ok_or(Malformed("authenticatorData"))?;
        let (rp_id_hash, head) = head.split_at(32);
        let (flags, count) = (head[0], [head[1], head[2], head[3], head[4]]);
        let is_set = |flag| flags & flag != 0;
        let attested = if is_set(ATTESTED) { Some(Attested::take(&mut rest)?) } else { None };
        if is_set(EXTENDED) {
            take_item(&mut rest)?;
        }
        if !rest.is_empty() {
            return Err(Malformed("authenticatorData"));
        }
        let flags = Flags {
            user_present: is_set(USER_PRESENT),
            user_verified: is_set(USER_VERIFIED),
            backup_eligible: is_set(BACKUP_ELIGIBLE),
            backup_state: is_set(BACKUP_STATE),
        };
        Ok(Self { rp_id_hash, flags, sign_count: u32::from_be_bytes(count), attested })
    }

    /// Checks whose key it is, and how it was used.
    pub fn verify(&self, expected: &Expected<'_>) -> Result<(), WebAuthnError> {
        if self.rp_id_hash != Sha256::digest(expected.rp_id).as_slice() {
            return Err(WebAuthnError::WrongRelyingParty);
        }
        if !self.flags.user_present {
            return Err(WebAuthnError::UserNotPresent);
        }
        if expected.user_verification && !self.flags.user_verified {
            return Err(WebAuthnError::UserNotVerified);
        }
        Ok(())
    }
}

impl<'a> Attested<'a> {
    fn take(rest: &mut &'a [u8]) -> Result<Self, WebAuthnError> {
        let too_short = Malformed("authenticatorData");
        let (aaguid, after) = rest.split_first_chunk::<16>().ok_or(too_short)?;
        let (length, after) = after.split_first_chunk::<2>().ok_or(too_short)?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length == 0 || length > MAX_ID {
            return Err(Malformed("credential id"));
        }
        let (credential_id, after) = after.split_at_checked(length).ok_or(too_short)?;
        *rest = after;
        Ok(Self { aaguid: *aaguid, credential_id, public_key: take_item(rest)? })
    }
}

/// Takes one item of CBOR off the front.
fn take_item<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], WebAuthnError> {
    let mut decoder = Decoder::new(rest);
    decoder.skip().map_err(|_| Malformed("authenticatorData"))?;
    let (item, after) = rest.split_at_checked(decoder.position()).ok_or(Malformed("authenticatorData"))?;
    *rest = after;
    Ok(item)
}
