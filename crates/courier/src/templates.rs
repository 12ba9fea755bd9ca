//! The words of messages: our own templates, and what operators put in their place.
//!
//! A message has up to four parts, and each part is one template: its subject, plain text and HTML, or the text of an
//! SMS. Each may be replaced: by the address that `courier.templates` gives, or by a file in the folder
//! `courier.template_override_path`. Files ending in `.gotmpl`, and templates behind addresses, are Go templates as for
//! Kratos; files ending in `.jinja` are in the language of our own, and may extend `layout`.
//!
//! All of them are read when the configuration is, so that a template that cannot be used is found then.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use config::{Config, MessageTemplate};
use minijinja::Environment;
use minijinja::value::Serde;
use model::Channel;
use outbound::Outbound;
use serde_json::{Map, Value};

use crate::compose::Template;
use crate::gotemplate::{Escape, GoTemplates, MAX_SOURCE};

mod builtin;
#[cfg(test)]
mod tests;

use builtin::OWN;

/// The longest subject, in characters; what the database has room for.
const MAX_SUBJECT: usize = 255;

/// A part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Subject,
    Plaintext,
    Html,
    Sms,
}

impl Part {
    pub const ALL: [Self; 4] = [Self::Subject, Self::Plaintext, Self::Html, Self::Sms];

    /// The name of its file, without the extension; as in Kratos.
    pub const fn file(self) -> &'static str {
        match self {
            Self::Subject => "email.subject",
            Self::Plaintext => "email.body.plaintext",
            Self::Html => "email.body",
            Self::Sms => "sms.body",
        }
    }

    /// Its address in the configuration, if one is set.
    fn configured(self, templates: &MessageTemplate) -> Option<&str> {
        match self {
            Self::Subject => templates.email_subject.as_deref(),
            Self::Plaintext => templates.email_plaintext.as_deref(),
            Self::Html => templates.email_html.as_deref(),
            Self::Sms => templates.sms_plaintext.as_deref(),
        }
    }
}

impl Template {
    /// Its folder, and its key in `courier.templates`.
    const fn folder(self) -> (&'static str, &'static str) {
        match self {
            Self::RecoveryInvalid => ("recovery", "invalid"),
            Self::RecoveryValid => ("recovery", "valid"),
            Self::RecoveryCodeInvalid => ("recovery_code", "invalid"),
            Self::RecoveryCodeValid => ("recovery_code", "valid"),
            Self::VerificationInvalid => ("verification", "invalid"),
            Self::VerificationValid => ("verification", "valid"),
            Self::VerificationCodeInvalid => ("verification_code", "invalid"),
            Self::VerificationCodeValid => ("verification_code", "valid"),
            Self::LoginCodeValid => ("login_code", "valid"),
            Self::RegistrationCodeValid => ("registration_code", "valid"),
        }
    }

    /// The name of the template of a part, which is its file's path without the extension.
    pub(crate) fn name(self, part: Part) -> String {
        let (folder, kind) = self.folder();
        format!("{folder}/{kind}/{}", part.file())
    }

    /// Whether a message of this kind has such a part.
    pub(crate) fn has(self, part: Part) -> bool {
        let by_sms = matches!(
            self,
            Self::RecoveryCodeValid | Self::VerificationCodeValid | Self::LoginCodeValid | Self::RegistrationCodeValid
        );
        part != Part::Sms || by_sms
    }
}

/// What is told to the person when a message is queued.
pub(crate) struct Texts {
    /// Empty for text messages.
    pub subject: String,
    pub body: String,
}

/// All templates of a configuration.
#[derive(Debug)]
pub struct Templates {
    /// Our own, and those of operators that are in the same language.
    jinja: Environment<'static>,
    go: BTreeMap<(Template, Part), GoTemplates>,
    /// Who sends the messages, for their heading.
    sender: String,
}

impl Templates {
    /// Our own templates.
    pub fn own(sender: &str) -> Self {
        Self { jinja: builtin::environment(), go: BTreeMap::new(), sender: sender.to_owned() }
    }

    /// The templates of a configuration.
    ///
    /// # Errors
    /// Names the template that cannot be had or read.
    pub async fn load(config: &Config, outbound: &Outbound) -> Result<Self, String> {
        let base_url = &config.serve.public.base_url.url;
        let sender = config.courier.smtp.from_name.as_deref().or(base_url.host_str()).unwrap_or_default();
        let mut templates = Self::own(sender);
        if let Some(folder) = &config.courier.template_override_path {
            templates.read_folder(Path::new(folder))?;
        }
        for template in Template::ALL {
            let (name, kind) = template.folder();
            let Some(pair) = config.courier.templates.get(name) else { continue };
            let configured = if kind == "valid" { &pair.valid } else { &pair.invalid };
            for part in Part::ALL.into_iter().filter(|part| template.has(*part)) {
                let Some(address) = part.configured(configured) else { continue };
                let unusable =
                    |why: String| format!("The message template {address} ({name}.{kind}) cannot be used: {why}.");
                let source = fetch(address, outbound).await.map_err(unusable)?;
                templates.set_go(template, part, &[(part.file().to_owned(), source)]).map_err(unusable)?;
            }
        }
        Ok(templates)
    }

    /// Reads the templates in a folder that is laid out as Kratos' is.
    fn read_folder(&mut self, root: &Path) -> Result<(), String> {
        if !root.is_dir() {
            tracing::warn!(
                folder = %root.display(),
                "The folder courier.template_override_path does not exist; the built-in messages are used."
            );
            return Ok(());
        }
        let unusable =
            |path: &Path, why: String| format!("The message template {} cannot be used: {why}.", path.display());
        let mut jinja: Vec<String> =
            vec!["layout".to_owned(), "partials/code".to_owned(), "partials/button".to_owned()];
        for template in Template::ALL {
            for part in Part::ALL.into_iter().filter(|part| template.has(*part)) {
                let name = template.name(part);
                jinja.push(name.clone());
                let path = root.join(format!("{name}.gotmpl"));
                if path.is_file() && !root.join(format!("{name}.jinja")).is_file() {
                    let folder = path.parent().unwrap_or(root);
                    let sources = go_sources(folder, part.file()).map_err(|why| unusable(&path, why))?;
                    self.set_go(template, part, &sources).map_err(|why| unusable(&path, why))?;
                }
            }
        }
        for name in jinja {
            let path = root.join(format!("{name}.jinja"));
            if path.is_file() {
                let source = read(&path).map_err(|why| unusable(&path, why))?;
                let added = self.jinja.add_template_owned(name, source);
                added.map_err(|error| unusable(&path, error.to_string()))?;
            }
        }
        Ok(())
    }

    /// Puts Go templates in the place of a part; the one that is named as its file is begins.
    fn set_go(&mut self, template: Template, part: Part, sources: &[(String, String)]) -> Result<(), String> {
        let mut set = GoTemplates::default();
        for (name, source) in sources {
            set.add(name, source).map_err(|error| format!("{name}: {error}"))?;
        }
        self.go.insert((template, part), set);
        Ok(())
    }

    /// Subject and text of a message. An operator's template that fails does not keep the code from its reader: our own
    /// takes its place, and the log says why.
    pub(crate) fn texts(&self, template: Template, channel: Channel, data: &Value) -> Texts {
        match channel {
            Channel::Email => Texts {
                subject: one_line(&self.render(template, Part::Subject, data)),
                body: self.render(template, Part::Plaintext, data),
            },
            Channel::Sms => Texts { subject: String::new(), body: self.render(template, Part::Sms, data) },
        }
    }

    /// The HTML of an e-mail; `None` when it has none.
    pub(crate) fn html(&self, template: Template, data: &Value) -> Option<String> {
        Some(self.render(template, Part::Html, data)).filter(|html| !html.trim().is_empty())
    }

    fn render(&self, template: Template, part: Part, data: &Value) -> String {
        let name = template.name(part);
        let replaced = match self.go.get(&(template, part)) {
            Some(set) => {
                let escape = if part == Part::Html { Escape::Html } else { Escape::None };
                set.render(part.file(), &go_variables(template, part, data), escape).map_err(|error| error.to_string())
            }
            None => self.render_jinja(&name, data),
        };
        let own = |error: String| {
            tracing::error!(error, template = name, "A message template cannot be rendered; the built-in one is used.");
            self.render_jinja(&format!("{OWN}{name}"), data)
        };
        replaced.or_else(own).unwrap_or_else(|error| {
            tracing::error!(error, template = name, "A built-in message template cannot be rendered.");
            String::new()
        })
    }

    fn render_jinja(&self, name: &str, data: &Value) -> Result<String, String> {
        let mut context = data.as_object().cloned().unwrap_or_default();
        context.insert("sender".to_owned(), self.sender.as_str().into());
        let template = self.jinja.get_template(name).map_err(|error| error.to_string())?;
        template.render(Serde(context)).map_err(|error| format!("{error:#}"))
    }
}

/// The variables of a message under the names that they have in Kratos' templates.
fn go_variables(template: Template, part: Part, data: &Value) -> Value {
    let is_recovery_sms = (template, part) == (Template::RecoveryCodeValid, Part::Sms);
    let renamed = data.as_object().into_iter().flatten().map(|(name, value)| {
        let name = match name.as_str() {
            "verification_code" if is_recovery_sms => "RecoveryCode".to_owned(),
            name => name.split('_').map(capitalised).collect(),
        };
        (name, value.clone())
    });
    Value::Object(renamed.collect::<Map<_, _>>())
}

/// A word as Go has it within a name.
fn capitalised(word: &str) -> String {
    if word == "url" {
        return "URL".to_owned();
    }
    let mut chars = word.chars();
    chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect()
}

/// Subjects are one line, and fit the database.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_SUBJECT).collect()
}

/// The Go templates in a folder that may refer to each other: those whose names begin with that of the part. The part's
/// own comes first, under its name without the extension too.
fn go_sources(folder: &Path, part: &str) -> Result<Vec<(String, String)>, String> {
    let mut sources = Vec::new();
    let entries = std::fs::read_dir(folder).map_err(|error| error.to_string())?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with(part))
        .collect();
    names.sort();
    for name in names.into_iter().filter(|name| name.ends_with(".gotmpl")) {
        let source = read(&folder.join(&name))?;
        if name == format!("{part}.gotmpl") {
            sources.push((part.to_owned(), source.clone()));
        }
        sources.push((name, source));
    }
    Ok(sources)
}

fn read(path: &Path) -> Result<String, String> {
    let source = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    if source.len() > MAX_SOURCE { Err("it is larger than a mebibyte".to_owned()) } else { Ok(source) }
}

/// The text that stands at `base64://…`, `file://…`, `http://…` or `https://…`.
async fn fetch(address: &str, outbound: &Outbound) -> Result<String, String> {
    if let Some(path) = address.strip_prefix("file://") {
        return read(Path::new(path));
    }
    let bytes = match address.strip_prefix("base64://") {
        Some(encoded) => BASE64_STANDARD.decode(encoded).map_err(|_| "it is not base64".to_owned())?,
        None => outbound.download(address, MAX_SOURCE).await.map_err(|error| error.to_string())?,
    };
    String::from_utf8(bytes).map_err(|_| "it is not text".to_owned())
}
