use crypto::gob::{GobError, MAX_ENTRIES, decode, encode};
use proptest::prelude::*;

/// What Go writes for `map[interface{}]interface{}{"k": "v"}`.
const FROM_GO: &[u8] = b"\x0d\x7f\x04\x01\x02\xff\x80\x00\x01\x10\x01\x10\x00\x00\x1c\xff\x80\x00\x01\x06string\x0c\x03\x00\x01k\x06string\x0c\x03\x00\x01v";

#[test]
fn the_bytes_are_gos() {
    assert_eq!(decode(FROM_GO), Ok(vec![("k", "v")]));
    assert_eq!(encode([("k", "v")].into_iter()), FROM_GO);
}

#[test]
fn entries_of_other_types_are_left_out() {
    // As above, with the integer 7 (type 2, zigzag 14) for the value; then with nil.
    let integer = b"\x0d\x7f\x04\x01\x02\xff\x80\x00\x01\x10\x01\x10\x00\x00\x18\xff\x80\x00\x01\x06string\x0c\x03\x00\x01k\x03int\x04\x02\x00\x0e";
    assert_eq!(decode(integer), Ok(vec![]));
    let nil =
        b"\x0d\x7f\x04\x01\x02\xff\x80\x00\x01\x10\x01\x10\x00\x00\x11\xff\x80\x00\x01\x06string\x0c\x03\x00\x01k\x00";
    assert_eq!(decode(nil), Ok(vec![]));
}

#[test]
fn a_stream_has_one_map_and_nothing_else() {
    for length in 0..FROM_GO.len() {
        assert_eq!(decode(&FROM_GO[..length]), Err(GobError), "cut at {length}");
    }
    assert_eq!(decode(&[FROM_GO, b"\0"].concat()), Err(GobError));
}

#[test]
fn the_number_of_entries_is_bounded() {
    let many = |count| {
        let keys: Vec<_> = (0..count).map(|number: u64| number.to_string()).collect();
        decode(&encode(keys.iter().map(|key| (key.as_str(), "")))).map(|entries| entries.len())
    };
    assert_eq!(many(MAX_ENTRIES), Ok(64));
    assert_eq!(many(MAX_ENTRIES + 1), Err(GobError));
}

proptest! {
    #[test]
    fn maps_round_trip(entries in prop::collection::vec(("\\PC{0,20}", "\\PC{0,300}"), 0..10)) {
        let entries: Vec<_> = entries.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let bytes = encode(entries.clone().into_iter());
        prop_assert_eq!(decode(&bytes), Ok(entries));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
    }

    /// Changing a good stream goes deeper than noise does.
    #[test]
    fn no_near_miss_makes_it_panic(at in 0..FROM_GO.len(), put in any::<u8>(), cut in 0..FROM_GO.len()) {
        let mut bytes = FROM_GO.to_vec();
        bytes[at] = put;
        let _ = decode(&bytes[..bytes.len() - cut]);
        let _ = decode(&bytes);
    }
}
