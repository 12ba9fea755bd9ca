//! Stored password hashes of every format that Kratos imports: recognised, parsed, verified.
//!
//! | begins with | what it is |
//! |---|---|
//! | `$2$` `$2a$` `$2b$` `$2y$` `$2z$` | bcrypt |
//! | `$argon2id$` `$argon2i$` | `v=19$m=<KiB>,t=,p=$salt$key` (RFC 9106) |
//! | `$pbkdf2-sha<digits>$` | `i=<iterations>,l=$salt$key` (RFC 8018); **224 and 384 are SHA-3**, unknown ones SHA-256 |
//! | `$scrypt$` | `ln=<N itself>,r=,p=$salt$key` (RFC 7914) |
//! | `$firescrypt$` | `ln=<log₂ N>,r=,p=$salt$hash$salt separator$signer key` (Firebase) |
//! | `$sha256-crypt$` `$sha512-crypt$` `$md5-crypt$` | crypt(3)'s `$5$`, `$6$`, `$1$` |
//! | `{SSHA}` `{SSHA256}` `{SSHA512}` | base64 of the digest of password and salt, then the salt (RFC 2307) |
//! | `$sha1$` `$sha256$` `$sha512$` `$md5$` | `pf=<template>$salt$digest`, the digest of the filled template |
//! | `$md5$` | `digest`, of the password alone |
//! | `$hmac-<digest>$` | base64 of the **hex text** of the HMAC of the password, then the key |

use aes::cipher::{KeyIvInit, StreamCipher};
use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use hmac::digest::{FixedOutput, Update};
use hmac::{Hmac, KeyInit, Mac, SimpleHmac};
use md4::Md4;
use md5::Md5;
use model::Secret;
use sha_crypt::{PasswordVerifier, ShaCrypt};
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use sha3::{Sha3_224, Sha3_384};
use subtle::ConstantTimeEq;

use super::error::HashError;
use super::limits::{BCRYPT_MAX_PASSWORD_BYTES, MAX_MEMORY_BYTES, MAX_PASSWORD_BYTES, check_bcrypt_cost, check_length};
use super::md5_crypt;
use super::small_argon2;

/// The longest stored hash that is looked at, in bytes.
const MAX_HASH_BYTES: usize = 8192;
/// The most memory that all passes of one hash may go over: 16 GiB, a few seconds.
const MAX_TRAFFIC_KIB: u64 = 16 << 20;
const MAX_PBKDF2_ITERATIONS: u32 = 10_000_000;
const MAX_SHA_CRYPT_ROUNDS: u32 = 5_000_000;
/// The shortest derived key, in bytes, as in RFC 9106. An empty one, which Kratos takes, would match every password.
const MIN_KEY_BYTES: usize = 4;
/// The longest derived key of PBKDF2 and scrypt, in bytes: every further block costs all iterations again.
const MAX_KEY_BYTES: usize = 128;

/// Some writers of bcrypt and of `{SSHA}` left the unused bits of the last character set.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
const BCRYPT_SALT: GeneralPurpose =
    GeneralPurpose::new(&base64::alphabet::BCRYPT, LENIENT.with_decode_padding_mode(DecodePaddingMode::RequireNone));
const SSHA: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, LENIENT);

/// The formats, told apart by how a hash begins.
#[derive(Clone, Copy)]
pub(super) enum Format {
    Md5Crypt,
    Bcrypt,
    Sha256Crypt,
    Sha512Crypt,
    Argon2id,
    Argon2i,
    Pbkdf2(Prf),
    Scrypt,
    SaltedSha(Algorithm),
    Digest(Algorithm),
    FirebaseScrypt,
    Hmac(Algorithm),
}

/// The pseudo-random functions of PBKDF2.
#[derive(Clone, Copy)]
pub(super) enum Prf {
    Sha1,
    Sha3_224,
    Sha256,
    Sha3_384,
    Sha512,
}

/// The digests behind the simple formats.
#[derive(Clone, Copy)]
pub(super) enum Algorithm {
    Md4,
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Format {
    pub(super) fn of(hash: &str) -> Option<Self> {
        if let Some(rest) = hash.strip_prefix('{') {
            return match rest.split_once('}')?.0 {
                "SSHA" => Some(Self::SaltedSha(Algorithm::Sha1)),
                "SSHA256" => Some(Self::SaltedSha(Algorithm::Sha256)),
                "SSHA512" => Some(Self::SaltedSha(Algorithm::Sha512)),
                _ => None,
            };
        }
        match hash.strip_prefix('$')?.split_once('$')?.0 {
            "md5-crypt" => Some(Self::Md5Crypt),
            "2" | "2a" | "2b" | "2y" | "2z" => Some(Self::Bcrypt),
            "sha256-crypt" => Some(Self::Sha256Crypt),
            "sha512-crypt" => Some(Self::Sha512Crypt),
            "argon2id" => Some(Self::Argon2id),
            "argon2i" => Some(Self::Argon2i),
            "scrypt" => Some(Self::Scrypt),
            "firescrypt" => Some(Self::FirebaseScrypt),
            "sha1" => Some(Self::Digest(Algorithm::Sha1)),
            "sha256" => Some(Self::Digest(Algorithm::Sha256)),
            "sha512" => Some(Self::Digest(Algorithm::Sha512)),
            "md5" => Some(Self::Digest(Algorithm::Md5)),
            "hmac-md4" => Some(Self::Hmac(Algorithm::Md4)),
            "hmac-md5" => Some(Self::Hmac(Algorithm::Md5)),
            "hmac-sha1" => Some(Self::Hmac(Algorithm::Sha1)),
            "hmac-sha224" => Some(Self::Hmac(Algorithm::Sha224)),
            "hmac-sha256" => Some(Self::Hmac(Algorithm::Sha256)),
            "hmac-sha384" => Some(Self::Hmac(Algorithm::Sha384)),
            "hmac-sha512" => Some(Self::Hmac(Algorithm::Sha512)),
            other => Some(Self::Pbkdf2(Prf::named(other.strip_prefix("pbkdf2-sha")?)?)),
        }
    }
}

impl Prf {
    /// Kratos takes one to three digits, and SHA-256 for those that it does not know.
    fn named(digits: &str) -> Option<Self> {
        match digits {
            "1" => Some(Self::Sha1),
            "224" => Some(Self::Sha3_224),
            "384" => Some(Self::Sha3_384),
            "512" => Some(Self::Sha512),
            _ => ((1..=3).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit()))
                .then_some(Self::Sha256),
        }
    }

    fn derive(self, password: &[u8], salt: &[u8], iterations: u32, key: &mut [u8]) {
        fn with<P: KeyInit + Update + FixedOutput + Clone>(
            password: &[u8],
            salt: &[u8],
            iterations: u32,
            key: &mut [u8],
        ) {
            pbkdf2::pbkdf2::<P>(password, salt, iterations, key).expect("HMAC takes passwords of any length");
        }
        match self {
            Self::Sha1 => with::<Hmac<Sha1>>(password, salt, iterations, key),
            Self::Sha3_224 => with::<SimpleHmac<Sha3_224>>(password, salt, iterations, key),
            Self::Sha256 => with::<Hmac<Sha256>>(password, salt, iterations, key),
            Self::Sha3_384 => with::<SimpleHmac<Sha3_384>>(password, salt, iterations, key),
            Self::Sha512 => with::<Hmac<Sha512>>(password, salt, iterations, key),
        }
    }
}

impl Algorithm {
    fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Md4 => Md4::digest(message).to_vec(),
            Self::Md5 => Md5::digest(message).to_vec(),
            Self::Sha1 => Sha1::digest(message).to_vec(),
            Self::Sha224 => Sha224::digest(message).to_vec(),
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha384 => Sha384::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }

    fn hmac(self, key: &[u8], message: &[u8]) -> Vec<u8> {
        fn with<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
            let mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
            mac.chain_update(message).finalize().into_bytes().to_vec()
        }
        match self {
            Self::Md4 => with::<Hmac<Md4>>(key, message),
            Self::Md5 => with::<Hmac<Md5>>(key, message),
            Self::Sha1 => with::<Hmac<Sha1>>(key, message),
            Self::Sha224 => with::<Hmac<Sha224>>(key, message),
            Self::Sha256 => with::<Hmac<Sha256>>(key, message),
            Self::Sha384 => with::<Hmac<Sha384>>(key, message),
            Self::Sha512 => with::<Hmac<Sha512>>(key, message),
        }
    }

    const fn length(self) -> usize {
        match self {
            Self::Md4 | Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// A hash whose text has been understood and whose parameters are within the limits.
pub(super) enum StoredHash {
    Bcrypt(Bcrypt),
    Argon2(Argon2),
    Pbkdf2 {
        prf: Prf,
        iterations: u32,
        salt: Vec<u8>,
        key: Vec<u8>,
    },
    Scrypt {
        params: scrypt::Params,
        salt: Vec<u8>,
        key: Vec<u8>,
    },
    FirebaseScrypt {
        params: scrypt::Params,
        salt: Vec<u8>,
        signer_key: Vec<u8>,
        hash: Vec<u8>,
    },
    /// In crypt(3)'s own notation.
    ShaCrypt(String),
    Md5Crypt {
        salt: String,
        digest: String,
    },
    Digest {
        algorithm: Algorithm,
        template: Vec<u8>,
        salt: Vec<u8>,
        digest: Vec<u8>,
    },
    Hmac {
        algorithm: Algorithm,
        key: Vec<u8>,
        hex: Vec<u8>,
    },
}

pub(super) struct Bcrypt {
    pub(super) cost: u32,
    pub(super) salt: [u8; 16],
    /// As text, in bcrypt's own base64.
    pub(super) digest: [u8; 31],
}

pub(super) struct Argon2 {
    pub(super) algorithm: argon2::Algorithm,
    pub(super) params: argon2::Params,
    /// As written. Kratos writes what is configured, even if fewer than eight blocks for each lane, and computes with eight.
    pub(super) written_memory_kib: u32,
    pub(super) salt: Vec<u8>,
    pub(super) key: Vec<u8>,
}

impl StoredHash {
    pub(super) fn parse(hash: &str) -> Result<Self, HashError> {
        let format = Format::of(hash).ok_or(HashError::UnknownFormat)?;
        if hash.len() > MAX_HASH_BYTES {
            return Err(HashError::Malformed);
        }
        // The first part is empty, the second is the format's name.
        let parts: Vec<&str> = hash.split('$').skip(2).collect();
        match (format, parts.as_slice()) {
            (Format::Bcrypt, [cost, rest]) => parse_bcrypt(cost, rest).map(Self::Bcrypt),
            (Format::Argon2id, parts) => parse_argon2(argon2::Algorithm::Argon2id, parts).map(Self::Argon2),
            (Format::Argon2i, parts) => parse_argon2(argon2::Algorithm::Argon2i, parts).map(Self::Argon2),
            (Format::Pbkdf2(prf), [params, salt, key]) => {
                let iterations = parameter(params, "i")?;
                at_most(iterations, MAX_PBKDF2_ITERATIONS)?;
                Ok(Self::Pbkdf2 { prf, iterations, salt: raw_base64(salt)?, key: derived_key(raw_base64(key)?)? })
            }
            (Format::Scrypt, [params, salt, key]) => {
                let n: u64 = parameter(params, "ln")?;
                if n < 2 || !n.is_power_of_two() {
                    return Err(HashError::Malformed);
                }
                let params = scrypt_params(n.trailing_zeros(), params)?;
                Ok(Self::Scrypt { params, salt: base64(salt)?, key: derived_key(base64(key)?)? })
            }
            (Format::FirebaseScrypt, [params, salt, hash, separator, signer_key]) => Ok(Self::FirebaseScrypt {
                params: scrypt_params(parameter(params, "ln")?, params)?,
                salt: [base64(salt)?, base64(separator)?].concat(),
                signer_key: base64(signer_key)?,
                hash: derived_key(base64(hash)?)?,
            }),
            (Format::Sha256Crypt, parts) => parse_sha_crypt("5", parts),
            (Format::Sha512Crypt, parts) => parse_sha_crypt("6", parts),
            (Format::Md5Crypt, [salt, digest]) => {
                Ok(Self::Md5Crypt { salt: (*salt).to_owned(), digest: (*digest).to_owned() })
            }
            (Format::SaltedSha(algorithm), _) => parse_salted_sha(algorithm, hash),
            (Format::Digest(algorithm), [template, salt, digest]) => {
                let template = template.strip_prefix("pf=").filter(|template| !template.is_empty());
                Ok(Self::Digest {
                    algorithm,
                    template: base64(template.ok_or(HashError::Malformed)?)?,
                    salt: base64(salt)?,
                    digest: base64(digest)?,
                })
            }
            (Format::Digest(algorithm @ Algorithm::Md5), [digest]) => Ok(Self::Digest {
                algorithm,
                template: b"{PASSWORD}".to_vec(),
                salt: Vec::new(),
                digest: base64(digest)?,
            }),
            (Format::Hmac(algorithm), [hex, key]) => Ok(Self::Hmac { algorithm, key: base64(key)?, hex: base64(hex)? }),
            _ => Err(HashError::Malformed),
        }
    }

    /// How much memory verifying takes, in KiB.
    pub(super) fn memory_kib(&self) -> u32 {
        match self {
            Self::Argon2(stored) => stored.params.m_cost(),
            Self::Scrypt { params, .. } | Self::FirebaseScrypt { params, .. } => {
                u32::try_from(scrypt_memory_kib(params)).unwrap_or(u32::MAX)
            }
            // A bcrypt state takes 4 KiB; the others fit into it, give or take the password's copies.
            _ => 4,
        }
    }

    pub(super) fn verify(&self, password: &Secret) -> Result<bool, HashError> {
        let max = if let Self::Bcrypt(_) = self { BCRYPT_MAX_PASSWORD_BYTES } else { MAX_PASSWORD_BYTES };
        check_length(password, max)?;
        let bytes = password.expose().as_bytes();
        let (expected, actual) = match self {
            Self::Bcrypt(stored) => {
                let hash = bcrypt::hash_with_salt_bytes(bytes, stored.cost, stored.salt);
                let hash = hash.map_err(|_| HashError::Malformed)?;
                (stored.digest.as_slice(), hash[hash.len() - stored.digest.len()..].to_vec())
            }
            Self::Argon2(stored) => (&*stored.key, stored.derive(password)?),
            Self::Pbkdf2 { prf, iterations, salt, key } => {
                let mut derived = vec![0; key.len()];
                prf.derive(bytes, salt, *iterations, &mut derived);
                (&**key, derived)
            }
            Self::Scrypt { params, salt, key } => {
                let mut derived = vec![0; key.len()];
                scrypt::scrypt(bytes, salt, params, &mut derived).map_err(|_| HashError::Malformed)?;
                (&**key, derived)
            }
            Self::FirebaseScrypt { params, salt, signer_key, hash } => {
                let mut key = [0; 32];
                scrypt::scrypt(bytes, salt, params, &mut key).map_err(|_| HashError::Malformed)?;
                let mut encrypted = signer_key.clone();
                ctr::Ctr128BE::<aes::Aes256>::new(&key.into(), &[0; 16].into()).apply_keystream(&mut encrypted);
                (&**hash, encrypted)
            }
            Self::ShaCrypt(stored) => {
                let stored = sha_crypt::PasswordHash::new(stored.as_str()).map_err(|_| HashError::Malformed)?;
                return match ShaCrypt::default().verify_password(bytes, &stored) {
                    Ok(()) => Ok(true),
                    Err(sha_crypt::password_hash::Error::PasswordInvalid) => Ok(false),
                    Err(_) => Err(HashError::Malformed),
                };
            }
            Self::Md5Crypt { salt, digest } => (digest.as_bytes(), md5_crypt::digest(bytes, salt.as_bytes())),
            Self::Digest { algorithm, template, salt, digest } => {
                (&**digest, algorithm.digest(&fill(template, salt, bytes)))
            }
            Self::Hmac { algorithm, key, hex } => {
                (&**hex, base16ct::lower::encode_string(&algorithm.hmac(key, bytes)).into_bytes())
            }
        };
        Ok(expected.ct_eq(&actual).into())
    }
}

impl Argon2 {
    fn derive(&self, password: &Secret) -> Result<Vec<u8>, HashError> {
        let Self { algorithm, ref params, written_memory_kib, ref salt, .. } = *self;
        if written_memory_kib >= params.m_cost() {
            return argon2(algorithm, params, password, salt, self.key.len());
        }
        let (memory_kib, passes, lanes) = (written_memory_kib, params.t_cost(), params.p_cost());
        let parameters = small_argon2::Parameters { algorithm, memory_kib, passes, lanes };
        let mut key = vec![0; self.key.len()];
        small_argon2::derive(&parameters, password.expose().as_bytes(), salt, &mut key);
        Ok(key)
    }
}

/// Computes Argon2, version 19.
pub(super) fn argon2(
    algorithm: argon2::Algorithm,
    params: &argon2::Params,
    password: &Secret,
    salt: &[u8],
    key_length: usize,
) -> Result<Vec<u8>, HashError> {
    let mut key = vec![0; key_length];
    argon2::Argon2::new(algorithm, argon2::Version::V0x13, params.clone())
        .hash_password_into(password.expose().as_bytes(), salt, &mut key)
        .map_err(|_| HashError::Malformed)?;
    Ok(key)
}

/// Checks Argon2's parameters against RFC 9106 and against the limits.
pub(super) fn argon2_params(
    memory_kib: u64,
    iterations: u32,
    lanes: u32,
    salt_length: usize,
    key_length: usize,
) -> Result<argon2::Params, HashError> {
    at_most(memory_kib, MAX_MEMORY_BYTES / 1024)?;
    at_most(memory_kib * u64::from(iterations), MAX_TRAFFIC_KIB)?;
    at_most(key_length.max(salt_length), MAX_HASH_BYTES)?;
    let memory_kib = u32::try_from(memory_kib).map_err(|_| HashError::TooCostly)?;
    if salt_length < argon2::MIN_SALT_LEN {
        return Err(HashError::Malformed);
    }
    argon2::Params::new(memory_kib, iterations, lanes, Some(key_length)).map_err(|_| HashError::Malformed)
}

fn parse_argon2(algorithm: argon2::Algorithm, parts: &[&str]) -> Result<Argon2, HashError> {
    let ["v=19", params, salt, key] = parts else { return Err(HashError::Malformed) };
    let (salt, key) = (raw_base64(salt)?, raw_base64(key)?);
    let written_memory_kib: u32 = parameter(params, "m")?;
    let (iterations, lanes): (_, u32) = (parameter(params, "t")?, parameter(params, "p")?);
    let memory_kib = u64::from(written_memory_kib).max(u64::from(lanes) * small_argon2::LANE as u64);
    let params = argon2_params(memory_kib, iterations, lanes, salt.len(), key.len())?;
    Ok(Argon2 { algorithm, params, written_memory_kib, salt, key })
}

fn parse_bcrypt(cost: &str, rest: &str) -> Result<Bcrypt, HashError> {
    if cost.len() != 2 || !cost.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(HashError::Malformed);
    }
    let cost = cost.parse().map_err(|_| HashError::Malformed)?;
    check_bcrypt_cost(cost)?;
    let (salt, digest) = rest.as_bytes().split_first_chunk::<22>().ok_or(HashError::Malformed)?;
    let salt = BCRYPT_SALT.decode(salt).ok().and_then(|salt| salt.try_into().ok()).ok_or(HashError::Malformed)?;
    Ok(Bcrypt { cost, salt, digest: digest.try_into().map_err(|_| HashError::Malformed)? })
}

fn parse_sha_crypt(identifier: &str, parts: &[&str]) -> Result<StoredHash, HashError> {
    if let [first, ..] = parts
        && let Some(rounds) = first.strip_prefix("rounds=")
    {
        at_most(rounds.parse().map_err(|_| HashError::Malformed)?, MAX_SHA_CRYPT_ROUNDS)?;
    }
    Ok(StoredHash::ShaCrypt(format!("${identifier}${}", parts.join("$"))))
}

/// Everything behind the digest is salt, of at least one byte.
fn parse_salted_sha(algorithm: Algorithm, hash: &str) -> Result<StoredHash, HashError> {
    let (_, encoded) = hash.split_once('}').ok_or(HashError::Malformed)?;
    let decoded = SSHA.decode(encoded).map_err(|_| HashError::Malformed)?;
    match decoded.split_at_checked(algorithm.length()) {
        Some((digest, salt)) if !salt.is_empty() => Ok(StoredHash::Digest {
            algorithm,
            template: b"{PASSWORD}{SALT}".to_vec(),
            salt: salt.to_vec(),
            digest: digest.to_vec(),
        }),
        _ => Err(HashError::Malformed),
    }
}

/// `r` and `p` are in `text`; memory is 128·N·r bytes, and every lane goes over it once more.
fn scrypt_params(log_n: u32, text: &str) -> Result<scrypt::Params, HashError> {
    let (r, p): (u32, u32) = (parameter(text, "r")?, parameter(text, "p")?);
    at_most(log_n, 30)?;
    at_most(r, 1 << 20)?;
    at_most(p, 1 << 10)?;
    let log_n = u8::try_from(log_n).map_err(|_| HashError::TooCostly)?;
    let params = scrypt::Params::new(log_n, r, p).map_err(|_| HashError::Malformed)?;
    at_most(scrypt_memory_kib(&params), MAX_MEMORY_BYTES / 1024)?;
    at_most(scrypt_memory_kib(&params) * u64::from(p), MAX_TRAFFIC_KIB)?;
    Ok(params)
}

fn scrypt_memory_kib(params: &scrypt::Params) -> u64 {
    let blocks = params.n() + u64::from(params.p());
    (blocks * u64::from(params.r())).div_ceil(8)
}

/// Replaces `{SALT}` and `{PASSWORD}` in one pass, so that neither is looked for in the other.
fn fill(template: &[u8], salt: &[u8], password: &[u8]) -> Vec<u8> {
    let mut filled = Vec::with_capacity(template.len() + salt.len() + password.len());
    let mut rest = template;
    while let Some((first, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(b"{SALT}") {
            filled.extend_from_slice(salt);
            rest = after;
        } else if let Some(after) = rest.strip_prefix(b"{PASSWORD}") {
            filled.extend_from_slice(password);
            rest = after;
        } else {
            filled.push(*first);
            rest = after;
        }
    }
    filled
}

/// The number behind `name=` in a list such as `m=65536,t=3,p=4`.
fn parameter<T: std::str::FromStr>(params: &str, name: &str) -> Result<T, HashError> {
    let value = params.split(',').find_map(|param| param.strip_prefix(name)?.strip_prefix('='));
    value.and_then(|value| value.parse().ok()).ok_or(HashError::Malformed)
}

fn derived_key(key: Vec<u8>) -> Result<Vec<u8>, HashError> {
    at_most(key.len(), MAX_KEY_BYTES)?;
    if key.len() < MIN_KEY_BYTES { Err(HashError::Malformed) } else { Ok(key) }
}

fn at_most<T: PartialOrd>(value: T, limit: T) -> Result<(), HashError> {
    if value > limit { Err(HashError::TooCostly) } else { Ok(()) }
}

fn base64(text: &str) -> Result<Vec<u8>, HashError> {
    BASE64_STANDARD.decode(text).map_err(|_| HashError::Malformed)
}

fn raw_base64(text: &str) -> Result<Vec<u8>, HashError> {
    BASE64_STANDARD_NO_PAD.decode(text).map_err(|_| HashError::Malformed)
}
