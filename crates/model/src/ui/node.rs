//! One element of a form.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Message;
use crate::go::null_is_empty;

/// One element of a form: a field, a picture, a link, a text, a script or a container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// The kind, which is that of `attributes`.
    #[serde(rename = "type")]
    pub kind: NodeType,
    /// The group that draws it.
    pub group: Group,
    /// The attributes.
    pub attributes: Attributes,
    /// The messages about this element.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub messages: Vec<Message>,
    /// What else is read beside it.
    #[serde(default)]
    pub meta: Meta,
}

/// What kind of element a node is; the same as the tag of its attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeType {
    /// A field or a button.
    Input,
    /// A picture.
    Img,
    /// A link.
    A,
    /// A text.
    Text,
    /// A script.
    Script,
    /// A container, for others to draw into.
    Div,
}

/// The method (or stage) that a node belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// What all methods share.
    Default,
    /// The password.
    Password,
    /// The buttons of OpenID and OAuth providers.
    Oidc,
    /// The traits, on settings forms and in the second step of a sign-up.
    Profile,
    /// The link that is sent.
    Link,
    /// The code that is sent.
    Code,
    /// The authenticator app.
    Totp,
    /// The codes for the day when the authenticator app is lost.
    LookupSecret,
    /// Security keys.
    Webauthn,
    /// Passkeys.
    Passkey,
    /// The identifier that is asked for before the method.
    IdentifierFirst,
    /// A captcha.
    Captcha,
    /// The buttons of SAML providers.
    Saml,
}

impl Group {
    /// The name on the wire, which is that of the method or credential type.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Password => "password",
            Self::Oidc => "oidc",
            Self::Profile => "profile",
            Self::Link => "link",
            Self::Code => "code",
            Self::Totp => "totp",
            Self::LookupSecret => "lookup_secret",
            Self::Webauthn => "webauthn",
            Self::Passkey => "passkey",
            Self::IdentifierFirst => "identifier_first",
            Self::Captcha => "captcha",
            Self::Saml => "saml",
        }
    }
}

/// What people read beside a node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// The label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Message>,
}

/// The attributes of a node, told apart by `node_type`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "node_type")]
pub enum Attributes {
    /// The attributes of an `input`.
    #[serde(rename = "input")]
    Input(InputAttributes),
    /// The attributes of an `img`.
    #[serde(rename = "img")]
    Image(ImageAttributes),
    /// The attributes of an `a`.
    #[serde(rename = "a")]
    Anchor(AnchorAttributes),
    /// The attributes of a text.
    #[serde(rename = "text")]
    Text(TextAttributes),
    /// The attributes of a `script`.
    #[serde(rename = "script")]
    Script(ScriptAttributes),
    /// The attributes of a `div`.
    #[serde(rename = "div")]
    Division(DivisionAttributes),
}

/// A field or a button.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputAttributes {
    /// The name that the value is sent under.
    pub name: String,
    /// The type of the field.
    #[serde(rename = "type")]
    pub kind: InputType,
    /// Absent and empty are different: a field made with an empty text prints `""`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Whether the field has to be filled in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// The value of `autocomplete` in HTML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autocomplete: Option<String>,
    /// The label, where it differs from that of the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Message>,
    /// The regular expression that the value has to match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Whether the field cannot be used.
    #[serde(default)]
    pub disabled: bool,
    /// The script that runs when it is pressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onclick: Option<String>,
    /// The name of the function that runs when it is pressed, for pages that forbid inline scripts.
    #[serde(rename = "onclickTrigger", default, skip_serializing_if = "Option::is_none")]
    pub onclick_trigger: Option<String>,
    /// The script that runs when the page is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onload: Option<String>,
    /// The name of the function that runs when the page is there, for pages that forbid inline scripts.
    #[serde(rename = "onloadTrigger", default, skip_serializing_if = "Option::is_none")]
    pub onload_trigger: Option<String>,
    /// The most characters that the value may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maxlength: Option<u32>,
}

/// The `type` of an input, as in HTML.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InputType {
    /// Any text.
    #[serde(rename = "text")]
    Text,
    /// A password, which is not shown.
    #[serde(rename = "password")]
    Password,
    /// A number.
    #[serde(rename = "number")]
    Number,
    /// A box to tick.
    #[serde(rename = "checkbox")]
    Checkbox,
    /// A value that people do not see.
    #[serde(rename = "hidden")]
    Hidden,
    /// An e-mail address.
    #[serde(rename = "email")]
    Email,
    /// A phone number.
    #[serde(rename = "tel")]
    Tel,
    /// A button that sends the form.
    #[serde(rename = "submit")]
    Submit,
    /// A button that runs a script.
    #[serde(rename = "button")]
    Button,
    /// A day and a time.
    #[serde(rename = "datetime-local")]
    DatetimeLocal,
    /// A day.
    #[serde(rename = "date")]
    Date,
    /// An address of the web.
    #[serde(rename = "url")]
    Url,
}

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageAttributes {
    /// The address of the picture, often a `data:` URL.
    pub src: String,
    /// The id of the element.
    pub id: String,
    /// The width in pixels.
    pub width: u32,
    /// The height in pixels.
    pub height: u32,
}

/// A link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnchorAttributes {
    /// The address that the link leads to.
    pub href: String,
    /// The words of the link.
    pub title: Message,
    /// The id of the element.
    pub id: String,
}

/// A text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextAttributes {
    /// The text.
    pub text: Message,
    /// The id of the element.
    pub id: String,
}

/// A script to load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptAttributes {
    /// The address of the script.
    pub src: String,
    /// Whether the page need not wait for it.
    #[serde(rename = "async")]
    pub asynchronous: bool,
    /// The value of `referrerpolicy` in HTML.
    pub referrerpolicy: String,
    /// The value of `crossorigin` in HTML.
    pub crossorigin: String,
    /// What the script is checked against (W3C "Subresource Integrity").
    pub integrity: String,
    /// The media type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The id of the element.
    pub id: String,
    /// A random text, which policies for scripts may ask for.
    pub nonce: String,
}

/// A container that a script fills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DivisionAttributes {
    /// The class of the element.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub class: String,
    /// The id of the element.
    pub id: String,
    /// The `data-` attributes, without that prefix.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub data: serde_json::Map<String, Value>,
}

impl Node {
    /// A field without a value.
    pub fn input(name: &str, group: Group, kind: InputType) -> Self {
        Self {
            kind: NodeType::Input,
            group,
            attributes: Attributes::Input(InputAttributes {
                name: name.to_owned(),
                kind,
                value: None,
                required: false,
                autocomplete: None,
                label: None,
                pattern: None,
                disabled: false,
                onclick: None,
                onclick_trigger: None,
                onload: None,
                onload_trigger: None,
                maxlength: None,
            }),
            messages: Vec::new(),
            meta: Meta::default(),
        }
    }

    /// A submit button: `name` and `value` are what it sends, `label` what it says.
    pub fn submit(name: &str, group: Group, value: &str, label: Message) -> Self {
        Self::input(name, group, InputType::Submit).with_value(value).with_label(label)
    }

    /// A hidden field.
    pub fn hidden(name: &str, group: Group, value: &str) -> Self {
        Self::input(name, group, InputType::Hidden).with_value(value)
    }

    /// A picture; `src` is an address, or the picture itself as a `data:` URL.
    pub fn image(id: &str, group: Group, src: String, width: u32, height: u32) -> Self {
        let attributes = Attributes::Image(ImageAttributes { src, id: id.to_owned(), width, height });
        Self { kind: NodeType::Img, group, attributes, messages: Vec::new(), meta: Meta::default() }
    }

    /// A text to read.
    pub fn text(id: &str, group: Group, text: Message) -> Self {
        let attributes = Attributes::Text(TextAttributes { text, id: id.to_owned() });
        Self { kind: NodeType::Text, group, attributes, messages: Vec::new(), meta: Meta::default() }
    }

    /// The hidden anti-CSRF field.
    pub fn csrf(token: &str) -> Self {
        Self::hidden("csrf_token", Group::Default, token).required()
    }

    /// A field whose type follows from a JSON value.
    pub fn input_for_value(name: &str, group: Group, value: Value) -> Self {
        let kind = match value {
            Value::Bool(_) => InputType::Checkbox,
            Value::Number(_) => InputType::Number,
            _ => InputType::Text,
        };
        let mut node = Self::input(name, group, kind);
        node.set_value(value);
        node
    }

    /// A field for one item of the list that this field is for; it is as hidden as this one.
    pub(super) fn item(&self, name: &str, value: Value) -> Self {
        let mut item = Self::input_for_value(name, self.group, value);
        if let (Some(InputType::Hidden), Some(input)) = (self.as_input().map(|list| list.kind), item.as_input_mut()) {
            input.kind = InputType::Hidden;
        }
        item
    }

    /// Sets the value.
    #[must_use]
    pub fn with_value(mut self, value: impl Into<Value>) -> Self {
        self.set_value(value.into());
        self
    }

    /// Sets what people read beside it.
    #[must_use]
    pub fn with_label(mut self, label: Message) -> Self {
        self.meta.label = Some(label);
        self
    }

    /// Marks a field as one that has to be filled in.
    #[must_use]
    pub fn required(mut self) -> Self {
        if let Some(input) = self.as_input_mut() {
            input.required = true;
        }
        self
    }

    /// Sets the HTML `autocomplete` hint.
    #[must_use]
    pub fn with_autocomplete(mut self, hint: &str) -> Self {
        if let Some(input) = self.as_input_mut() {
            input.autocomplete = Some(hint.to_owned());
        }
        self
    }

    /// The name of a field, or the id of anything else.
    pub fn id(&self) -> &str {
        match &self.attributes {
            Attributes::Input(input) => &input.name,
            Attributes::Image(image) => &image.id,
            Attributes::Anchor(anchor) => &anchor.id,
            Attributes::Text(text) => &text.id,
            Attributes::Script(script) => &script.id,
            Attributes::Division(division) => &division.id,
        }
    }

    /// The value of a field.
    pub fn value(&self) -> Option<&Value> {
        match &self.attributes {
            Attributes::Input(input) => input.value.as_ref(),
            _ => None,
        }
    }

    /// Sets the value of a field; `null` removes it.
    pub fn set_value(&mut self, value: Value) {
        if let Some(input) = self.as_input_mut() {
            input.value = (!value.is_null()).then_some(value);
        }
    }

    /// Drops the value of a field and what was said about it.
    pub fn reset(&mut self) {
        self.messages.clear();
        self.set_value(Value::Null);
    }

    /// The attributes, if this is a field.
    pub fn as_input(&self) -> Option<&InputAttributes> {
        match &self.attributes {
            Attributes::Input(input) => Some(input),
            _ => None,
        }
    }

    /// The attributes, if this is a field, to be changed.
    pub fn as_input_mut(&mut self) -> Option<&mut InputAttributes> {
        match &mut self.attributes {
            Attributes::Input(input) => Some(input),
            _ => None,
        }
    }
}
