//! Forms as the methods make them.

use model::flow::{FlowKind, Settings};
use model::ui::{
    AnchorAttributes, Attributes, DivisionAttributes, ImageAttributes, InputType, NodeType, TextAttributes,
};
use model::{Entropy, Flow, FlowClient, FlowState, Group, Id, Message, Node, Ui, message};

use crate::render::{
    AppRequest, ConfirmPage, ConnectedAccounts, Envelope, Frame, LogoutForm, MailboxMessagePage, MailboxPage, Moment,
    OtherSession, Place, SessionsPage, WelcomePage, details, lines,
};

pub const PUBLIC: &str = "http://127.0.0.1:4433/";

pub fn flow<K: FlowKind>(detail: K, ui: Ui) -> Flow<K> {
    let now = "2026-11-21T10:00:00Z".parse().expect("a time");
    Flow {
        id: Id::random(&Entropy::seeded(1)),
        client: FlowClient::Browser,
        request_url: PUBLIC.to_owned(),
        issued_at: now,
        expires_at: now,
        state: FlowState::ChooseMethod,
        active: None,
        ui,
        csrf_token: String::new(),
        internal_context: serde_json::Map::new(),
        created_at: now,
        updated_at: now,
        detail,
        return_to: None,
        transient_payload: None,
    }
}

pub fn settings() -> Settings {
    Settings { identity_id: Id::random(&Entropy::seeded(2)) }
}

pub fn welcome(person: &str, others: usize) -> WelcomePage {
    let moment = || Moment::from("2026-11-21T10:00:00Z".parse::<model::Timestamp>().expect("a time"));
    let other = OtherSession { device: person.to_owned(), since: moment() };
    WelcomePage {
        frame: Frame::new(PUBLIC, WelcomePage::TITLE).wide(),
        person: person.to_owned(),
        since: moment(),
        until: moment(),
        methods: "Password".to_owned(),
        device: person.to_owned(),
        logout: LogoutForm { action: format!("{PUBLIC}self-service/logout"), token: person.to_owned() },
        settings: format!("{PUBLIC}self-service/settings/browser"),
        sessions: format!("{PUBLIC}ui/sessions"),
        others: vec![other; others],
    }
}

pub fn sessions(text: &str, others: usize, owes_second_factor: bool) -> SessionsPage {
    let place = Place {
        id: text.to_owned(),
        device: text.to_owned(),
        location: Some(text.to_owned()),
        methods: text.to_owned(),
        since: Moment::from("2026-11-21T10:00:00Z".parse::<model::Timestamp>().expect("a time")),
    };
    SessionsPage {
        frame: Frame::new(PUBLIC, SessionsPage::TITLE).wide(),
        done: (others == 1).then_some("You are logged out there."),
        here: Place { location: None, ..place.clone() },
        others: vec![place; others],
        has_more: others > 1,
        owes_second_factor,
        action: format!("{PUBLIC}ui/sessions"),
        csrf_token: "of-the-page".to_owned(),
        logout: LogoutForm { action: format!("{PUBLIC}self-service/logout"), token: text.to_owned() },
        back: format!("{PUBLIC}ui/welcome"),
    }
}

/// Asks `person` about an app's sign-in, or else about a recovery link.
pub fn confirm(person: &str, app: Option<AppRequest>) -> ConfirmPage {
    ConfirmPage {
        frame: Frame::new(PUBLIC, ConfirmPage::TITLE),
        person: Some(person.to_owned()),
        account: app.is_none().then(|| person.to_owned()),
        app,
        action: format!("{PUBLIC}self-service/confirm"),
        csrf_token: "of-the-page".to_owned(),
    }
}

/// All that an app's sign-in may come to.
pub fn app_request(text: &str) -> AppRequest {
    let (details, more_details) = details(&serde_json::json!({ "email": text, "numbers": vec![7; 20] }));
    let connects = ConnectedAccounts { account: text.to_owned(), provider: text.to_owned() };
    AppRequest {
        host: text.to_owned(),
        provider: text.to_owned(),
        hands_over: true,
        details,
        more_details,
        connects: Some(connects),
    }
}

pub fn mailbox(text: &str, messages: usize) -> MailboxPage {
    let at = Moment::from("2026-11-21T10:00:00Z".parse::<model::Timestamp>().expect("a time"));
    let address = format!("{PUBLIC}ui/mailbox/1");
    let envelope = Envelope { address, subject: text.to_owned(), to: text.to_owned(), at };
    MailboxPage { frame: Frame::new(PUBLIC, MailboxPage::TITLE).wide(), messages: vec![envelope; messages] }
}

pub fn mailbox_message(text: &str) -> MailboxMessagePage {
    MailboxMessagePage {
        frame: Frame::new(PUBLIC, MailboxMessagePage::TITLE).wide(),
        subject: text.to_owned(),
        to: text.to_owned(),
        at: Moment::from("2026-11-21T10:00:00Z".parse::<model::Timestamp>().expect("a time")),
        template: text.to_owned(),
        code: Some(text.to_owned()),
        lines: lines(&format!("Open https://a.example/?{}", text.replace(char::is_whitespace, ""))),
        html: Some(format!("{PUBLIC}ui/mailbox/1/html")),
        back: format!("{PUBLIC}ui/mailbox"),
    }
}

fn named(mut node: Node, label: Message) -> Node {
    node.meta.label = Some(label);
    node
}

fn with(kind: NodeType, attributes: Attributes, group: Group) -> Node {
    let mut node = Node::hidden("", group, "");
    (node.kind, node.attributes) = (kind, attributes);
    node
}

pub fn login_nodes() -> Vec<Node> {
    let identifier = Node::input("identifier", Group::Default, InputType::Text).with_value("a@b.example").required();
    let password = Node::input("password", Group::Password, InputType::Password).required();
    vec![
        Node::csrf("masked=="),
        named(identifier, message::email_label()),
        named(password, message::password_label()),
        Node::submit("method", Group::Password, "password", message::login_with_password()),
    ]
}

pub fn with_messages(mut nodes: Vec<Node>) -> Vec<Node> {
    for node in &mut nodes {
        node.messages = vec![message::generic("That is not right."), message::plain_label("Just so you know.")];
    }
    nodes
}

pub fn registration_nodes() -> Vec<Node> {
    let email = Node::input("traits.email", Group::Default, InputType::Email).required();
    vec![
        Node::csrf("masked=="),
        named(email, message::schema_label("E-mail", "traits.email")),
        Node::input("traits.name.first", Group::Default, InputType::Text),
        Node::input("traits.age", Group::Default, InputType::Number).with_value(42),
        Node::input("traits.news", Group::Default, InputType::Checkbox).with_value(true),
        Node::input("traits.home", Group::Default, InputType::Url),
        Node::input("traits.born", Group::Default, InputType::Date),
        named(Node::input("password", Group::Password, InputType::Password).required(), message::password_label()),
        Node::submit("method", Group::Password, "password", message::registration_button()),
        with(NodeType::Div, Attributes::Division(captcha()), Group::Captcha),
    ]
}

fn captcha() -> DivisionAttributes {
    let data = serde_json::json!({ "site": "\"><b>", "Bad Name": 1 });
    DivisionAttributes {
        class: "captcha".into(),
        id: "captcha".into(),
        data: data.as_object().cloned().unwrap_or_default(),
    }
}

pub fn settings_nodes() -> Vec<Node> {
    let email = Node::input("traits.email", Group::Profile, InputType::Email).with_value("a@b.example").required();
    vec![
        Node::csrf("masked=="),
        named(email, message::email_label()),
        Node::submit("method", Group::Profile, "profile", message::save_label()),
        named(Node::input("password", Group::Password, InputType::Password).required(), message::password_label()),
        Node::submit("method", Group::Password, "password", message::save_label()),
    ]
}

pub fn code_nodes() -> Vec<Node> {
    vec![
        named(Node::input("code", Group::Code, InputType::Text).required(), message::verification_code_label()),
        Node::hidden("method", Group::Code, "code"),
        Node::submit("method", Group::Code, "code", message::continue_label()),
        Node::submit("email", Group::Code, "a@b.example", message::resend_code_label()),
        Node::csrf("masked=="),
    ]
}

/// One node of every kind.
pub fn every_kind() -> Vec<Node> {
    let image = ImageAttributes {
        src: "data:image/png;base64,iVBORw0KGgo=".into(),
        id: "totp_qr".into(),
        width: 256,
        height: 256,
    };
    let anchor =
        AnchorAttributes { href: "https://example.org/".into(), title: message::continue_label(), id: "next".into() };
    let secret = TextAttributes { text: message::plain_label("ABCD EFGH"), id: "totp_secret_key".into() };
    let sentence = TextAttributes { text: message::plain_label("Some words."), id: "words".into() };
    let mut nodes = login_nodes();
    nodes.extend([
        named(with(NodeType::Img, Attributes::Image(image), Group::Totp), message::plain_label("Scan this")),
        with(NodeType::A, Attributes::Anchor(anchor), Group::Link),
        named(with(NodeType::Text, Attributes::Text(secret), Group::Totp), message::plain_label("Or type this")),
        with(NodeType::Text, Attributes::Text(sentence), Group::LookupSecret),
        with(NodeType::Div, Attributes::Division(captcha()), Group::Captcha),
        Node::input("passkey_login_trigger", Group::Passkey, InputType::Button),
        Node::input("when", Group::Profile, InputType::DatetimeLocal),
        Node::input("phone", Group::Profile, InputType::Tel),
    ]);
    nodes
}
