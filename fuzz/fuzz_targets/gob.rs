//! The reader of Go's binary format: no bytes make it panic, and what it reads can be written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(entries) = crypto::gob::decode(bytes) {
        let written = crypto::gob::encode(entries.iter().copied());
        assert_eq!(crypto::gob::decode(&written).as_ref(), Ok(&entries));
    }
});
