//! crypt(3)'s `$1$`, by Poul-Henning Kamp for FreeBSD 2.0 (1994). For imported hashes only. The crate
//! `md5crypt` would bring a second implementation of MD5 along, and `pwhash` old ones of four digests.

use md5::{Digest, Md5};

const ROUNDS: usize = 1000;
const MAX_SALT: usize = 8;
const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The hash of a password in 22 characters of crypt's own base64. Only the first 8 bytes of the salt count.
pub(super) fn digest(password: &[u8], salt: &[u8]) -> Vec<u8> {
    let salt = &salt[..salt.len().min(MAX_SALT)];
    let inner = Md5::new().chain_update(password).chain_update(salt).chain_update(password).finalize();

    let mut outer = Md5::new().chain_update(password).chain_update(b"$1$").chain_update(salt);
    outer.update(inner.iter().copied().cycle().take(password.len()).collect::<Vec<u8>>());
    // The lowest bit of the length comes first. A set bit adds a zero, and a clear one the password's first character;
    // the original meant to do otherwise, and has been left as it is.
    let mut length = password.len();
    while length > 0 {
        if length & 1 == 1 {
            outer.update([0]);
        } else {
            outer.update(&password[..1]);
        }
        length >>= 1;
    }

    let mut digest = outer.finalize();
    for round in 0..ROUNDS {
        let mut next = Md5::new();
        if round % 2 == 1 {
            next.update(password)
        } else {
            next.update(digest)
        }
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        if round % 2 == 1 {
            next.update(digest)
        } else {
            next.update(password)
        }
        digest = next.finalize();
    }
    encode(&digest.into())
}

/// Three bytes at a time, in a fixed disorder, the lowest six bits first.
fn encode(digest: &[u8; 16]) -> Vec<u8> {
    let groups = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];
    let mut text = Vec::with_capacity(22);
    let mut push = |bits: u32, characters: u32| {
        text.extend((0..characters).map(|index| ALPHABET[(bits >> (6 * index) & 63) as usize]));
    };
    for [high, middle, low] in groups.map(|group| group.map(|index| u32::from(digest[index]))) {
        push(high << 16 | middle << 8 | low, 4);
    }
    push(digest[11].into(), 2);
    text
}
