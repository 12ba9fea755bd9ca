//! One element of a form.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Message;
use crate::go::null_is_empty;

/// One element of a form: a field, a picture, a link, a text, a script or a container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    #[serde(rename = "type")]
    pub kind: NodeType,
    pub group: Group,
    pub attributes: Attributes,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub messages: Vec<Message>,
    #[serde(default)]
    pub meta: Meta,
}

/// What kind of element a node is; the same as the tag of its attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeType {
    Input,
    Img,
    A,
    Text,
    Script,
    Div,
}

/// The method (or stage) that a node belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    Default,
    Password,
    Oidc,
    Profile,
    Link,
    Code,
    Totp,
    LookupSecret,
    Webauthn,
    Passkey,
    IdentifierFirst,
    Captcha,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Message>,
}

/// The attributes of a node, told apart by `node_type`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "node_type")]
pub enum Attributes {
    #[serde(rename = "input")]
    Input(InputAttributes),
    #[serde(rename = "img")]
    Image(ImageAttributes),
    #[serde(rename = "a")]
    Anchor(AnchorAttributes),
    #[serde(rename = "text")]
    Text(TextAttributes),
    #[serde(rename = "script")]
    Script(ScriptAttributes),
    #[serde(rename = "div")]
    Division(DivisionAttributes),
}

/// A field or a button.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputAttributes {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: InputType,
    /// Absent and empty are different: a field made with an empty text prints `""`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autocomplete: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Message>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    #[serde(default)]
    pub disabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onclick: Option<String>,
    #[serde(rename = "onclickTrigger", default, skip_serializing_if = "Option::is_none")]
    pub onclick_trigger: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onload: Option<String>,
    #[serde(rename = "onloadTrigger", default, skip_serializing_if = "Option::is_none")]
    pub onload_trigger: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maxlength: Option<u32>,
}

/// The `type` of an input, as in HTML.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InputType {
    #[serde(rename = "text")]
    Text,
    #[serde(rename = "password")]
    Password,
    #[serde(rename = "number")]
    Number,
    #[serde(rename = "checkbox")]
    Checkbox,
    #[serde(rename = "hidden")]
    Hidden,
    #[serde(rename = "email")]
    Email,
    #[serde(rename = "tel")]
    Tel,
    #[serde(rename = "submit")]
    Submit,
    #[serde(rename = "button")]
    Button,
    #[serde(rename = "datetime-local")]
    DatetimeLocal,
    #[serde(rename = "date")]
    Date,
    #[serde(rename = "url")]
    Url,
}

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageAttributes {
    pub src: String,
    pub id: String,
    pub width: u32,
    pub height: u32,
}

/// A link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnchorAttributes {
    pub href: String,
    pub title: Message,
    pub id: String,
}

/// A text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextAttributes {
    pub text: Message,
    pub id: String,
}

/// A script to load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptAttributes {
    pub src: String,
    #[serde(rename = "async")]
    pub asynchronous: bool,
    pub referrerpolicy: String,
    pub crossorigin: String,
    pub integrity: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub id: String,
    pub nonce: String,
}

/// A container that a script fills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DivisionAttributes {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub class: String,
    pub id: String,
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
