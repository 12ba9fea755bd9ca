//! An import stores whatever begins like a known hash, so reading a stored hash must be ready for anything.
//!
//! Only reading is fuzzed: a hash within the limits may still take seconds to verify.

#![no_main]

use crypto::Hasher;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|hash: &str| {
    let settings =
        Hasher::Argon2 { memory_bytes: 1 << 20, iterations: 1, parallelism: 1, salt_length: 16, key_length: 32 };
    if !settings.needs_rehash(hash) {
        assert!(crypto::password::is_known_format(hash));
    }
    let _ = Hasher::Bcrypt { cost: 4 }.needs_rehash(hash);
});
