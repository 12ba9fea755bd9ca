//! Every page, with friendly and with hostile content. The HTML is read by a small strict reader rather than searched,
//! so that text which breaks out of its place is noticed.

mod html;
mod lists;
mod samples;

use model::flow::{Login, Registration, Settings};
use model::message;
use model::ui::{AnchorAttributes, Attributes, ImageAttributes, NodeType, ScriptAttributes, TextAttributes};
use model::{Flow, Group, Node, Ui};
use proptest::prelude::*;
use serde_json::json;

use super::{ErrorKind, ErrorPage, FlowPage, Frame, Headed, Link, Page, SignedOutPage};
use html::Document;
use samples::{PUBLIC, flow, login_nodes, with_messages};

/// Draws a page and checks what holds for all of them.
fn draw(page: &impl Page) -> Document {
    let document = Document::read(&page.render().expect("templates and contexts fit"));
    document.check();
    document
}

fn draw_flow<K: Headed>(flow: &Flow<K>) -> Document {
    draw(&FlowPage::new(
        flow,
        &[],
        vec![Link { before: Some("New here?"), text: "Create an account", href: "/x".into() }],
        PUBLIC,
    ))
}

fn login(nodes: Vec<Node>) -> Flow<Login> {
    flow(Login::default(), Ui { nodes, ..Ui::new(format!("{PUBLIC}self-service/login?flow=1")) })
}

#[test]
fn all_pages_are_sound() {
    draw_flow(&login(login_nodes()));
    draw_flow(&login(with_messages(login_nodes())));
    draw_flow(&login(samples::every_kind()));
    draw_flow(&login(Vec::new()));
    draw_flow(&flow(Registration::default(), Ui { nodes: samples::registration_nodes(), ..Ui::new("/r".into()) }));
    draw_flow(&flow(samples::settings(), Ui { nodes: samples::settings_nodes(), ..Ui::new("/s".into()) }));
    draw_flow(&flow(model::flow::Recovery::default(), Ui { nodes: samples::code_nodes(), ..Ui::new("/r".into()) }));
    draw_flow(&flow(model::flow::Verification::default(), Ui { nodes: samples::code_nodes(), ..Ui::new("/v".into()) }));
    draw(&samples::welcome("person@example.org", 0));
    draw(&samples::mailbox("Hi", 0));
    draw(&samples::mailbox("Hi", 2));
    draw(&samples::mailbox_message("Hi"));
    draw(&samples::welcome("person@example.org", 2));
    for (others, owes) in [(0, false), (1, false), (3, false), (0, true)] {
        draw(&samples::sessions("Firefox on Linux", others, owes));
    }
    for app in [None, Some(samples::app_request("app.example.org"))] {
        draw(&samples::confirm("person@example.org", app));
    }
    for sign_up in [None, Some("/up".to_owned())] {
        draw(&SignedOutPage { frame: Frame::new(PUBLIC, SignedOutPage::TITLE), sign_in: "/in".into(), sign_up });
    }
    let stored = |code, id: Option<&str>| ErrorKind::read(&json!({ "code": code, "id": id, "debug": "secret stack" }));
    for kind in [
        ErrorKind::Unknown,
        ErrorKind::NoCookies,
        ErrorKind::OldCookies,
        ErrorKind::NotAsked,
        stored(400, None),
        stored(403, Some("security_csrf_violation")),
        stored(400, Some("self_service_flow_return_to_forbidden")),
        stored(500, Some("\"><script>")),
        ErrorKind::read(&json!("nonsense")),
    ] {
        let text = draw(&ErrorPage::new(PUBLIC, kind, Some("7f"), "/in".into())).text();
        assert!(!text.contains("secret stack"), "{text}");
    }
}

#[test]
fn a_sign_in_form_has_what_browsers_and_people_need() {
    let document = draw_flow(&login(login_nodes()));
    let form = document.all("form");
    assert_eq!(form.len(), 1);
    assert_eq!(
        (form[0].get("method"), form[0].get("action")),
        ("post", "http://127.0.0.1:4433/self-service/login?flow=1")
    );
    let field = |name| document.all("input").into_iter().find(|input| input.get("name") == name).expect("a field");
    assert_eq!(
        (field("identifier").get("autocomplete"), field("identifier").get("value")),
        ("username", "a@b.example")
    );
    assert_eq!(
        (field("password").get("autocomplete"), field("password").get("type")),
        ("current-password", "password")
    );
    assert_eq!((field("csrf_token").get("type"), field("csrf_token").get("value")), ("hidden", "masked=="));
    let button = document.all("button")[0].clone();
    assert_eq!((button.get("name"), button.get("value"), button.get("type")), ("method", "password", "submit"));
}

#[test]
fn a_question_says_who_what_and_where_to_and_has_two_answers() {
    let document = draw(&samples::confirm("alice@example.org", Some(samples::app_request("app.example.org"))));
    let form = document.all("form");
    assert_eq!(form.len(), 1);
    let sent_to = (form[0].get("method"), form[0].get("action"));
    assert_eq!(sent_to, ("post", "http://127.0.0.1:4433/self-service/confirm"));
    let token = document.all("input")[0].clone();
    assert_eq!((token.get("name"), token.get("value")), ("csrf_token", "of-the-page"));
    assert_eq!(buttons(&document), ["yes*", "no"]);
    assert!(document.all("button").iter().all(|button| button.get("name") == "answer"));
    let text = document.text();
    for words in ["signed in as alice@example.org", "is signed in as you", "is connected with", "And 11 more"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let text = draw(&samples::confirm("alice@example.org", None)).text();
    assert!(text.contains("this browser is signed in as alice@example.org") && !text.contains("app"), "{text}");
}

#[test]
fn passwords_are_never_sent_back() {
    let nodes = vec![Node::input("password", Group::Password, model::ui::InputType::Password).with_value("hunter2")];
    assert!(!FlowPage::new(&login(nodes), &[], vec![], PUBLIC).render().expect("it renders").contains("hunter2"));
}

#[test]
fn mistakes_are_told_on_top_and_at_their_field() {
    let document = draw_flow(&login(with_messages(login_nodes())));
    let field = document.all("input").into_iter().find(|input| input.get("name") == "identifier").expect("a field");
    assert_eq!(field.get("aria-invalid"), "true");
    let described_by = document
        .by_id(field.get("aria-describedby").split(' ').next().unwrap_or_default())
        .expect("the message is there");
    assert!(described_by.get("class").contains("error"));
    let link = document.all("a").into_iter().find(|a| a.get("href") == format!("#{}", field.get("id")));
    assert!(link.is_some(), "the summary leads to the field");
    assert!(document.elements.iter().any(|element| element.get("role") == "alert"));
}

#[test]
fn the_password_comes_first_and_other_methods_do_not_ask_for_it() {
    let mut nodes = login_nodes();
    nodes.insert(2, Node::submit("method", Group::Code, "code", message::login_send_code()));
    nodes.insert(0, Node::submit("provider", Group::Oidc, "acme", message::login_with_provider("Acme", "acme")));
    let document = draw_flow(&login(nodes));
    let values: Vec<_> = document.all("button").iter().map(|button| button.get("value").to_owned()).collect();
    assert_eq!(values, ["password", "code", "acme"]);
    assert!(document.all("button")[1].has("formnovalidate"));
    assert_eq!(document.all("form").len(), 2, "a provider needs no identifier");
    let tokens = document.all("input").iter().filter(|input| input.get("name") == "csrf_token").count();
    assert_eq!(tokens, 2, "every form carries the token");
}

/// The values of a page's buttons, in order, with a star where one stands out.
fn buttons(document: &Document) -> Vec<String> {
    let star = |button: &html::Element| if button.get("class") == "primary" { "*" } else { "" };
    document.all("button").iter().map(|button| format!("{}{}", button.get("value"), star(button))).collect()
}

#[test]
fn the_button_of_shared_fields_is_no_alternative_to_them() {
    let field = Node::input("traits.email", Group::Default, model::ui::InputType::Email);
    let button = Node::submit("method", Group::Profile, "profile", message::registration_continue());
    let ui = Ui { nodes: vec![field, button], ..Ui::new("/r".into()) };
    let document = draw_flow(&flow(Registration::default(), ui));
    assert_eq!(buttons(&document), ["profile*"]);
    assert!(document.elements.iter().all(|element| element.get("class") != "or"));
}

#[test]
fn enter_sends_the_code_and_asks_for_no_other() {
    let mut nodes = login_nodes();
    nodes.retain(|node| node.group == Group::Default && node.id() != "identifier");
    nodes.push(Node::input("code", Group::Code, model::ui::InputType::Text));
    nodes.push(Node::submit("resend", Group::Code, "code", message::resend_code_label()));
    nodes.push(Node::submit("method", Group::Code, "sent", message::continue_label()));
    assert_eq!(buttons(&draw_flow(&login(nodes))), ["sent*", "code"]);
}

#[test]
fn of_forms_beside_each_other_the_first_stands_out_and_social_ones_come_last() {
    let nodes = vec![
        Node::submit("provider", Group::Oidc, "acme", message::login_with_provider("Acme", "acme")),
        Node::submit("screen", Group::Profile, "previous", message::continue_label()),
        Node::submit("method", Group::Code, "code", message::login_send_code()),
        Node::submit("method", Group::Password, "password", message::registration_continue()),
    ];
    assert_eq!(buttons(&draw_flow(&login(nodes))), ["password*", "code", "acme", "previous"]);
}

#[test]
fn backup_codes_are_a_list() {
    let list = message::lookup_secret_list(&[message::lookup_secret("abc"), message::lookup_secret("def")]);
    let mut node = Node::hidden("", Group::LookupSecret, "").with_label(message::lookup_secrets_label());
    let text = TextAttributes { text: list, id: "lookup_secret_codes".into() };
    (node.kind, node.attributes) = (NodeType::Text, Attributes::Text(text));
    let ui = Ui { nodes: vec![node], ..Ui::new("/s".into()) };
    let page = FlowPage::new(&flow(samples::settings(), ui), &[], vec![], PUBLIC);
    assert_eq!(draw(&page).all("li").len(), 2);
}

#[test]
fn addresses_that_run_code_are_not_followed() {
    for bad in [
        "javascript:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "JaVaScRiPt:x",
    ] {
        let anchor = AnchorAttributes { href: bad.into(), title: message::plain_label("here"), id: "a".into() };
        let image = ImageAttributes { src: bad.into(), id: "i".into(), width: 1, height: 1 };
        let mut link = Node::hidden("", Group::Link, "");
        (link.kind, link.attributes) = (NodeType::A, Attributes::Anchor(anchor));
        let mut picture = Node::hidden("", Group::Totp, "");
        (picture.kind, picture.attributes) = (NodeType::Img, Attributes::Image(image));
        let mut flow = login(vec![link, picture]);
        let document = draw_flow(&flow);
        let addresses: Vec<_> =
            document.elements.iter().flat_map(|element| [element.get("href"), element.get("src")]).collect();
        assert!(!addresses.contains(&bad), "{bad}");
        flow.ui.action = bad.to_owned();
        assert_eq!(draw_flow(&flow).all("form").len(), 0, "{bad}");
    }
}

#[test]
fn scripts_come_from_this_server_alone() {
    let script = |src: &str| {
        let mut node = Node::hidden("", Group::Webauthn, "");
        node.kind = NodeType::Script;
        node.attributes = Attributes::Script(ScriptAttributes {
            src: src.into(),
            asynchronous: true,
            referrerpolicy: "no-referrer".into(),
            crossorigin: "anonymous".into(),
            integrity: "sha512-x".into(),
            kind: "text/javascript".into(),
            id: "webauthn_script".into(),
            nonce: "n".into(),
        });
        FlowPage::new(&login(vec![node]), &[], vec![], PUBLIC)
    };
    assert!(script("http://127.0.0.1:4433/.well-known/ory/webauthn.js").has_scripts());
    assert!(script("/.well-known/ory/webauthn.js").has_scripts());
    for bad in ["https://evil.example/x.js", "//evil.example/x.js", "data:text/javascript,x", "javascript:x"] {
        assert!(!script(bad).has_scripts(), "{bad}");
    }
}

#[test]
fn settings_have_a_form_for_each_method() {
    let ui = Ui { nodes: samples::settings_nodes(), ..Ui::new("/s".into()) };
    let document = draw_flow(&flow::<Settings>(samples::settings(), ui));
    assert_eq!(document.all("form").len(), 2);
    assert_eq!(document.all("h2").len(), 2);
}

#[test]
fn enter_removes_nothing_in_the_settings() {
    use model::ui::InputType::{Button, Hidden, Text};
    let label = || message::plain_label("words");
    let mut nodes = samples::settings_nodes();
    for (group, name, value) in [
        (Group::Webauthn, "webauthn_remove", "ab12"),
        (Group::Webauthn, "webauthn_remove", "cd34"),
        (Group::Passkey, "passkey_remove", "ef56"),
        (Group::Oidc, "unlink", "acme"),
        (Group::Totp, "totp_unlink", "true"),
        (Group::LookupSecret, "lookup_secret_disable", "true"),
    ] {
        nodes.push(Node::submit(name, group, value, label()));
    }
    nodes.push(Node::input("webauthn_register_displayname", Group::Webauthn, Text).with_label(label()));
    nodes.push(Node::input("webauthn_register_trigger", Group::Webauthn, Button).with_label(label()));
    nodes.push(Node::input("webauthn_register", Group::Webauthn, Hidden));
    nodes.push(Node::submit("link", Group::Oidc, "other", label()));
    let document = draw_flow(&flow::<Settings>(samples::settings(), Ui { nodes, ..Ui::new("/s".into()) }));
    let mut removing = 0;
    for form in document.forms() {
        let dangers = form.iter().filter(|element| element.get("class") == "danger").count();
        removing += dangers;
        // A form that removes something does nothing else, and has nothing to type in; it brings the token along.
        if dangers > 0 {
            let shown = form.iter().filter(|element| element.get("type") != "hidden");
            assert_eq!(shown.map(|element| element.name.as_str()).collect::<Vec<_>>(), ["button"]);
            assert!(form.iter().any(|element| element.get("name") == "csrf_token"));
        }
    }
    assert_eq!(removing, 6);
    // Each method has its heading, however many forms it has.
    assert_eq!(document.all("h2").len(), 7);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_breaks_out_of_its_place(text in "(<script>|</title>|\"><img src=x onerror=x>|'|--|&lt;|\\PC|javascript:|\u{0}|\n|[<>&\"'/=]){0,12}") {
        let label = || message::plain_label(text.clone());
        let mut nodes = vec![
            Node::hidden(&text, Group::Default, &text),
            Node::input(&text, Group::Default, model::ui::InputType::Text).with_value(text.clone()).with_autocomplete(&text).with_label(label()),
            Node::submit(&text, Group::Password, &text, label()),
        ];
        let mut plain = Node::hidden("", Group::Code, "").with_label(label());
        (plain.kind, plain.attributes) = (NodeType::Text, Attributes::Text(TextAttributes { text: label(), id: text.clone() }));
        nodes.push(plain);
        for node in &mut nodes {
            node.messages = vec![message::generic(text.clone())];
        }
        let mut flow = login(nodes);
        flow.ui.messages = vec![message::generic(text.clone()), label()];
        let elements = |document: &Document| document.elements.iter().map(|element| element.name.clone()).collect::<Vec<_>>();
        let found = draw_flow(&flow);
        let mut harmless = flow.clone();
        let replace = |node: &mut Node| {
            node.messages = vec![message::generic("x")];
            if let Some(input) = node.as_input_mut() {
                input.name = "x".into();
            }
            node.meta.label = node.meta.label.as_ref().map(|_| message::plain_label("x"));
        };
        harmless.ui.nodes.iter_mut().for_each(replace);
        // Text nodes and buttons look different without a label, which is no breaking out.
        prop_assume!(!text.trim().is_empty());
        prop_assert_eq!(elements(&found), elements(&draw_flow(&harmless)));

        let welcome = draw(&samples::welcome(&text, 1));
        prop_assert_eq!(elements(&welcome), elements(&draw(&samples::welcome("x", 1))));
        let asked = |text: &str| draw(&samples::confirm(text, Some(samples::app_request(text))));
        prop_assert_eq!(elements(&asked(&text)), elements(&asked("x")));
        let mailbox = draw(&samples::mailbox(&text, 1));
        prop_assert_eq!(elements(&mailbox), elements(&draw(&samples::mailbox("x", 1))));
        let message = draw(&samples::mailbox_message(&text));
        prop_assert_eq!(elements(&message), elements(&draw(&samples::mailbox_message("x"))));
    }
}
