//! Patterns come from operators, texts from anybody; neither may break the server or keep it busy.

#![no_main]

use identity::re2::{Pattern, check, portable};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str)| {
    let (pattern, text) = input;
    let is_pattern = check(pattern).is_ok();
    let portable = portable(pattern);
    assert_eq!(is_pattern, portable.is_ok());
    // One that is too large is a pattern too.
    if let Ok(compiled) = Pattern::new(pattern) {
        assert!(is_pattern);
        let matches = compiled.is_match(text);
        // Said in other words it matches the same; \u{…} is an escape for other engines only.
        let words = portable.unwrap_or_default().replace("\\u{", "\\x{");
        let has_flags_or_boundaries = words.contains("(?m:") || words.contains("\\b") || words.contains("\\B");
        if let (false, Ok(compiled)) = (has_flags_or_boundaries, Pattern::new(&words)) {
            assert_eq!(matches, compiled.is_match(text));
        }
    }
    // What is quoted matches itself.
    if !text.contains('\\') && text.len() < 1000 {
        let quoted = Pattern::new(&format!("^\\Q{text}\\E$"));
        assert!(quoted.is_ok_and(|quoted| quoted.is_match(text)));
    }
});
