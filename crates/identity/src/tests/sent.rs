//! What becomes of what is sent to a form: field by field, and whole.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{person, schema_of, schemas};
use crate::{Schemas, SentFields};

/// The members of a JSON object, as a form or JSON sends them; of a list each is a value of its own.
pub(super) fn of(members: Value) -> SentFields {
    let mut sent = SentFields::default();
    let Value::Object(members) = members else { return sent };
    for (name, value) in members {
        match value {
            Value::Array(values) => values.into_iter().for_each(|value| sent.push(name.clone(), value)),
            value => sent.push(name, value),
        }
    }
    sent
}

fn traits(schemas: &Schemas, sent: Value) -> Value {
    schemas.traits(None, &of(sent))
}

/// A schema with every kind of list.
fn lists() -> Schemas {
    schemas(&schema_of(json!({
        "emails": { "type": "array", "items": { "type": "string", "format": "email" } },
        "numbers": { "type": "array", "items": { "type": "integer" } },
        "flags": { "type": "array", "items": { "type": "boolean" } },
        "any": { "type": "array" },
        "homes": { "type": "array", "items": { "type": "object", "properties": {
            "street": { "type": "string" },
            "number": { "type": "integer" },
            "keys": { "type": "array", "items": { "type": "string" } }
        } } },
        "text": { "type": "string" }
    })))
}

#[test]
fn fields_become_what_the_schema_says() {
    let schemas = schemas(&person());
    let typed = |sent| traits(&schemas, sent);
    let sent = json!({
        "traits.email": "a@b.c", "traits.age": "5", "traits.newsletter": "on", "traits.unknown": "x",
        "traits.name.first": "", "method": "password", "other.age": "6"
    });
    assert_eq!(typed(sent), json!({ "email": "a@b.c", "age": 5, "newsletter": true, "name": {} }));
    let unreadable = json!({ "traits.age": "old", "traits.newsletter": "maybe" });
    assert_eq!(typed(unreadable), json!({ "age": "old", "newsletter": "maybe", "name": {} }));
    assert_eq!(typed(json!({ "traits.age": "1.5" })), json!({ "age": 1.5, "name": {} }));
    // In JSON, where they need not be texts.
    let json = json!({ "traits.email": 5, "traits.age": 30, "traits.newsletter": 1, "traits.name.first": null });
    assert_eq!(typed(json), json!({ "email": "5", "age": 30, "newsletter": true, "name": {} }));
}

#[test]
fn of_several_the_first_counts_and_the_last_for_booleans() {
    let schemas = schemas(&person());
    let sent = json!({
        "traits.email": ["a", "b"], "traits.age": ["1", "2"], "traits.newsletter": ["false", "true"],
        "traits.name": ["{\"first\":\"A\"}", "{}"]
    });
    let expected = json!({ "email": "a", "age": 1, "newsletter": true, "name": { "first": "A" } });
    assert_eq!(traits(&schemas, sent), expected);
    let sent = json!({ "traits.email": ["", "b"], "traits.age": ["", "2"], "traits.newsletter": ["true", ""] });
    assert_eq!(traits(&schemas, sent), json!({ "name": {} }));
}

#[test]
fn an_empty_number_or_box_that_is_required_says_nothing_of_nobody() {
    let mut schema =
        schema_of(json!({ "n": { "type": "number" }, "b": { "type": "boolean" }, "l": { "type": "array" } }));
    schema["properties"]["traits"]["required"] = json!(["n", "b", "l"]);
    let sent = json!({ "traits.n": "", "traits.b": "", "traits.l": "" });
    assert_eq!(traits(&schemas(&schema), sent), json!({ "n": 0, "b": false }));
}

#[test]
fn an_object_may_be_sent_as_the_text_of_its_json() {
    let schemas = schemas(&person());
    let name = |sent| traits(&schemas, json!({ "traits.name": sent }))["name"].clone();
    assert_eq!(name(json!("{\"first\":\"A\"}")), json!({ "first": "A" }));
    assert_eq!(name(json!({ "first": 5 })), json!({ "first": 5 }));
    assert_eq!(name(json!("")), json!({}));
    // The schema says what is wrong with these.
    assert_eq!(name(json!("[1]")), json!([1]));
    assert_eq!(name(json!("null")), Value::Null);
    assert_eq!(name(json!("Ada")), json!("Ada"));
    assert_eq!(schemas.complaints(None, &json!({ "email": "a@b.c", "name": "Ada" })).len(), 1);
    let more = json!({ "traits.name": "{\"first\":\"A\",\"last\":\"B\"}", "traits.name.last": "C" });
    assert_eq!(traits(&schemas, more), json!({ "name": { "first": "A", "last": "C" } }));
    let all = json!({ "traits": "{\"email\":\"a@b.c\",\"age\":\"5\"}" });
    assert_eq!(traits(&schemas, all), json!({ "email": "a@b.c", "age": "5", "name": {} }));
}

#[test]
fn what_is_sent_whole_stays_as_it_is_but_for_missing_objects() {
    let schemas = schemas(&person());
    let sent = json!({ "traits": { "email": "a@b.c", "age": "5", "unknown": 1 } });
    let expected = json!({ "email": "a@b.c", "age": "5", "unknown": 1, "name": {} });
    assert_eq!(traits(&schemas, sent), expected);
    assert_eq!(traits(&schemas, json!({ "traits": { "name": null } })), json!({ "name": null }));
    assert_eq!(traits(&schemas, json!({ "traits": 5 })), json!(5));
    for none in [json!({}), json!({ "traits": null }), json!({ "traits": "" }), json!({ "traits": {} })] {
        assert_eq!(traits(&schemas, none), json!({ "name": {} }));
    }
    let both = json!({ "traits": { "email": "a", "name": { "first": "A" } }, "traits.age": "5", "traits.email": "b" });
    assert_eq!(traits(&schemas, both), json!({ "email": "b", "name": { "first": "A" }, "age": 5 }));
}

#[test]
fn all_values_of_a_list_are_its_items() {
    let typed = |sent| traits(&lists(), sent);
    let sent = json!({
        "traits.emails": ["a", "b"], "traits.numbers": ["1", "x"], "traits.flags": ["true", "0"], "traits.any": "y"
    });
    let expected = json!({ "emails": ["a", "b"], "numbers": [1, "x"], "flags": [true, false], "any": ["y"] });
    assert_eq!(typed(sent), expected);
    let empty = json!({ "traits.emails": "", "traits.numbers": ["", ""], "traits.flags": "", "traits.any": null });
    assert_eq!(typed(empty), json!({}));
    // In JSON, where a list may be written as one.
    let mut json = SentFields::default();
    json.push("traits.emails".to_owned(), json!(["a", "b"]));
    json.push("traits.numbers".to_owned(), json!(3));
    assert_eq!(lists().traits(None, &json), json!({ "emails": ["a", "b"], "numbers": [3] }));
}

#[test]
fn items_with_an_index_come_in_its_order_and_leave_no_gaps() {
    let typed = |sent| traits(&lists(), sent);
    let sent = json!({
        "traits.emails": ["new", ""], "traits.emails.10": "k", "traits.emails.9": "j", "traits.emails.4": "",
        "traits.emails.4000000000": "last", "traits.emails.99999999999999999999": "beyond", "traits.emails.x": "none",
        "traits.emails.-1": "none", "traits.emails.+1": "none", "traits.emails.": "none", "traits.emails.1.2": "none",
        "traits.numbers.0": ["5", "6"], "traits.flags.0": ["false", "true"], "traits.text.0": "none"
    });
    let expected = json!({ "emails": ["j", "k", "last", "new"], "numbers": [5], "flags": [true] });
    assert_eq!(typed(sent), expected);
}

#[test]
fn lists_of_objects_are_kept_as_forms_show_them() {
    let typed = |sent| traits(&lists(), sent);
    let homes = json!({ "homes": [
        { "street": "A", "number": 1, "keys": ["x", "y"] }, { "number": 2 }, { "street": "C" }
    ] });
    let fields = Value::Object(model::ui::flatten("traits", &homes).into_iter().collect());
    assert_eq!(typed(fields), homes);
    let cleared = json!({ "traits.homes.0.street": "", "traits.homes.0.keys.0": "", "traits.homes.1.street": "B" });
    assert_eq!(typed(cleared), json!({ "homes": [{ "street": "B" }] }));
    assert_eq!(typed(json!({ "traits.homes": "{\"street\":\"A\"}" })), json!({ "homes": [{ "street": "A" }] }));
    assert_eq!(typed(json!({ "traits.homes": "here" })), json!({ "homes": ["here"] }));
}

#[test]
fn the_size_of_traits_is_that_of_what_was_sent() {
    let size = |sent| of(sent).size_of_traits();
    assert_eq!(size(json!({ "password": "x".repeat(1000), "traitsy": "y" })), 0);
    assert_eq!(size(json!({ "traits": { "a": "b" } })), 9);
    assert_eq!(size(json!({ "traits.a.bc": ["d", "e"], "traits.a.f": "" })), 2 + 3 + 3 + 1 + 2);
}

proptest! {
    #[test]
    fn whatever_a_form_shows_is_kept(
        emails in prop::collection::vec("[a-z]{1,3}@x", 0..20),
        numbers in prop::collection::vec(any::<i32>(), 0..20),
        streets in prop::collection::vec("[A-Z]{1,5}", 0..12),
    ) {
        let homes: Vec<_> = streets.iter().map(|street| json!({ "street": street })).collect();
        let mut account = json!({});
        for (name, list) in [("emails", json!(emails)), ("numbers", json!(numbers)), ("homes", json!(homes))] {
            if list != json!([]) {
                account[name] = list;
            }
        }
        let shown = model::ui::flatten("traits", &account).into_iter();
        // Every value as the text that a form sends, and the empty field for one more.
        let text = |value: Value| Value::from(value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        let mut sent: SentFields = of(Value::Object(shown.map(|(name, value)| (name, text(value))).collect()));
        sent.push("traits.emails".to_owned(), json!(""));
        sent.push("traits.numbers".to_owned(), json!(""));
        prop_assert_eq!(lists().traits(None, &sent), account);
    }

    #[test]
    fn any_names_and_values_are_taken(
        fields in prop::collection::vec(("traits(\\.(homes|emails|street|keys|name|[0-9]{1,25}|[.#+-]))?{1,5}", "\\PC{0,9}"), 0..30)
    ) {
        let mut sent = SentFields::default();
        for (name, value) in fields {
            sent.push(name, Value::from(value));
        }
        let _ = lists().traits(None, &sent);
        let _ = sent.size_of_traits();
    }
}
