use crypto::{Cipher, CipherAlgorithm, CipherError};
use model::Secret;
use proptest::prelude::*;

use crate::entropy;

const KEY: &str = "a-32-byte-long-cipher-secret-ok!";
const NEWER_KEY: &str = "another-32-byte-long-cipher-key!";
const PLAIN: &str = "a provider's token";
/// Encrypted by the Go libraries that Kratos uses.
const SAMPLES: [(CipherAlgorithm, &str); 3] = [
    (CipherAlgorithm::Noop, "612070726f7669646572277320746f6b656e"),
    (
        CipherAlgorithm::Aes,
        "0ed137747e0fbd9faf89c35efaeb7831d7e4ae7ed620818a999130243fe54aacffa214813387f02a7e1bd9edf893",
    ),
    (
        CipherAlgorithm::XChaCha20Poly1305,
        "92a8c7c9bbed88f423cc48764aa6f5dd0827ab8b8c1a5efe589657b74803bc5ba8ef1c01b3019d31734882128c8f87dccfc7d71fb3c7ae99e070",
    ),
];

fn cipher(algorithm: CipherAlgorithm, keys: &[&str]) -> Cipher {
    let keys: Vec<_> = keys.iter().map(|key| Secret::from(*key)).collect();
    Cipher::new(algorithm, &keys).expect("keys of 32 bytes")
}

#[test]
fn what_kratos_encrypted_is_decrypted_with_any_key_of_the_ring() {
    for (algorithm, text) in SAMPLES {
        for keys in [&[KEY][..], &[NEWER_KEY, KEY]] {
            let plain = cipher(algorithm, keys).decrypt(text).unwrap();
            assert_eq!(plain.expose(), PLAIN.as_bytes(), "{algorithm:?}");
        }
        assert_eq!(cipher(algorithm, &[KEY]).decrypt(&text.to_uppercase()).unwrap().expose(), PLAIN.as_bytes());
    }
}

#[test]
fn nothing_stays_nothing() {
    for (algorithm, _) in SAMPLES {
        let cipher = cipher(algorithm, &[]);
        assert_eq!(cipher.encrypt(&entropy(), b"").unwrap(), "");
        assert!(cipher.decrypt("").unwrap().expose().is_empty());
    }
}

#[test]
fn keys_are_needed_and_are_32_bytes_long() {
    for (algorithm, text) in &SAMPLES[1..] {
        assert_eq!(cipher(*algorithm, &[]).encrypt(&entropy(), b"x").unwrap_err(), CipherError::NoKey);
        assert_eq!(cipher(*algorithm, &[]).decrypt(text).unwrap_err(), CipherError::NoKey);
        assert_eq!(cipher(*algorithm, &[NEWER_KEY]).decrypt(text).unwrap_err(), CipherError::WrongKey);
        assert_eq!(Cipher::new(*algorithm, &["short".into()]).unwrap_err(), CipherError::KeyLength);
        for wrong in ["x", "abc", "00", "é"] {
            assert_eq!(cipher(*algorithm, &[KEY]).decrypt(wrong).unwrap_err(), CipherError::Malformed, "{wrong}");
        }
    }
}

proptest! {
    #[test]
    fn what_is_encrypted_is_decrypted_and_guarded(
        plain in prop::collection::vec(any::<u8>(), 1..200),
        at in any::<prop::sample::Index>(),
    ) {
        let entropy = entropy();
        for (algorithm, _) in SAMPLES {
            let cipher = cipher(algorithm, &[KEY]);
            let text = cipher.encrypt(&entropy, &plain).unwrap();
            let decrypted = cipher.decrypt(&text).unwrap();
            prop_assert_eq!(decrypted.expose(), &plain);
            if algorithm != CipherAlgorithm::Noop {
                prop_assert_ne!(cipher.encrypt(&entropy, &plain).unwrap(), text.clone());
                let at = at.index(text.len());
                let other = if text[at..=at] == *"0" { "1" } else { "0" };
                let tampered = format!("{}{other}{}", &text[..at], &text[at + 1..]);
                prop_assert_eq!(cipher.decrypt(&tampered).unwrap_err(), CipherError::WrongKey);
            }
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "(\\PC{0,40}|[0-9a-f]{0,120})") {
        for (algorithm, _) in SAMPLES {
            let _ = cipher(algorithm, &[KEY]).decrypt(&text);
        }
    }
}
