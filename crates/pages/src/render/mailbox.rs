//! The mailbox of `serve --dev`.

use serde::Serialize;

use super::{Frame, Moment, Page, safe_link};

/// The messages that were written.
#[derive(Clone, Debug, Serialize)]
pub struct MailboxPage {
    /// What is around the content.
    pub frame: Frame,
    /// The messages, the newest first.
    pub messages: Vec<Envelope>,
}

/// A message in the list.
#[derive(Clone, Debug, Serialize)]
pub struct Envelope {
    /// Where it is read.
    pub address: String,
    /// The subject, or the beginning of a text message.
    pub subject: String,
    /// The recipient.
    pub to: String,
    /// When it was queued.
    pub at: Moment,
}

/// One message.
#[derive(Clone, Debug, Serialize)]
pub struct MailboxMessagePage {
    /// What is around the content.
    pub frame: Frame,
    /// The subject, or the beginning of a text message.
    pub subject: String,
    /// The recipient.
    pub to: String,
    /// When it was queued.
    pub at: Moment,
    /// Kratos' name of its kind.
    pub template: String,
    /// The code that it holds, to be copied.
    pub code: Option<String>,
    /// Its text; see [`lines`].
    pub lines: Vec<Vec<Piece>>,
    /// Where its HTML is shown, if it has any.
    pub html: Option<String>,
    /// Where all messages are.
    pub back: String,
}

/// A piece of a line, which may be an address to follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// The address to follow, if it is one.
    pub link: Option<String>,
}

impl Page for MailboxPage {
    const TEMPLATE: &'static str = "mailbox.html";
}

impl MailboxPage {
    /// The page's title.
    pub const TITLE: &'static str = "Mailbox";
}

impl Page for MailboxMessagePage {
    const TEMPLATE: &'static str = "mailbox_message.html";
}

impl MailboxMessagePage {
    /// The page's title.
    pub const TITLE: &'static str = "Message";
}

/// The lines of a plain text that are not empty, with addresses to follow.
pub fn lines(text: &str) -> Vec<Vec<Piece>> {
    let piece = |word: &str| {
        let address = word.trim_end();
        let link = ["http://", "https://"].iter().any(|scheme| address.starts_with(scheme));
        Piece { text: word.to_owned(), link: link.then(|| safe_link(address)).flatten() }
    };
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| line.split_inclusive(' ').map(piece).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_can_be_followed() {
        let found = lines("Hello,\n\nopen https://a.example/?a=1&b=2 now\njavascript:alert(1)\n");
        let links: Vec<_> = found.iter().flatten().filter_map(|piece| piece.link.as_deref()).collect();
        assert_eq!(links, ["https://a.example/?a=1&b=2"]);
        let text: Vec<String> =
            found.iter().map(|line| line.iter().map(|piece| piece.text.as_str()).collect()).collect();
        assert_eq!(text, ["Hello,", "open https://a.example/?a=1&b=2 now", "javascript:alert(1)"]);
    }
}
