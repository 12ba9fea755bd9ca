use proptest::prelude::*;
use serde_json::json;

use super::*;

fn rendered(source: &str, data: &Value, escape: Escape) -> Result<String, TemplateError> {
    let mut templates = GoTemplates::default();
    templates.add("t", source)?;
    templates.render("t", data, escape)
}

#[track_caller]
fn check(source: &str, expect: &str) {
    let data = json!({
        "To": "a@example.org", "RecoveryCode": "123456", "ExpiresInMinutes": 60, "Empty": "",
        "Identity": { "traits": { "email": "a@example.org", "name": { "first": "Ann", "last": "O'Neil" }, "lang": "de" },
            "metadata_public": null },
        "List": ["x", "y"], "Map": { "b": 2, "a": 1 },
    });
    assert_eq!(rendered(source, &data, Escape::None).as_deref(), Ok(expect), "{source}");
}

/// What Go's own engine with Sprig gives, but for what is missing.
#[test]
fn templates_mean_what_they_mean_in_go() {
    check("Hi {{ .To }}, {{.Identity.traits.name.first}}!", "Hi a@example.org, Ann!");
    check("a  {{- .RecoveryCode -}}\n b", "a123456b");
    check("{{/* nothing */}}x{{- /* nor here */ -}} y", "xy");
    check("{{ if .Empty }}a{{ else if eq .RecoveryCode \"123456\" }}b{{ else }}c{{ end }}", "b");
    check("{{ if and .To (not .Empty) (gt .ExpiresInMinutes 30) }}yes{{ end }}", "yes");
    check("{{ if or .Empty .Nothing }}yes{{ else }}no{{ end }}", "no");
    check("{{ if and .Nothing (index .List 9) }}{{ else }}short{{ end }}", "short");
    check("{{ with .Identity.traits }}{{ .email }} {{ $.RecoveryCode }}{{ end }}", "a@example.org 123456");
    check("{{ with .Empty }}{{ . }}{{ else }}none{{ end }}", "none");
    check("{{ range $i, $x := .List }}{{ if $i }}, {{ end }}{{ $i }}={{ $x }}{{ end }}", "0=x, 1=y");
    check("{{ range .Map }}{{ . }};{{ end }}{{ range .Nothing }}{{ else }}none{{ end }}", "1;2;none");
    check("{{ range .List }}{{ if eq . \"y\" }}{{ break }}{{ end }}{{ . }}{{ end }}", "x");
    check("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}", "2");
    check("{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ end }}{{ $x }}", "1");
    check("{{ $n := .Identity.traits.name }}{{ $n.last }}", "O'Neil");
    check("{{ define \"hi\" }}Hi {{ .first }}{{ end }}{{ template \"hi\" .Identity.traits.name }}", "Hi Ann");
    check("{{ block \"b\" .List }}{{ len . }}{{ end }}", "2");
    check("{{ .Identity.traits.name.first | upper | printf \"%s-%d\" \"x\" }}", "x-%!d(string=ANN)");
    check("{{ printf \"%05d|%-4s|%4s|%.2f|%q\" 42 \"a\" \"b\" 1.5 \"c\" }}", "00042|a   |   b|1.50|\"c\"");
    check("{{ (index .List 1) }}{{ index .Map \"a\" }}{{ (.Identity.traits).lang }}", "y1de");
    check("{{ .Nothing.at.all | default \"there\" }} {{ default \"x\" .To | trunc 3 }}", "there a@e");
    check("{{ .List | join \"-\" }} {{ ternary \"a\" \"b\" (hasPrefix \"a@\" .To) }}", "x-y a");
    check("{{ \"a b\" | title | replace \" \" \"\" }}{{ `raw \\n` }}{{ \"\\u00e9\\n\" }}", "ABraw \\né\n");
    check("{{ add 1 2 }} {{ sub 5 3 }} {{ mul 2 3 }} {{ 7.5 }} {{ 3.0 }} {{ 0x1f }} {{ 'a' }}", "3 2 6 7.5 3 31 97");
    check("{{ if eq .Identity.traits.lang \"en\" \"de\" }}known{{ end }}", "known");
    check("{{ .Map }} {{ .List }} {{ true }} {{ .Identity.metadata_public }}", "map[a:1 b:2] [x y] true ");
    check("{{ range $k, $v := dict \"k\" \"v\" }}{{ $k }}{{ $v }}{{ end }}", "kv");
}

#[test]
fn html_is_escaped_where_it_is_put() {
    let data =
        json!({ "N": "<b>\"O'Neil\" & co</b>", "Bad": "JavaScript:alert(1)", "Url": "https://a.example/?a=1&b=2" });
    let html = |source: &str| rendered(source, &data, Escape::Html).expect(source);
    assert_eq!(html("<p>{{ .N }}</p>"), "<p>&lt;b&gt;&#34;O&#39;Neil&#34; &amp; co&lt;/b&gt;</p>");
    assert_eq!(html("{{ .N | html }}"), "&lt;b&gt;&#34;O&#39;Neil&#34; &amp; co&lt;/b&gt;");
    assert_eq!(html("<a href=\"{{ .Bad }}\">"), "<a href=\"#ZgotmplZ\">");
    assert_eq!(html("<img SRC = '{{ .Bad }}'>"), "<img SRC = '#ZgotmplZ'>");
    assert_eq!(html("<a href='{{ .Url }}'>"), "<a href='https://a.example/?a=1&amp;b=2'>");
    assert_eq!(html("<a href=\"/x?{{ .Bad }}\">"), "<a href=\"/x?JavaScript:alert(1)\">");
}

#[test]
fn what_is_wrong_is_said() {
    for (source, why) in [
        ("{{ if .A }}", "if has no end"),
        ("{{ end }}", "too many"),
        ("{{ .A", "an action does not end"),
        ("{{ env \"HOME\" }}", "the function env is not supported"),
        ("{{ $x }}", "the variable $x is not declared"),
        ("{{ \"a }}", "does not end"),
        ("{{ .A .B }}", "only functions take arguments"),
        ("{{ 1 | .A }}", "only functions may follow"),
        ("{{ range \"text\" }}{{ end }}", "range needs"),
        ("{{ template \"none\" . }}", "there is no template none"),
        ("{{ define \"t2\" }}{{ template \"t2\" }}{{ end }}{{ template \"t2\" }}", "without end"),
        ("{{ range 50000 }}{{ range 50000 }}{{ end }}{{ end }}", "does not come to an end"),
        ("{{ repeat 999999999 \"xx\" }}", "too long"),
        ("{{ div 1 0 }}", "divided by zero"),
    ] {
        let error = rendered(source, &json!({}), Escape::None).expect_err(source).to_string();
        assert!(error.contains(why), "{source}: {error}");
    }
    let deep = format!("{}{}", "{{ if true }}".repeat(2000), "{{ end }}".repeat(2000));
    assert!(rendered(&deep, &json!({}), Escape::None).is_err());
    let deep = format!("{{{{ {}1{} }}}}", "(".repeat(2000), ")".repeat(2000));
    assert!(rendered(&deep, &json!({}), Escape::None).is_err());
}

#[test]
fn every_listed_function_is_there() {
    for name in functions::NAMES {
        assert!(functions::exists(name), "{name} is not in order");
    }
    assert!(!functions::exists("env") && !functions::exists("now"));
}

proptest! {
    #[test]
    fn no_template_makes_it_panic(source in "(\\{\\{-? |[a-z.$|()\"`=:, 0-9]{0,6}| -?\\}\\}|if|end|range|with|else|define|template|printf|index|slice){0,24}") {
        let _ = rendered(&source, &json!({ "a": [1, "x", null], "b": { "c": -1.5 } }), Escape::Html);
    }

    #[test]
    fn text_without_actions_stays(text in "[^{]*") {
        prop_assert_eq!(rendered(&text, &json!({}), Escape::Html), Ok(text));
    }

    #[test]
    fn nothing_given_ends_a_tag_or_an_attribute(value in ".*") {
        let page = rendered("<a title=\"{{ .v }}\">{{ .v }}</a>", &json!({ "v": value }), Escape::Html).expect("renders");
        prop_assert_eq!(page.matches('<').count(), 2);
        prop_assert_eq!(page.matches('"').count(), 2);
    }
}
