//! Sprig's functions against what Go's own Sprig gives for the same templates: `sprig.json` holds its list of names, and
//! templates with what they render to, recorded from Go (null where rendering fails).

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;

#[derive(Deserialize)]
struct Recording {
    data: Value,
    names: Vec<String>,
    templates: Vec<(String, Option<String>)>,
}

fn recording() -> Recording {
    serde_json::from_str(include_str!("sprig.json")).expect("the recording is JSON")
}

/// What templates here have no business with: time, chance, cryptography, the machine, the network, addresses and
/// versions.
#[rustfmt::skip]
const LEFT_OUT: &[&str] = &[
    "hello",
    "ago", "date", "dateInZone", "dateModify", "date_in_zone", "date_modify", "duration", "durationRound", "htmlDate",
    "htmlDateInZone", "mustDateModify", "mustToDate", "must_date_modify", "now", "toDate", "unixEpoch",
    "randAlpha", "randAlphaNum", "randAscii", "randBytes", "randInt", "randNumeric", "shuffle", "uuidv4",
    "adler32sum", "bcrypt", "buildCustomCert", "decryptAES", "derivePassword", "encryptAES", "genCA", "genCAWithKey",
    "genPrivateKey", "genSelfSignedCert", "genSelfSignedCertWithKey", "genSignedCert", "genSignedCertWithKey", "htpasswd",
    "sha1sum", "sha256sum", "sha512sum",
    "env", "expandenv", "getHostByName",
    "urlJoin", "urlParse",
    "semver", "semverCompare",
];

#[test]
fn every_function_of_sprig_is_there_or_left_out() {
    let Recording { names, templates, .. } = recording();
    for name in names {
        assert_ne!(functions::exists(&name), LEFT_OUT.contains(&&*name), "{name}");
        let is_recorded = templates
            .iter()
            .any(|(template, _)| template.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == name));
        assert!(is_recorded || LEFT_OUT.contains(&&*name), "{name} is not tried");
    }
}

#[test]
fn functions_give_what_gos_give() {
    let Recording { data, templates, .. } = recording();
    let mut differences = Vec::new();
    for (template, expected) in templates {
        let actual = render(&template, &data);
        if actual.as_ref().ok() != expected.as_ref() {
            differences.push(format!("{template}: {actual:?}, not {expected:?}"));
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn what_people_give_makes_nothing_grow_without_end() {
    let long = "a ".repeat(200_000);
    for template in [
        "{{ repeat 100000 .v }}",
        "{{ replace \"a\" .v .v }}",
        "{{ replace \"\" .v .v }}",
        "{{ regexReplaceAll \"a\" .v .v }}",
        "{{ regexReplaceAllLiteral \"a\" .v .v }}",
        "{{ regexReplaceAll \"(.*)\" .v (repeat 40 \"$1\") }}",
        "{{ splitList \" \" .v | join .v }}",
        "{{ splitList \"\" .v }}",
        "{{ split \"\" .v }}",
        "{{ regexSplit \"\" .v -1 }}",
        "{{ regexFindAll \"a\" .v -1 }}",
        "{{ wrapWith 1 .v .v }}",
        "{{ replace \" \" \"\\n\" .v | indent 1000 }}",
        "{{ indent 99999999999 .v }}",
        "{{ until 99999999999 }}",
        "{{ untilStep 0 99999999999 1 }}",
        "{{ seq 99999999999 }}",
        "{{ seq -9223372036854775807 9223372036854775807 }}",
        "{{ $l := list .v .v }}{{ range until 40 }}{{ $l = list $l $l }}{{ end }}",
        "{{ $l := list 1 2 }}{{ range until 40 }}{{ $l = concat $l $l }}{{ end }}",
        "{{ $d := dict \"a\" .v }}{{ range until 40 }}{{ $_ := set $d \"b\" (deepCopy $d) }}{{ end }}",
        "{{ range until 10000 }}{{ $x := upper $.v }}{{ end }}",
    ] {
        assert!(render(template, &json!({ "v": long })).is_err(), "{template}");
    }
}

/// As far as Go's edges are ours: characters are not cut in two, and what is missing is nothing.
#[test]
fn differences_are_known() {
    for (template, expected) in [
        ("{{ trunc 2 \"äöü\" }}", "äö"),
        ("{{ substr 1 2 \"äöü\" }}", "ö"),
        ("{{ initials \"Élise Óscar\" }}", "ÉÓ"),
        ("{{ abbrev 5 \"äöüäöü\" }}", "äö..."),
        ("{{ toString nil }}{{ first (list) }}", ""),
        ("{{ $a := dict }}{{ $b := $a }}{{ $_ := set $a \"x\" 1 }}{{ $a }}{{ $b }}", "map[x:1]map[]"),
        ("{{ typeOf (splitList \",\" \"a\") }}", "[]interface {}"),
    ] {
        assert_eq!(render(template, &json!({})).as_deref(), Ok(expected), "{template}");
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-3i64..12).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[-_ aBCé0-9./%$@,(\\[\\\\]{0,10}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-c]", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_arguments_make_a_function_panic(arguments in prop::collection::vec(any_value(), 0..5)) {
        for name in functions::NAMES {
            let _ = functions::call(name, &arguments);
        }
    }
}

fn render(template: &str, data: &Value) -> Result<String, TemplateError> {
    let mut templates = GoTemplates::default();
    templates.add("t", template)?;
    templates.render("t", data, Escape::None)
}
