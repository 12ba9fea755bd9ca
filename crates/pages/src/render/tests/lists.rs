//! Lists in forms: a row for each item, and rows for more.

use model::flow::{Registration, Settings};
use model::ui::InputType;
use model::{Group, Node, Ui, message};
use proptest::prelude::*;

use super::html::{Document, Element};
use super::samples::{PUBLIC, flow, settings};
use super::{FlowPage, draw};

const LISTS: [&str; 2] = ["traits.emails", "traits.tags"];

fn page(nodes: Vec<Node>) -> Document {
    let ui = Ui { nodes, ..Ui::new("/s".into()) };
    let flow: model::Flow<Settings> = flow(settings(), ui);
    draw(&FlowPage::new(&flow, &LISTS, vec![], PUBLIC))
}

fn field(name: &str) -> Node {
    Node::input(name, Group::Profile, InputType::Text)
}

/// The fields of a page under names that begin with this: name, value and label.
fn rows(page: &Document, name: &str) -> Vec<(String, String, String)> {
    let inputs = page.all("input").into_iter().filter(|input| input.get("name").starts_with(name));
    let label = |input: &Element| {
        let label = page.all("label").into_iter().find(|label| label.get("for") == input.get("id"));
        label.map(|label| label.text().trim().to_owned()).unwrap_or_default()
    };
    inputs.map(|input| (input.get("name").to_owned(), input.get("value").to_owned(), label(&input))).collect()
}

fn row(name: &str, value: &str, label: &str) -> (String, String, String) {
    (name.to_owned(), value.to_owned(), label.to_owned())
}

#[test]
fn a_list_without_items_has_rows_for_some() {
    let named = field("traits.emails").required().with_label(message::schema_label("More", "traits.emails"));
    let page = page(vec![field("traits.name"), named]);
    let empty = |number| row("traits.emails", "", &format!("More {number}"));
    assert_eq!(rows(&page, "traits.emails"), [empty(1), empty(2), empty(3)]);
    assert_eq!(rows(&page, "traits.name"), [row("traits.name", "", "Name")]);
    let required = page.all("input").iter().filter(|input| input.has("required")).count();
    assert_eq!(required, 1, "one item is enough");
}

#[test]
fn items_stand_in_their_order_with_a_row_for_one_more() {
    let items = [("traits.tags.10", "k"), ("traits.tags.2", "c"), ("traits.tags.0", "a"), ("traits.tags.1", "b")];
    let mut nodes = vec![field("traits.tags").required()];
    nodes.extend(items.map(|(name, value)| field(name).with_value(value)));
    nodes.push(field("traits.tagsy"));
    let page = page(nodes);
    let expected = [
        row("traits.tags.0", "a", "Tags 1"),
        row("traits.tags.1", "b", "Tags 2"),
        row("traits.tags.2", "c", "Tags 3"),
        row("traits.tags.10", "k", "Tags 4"),
        row("traits.tags", "", "Tags 5"),
        row("traits.tagsy", "", "Tagsy"),
    ];
    assert_eq!(rows(&page, "traits.tags"), expected);
    assert!(page.all("input").iter().all(|input| !input.has("required")));
}

#[test]
fn what_is_said_of_an_item_stands_there_and_what_is_said_of_the_list_at_its_end() {
    let mut nodes = vec![field("traits.tags"), field("traits.tags.0").with_value("a"), field("traits.tags.1")];
    nodes[0].messages.push(message::generic("More of them, please."));
    nodes[2].messages.push(message::generic("That is no tag."));
    let page = page(nodes);
    let invalid = page.all("input").into_iter().filter(|input| input.get("aria-invalid") == "true");
    let names: Vec<_> = invalid.map(|input| input.get("name").to_owned()).collect();
    assert_eq!(names, ["traits.tags.1", "traits.tags"]);
}

#[test]
fn items_of_a_list_that_is_sent_along_are_sent_along() {
    let hidden = Node::hidden("traits.tags", Group::Default, "");
    let item = Node::input("traits.tags.0", Group::Default, InputType::Text).with_value("a");
    let name = Node::input("traits.name", Group::Default, InputType::Text);
    let ui = Ui { nodes: vec![hidden, item, name], ..Ui::new("/r".into()) };
    let page = draw(&FlowPage::new(&flow(Registration::default(), ui), &LISTS, vec![], PUBLIC));
    let fields: Vec<_> =
        page.all("input").iter().map(|field| (field.get("name").to_owned(), field.get("type").to_owned())).collect();
    let expected = [("traits.tags.0", "hidden"), ("traits.tags", "hidden"), ("traits.name", "text")];
    assert_eq!(fields, expected.map(|(name, kind)| (name.to_owned(), kind.to_owned())));
}

#[test]
fn what_is_in_a_list_of_objects_says_which_one_it_is_of() {
    let names = ["traits.homes.0.street", "traits.homes.1.street", "traits.years.2026"];
    let page = page(names.map(field).into());
    let labels = ["Homes 1 street", "Homes 2 street", "Years 2026"];
    let expected: Vec<_> = names.iter().zip(labels).map(|(name, label)| row(name, "", label)).collect();
    assert_eq!(rows(&page, "traits."), expected);
}

proptest! {
    #[test]
    fn no_field_is_lost(names in prop::collection::btree_set("traits\\.(tags|emails|a)(\\.[0-9]{1,21}){0,2}(\\.b)?", 0..12)) {
        let page = page(names.iter().map(|name| field(name)).collect());
        let drawn = page.all("input");
        for name in &names {
            prop_assert!(drawn.iter().any(|input| input.get("name") == name), "{name}");
        }
    }
}
