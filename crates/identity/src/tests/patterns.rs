//! Patterns of schemas, compared with what Go says of them.

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::re2::{self, Pattern, PatternError};

/// What `go/patterns.go` has recorded.
#[derive(Deserialize)]
struct Recording {
    texts: Vec<String>,
    patterns: Vec<(String, Option<String>)>,
}

fn recording() -> Recording {
    let mut recording: Recording = serde_json::from_str(include_str!("go/patterns.json")).expect("a recording");
    // Go 1.26 no longer finds scripts of two words, by an oversight. They are found here.
    recording.patterns.retain(|(pattern, _)| !pattern.to_lowercase().contains("italic"));
    recording
}

#[test]
fn patterns_match_what_they_match_in_go() {
    let Recording { texts, patterns } = recording();
    let mut differences = Vec::new();
    for (pattern, expected) in &patterns {
        let compiled = Pattern::new(pattern).ok();
        let found =
            compiled.map(|compiled| texts.iter().map(|text| digit(compiled.is_match(text))).collect::<String>());
        if found != *expected {
            differences.push((pattern, expected, found));
        }
    }
    assert!(patterns.len() > 2900 && differences.is_empty(), "{differences:#?}");
}

fn digit(matches: bool) -> char {
    if matches { '1' } else { '0' }
}

/// Names of members go through the validator's own engine, in other words.
#[test]
fn names_match_as_in_go_but_for_word_boundaries() {
    let Recording { texts, patterns } = recording();
    let mut differences = Vec::new();
    for (pattern, expected) in patterns.iter().filter(|(pattern, _)| !pattern.to_lowercase().contains("\\b")) {
        let rule = json!({ "type": "object", "patternProperties": { pattern: false } });
        let compiled = load(&schema_of(json!({ "x": rule }))).ok();
        let found = compiled.map(|compiled| {
            let refused = |text: &String| {
                let traits = json!({ "traits": { "x": { text: 1 } } });
                digit(!compiled.default_schema().check(&traits).is_empty())
            };
            texts.iter().map(refused).collect::<String>()
        });
        if found != *expected {
            differences.push((pattern, expected, found));
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn people_are_shown_the_pattern_as_it_stands_in_the_schema() {
    let pattern = r"(?i)^\Qa.\E\d$";
    let schemas = schemas(&schema_of(json!({ "x": { "type": "string", "pattern": pattern } })));
    assert_eq!(schemas.fields(None)[0].pattern.as_deref(), Some(pattern));
    let check = |text: &str| schemas.complaints(None, &json!({ "x": text }));
    assert!(check("A.7").is_empty());
    let [error] = &check("ab7")[..] else { panic!("one error") };
    assert_eq!((error.pointer.as_str(), error.message.id), ("traits.x", 4000004));
    assert_eq!(error.message.context.get("pattern"), Some(&Value::from(pattern)));
}

#[test]
fn an_invalid_pattern_is_refused_at_its_place_wherever_it_stands() {
    let bad = json!({ "type": "string", "pattern": "(?=a)" });
    for (rule, place) in [
        (bad.clone(), "/properties/traits/properties/x/pattern"),
        (json!({ "items": [bad.clone()] }), "/properties/traits/properties/x/items/0/pattern"),
        (json!({ "properties": { "pattern": bad } }), "/properties/traits/properties/x/properties/pattern/pattern"),
        (json!({ "patternProperties": { "(?=a)": {} } }), "/properties/traits/properties/x/patternProperties/(?=a)"),
    ] {
        let error = load(&schema_of(json!({ "x": rule }))).expect_err("an error").to_string();
        assert!(error.contains(&format!("{place}: the pattern has ")), "{error}");
    }
}

#[test]
fn what_only_looks_like_a_pattern_is_left_alone() {
    let rule = json!({ "enum": [{ "pattern": "(" }], "default": { "pattern": "(" } });
    let schema = schema_of(json!({ "pattern": { "type": "string" }, "patternProperties": rule }));
    let schemas = schemas(&schema);
    assert!(schemas.complaints(None, &json!({ "pattern": "x", "patternProperties": { "pattern": "(" } })).is_empty());
    assert_eq!(schemas.complaints(None, &json!({ "patternProperties": { "pattern": "x" } })).len(), 1);
}

#[test]
fn keywords_below_pattern_properties_keep_their_meaning() {
    let mail = json!({ "type": "string", "ory.sh/kratos": { "credentials": { "password": { "identifier": true } } } });
    let both = json!({ "(?i)^mail$": mail, "(?i)^(?:mail)$": { "maxLength": 20 } });
    let mut schema = schema_of(json!({ "x": { "type": "string" } }));
    schema["properties"]["traits"]["patternProperties"] = both;
    let schemas = schemas(&schema);
    let document = json!({ "traits": { "MAIL": "a@example.org" } });
    let marked = schemas.default_schema().marked(&document);
    assert_eq!(marked.iter().map(|marked| marked.pointer.as_str()).collect::<Vec<_>>(), ["/traits/MAIL"]);
    assert_eq!(schemas.complaints(None, &json!({ "mail": "a-long-name@example.org" })).len(), 1);
}

#[test]
fn expressions_are_bounded_in_size_and_depth() {
    assert_eq!(
        Pattern::new(r"(?:\pL{1000}|\pN{1000}\pL{1000}|\PL{1000})\P{Greek}{1000}\P{Han}{1000}").err(),
        Some(PatternError::TooLarge)
    );
    assert!(re2::check(&"(".repeat(1 << 20)).is_err());
    assert!(re2::check(&format!("{}{}", "(".repeat(240), ")".repeat(240))).is_ok());
    assert!(re2::check(&format!("a{}", "*(?i)".repeat(1 << 16))).is_err());
    // As deep as it goes, on the stack of a worker.
    let deep = format!("{}a{}", "(?:".repeat(124), "b*)*".repeat(124));
    let on_small_stack = std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(move || Pattern::new(&deep).map(|pattern| pattern.is_match("ab")).and_then(|_| re2::portable(&deep)));
    assert!(on_small_stack.expect("a thread").join().expect("no overflow").is_ok());
}

/// Whoever sends a text must not be able to keep a processor busy with it.
#[test]
fn a_text_that_would_take_long_does_not_match() {
    let pattern = Pattern::new(r"(?:[\pL ]+x){1,500}$").expect("a pattern");
    assert!(pattern.is_match(&"ax".repeat(500)));
    assert!(!pattern.is_match(&"ax".repeat(1 << 18)));
    // Nor does one of fixed length, without a look at the rest.
    assert!(!Pattern::new(r"^\pL{0,255}$").expect("a pattern").is_match(&"é".repeat(1 << 19)));
    // An ordinary one has room for whatever a form can hold.
    assert!(Pattern::new(r"^[\pL\pN\s]*$").expect("a pattern").is_match(&"é ".repeat(1 << 17)));
}

#[test]
fn a_name_may_have_hundreds_of_letters_of_any_script() {
    let pattern = Pattern::new(r"^[\pL\pM][\pL\pM' .-]{0,999}$").expect("a pattern");
    assert!(pattern.is_match(&"ä".repeat(1000)) && !pattern.is_match(&"ä".repeat(1001)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_text_is_a_pattern_or_refused(pattern in "\\PC{0,40}", text in "\\PC{0,20}") {
        if let Ok(compiled) = Pattern::new(&pattern) {
            compiled.is_match(&text);
        }
        prop_assert_eq!(re2::check(&pattern).is_ok(), re2::portable(&pattern).is_ok());
    }

    /// A quoted text matches itself, within any other.
    #[test]
    fn what_is_quoted_matches_itself(text in "[^\\\\]{0,20}", around in "\\PC{0,10}") {
        let compiled = Pattern::new(&format!("\\Q{text}\\E")).expect("a pattern");
        let matches = compiled.is_match(&format!("{around}{text}{around}"));
        prop_assert!(matches);
        let whole = Pattern::new(&format!("^\\Q{text}\\E$")).expect("a pattern");
        prop_assert_eq!(whole.is_match(&around), around == text);
    }

    /// What is plain to every engine means the same to the `regex` crate's.
    #[test]
    fn plain_patterns_mean_what_they_mean_elsewhere(pattern in "[ab(|)*+?.]{0,10}", text in "[abc\n]{0,8}") {
        if let (Ok(ours), Ok(theirs)) = (Pattern::new(&pattern), regex_automata::meta::Regex::new(&pattern)) {
            prop_assert_eq!(ours.is_match(&text), theirs.is_match(&text));
        }
    }
}
