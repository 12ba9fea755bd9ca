//! From the nodes of a flow to forms: which nodes share a form, in which order, and how each is drawn.

use model::message::MessageType;
use model::ui::{Attributes, InputAttributes, InputType, MAX_ITEMS, ScriptAttributes, list_of};
use model::{FlowName, Group, Message, Node, Ui};
use serde::Serialize;
use serde_json::Value;
use url::Url;

use super::removals::{apart, removes};
use super::{safe_link, safe_picture};

/// A form, ready to be drawn.
#[derive(Clone, Debug, Serialize)]
pub(super) struct FormView {
    /// The id of its heading.
    id: String,
    heading: Option<&'static str>,
    /// Whether it is an alternative to the form above it.
    after_divider: bool,
    action: String,
    method: &'static str,
    novalidate: bool,
    items: Vec<Item>,
}

/// What is drawn for one node.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "draw", rename_all = "snake_case")]
enum Item {
    Hidden {
        name: String,
        value: String,
        /// The function that a script of the flow offers for it, to be called at once.
        onload_trigger: Option<String>,
    },
    Field(Field),
    Checkbox(Checkbox),
    Button(Button),
    Image {
        id: String,
        label: Option<String>,
        alt: String,
        src: Option<String>,
        width: u32,
        height: u32,
    },
    Link {
        id: String,
        label: String,
        href: Option<String>,
    },
    Text {
        id: String,
        label: Option<String>,
        text: String,
        /// The single backup codes, where the text is a list of them.
        codes: Vec<String>,
        messages: Vec<Said>,
    },
    Division {
        id: String,
        class: String,
        data: Vec<Datum>,
        messages: Vec<Said>,
    },
    Divider,
}

#[derive(Clone, Debug, Serialize)]
struct Field {
    id: String,
    label: String,
    name: String,
    r#type: &'static str,
    /// `None` for passwords, which are never sent back.
    value: Option<String>,
    autocomplete: Option<String>,
    inputmode: Option<&'static str>,
    pattern: Option<String>,
    maxlength: Option<u32>,
    /// Whether it is no prose, so that phones should not correct it.
    plain: bool,
    required: bool,
    optional: bool,
    disabled: bool,
    invalid: bool,
    described_by: Option<String>,
    messages: Vec<Said>,
}

#[derive(Clone, Debug, Serialize)]
struct Checkbox {
    id: String,
    label: String,
    name: String,
    checked: bool,
    required: bool,
    disabled: bool,
    invalid: bool,
    described_by: Option<String>,
    messages: Vec<Said>,
}

#[derive(Clone, Debug, Serialize)]
struct Button {
    id: String,
    label: String,
    r#type: &'static str,
    name: String,
    value: String,
    primary: bool,
    /// Whether it takes something away.
    danger: bool,
    /// Whether it may be pressed while other fields of the form are empty.
    formnovalidate: bool,
    disabled: bool,
    /// The function that a script of the flow offers for it.
    trigger: Option<String>,
    described_by: Option<String>,
    messages: Vec<Said>,
}

/// A `data-` attribute.
#[derive(Clone, Debug, Serialize)]
struct Datum {
    name: String,
    value: String,
}

/// A message at a node.
#[derive(Clone, Debug, Serialize)]
struct Said {
    id: String,
    kind: &'static str,
    text: String,
}

/// A field with something to correct.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Mistake {
    id: String,
    label: String,
}

/// A script that the flow asks for.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Script {
    id: String,
    src: String,
    asynchronous: bool,
    r#type: &'static str,
    nonce: String,
    integrity: String,
    crossorigin: String,
    referrerpolicy: String,
}

/// Everything on a page that comes from nodes.
pub(super) struct Drawn {
    pub forms: Vec<FormView>,
    pub mistakes: Vec<Mistake>,
    pub scripts: Vec<Script>,
}

/// Draws the nodes of a flow.
pub(super) fn draw(ui: &Ui, flow: FlowName, public_url: &str) -> Drawn {
    let mut forms: Vec<FormView> = Vec::new();
    let mut mistakes = Vec::new();
    for (index, plan) in plan(ui, flow).into_iter().enumerate() {
        // One button stands out; in the settings, one for each thing that can be changed.
        let has_primary = flow == FlowName::Settings || forms.is_empty();
        let drawn = Pen { flow, has_primary, prefix: format!("f{}", index + 1), mistakes: &mut mistakes }.form(&plan);
        let Some((items, novalidate)) = drawn else { continue };
        // Nothing but our own routes, or whatever the operator put in front of them, is ever posted to.
        let Some(action) = safe_link(&ui.action) else { continue };
        forms.push(FormView {
            id: format!("f{}", index + 1),
            heading: plan.heading,
            after_divider: flow != FlowName::Settings
                && plan.heading.is_none()
                && !forms.is_empty()
                && plan.is_alternative,
            action,
            method: if ui.method.eq_ignore_ascii_case("get") { "get" } else { "post" },
            novalidate,
            items,
        });
    }
    let scripts = ui.nodes.iter().filter_map(|node| match &node.attributes {
        Attributes::Script(script) => own_script(script, public_url),
        _ => None,
    });
    Drawn { forms, mistakes, scripts: scripts.collect() }
}

/// Which nodes share a form, in the order in which they are drawn.
struct Plan<'a> {
    heading: Option<&'static str>,
    is_alternative: bool,
    /// Nodes of one method, or of several that are told apart by a divider.
    sections: Vec<Vec<&'a Node>>,
    /// Hidden fields that every form needs, such as the anti-CSRF token.
    hidden: Vec<&'a Node>,
}

/// Sorts nodes into forms.
///
/// Methods that share a field (an identifier, say) share one form, so that nothing is typed twice; the password comes
/// first in it, since Enter presses the first button. All others get forms of their own, so that what one method
/// requires does not stand in another's way. Their order is the page's own, and stays the same when a method is set up.
fn plan<'a>(ui: &'a Ui, flow: FlowName) -> Vec<Plan<'a>> {
    let drawn = ui.nodes.iter().filter(|node| !matches!(node.attributes, Attributes::Script(_)));
    // The identifier that was asked for first goes with whatever is proved next.
    let (hidden, visible): (Vec<&Node>, Vec<&Node>) =
        drawn.partition(|node| matches!(node.group, Group::Default | Group::IdentifierFirst) && is_hidden(node));
    let mut groups: Vec<Group> = Vec::new();
    for node in &visible {
        if !groups.contains(&node.group) {
            groups.push(node.group);
        }
    }
    let of = |wanted: &[Group]| -> Vec<&'a Node> {
        let mut nodes: Vec<_> = visible.iter().copied().filter(|node| wanted.contains(&node.group)).collect();
        // Enter presses the first button, which is the way on.
        nodes.sort_by_key(|node| (goes_back(node), sends_again(node)));
        nodes
    };
    groups.sort_by_key(|group| (of(&[*group]).iter().all(|node| goes_back(node)), rank(*group, flow)));
    let stands_alone = |group: &Group| matches!(group, Group::Oidc | Group::Saml) || flow == FlowName::Settings;
    let shares_fields = flow != FlowName::Settings
        && visible
            .iter()
            .any(|node| node.group == Group::Default && matches!(node.as_input(), Some(input) if !is_button(input)));

    let mut plans = Vec::new();
    if shares_fields {
        // The shared fields, and the button that they are sent with.
        let first = [Group::Default, Group::Password, Group::Profile, Group::IdentifierFirst];
        let mut sections = vec![of(&first)];
        let others = groups.iter().filter(|group| !first.contains(group) && !stands_alone(group));
        // A captcha belongs to whichever button is pressed, so it stands above the first.
        let (captcha, methods): (Vec<&Group>, Vec<&Group>) = others.partition(|group| **group == Group::Captcha);
        if !captcha.is_empty() {
            let buttons = sections[0].iter().position(|node| node.as_input().is_some_and(is_button));
            let at = buttons.unwrap_or(sections[0].len());
            sections[0].splice(at..at, of(&[Group::Captcha]));
        }
        sections.extend(methods.into_iter().map(|group| of(&[*group])));
        plans.push(Plan { heading: None, is_alternative: false, sections, hidden: hidden.clone() });
    }
    for group in groups {
        if shares_fields && !stands_alone(&group) {
            continue;
        }
        let heading = if flow == FlowName::Settings { settings_heading(group) } else { None };
        let nodes = of(&[group]);
        let is_alternative = group != Group::Default && !nodes.iter().all(|node| goes_back(node));
        let forms = if flow == FlowName::Settings { apart(nodes) } else { vec![nodes] };
        for (at, nodes) in forms.into_iter().enumerate() {
            let heading = heading.filter(|_| at == 0);
            plans.push(Plan { heading, is_alternative, sections: vec![nodes], hidden: hidden.clone() });
        }
    }
    plans
}

/// The place of a method among others: what most people have comes first.
fn rank(group: Group, flow: FlowName) -> usize {
    let (first, last): (&[Group], &[Group]) = match flow {
        FlowName::Settings => (
            &[
                Group::Profile,
                Group::Password,
                Group::Passkey,
                Group::Oidc,
                Group::Saml,
                Group::Totp,
                Group::LookupSecret,
                Group::Webauthn,
            ],
            &[],
        ),
        _ => (&[Group::Password], &[Group::Oidc, Group::Saml]),
    };
    let place = |groups: &[Group]| groups.iter().position(|other| *other == group);
    place(first).unwrap_or_else(|| first.len() + place(last).map_or(0, |at| at + 1))
}

fn settings_heading(group: Group) -> Option<&'static str> {
    Some(match group {
        Group::Profile => "About you",
        Group::Password => "Password",
        Group::Oidc | Group::Saml => "Connected accounts",
        Group::Totp => "Authenticator app",
        Group::LookupSecret => "Backup codes",
        Group::Webauthn => "Security keys",
        Group::Passkey => "Passkeys",
        Group::Code => "Sign-in codes",
        Group::Default | Group::Link | Group::IdentifierFirst | Group::Captcha => return None,
    })
}

fn is_hidden(node: &Node) -> bool {
    node.as_input().is_some_and(|input| input.kind == InputType::Hidden)
}

/// Whether a button leads back to the screen before, which is no way of going on.
fn goes_back(node: &Node) -> bool {
    node.id() == "screen"
}

/// Whether a button asks for another message. It sends the address along, by which it may be called.
fn sends_again(node: &Node) -> bool {
    let is_submit = node.as_input().is_some_and(|input| input.kind == InputType::Submit);
    is_submit && matches!(node.id(), "resend" | "email")
}

fn is_button(input: &InputAttributes) -> bool {
    matches!(input.kind, InputType::Submit | InputType::Button)
}

/// Draws one form.
struct Pen<'a> {
    flow: FlowName,
    /// Whether one of the form's buttons stands out.
    has_primary: bool,
    prefix: String,
    mistakes: &'a mut Vec<Mistake>,
}

impl Pen<'_> {
    /// The form's items, and whether the browser should leave its fields unchecked. `None` if there is nothing to see.
    fn form(&mut self, plan: &Plan<'_>) -> Option<(Vec<Item>, bool)> {
        let sections = || plan.sections.iter().filter(|section| !section.is_empty());
        if !sections().flatten().any(|node| !is_hidden(node)) {
            return None;
        }
        let is_demanding = |section: &&Vec<&Node>| {
            section.iter().any(|node| node.as_input().is_some_and(|input| input.required && !is_hidden(node)))
        };
        // With several methods in one form, a browser would ask for what only the others need.
        let novalidate = sections().count() > 1 && sections().skip(1).any(|section| is_demanding(&section));
        let mut items: Vec<Item> = plan.hidden.iter().filter_map(|node| self.item(node, 0, false, false)).collect();
        let mut number = 0;
        let mut has_submit = false;
        for (at, section) in sections().enumerate() {
            if at > 0 {
                items.push(Item::Divider);
            }
            for node in section {
                number += 1;
                let is_submit = node.as_input().is_some_and(|input| input.kind == InputType::Submit);
                let is_way_on = !goes_back(node) && !removes(self.flow, node);
                let is_main = is_submit && !has_submit && is_way_on && !matches!(node.group, Group::Oidc | Group::Saml);
                items.extend(self.item(node, number, is_main && self.has_primary, is_submit && has_submit));
                has_submit |= is_main;
            }
        }
        Some((items, novalidate))
    }

    fn item(&mut self, node: &Node, number: usize, primary: bool, formnovalidate: bool) -> Option<Item> {
        let id = format!("{}-{number}", self.prefix);
        let messages = said(&id, node);
        let label = label(node);
        match &node.attributes {
            Attributes::Input(input) => Some(self.input(node, input, id, messages, primary, formnovalidate)),
            Attributes::Image(image) => Some(Item::Image {
                id,
                alt: label.clone().unwrap_or_default(),
                label,
                src: safe_picture(&image.src),
                width: image.width,
                height: image.height,
            }),
            Attributes::Anchor(anchor) => {
                let title = anchor.title.text.trim().to_owned();
                let text = if title.is_empty() { label.unwrap_or_else(|| anchor.href.clone()) } else { title };
                Some(Item::Link { id, label: text, href: safe_link(&anchor.href) })
            }
            Attributes::Text(text) => {
                let codes = codes(&text.text);
                Some(Item::Text { id, label, text: text.text.text.clone().into_owned(), codes, messages })
            }
            // Scripts look for these by their own ids.
            Attributes::Division(division) => Some(Item::Division {
                id: division.id.clone(),
                class: division.class.clone(),
                data: data(&division.data),
                messages,
            }),
            Attributes::Script(_) => None,
        }
    }

    fn input(
        &mut self,
        node: &Node,
        input: &InputAttributes,
        id: String,
        messages: Vec<Said>,
        primary: bool,
        formnovalidate: bool,
    ) -> Item {
        let name = input.name.clone();
        let text = input.value.as_ref().map(printed);
        let described_by = (!messages.is_empty())
            .then(|| messages.iter().map(|message| message.id.as_str()).collect::<Vec<_>>().join(" "));
        let invalid = node.messages.iter().any(|message| message.kind == MessageType::Error);
        let label = label(node).unwrap_or_else(|| name_as_label(&name));
        if input.kind == InputType::Hidden {
            let onload_trigger = input.onload_trigger.clone();
            return Item::Hidden { name, value: text.unwrap_or_default(), onload_trigger };
        }
        if invalid {
            self.mistakes.push(Mistake { id: id.clone(), label: label.clone() });
        }
        match input.kind {
            InputType::Submit | InputType::Button => Item::Button(Button {
                id,
                label,
                r#type: if input.kind == InputType::Submit { "submit" } else { "button" },
                name,
                value: text.unwrap_or_default(),
                primary,
                danger: removes(self.flow, node),
                formnovalidate,
                disabled: input.disabled,
                trigger: input.onclick_trigger.clone(),
                described_by,
                messages,
            }),
            InputType::Checkbox => Item::Checkbox(Checkbox {
                id,
                label,
                name,
                checked: input.value.as_ref().is_some_and(|value| value == true || value == "true"),
                required: input.required,
                disabled: input.disabled,
                invalid,
                described_by,
                messages,
            }),
            kind => {
                let autocomplete =
                    input.autocomplete.clone().or_else(|| self.autocomplete(&name, kind).map(str::to_owned));
                let is_code = autocomplete.as_deref() == Some("one-time-code");
                Item::Field(Field {
                    id,
                    label,
                    r#type: type_name(kind),
                    value: text.filter(|_| kind != InputType::Password),
                    inputmode: is_code.then_some("numeric"),
                    plain: is_code
                        || name == "identifier"
                        || autocomplete.as_deref().is_some_and(|hint| hint.contains("username")),
                    autocomplete,
                    pattern: input.pattern.clone().filter(|pattern| !pattern.is_empty()),
                    maxlength: input.maxlength,
                    required: input.required,
                    optional: !input.required
                        && matches!(self.flow, FlowName::Registration)
                        && name.starts_with("traits."),
                    disabled: input.disabled,
                    invalid,
                    described_by,
                    messages,
                    name,
                })
            }
        }
    }

    /// The HTML autofill field name (WHATWG, "Autofill") of fields whose nodes carry none.
    fn autocomplete(&self, name: &str, kind: InputType) -> Option<&'static str> {
        match (name, kind) {
            (_, InputType::Password) if self.flow == FlowName::Login => Some("current-password"),
            (_, InputType::Password) => Some("new-password"),
            ("identifier", _) => Some("username"),
            ("code" | "totp_code", _) => Some("one-time-code"),
            (_, InputType::Email) => Some("email"),
            (_, InputType::Tel) => Some("tel"),
            _ => None,
        }
    }
}

fn type_name(kind: InputType) -> &'static str {
    match kind {
        InputType::Text => "text",
        InputType::Password => "password",
        InputType::Number => "number",
        InputType::Checkbox => "checkbox",
        InputType::Hidden => "hidden",
        InputType::Email => "email",
        InputType::Tel => "tel",
        InputType::Submit => "submit",
        InputType::Button => "button",
        InputType::DatetimeLocal => "datetime-local",
        InputType::Date => "date",
        InputType::Url => "url",
    }
}

fn said(id: &str, node: &Node) -> Vec<Said> {
    let said = |(number, message): (usize, &Message)| Said {
        id: format!("{id}-m{}", number + 1),
        kind: match message.kind {
            MessageType::Info => "info",
            MessageType::Error => "error",
            MessageType::Success => "success",
        },
        text: message.text.clone().into_owned(),
    };
    node.messages.iter().enumerate().map(said).collect()
}

/// The texts of a list of backup codes, used ones among them; empty for any other text.
fn codes(list: &Message) -> Vec<String> {
    let secrets = list.context.get("secrets").and_then(Value::as_array);
    let text = |said: &Value| said["text"].as_str().map(str::to_owned);
    secrets.into_iter().flatten().filter_map(text).collect()
}

/// What people read beside a node.
pub(super) fn label(node: &Node) -> Option<String> {
    let own = node.meta.label.as_ref().or_else(|| node.as_input()?.label.as_ref());
    own.map(|message| message.text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// A label for a field that has none: `traits.first_name` becomes "First name", and `traits.homes.0.street`, which is in a
/// list, "Homes 1 street".
pub(super) fn name_as_label(name: &str) -> String {
    let words = match list_of(name) {
        Some(list) => {
            // A larger number is no index, but what a field is called: a year, say.
            let below = name[list.len() + 1..].split('.').map(|part| match part.parse::<usize>() {
                Ok(index) if index < MAX_ITEMS => (index + 1).to_string(),
                _ => part.to_owned(),
            });
            below.fold(list.rsplit('.').next().unwrap_or_default().to_owned(), |words, word| words + " " + &word)
        }
        None => name.split('.').rfind(|part| !part.trim().is_empty()).unwrap_or("Field").to_owned(),
    };
    let words = words.replace(['_', '-'], " ");
    let mut letters = words.trim().chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_else(|| "Field".to_owned())
}

/// A value as a form sends it.
fn printed(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        value => value.to_string(),
    }
}

fn data(members: &serde_json::Map<String, Value>) -> Vec<Datum> {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let members = members.iter().filter(|(name, _)| is_name(name));
    members.map(|(name, value)| Datum { name: name.clone(), value: printed(value) }).collect()
}

/// A script is loaded only from this server: the content security policy allows no other.
fn own_script(script: &ScriptAttributes, public_url: &str) -> Option<Script> {
    let base = Url::parse(public_url).ok()?;
    let src = base
        .join(&script.src)
        .ok()
        .filter(|src| src.origin() == base.origin() && matches!(src.scheme(), "http" | "https"))?;
    Some(Script {
        id: script.id.clone(),
        src: src.into(),
        asynchronous: script.asynchronous,
        r#type: if script.kind == "module" { "module" } else { "text/javascript" },
        nonce: script.nonce.clone(),
        integrity: script.integrity.clone(),
        crossorigin: script.crossorigin.clone(),
        referrerpolicy: script.referrerpolicy.clone(),
    })
}
