//! Booleans as text (`strconv.ParseBool`).

/// The boolean that a text spells; `None` for every other text.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::parse_bool;

    #[test]
    fn a_boolean_has_six_spellings() {
        for (yes, no) in [("1", "0"), ("t", "f"), ("T", "F"), ("true", "false"), ("TRUE", "FALSE"), ("True", "False")] {
            assert_eq!((parse_bool(yes), parse_bool(no)), (Some(true), Some(false)));
        }
        for text in ["", "on", "yes", "tRUE", " true", "2"] {
            assert_eq!(parse_bool(text), None, "{text:?}");
        }
    }
}
