//! Names of headers (`textproto.CanonicalMIMEHeaderKey`). The crate `http` knows them in lower case only.

/// The name of a header as Go writes it: `user-agent` becomes `User-Agent`.
pub fn canonical_header_name(name: &str) -> String {
    let words = name.split('-').map(|word| match word.split_at_checked(1) {
        Some((first, rest)) => first.to_ascii_uppercase() + &rest.to_ascii_lowercase(),
        None => word.to_owned(),
    });
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::canonical_header_name;

    #[test]
    fn each_word_begins_with_a_capital() {
        for (name, expected) in [
            ("user-agent", "User-Agent"),
            ("X-SESSION-token", "X-Session-Token"),
            ("etag", "Etag"),
            ("a--b-", "A--B-"),
            ("", ""),
            ("é-a", "é-A"),
        ] {
            assert_eq!(canonical_header_name(name), expected);
        }
    }
}
