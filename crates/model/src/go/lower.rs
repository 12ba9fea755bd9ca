//! Lower case.

/// Lower case as Go's `strings.ToLower` has it, character by character. Rust's own looks at the neighbours of `Σ`, and
/// makes two characters of `İ`; an account that Kratos wrote would not be found by either.
pub fn to_lower(text: &str) -> String {
    // `İ` (U+0130) alone has a lower case of more than one character.
    text.chars().map(|c| if c == 'İ' { 'i' } else { c.to_lowercase().next().unwrap_or(c) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_character_is_folded_by_itself() {
        for (text, expected) in [
            ("Someone@Example.ORG", "someone@example.org"),
            ("ΟΔΥΣΣΕΥΣ", "οδυσσευσ"),
            ("İstanbul", "istanbul"),
            ("I\u{307}", "i\u{307}"),
            ("STRASSE ẞ", "strasse ß"),
            ("ǅ", "ǆ"),
            ("Ⅷ", "ⅷ"),
            ("K", "k"),
        ] {
            assert_eq!(to_lower(text), expected, "{text}");
        }
    }

    #[test]
    fn no_other_character_has_a_lower_case_of_several() {
        let several = |c: &char| c.to_lowercase().count() > 1;
        assert_eq!(('\0'..=char::MAX).filter(several).collect::<Vec<_>>(), ['İ']);
    }
}
