//! Pages as text, from typed contexts. Everything that comes from outside is escaped by the template engine, and
//! addresses are let through only if following them cannot run code.

mod confirm;
mod error;
mod flow;
mod lists;
mod mailbox;
mod moment;
mod nodes;
mod removals;
mod sessions;
mod signed_in;
#[cfg(test)]
mod tests;
mod user_agent;

pub use confirm::{AppRequest, ConfirmPage, ConnectedAccounts, Detail, details};
pub use error::{ErrorKind, ErrorPage};
pub use flow::{FlowPage, Headed, Heading, Link};
pub use mailbox::{Envelope, MailboxMessagePage, MailboxPage, Piece, lines};
pub use moment::Moment;
pub use sessions::{Place, SessionsPage};
pub use signed_in::{LogoutForm, OtherSession, WelcomePage, display_name, method_names};
pub use user_agent::describe_device;

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;
use url::Url;

/// The templates, compiled in.
static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    // A typo in a template is an error in the tests that render all of them, rather than a gap on a page.
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    templates.set_syntax(syntax.expect("the default delimiters do not clash"));
    for (name, source) in [
        ("layout.html", include_str!("../../templates/layout.html")),
        ("node.html", include_str!("../../templates/node.html")),
        ("moment.html", include_str!("../../templates/moment.html")),
        (FlowPage::TEMPLATE, include_str!("../../templates/flow.html")),
        (WelcomePage::TEMPLATE, include_str!("../../templates/welcome.html")),
        (SessionsPage::TEMPLATE, include_str!("../../templates/sessions.html")),
        (SignedOutPage::TEMPLATE, include_str!("../../templates/signed_out.html")),
        (ErrorPage::TEMPLATE, include_str!("../../templates/error.html")),
        (ConfirmPage::TEMPLATE, include_str!("../../templates/confirm.html")),
        (MailboxPage::TEMPLATE, include_str!("../../templates/mailbox.html")),
        (MailboxMessagePage::TEMPLATE, include_str!("../../templates/mailbox_message.html")),
    ] {
        templates.add_template(name, source).expect("the templates are valid, as the tests show");
    }
    templates
});

/// What all pages have around their content.
#[derive(Clone, Debug, Serialize)]
pub struct Frame {
    lang: &'static str,
    /// In the title bar, and the page's heading.
    title: &'static str,
    /// Whether there is more on the page than a form.
    wide: bool,
    /// Whether something is to be corrected: the title bar says so, which is what screen readers say first.
    has_errors: bool,
    stylesheet: String,
    icon: String,
}

impl Frame {
    /// The frame of a page on a server whose external address is `public_url`.
    pub fn new(public_url: &str, title: &'static str) -> Self {
        // From wherever the page itself was fetched, such as the port of a tunnel: others are not allowed.
        let base = Url::parse(public_url).map(|url| url.path().trim_end_matches('/').to_owned()).unwrap_or_default();
        let asset = |asset: &crate::assets::Asset| format!("{base}/ui/assets/{}", asset.file_name());
        Self {
            lang: "en",
            title,
            wide: false,
            has_errors: false,
            stylesheet: asset(&crate::assets::STYLESHEET),
            icon: asset(&crate::assets::ICON),
        }
    }

    /// Gives the content more room.
    #[must_use]
    pub fn wide(mut self) -> Self {
        self.wide = true;
        self
    }
}

/// A page: its template, and everything that the template names.
pub trait Page: Serialize {
    /// The template's name.
    const TEMPLATE: &'static str;

    /// The page as HTML.
    ///
    /// # Errors
    /// When template and context do not fit, which the tests rule out for the built-in templates.
    fn render(&self) -> Result<String, minijinja::Error> {
        TEMPLATES.get_template(Self::TEMPLATE)?.render(Serde(self))
    }
}

/// What people see after logging out, and where nobody is signed in.
#[derive(Clone, Debug, Serialize)]
pub struct SignedOutPage {
    /// What is around the content.
    pub frame: Frame,
    /// Where to sign in.
    pub sign_in: String,
    /// Where to sign up, if people may.
    pub sign_up: Option<String>,
}

impl Page for SignedOutPage {
    const TEMPLATE: &'static str = "signed_out.html";
}

impl SignedOutPage {
    /// The page's title.
    pub const TITLE: &'static str = "You are signed out";
    /// The page's title where there was nothing left to do.
    pub const ALREADY: &'static str = "You are signed out already";
}

/// An address that may be followed or posted to: `http` and `https`, absolute or relative.
fn safe_link(address: &str) -> Option<String> {
    match Url::parse(address) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Some(address.to_owned()),
        Err(url::ParseError::RelativeUrlWithoutBase) => Some(address.to_owned()),
        _ => None,
    }
}

/// An address that may be shown as a picture: a link, or an inline picture.
fn safe_picture(address: &str) -> Option<String> {
    match Url::parse(address) {
        Ok(url) if url.scheme() == "data" => url.path().starts_with("image/").then(|| address.to_owned()),
        _ => safe_link(address),
    }
}
