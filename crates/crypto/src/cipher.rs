//! Encryption of database columns (`ciphers.algorithm`, `secrets.cipher`): tokens of social sign-in providers.

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Aead, KeyInit, Nonce};
use chacha20poly1305::XChaCha20Poly1305;
use model::{Entropy, Secret};

use crate::{KeyRing, tokens};

const KEY_LENGTH: usize = 32;

/// How columns are encrypted: `ciphers.algorithm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CipherAlgorithm {
    /// `noop`: hex text in clear. No key is needed.
    Noop,
    /// `aes`: AES-256-GCM with a random nonce of 12 bytes.
    Aes,
    /// `xchacha20-poly1305`: with a random nonce of 24 bytes.
    XChaCha20Poly1305,
}

/// Why text could not be encrypted or decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CipherError {
    /// A key is not 32 bytes long.
    #[error("every entry of secrets.cipher must be 32 bytes long")]
    KeyLength,
    /// The algorithm needs a key and there is none.
    #[error("no secrets.cipher is configured, so nothing can be encrypted or decrypted")]
    NoKey,
    /// Not hex, or too short.
    #[error("the encrypted text is not in the expected format")]
    Malformed,
    /// Encrypted under another key or algorithm, or changed since.
    #[error("none of the configured secrets decrypts the text")]
    WrongKey,
}

/// Encrypts with the first key and decrypts with any. Stored text is `hex(nonce ‖ ciphertext ‖ tag)`, and `""` for nothing.
pub struct Cipher(Keys);

enum Keys {
    Noop,
    Aes(Vec<Aes256Gcm>),
    XChaCha20Poly1305(Vec<XChaCha20Poly1305>),
}

impl Cipher {
    /// A cipher under `secrets` (`secrets.cipher`, 32 bytes each). Without any the noop algorithm still works, the others
    /// report [`CipherError::NoKey`] when they are used.
    ///
    /// # Errors
    /// [`CipherError::KeyLength`].
    pub fn new(algorithm: CipherAlgorithm, secrets: &[Secret]) -> Result<Self, CipherError> {
        Ok(Self(match algorithm {
            CipherAlgorithm::Noop => Keys::Noop,
            CipherAlgorithm::Aes => Keys::Aes(keys(secrets)?),
            CipherAlgorithm::XChaCha20Poly1305 => Keys::XChaCha20Poly1305(keys(secrets)?),
        }))
    }

    /// A cipher with keys of its own for one purpose: of each secret, the HMAC-SHA-512/256 of `context` is an
    /// XChaCha20-Poly1305 key. It is never without a key.
    pub fn derived(secrets: &KeyRing, context: &str) -> Self {
        let key = |secret: &Secret| tokens::hmac(secret.expose().as_bytes(), context.as_bytes());
        Self(Keys::XChaCha20Poly1305(
            secrets.iter().map(|secret| XChaCha20Poly1305::new(&key(secret).into())).collect(),
        ))
    }

    /// Encrypts `plaintext` into hex text.
    ///
    /// # Errors
    /// [`CipherError::NoKey`].
    pub fn encrypt(&self, entropy: &Entropy, plaintext: &[u8]) -> Result<String, CipherError> {
        if plaintext.is_empty() {
            return Ok(String::new());
        }
        let stored = match &self.0 {
            Keys::Noop => plaintext.to_vec(),
            Keys::Aes(keys) => seal(keys, entropy, plaintext)?,
            Keys::XChaCha20Poly1305(keys) => seal(keys, entropy, plaintext)?,
        };
        Ok(base16ct::lower::encode_string(&stored))
    }

    /// Decrypts hex text under whichever key encrypted it.
    ///
    /// # Errors
    /// When the text is not hex, or no key fits.
    pub fn decrypt(&self, text: &str) -> Result<Secret<Vec<u8>>, CipherError> {
        if text.is_empty() {
            return Ok(Secret::new(Vec::new()));
        }
        let stored = base16ct::mixed::decode_vec(text).map_err(|_| CipherError::Malformed)?;
        let plaintext = match &self.0 {
            Keys::Noop => stored,
            Keys::Aes(keys) => open(keys, &stored)?,
            Keys::XChaCha20Poly1305(keys) => open(keys, &stored)?,
        };
        Ok(Secret::new(plaintext))
    }
}

/// Names the algorithm and nothing else.
impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Keys::Noop => "Cipher(noop)",
            Keys::Aes(_) => "Cipher(aes)",
            Keys::XChaCha20Poly1305(_) => "Cipher(xchacha20-poly1305)",
        })
    }
}

fn keys<A: KeyInit>(secrets: &[Secret]) -> Result<Vec<A>, CipherError> {
    let key = |secret: &Secret| match secret.expose().len() {
        KEY_LENGTH => A::new_from_slice(secret.expose().as_bytes()).map_err(|_| CipherError::KeyLength),
        _ => Err(CipherError::KeyLength),
    };
    secrets.iter().map(key).collect()
}

fn seal<A: Aead>(keys: &[A], entropy: &Entropy, plaintext: &[u8]) -> Result<Vec<u8>, CipherError> {
    let key = keys.first().ok_or(CipherError::NoKey)?;
    let mut nonce = Nonce::<A>::default();
    entropy.fill(&mut nonce);
    let sealed = key.encrypt(&nonce, plaintext).expect("memory cannot hold a text too long for the cipher");
    Ok([&nonce, sealed.as_slice()].concat())
}

fn open<A: Aead>(keys: &[A], stored: &[u8]) -> Result<Vec<u8>, CipherError> {
    if keys.is_empty() {
        return Err(CipherError::NoKey);
    }
    let (nonce, sealed) = stored.split_at_checked(Nonce::<A>::default().len()).ok_or(CipherError::Malformed)?;
    let nonce = nonce.try_into().map_err(|_| CipherError::Malformed)?;
    keys.iter().find_map(|key| key.decrypt(nonce, sealed).ok()).ok_or(CipherError::WrongKey)
}
