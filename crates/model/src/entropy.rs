//! Randomness, as a value that tests can seed.

use std::sync::{Arc, Mutex, PoisonError};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use uuid::Uuid;

/// Where random bytes come from: the operating system, or a seeded stream for tests.
#[derive(Clone)]
pub struct Entropy(Source);

#[derive(Clone)]
enum Source {
    System,
    Seeded(Arc<Mutex<ChaCha20Rng>>),
}

impl Entropy {
    /// The operating system's generator, which is fit for secrets.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// The same bytes at every run: for tests only.
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Seeded(Arc::new(Mutex::new(ChaCha20Rng::seed_from_u64(seed)))))
    }

    /// Fills `buffer` with random bytes.
    ///
    /// # Panics
    /// When the operating system has no randomness to give: nothing that needs a secret can go on then.
    pub fn fill(&self, buffer: &mut [u8]) {
        match &self.0 {
            Source::System => getrandom::fill(buffer).expect("the operating system gives random bytes"),
            Source::Seeded(rng) => rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(buffer),
        }
    }

    /// An array of random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A random (version 4) identifier.
    pub fn uuid(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid()
    }

    /// Several random identifiers, drawn at once.
    pub fn uuids<const N: usize>(&self) -> [Uuid; N] {
        let mut bytes = [[0; 16]; N];
        self.fill(bytes.as_flattened_mut());
        bytes.map(|bytes| uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// `length` characters drawn evenly from `alphabet` (at most 256 of them, ASCII).
    pub fn string(&self, alphabet: &[u8], length: usize) -> String {
        let mut text = String::with_capacity(length);
        // Bytes at or above the largest multiple of the alphabet's size would favour its first letters.
        let limit = 256 - 256 % alphabet.len();
        let mut buffer = [0; 64];
        while text.len() < length {
            self.fill(&mut buffer);
            let even = buffer.iter().map(|&byte| usize::from(byte)).filter(|&byte| byte < limit);
            text.extend(even.take(length - text.len()).map(|byte| char::from(alphabet[byte % alphabet.len()])));
        }
        text
    }
}

impl std::fmt::Debug for Entropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Source::System => "Entropy(system)",
            Source::Seeded(_) => "Entropy(seeded)",
        })
    }
}
