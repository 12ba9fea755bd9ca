//! Argon2 (RFC 9106) with less memory than its eight blocks for each lane.
//!
//! The standard has no such hashes, and every crate refuses them. Go's library makes them, so that Kratos with a small
//! `hashers.argon2.memory` has them in its database: the parameter goes into the hash as it is given, and the blocks are
//! as many as have to be. This is that computation alone, for lanes of eight blocks; it only ever verifies.

use argon2::Algorithm;
use blake2::digest::block_api::{UpdateCore, VariableOutputCore};
use blake2::digest::block_buffer::LazyBuffer;
use blake2::{Blake2b512, Blake2bVarCore, Digest};
use zeroize::Zeroizing;

/// Blocks of a lane, and of each of its four segments.
pub(super) const LANE: usize = 8;
const SEGMENT: usize = 2;
const SLICES: usize = 4;

type Block = [u64; 128];

/// What a hash is made with.
pub(super) struct Parameters {
    pub(super) algorithm: Algorithm,
    /// As written, less than eight for each lane.
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
}

/// Fills `key` from a password and its salt.
pub(super) fn derive(parameters: &Parameters, password: &[u8], salt: &[u8], key: &mut [u8]) {
    let lanes = parameters.lanes as usize;
    let seed = seed(parameters, password, salt, key.len());
    let mut blocks = Zeroizing::new(vec![[0; 128]; lanes * LANE]);
    for lane in 0..lanes {
        for column in 0..SEGMENT {
            let mut bytes = Zeroizing::new([0; 1024]);
            let place = [(column as u32).to_le_bytes(), (lane as u32).to_le_bytes()].concat();
            long_hash(&[&*seed, &place], &mut *bytes);
            for (word, bytes) in blocks[lane * LANE + column].iter_mut().zip(bytes.as_chunks().0) {
                *word = u64::from_le_bytes(*bytes);
            }
        }
    }
    for pass in 0..parameters.passes {
        for slice in 0..SLICES {
            for lane in 0..lanes {
                fill_segment(&mut blocks, parameters, pass, slice, lane);
            }
        }
    }
    let last = (1..=lanes).fold([0; 128], |sum, lane| xor(&sum, &blocks[lane * LANE - 1]));
    let bytes = Zeroizing::new(last.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>());
    long_hash(&[&bytes], key);
}

/// H₀ (section 3.2, step 1).
fn seed(parameters: &Parameters, password: &[u8], salt: &[u8], key_length: usize) -> Zeroizing<Vec<u8>> {
    let Parameters { algorithm, memory_kib, passes, lanes } = *parameters;
    let numbers = [lanes, key_length as u32, memory_kib, passes, 0x13, algorithm as u32];
    let mut hash = Blake2b512::new();
    numbers.iter().for_each(|number| hash.update(number.to_le_bytes()));
    for text in [password, salt, &[], &[]] {
        hash.update((text.len() as u32).to_le_bytes());
        hash.update(text);
    }
    Zeroizing::new(hash.finalize().to_vec())
}

/// H′ (section 3.3): a hash of any length.
fn long_hash(inputs: &[&[u8]], mut out: &mut [u8]) {
    let mut message = Zeroizing::new((out.len() as u32).to_le_bytes().to_vec());
    inputs.iter().for_each(|input| message.extend_from_slice(input));
    while out.len() > 64 {
        let hash = Blake2b512::digest(&*message);
        let (first, rest) = out.split_at_mut(32);
        first.copy_from_slice(&hash[..32]);
        *message = hash.to_vec();
        out = rest;
    }
    let mut hash = Blake2bVarCore::new(out.len()).expect("BLAKE2b makes 1 to 64 bytes");
    let mut buffer = LazyBuffer::default();
    buffer.digest_blocks(&message, |blocks| hash.update_blocks(blocks));
    let mut whole = Default::default();
    hash.finalize_variable_core(&mut buffer, &mut whole);
    out.copy_from_slice(&whole[..out.len()]);
}

/// Section 3.2, steps 5 and 6, for the two blocks of a segment.
fn fill_segment(blocks: &mut [Block], parameters: &Parameters, pass: u32, slice: usize, lane: usize) {
    if pass == 0 && slice == 0 {
        return; // These two are the seeds.
    }
    let is_fixed = match parameters.algorithm {
        Algorithm::Argon2i => true,
        Algorithm::Argon2id => pass == 0 && slice < SLICES / 2,
        Algorithm::Argon2d => false,
    };
    let addresses = is_fixed.then(|| {
        let mut input = [0; 128];
        let numbers = [pass.into(), lane as u64, slice as u64, blocks.len() as u64, parameters.passes.into()];
        input[..5].copy_from_slice(&numbers);
        (input[5], input[6]) = (parameters.algorithm as u64, 1);
        compress(&[0; 128], &compress(&[0; 128], &input))
    });
    for index in 0..SEGMENT {
        let column = slice * SEGMENT + index;
        let before = lane * LANE + (column + LANE - 1) % LANE;
        let random = addresses.map_or(blocks[before][0], |addresses| addresses[index]);
        let other = (random >> 32) as usize % parameters.lanes as usize;
        // Section 3.4.2: the blocks that may be referred to, and which of them is.
        let finished = if pass == 0 { slice * SEGMENT } else { LANE - SEGMENT };
        let area = if other == lane { finished + index - 1 } else { finished - usize::from(index == 0) } as u64;
        let skewed = (random & 0xffff_ffff).pow(2) >> 32;
        let chosen = (area - 1 - ((area * skewed) >> 32)) as usize;
        let start = if pass == 0 { 0 } else { (slice + 1) * SEGMENT };
        let block = compress(&blocks[before], &blocks[other * LANE + (start + chosen) % LANE]);
        let place = &mut blocks[lane * LANE + column];
        // The first pass finds zeros.
        *place = xor(place, &block);
    }
}

/// G (section 3.5).
fn compress(x: &Block, y: &Block) -> Block {
    let start = xor(x, y);
    let mut mixed = start;
    for row in 0..8 {
        permute(&mut mixed, std::array::from_fn(|i| 16 * row + i));
    }
    for column in 0..8 {
        permute(&mut mixed, std::array::from_fn(|i| 2 * column + 16 * (i / 2) + i % 2));
    }
    xor(&start, &mixed)
}

/// P (section 3.6), on the words at these places.
fn permute(words: &mut Block, at: [usize; 16]) {
    const ROUNDS: [[usize; 4]; 8] = [
        [0, 4, 8, 12],
        [1, 5, 9, 13],
        [2, 6, 10, 14],
        [3, 7, 11, 15],
        [0, 5, 10, 15],
        [1, 6, 11, 12],
        [2, 7, 8, 13],
        [3, 4, 9, 14],
    ];
    let add = |a: u64, b: u64| {
        let product = (a & 0xffff_ffff) * (b & 0xffff_ffff);
        a.wrapping_add(b).wrapping_add(product.wrapping_mul(2))
    };
    for round in ROUNDS {
        let [a, b, c, d] = round.map(|i| at[i]);
        for [first, second] in [[32, 24], [16, 63]] {
            words[a] = add(words[a], words[b]);
            words[d] = (words[d] ^ words[a]).rotate_right(first);
            words[c] = add(words[c], words[d]);
            words[b] = (words[b] ^ words[c]).rotate_right(second);
        }
    }
}

fn xor(x: &Block, y: &Block) -> Block {
    std::array::from_fn(|i| x[i] ^ y[i])
}

#[cfg(test)]
mod tests {
    use argon2::{Argon2, Params, Version};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// With the least memory that the standard has, it is the standard's.
        #[test]
        fn it_is_argon2(
            is_id: bool,
            passes in 1u32..5,
            lanes in 1u32..6,
            password in prop::collection::vec(any::<u8>(), 0..100),
            salt in prop::collection::vec(any::<u8>(), 8..40),
            length in 4usize..130,
        ) {
            let algorithm = if is_id { Algorithm::Argon2id } else { Algorithm::Argon2i };
            let memory_kib = 8 * lanes;
            let (mut expected, mut actual) = (vec![0; length], vec![0; length]);
            let params = Params::new(memory_kib, passes, lanes, Some(length)).unwrap();
            Argon2::new(algorithm, Version::V0x13, params).hash_password_into(&password, &salt, &mut expected).unwrap();
            derive(&Parameters { algorithm, memory_kib, passes, lanes }, &password, &salt, &mut actual);
            prop_assert_eq!(actual, expected);
        }
    }
}
