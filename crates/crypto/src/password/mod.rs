//! Password hashes: made with bcrypt or Argon2id, verified in every format that Kratos imports.
//!
//! The functions here block for as long as a hash takes. A server calls them through the [`HashingPool`].

mod error;
mod limits;
mod md5_crypt;
mod pool;
mod small_argon2;
mod stored;
#[cfg(test)]
mod tests;

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use model::{Entropy, Secret};

pub use error::HashError;
pub use limits::{BCRYPT_MAX_PASSWORD_BYTES, MAX_BCRYPT_COST, MAX_MEMORY_BYTES, MAX_PASSWORD_BYTES};
use limits::{check_bcrypt_cost, check_length};
pub use pool::{HashingPool, PoolLimits};
use stored::StoredHash;

/// How new passwords are hashed: `hashers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hasher {
    /// `hashers.bcrypt`.
    Bcrypt {
        /// The binary logarithm of the rounds, 4 to [`MAX_BCRYPT_COST`].
        cost: u32,
    },
    /// `hashers.argon2`: Argon2id, version 19 (RFC 9106).
    Argon2 {
        /// Memory in bytes, counted in whole KiB, at least 8 KiB for each lane and at most [`MAX_MEMORY_BYTES`].
        memory_bytes: u64,
        /// Passes over the memory.
        iterations: u32,
        /// Lanes.
        parallelism: u32,
        /// Bytes of salt, at least 8.
        salt_length: usize,
        /// Bytes of hash, at least 4.
        key_length: usize,
    },
}

impl Hasher {
    /// Hashes a password into the text that is stored: `$2a$…` or `$argon2id$…`.
    ///
    /// # Errors
    /// [`HashError::TooLong`] for passwords that bcrypt would cut, [`HashError::TooCostly`] and [`HashError::Malformed`]
    /// for settings beyond the limits.
    pub fn hash(&self, entropy: &Entropy, password: &Secret) -> Result<String, HashError> {
        self.ensure_fits(password)?;
        match *self {
            Self::Bcrypt { cost } => {
                check_bcrypt_cost(cost)?;
                let hash = bcrypt::hash_with_salt(password.expose(), cost, entropy.bytes());
                Ok(hash.map_err(|_| HashError::Malformed)?.format_for_version(bcrypt::Version::TwoA))
            }
            Self::Argon2 { memory_bytes, iterations, parallelism, salt_length, key_length } => {
                let memory_kib = memory_bytes / 1024;
                let params = stored::argon2_params(memory_kib, iterations, parallelism, salt_length, key_length)?;
                let mut salt = vec![0; salt_length];
                entropy.fill(&mut salt);
                let key = stored::argon2(argon2::Algorithm::Argon2id, &params, password, &salt, key_length)?;
                let (salt, key) = (BASE64_STANDARD_NO_PAD.encode(salt), BASE64_STANDARD_NO_PAD.encode(key));
                Ok(format!("$argon2id$v=19$m={memory_kib},t={iterations},p={parallelism}${salt}${key}"))
            }
        }
    }

    /// Checks that a password is short enough to be hashed.
    ///
    /// # Errors
    /// [`HashError::TooLong`], in bytes.
    pub fn ensure_fits(&self, password: &Secret) -> Result<(), HashError> {
        check_length(
            password,
            if let Self::Bcrypt { .. } = self { BCRYPT_MAX_PASSWORD_BYTES } else { MAX_PASSWORD_BYTES },
        )
    }

    /// Whether a password that has just matched `hash` should be hashed anew: when the hash is of another format, or was
    /// made with less work than these settings ask for (OWASP Password Storage, "Upgrading the Work Factor").
    pub fn needs_rehash(&self, hash: &str) -> bool {
        match (self, StoredHash::parse(hash)) {
            (Self::Bcrypt { cost }, Ok(StoredHash::Bcrypt(stored))) => stored.cost < *cost,
            (Self::Argon2 { memory_bytes, iterations, .. }, Ok(StoredHash::Argon2(stored))) => {
                stored.algorithm != argon2::Algorithm::Argon2id
                    || u64::from(stored.params.m_cost()) < memory_bytes / 1024
                    || stored.params.t_cost() < *iterations
            }
            _ => true,
        }
    }

    /// A hash that no password is known for, and that takes as long to verify as one of this hasher's own.
    fn dummy(&self, entropy: &Entropy) -> Result<StoredHash, HashError> {
        match *self {
            Self::Bcrypt { cost } => {
                check_bcrypt_cost(cost)?;
                Ok(StoredHash::Bcrypt(stored::Bcrypt { cost, salt: entropy.bytes(), digest: entropy.bytes() }))
            }
            Self::Argon2 { memory_bytes, iterations, parallelism, salt_length, key_length } => {
                let params =
                    stored::argon2_params(memory_bytes / 1024, iterations, parallelism, salt_length, key_length)?;
                let (mut salt, mut key) = (vec![0; salt_length], vec![0; key_length]);
                entropy.fill(&mut salt);
                entropy.fill(&mut key);
                let (algorithm, written_memory_kib) = (argon2::Algorithm::Argon2id, params.m_cost());
                Ok(StoredHash::Argon2(stored::Argon2 { algorithm, params, written_memory_kib, salt, key }))
            }
        }
    }
}

/// Whether `hash` begins like one of the supported formats. As in Kratos, an import checks nothing more.
pub fn is_known_format(hash: &str) -> bool {
    stored::Format::of(hash).is_some()
}

/// Whether `password` matches a stored `hash` of any supported format. Compares in constant time.
///
/// # Errors
/// For hashes that are unknown, malformed or too costly, and for passwords that are too long.
pub fn verify(hash: &str, password: &Secret) -> Result<bool, HashError> {
    StoredHash::parse(hash)?.verify(password)
}
