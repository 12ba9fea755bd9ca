use proptest::prelude::*;
use url::Url;

use crate::{BaseUrl, ReturnUrlError, ReturnUrls};

fn public() -> BaseUrl {
    let url = Url::parse("https://id.example.org/").unwrap();
    BaseUrl { text: url.to_string(), url }
}

fn default() -> Url {
    Url::parse("https://app.example.org/welcome").unwrap()
}

fn urls(entries: &[&str]) -> ReturnUrls {
    let (urls, ignored) = ReturnUrls::new(entries.iter().copied(), &public());
    assert!(ignored.is_empty(), "{ignored:?}");
    urls
}

const LIST: [&str; 5] = [
    "https://app.example.org/deep/",
    "https://app.example.org:8443",
    "https://*.wild.example.org",
    "MyApp://Callback",
    "http://localhost:3000/app",
];

#[track_caller]
fn check(value: &str, expected: Option<&str>) {
    let resolved = urls(&LIST).resolve(Some(value), None, &default());
    assert_eq!(resolved.as_ref().ok().map(Url::as_str), expected, "{value:?} → {resolved:?}");
}

#[test]
fn allowed_values_pass() {
    check("https://app.example.org/deep/x?a=b#c", Some("https://app.example.org/deep/x?a=b#c"));
    check("HTTPS://APP.example.ORG/deep/", Some("https://app.example.org/deep/"));
    check("https://app.example.org:443/deep/", Some("https://app.example.org/deep/"));
    check("https://app.example.org:8443", Some("https://app.example.org:8443/"));
    check("https://a.wild.example.org/x", Some("https://a.wild.example.org/x"));
    check("https://a.b.WILD.example.org", Some("https://a.b.wild.example.org/"));
    check("myapp://callback/x", Some("myapp://callback/x"));
    check("http://localhost:3000/apple", Some("http://localhost:3000/apple"));
    check(
        "https://id.example.org/self-service/login/browser?x",
        Some("https://id.example.org/self-service/login/browser?x"),
    );
    check("/deep/there", Some("https://app.example.org/deep/there"));
    check("//app.example.org/deep/there", Some("https://app.example.org/deep/there"));
    check("", Some("https://app.example.org/welcome"));
}

#[test]
fn everything_else_is_refused() {
    for value in [
        "https://app.example.org/else",
        "https://app.example.org",
        "https://app.example.org/Deep/",
        "https://app.example.org/deep/../else",
        "https://app.example.org/deep/%2e%2e/else",
        "https://app.example.org/deep/..\\else",
        "http://app.example.org/deep/",
        "https://app.example.org:8444/deep/",
        "https://app.example.org.evil.net/deep/",
        "https://wild.example.org/",
        "https://evilwild.example.org/",
        "https://.wild.example.org/",
        "https://a.wild.example.org.evil.net/",
        "https://a.wild.example.org:8443/",
        "https://evil.net/.wild.example.org",
        "https://evil.net#.wild.example.org",
        "https://evil.net?.wild.example.org",
        "https://evil.net\\.wild.example.org",
        "https://app.example.org@evil.net/deep/",
        "https://app.example.org:x@evil.net/deep/",
        "https://evil@app.example.org/deep/",
        "https://:p@app.example.org/deep/",
        "https:evil.net",
        "https:/evil.net",
        "https:///evil.net",
        "https:app.example.org@evil.net",
        "//evil.net/deep/",
        "///evil.net/deep/",
        "/\\evil.net/deep/",
        "\\\\evil.net/deep/",
        "/\t/evil.net/deep/",
        "\t//evil.net/deep/",
        "ht\ntps://evil.net/",
        " https://evil.net/",
        "https://evil.net/\0",
        "javascript:alert(1)",
        "JavaScript://app.example.org/%0aalert(1)",
        "data:text/html,x",
        "myapp:callback",
        "myapp:/callback",
        "myapp://other",
        "evil.net",
        "deep/there",
        "?x=1",
        "#x",
        "/there",
        "https://",
        "https://[::1",
        "https://id.example.org/other",
        "https://id.example.org/",
    ] {
        check(value, None);
    }
}

#[test]
fn errors_tell_what_is_no_address_from_what_is_not_allowed() {
    let resolve = |value: &str| urls(&LIST).resolve(Some(value), None, &default()).unwrap_err();
    assert!(matches!(resolve("https://evil.net/"), ReturnUrlError::Forbidden(_)));
    assert!(matches!(resolve("/deep/%zz"), ReturnUrlError::Unparsable(_)));
    assert!(matches!(resolve("https://[::1"), ReturnUrlError::Unparsable(_)));
    assert!(matches!(resolve(&format!("/deep/{}", "x".repeat(9000))), ReturnUrlError::Unparsable(_)));
}

#[test]
fn explicit_wins_over_the_query_and_the_query_over_the_default() {
    let list = urls(&["https://app.example.org"]);
    let source =
        Url::parse("https://id.example.org/init?a=b&return_to=https%3A%2F%2Fapp.example.org%2Fq&return_to=x").unwrap();
    let plain = Url::parse("https://id.example.org/init").unwrap();
    let resolve = |explicit, source| list.resolve(explicit, source, &default()).unwrap().to_string();
    assert_eq!(resolve(Some("/explicit"), Some(&source)), "https://app.example.org/explicit");
    assert_eq!(resolve(Some(""), Some(&source)), "https://app.example.org/q");
    assert_eq!(resolve(None, Some(&plain)), "https://app.example.org/welcome");
    assert_eq!(resolve(Some("?x=1"), None), "https://app.example.org/?x=1");
}

#[test]
fn entries_that_would_admit_strangers_are_ignored() {
    for entry in [
        "https://*",
        "https://*/",
        "https://*:8443",
        "https://*.com",
        "https://*.co.uk",
        "https://*.co.uk:8443",
        "https://*com",
        "https://*.*.example.org",
        "https://**",
        "javascript://x",
        "data://x",
        "/relative",
        "example.org",
        "myapp://",
        "https://",
    ] {
        let (list, ignored) = ReturnUrls::new([entry], &public());
        assert_eq!(ignored.len(), 1, "{entry}");
        assert_eq!(list, urls(&[]), "{entry}");
    }
    // Names below these belong to one owner, or to nobody on the public internet.
    urls(&["https://*.example.co.uk", "https://*.localhost", "https://*.github.io", "https://*.internal:8443/x"]);
    // Without the dot it still means whole labels.
    let list = urls(&["https://*example.org"]);
    assert!(list.allows(&Url::parse("https://a.example.org").unwrap()));
    assert!(!list.allows(&Url::parse("https://evilexample.org").unwrap()));
}

/// What may come out, said in another way than the code does.
fn on_the_list(url: &str) -> bool {
    let starts = |prefix: &str| url.starts_with(prefix);
    let below_wild = url.strip_prefix("https://").is_some_and(|rest| {
        let host = &rest[..rest.find(['/', '?', '#', ':', '@', '\\']).unwrap_or(rest.len())];
        host.ends_with(".wild.example.org") && rest[host.len()..].starts_with('/')
    });
    starts("https://app.example.org/deep/")
        || starts("https://app.example.org:8443/")
        || starts("myapp://Callback")
        || url.to_ascii_lowercase().starts_with("myapp://callback")
        || starts("http://localhost:3000/app")
        || starts("https://id.example.org/self-service")
        || below_wild
}

/// Pieces of which attacks are made.
const PIECES: [&str; 40] = [
    "https:",
    "http:",
    "HTTPS:",
    "myapp:",
    "javascript:",
    "data:",
    "//",
    "/",
    "///",
    "\\",
    "\\\\",
    "@",
    ":",
    ":443",
    ":8443",
    "app.example.org",
    "APP.example.org",
    "a.wild.example.org",
    ".wild.example.org",
    "id.example.org",
    "localhost:3000",
    "evil.net",
    "callback",
    "/deep/",
    "/app",
    "/self-service",
    "..",
    "/../",
    "%2e%2e",
    "%2f",
    "%00",
    "\t",
    "\n",
    " ",
    "?",
    "#",
    "。",
    "\u{200b}",
    "[::1]",
    "x",
];

proptest! {
    #[test]
    fn nothing_outside_the_list_comes_out(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..9)) {
        let value = pieces.concat();
        if let Ok(url) = urls(&LIST).resolve(Some(&value), None, &default()) {
            prop_assert!(on_the_list(url.as_str()) || (value.is_empty() && url == default()), "{value:?} → {url}");
            // A browser that reads the result again arrives at the same place.
            prop_assert_eq!(Url::parse(url.as_str()).unwrap(), url);
        }
    }

    #[test]
    fn no_text_upsets_the_rules(value in "\\PC{0,60}", entry in "\\PC{0,40}") {
        let (list, _) = ReturnUrls::new([entry.as_str()], &public());
        let _ = list.resolve(Some(&value), None, &default());
    }
}
