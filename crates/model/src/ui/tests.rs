use proptest::prelude::*;

use super::*;

fn node(name: &str, group: Group) -> Node {
    Node::input(name, group, InputType::Text)
}

fn names(ui: &Ui) -> Vec<&str> {
    ui.nodes.iter().map(Node::id).collect()
}

#[test]
fn the_password_stands_after_the_first_trait() {
    let mut ui = Ui::new(String::new());
    for name in ["traits.name", "method", "password", "traits.email", "csrf_token", "other"] {
        ui.upsert(node(name, Group::Default));
    }
    NodeOrder::registration(&["traits.email".to_owned(), "traits.name".to_owned()]).sort(&mut ui);
    assert_eq!(names(&ui), ["csrf_token", "traits.email", "password", "traits.name", "other", "method"]);
}

#[test]
fn a_message_for_a_missing_node_makes_it() {
    let mut ui = Ui::new(String::new());
    ui.say("password", crate::message::password_too_short(8, 5));
    assert_eq!(ui.node("password").map(|node| node.messages[0].id), Some(4_000_032));
    ui.say(" ", crate::message::invalid_credentials());
    assert_eq!(ui.messages[0].id, 4_000_006);
}

#[test]
fn a_form_that_kratos_stored_survives() {
    let stored = r#"{"action":"http://x","method":"POST","nodes":[{"type":"input","group":"default","attributes":{"name":"csrf_token","type":"hidden","value":"","required":true,"disabled":false,"node_type":"input"},"messages":null,"meta":{}}]}"#;
    let ui: Ui = serde_json::from_str(stored).expect("the form is read");
    let written = serde_json::to_value(&ui).expect("the form is written");
    assert_eq!(written["nodes"][0]["attributes"]["node_type"], "input");
    assert_eq!(written["nodes"][0]["attributes"]["value"], "");
    assert_eq!(written["nodes"][0]["messages"], serde_json::json!([]));
    assert!(written.get("messages").is_none());
}

#[test]
fn leaves_get_dotted_names() {
    let leaves = flatten("traits", &serde_json::json!({"name": {"first": "A"}, "tags": ["x", "y"], "age": 5}));
    let names: Vec<_> = leaves.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["traits.name.first", "traits.tags.0", "traits.tags.1", "traits.age"]);
}

#[test]
fn what_is_in_a_list_says_so_by_its_name() {
    for (name, list) in [
        ("traits.emails.0", Some("traits.emails")),
        ("traits.homes.10.street", Some("traits.homes")),
        ("traits.a.0.b.1", Some("traits.a")),
        ("traits.emails", None),
        ("traits.0x", None),
        ("0.a", None),
        ("traits.", None),
        ("", None),
    ] {
        assert_eq!(list_of(name), list, "{name}");
    }
}

#[test]
fn a_form_that_is_shown_again_has_what_was_typed_into_lists() {
    let mut ui = Ui::new(String::new());
    ui.nodes = vec![node("traits.email", Group::Default), node("traits.tags", Group::Profile)];
    let values =
        |tags: &[&str]| serde_json::json!({ "email": "a", "tags": tags, "homes": [{ "street": "x" }], "more": 1 });
    ui.fill_again("traits", &values(&["x", "y"]));
    assert_eq!(names(&ui), ["traits.email", "traits.tags", "traits.tags.0", "traits.tags.1"]);
    let shown = |ui: &Ui, name| ui.node(name).and_then(Node::value).cloned().unwrap_or_default();
    assert_eq!((shown(&ui, "traits.email"), shown(&ui, "traits.tags.1")), ("a".into(), "y".into()));
    assert_eq!(ui.node("traits.tags.0").map(|node| node.group), Some(Group::Profile));
    // One less the next time: its field stays, and is empty.
    ui.fill_again("traits", &values(&["z"]));
    assert_eq!((shown(&ui, "traits.tags.0"), shown(&ui, "traits.tags.1")), ("z".into(), Value::Null));
    ui.fill_again("traits", &values(&vec!["x"; MAX_ITEMS + 500]));
    assert!(ui.nodes.len() <= MAX_ITEMS + 4, "{}", ui.nodes.len());
}

proptest! {
    #[test]
    fn sorting_any_form_keeps_its_nodes_and_is_stable_under_repetition(
        shape in prop::collection::vec((0usize..6, 0usize..13), 0..200)
    ) {
        let groups = [
            Group::Default, Group::Password, Group::Oidc, Group::Profile, Group::Link, Group::Code, Group::Totp,
            Group::LookupSecret, Group::Webauthn, Group::Passkey, Group::IdentifierFirst, Group::Captcha, Group::Saml,
        ];
        let ids = ["method", "password", "identifier", "csrf_token", "traits.email", "x"];
        let mut ui = Ui::new(String::new());
        ui.nodes = shape.iter().map(|&(id, group)| node(ids[id], groups[group])).collect();
        let order = NodeOrder::login();
        order.sort(&mut ui);
        let once = ui.clone();
        prop_assert_eq!(once.nodes.len(), shape.len());
        order.sort(&mut ui);
        prop_assert_eq!(ui, once);
    }
}

#[test]
fn a_form_without_nodes_has_null_in_their_place() {
    let ui = Ui::new("http://x".to_owned());
    let written = serde_json::to_value(&ui).expect("it is JSON");
    assert_eq!(written["nodes"], Value::Null);
    assert_eq!(serde_json::from_value::<Ui>(written).expect("a form"), ui);
}
