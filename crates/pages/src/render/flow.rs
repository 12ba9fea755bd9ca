//! The form of a flow.

use model::flow::FlowKind;
use model::message::MessageType;
use model::{Aal, Flow, FlowName, FlowState, Message};
use serde::Serialize;

use super::lists;
use super::nodes::{self, FormView, Mistake, Script};
use super::{Frame, Page};

/// A flow's forms, and what is said about them.
#[derive(Clone, Debug, Serialize)]
pub struct FlowPage {
    frame: Frame,
    /// A sentence below the heading.
    lead: Option<&'static str>,
    /// What went wrong with the whole submission.
    errors: Vec<String>,
    /// Fields with something to correct.
    mistakes: Vec<Mistake>,
    notices: Vec<Notice>,
    forms: Vec<FormView>,
    links: Vec<Link>,
    scripts: Vec<Script>,
}

/// Something to know that is no error.
#[derive(Clone, Debug, Serialize)]
struct Notice {
    kind: &'static str,
    text: String,
}

/// A way to another page.
#[derive(Clone, Debug, Serialize)]
pub struct Link {
    /// Text in front of the link.
    pub before: Option<&'static str>,
    /// The words of the link.
    pub text: &'static str,
    /// The address that it leads to.
    pub href: String,
}

impl Page for FlowPage {
    const TEMPLATE: &'static str = "flow.html";
}

impl FlowPage {
    /// A page that shows `flow`, with links to where else one might want to go, on a server at `public_url`. `lists` are the
    /// names of fields that take several values.
    pub fn new<K: Headed>(flow: &Flow<K>, lists: &[&str], links: Vec<Link>, public_url: &str) -> Self {
        let Heading { title, lead } = K::heading(flow);
        let nodes::Drawn { forms, mistakes, scripts } =
            nodes::draw(&lists::in_rows(&flow.ui, lists), K::NAME, public_url);
        let mut frame = Frame::new(public_url, title);
        frame.has_errors = !mistakes.is_empty() || flow.ui.messages.iter().any(|said| said.kind == MessageType::Error);
        let said = |kind: MessageType| flow.ui.messages.iter().filter(move |message| message.kind == kind);
        let text = |message: &Message| message.text.clone().into_owned();
        let notice = |kind| move |message: &Message| Notice { kind, text: text(message) };
        Self {
            frame: if K::NAME == FlowName::Settings { frame.wide() } else { frame },
            lead,
            errors: said(MessageType::Error).map(text).collect(),
            mistakes,
            notices: said(MessageType::Success)
                .map(notice("success"))
                .chain(said(MessageType::Info).map(notice("info")))
                .collect(),
            forms,
            links,
            scripts,
        }
    }

    /// Whether the page loads scripts, which its content security policy then has to allow.
    pub fn has_scripts(&self) -> bool {
        !self.scripts.is_empty()
    }
}

/// What a page says above its forms.
pub struct Heading {
    title: &'static str,
    lead: Option<&'static str>,
}

/// A kind of flow that has a page.
pub trait Headed: FlowKind {
    /// The words above this flow's forms.
    fn heading(flow: &Flow<Self>) -> Heading;
}

const fn heading(title: &'static str, lead: Option<&'static str>) -> Heading {
    Heading { title, lead }
}

impl Headed for model::flow::Login {
    fn heading(flow: &Flow<Self>) -> Heading {
        match (flow.detail.refresh, flow.detail.requested_aal) {
            (_, Aal::Aal2) => heading("One more step", None),
            (true, _) => heading("Is it still you?", None),
            (false, _) => heading("Sign in", None),
        }
    }
}

impl Headed for model::flow::Registration {
    fn heading(_: &Flow<Self>) -> Heading {
        heading("Create an account", None)
    }
}

impl Headed for model::flow::Settings {
    fn heading(_: &Flow<Self>) -> Heading {
        heading("Your account", None)
    }
}

impl Headed for model::flow::Recovery {
    fn heading(flow: &Flow<Self>) -> Heading {
        match flow.state {
            FlowState::ChooseMethod => {
                heading("Get back in", Some("Tell us how to reach you, and we send you a way back into your account."))
            }
            _ => heading("Get back in", None),
        }
    }
}

impl Headed for model::flow::Verification {
    fn heading(flow: &Flow<Self>) -> Heading {
        match flow.state {
            FlowState::PassedChallenge => heading("Thank you", None),
            FlowState::ChooseMethod => {
                heading("Confirm your address", Some("Tell us the address, and we send a message there."))
            }
            _ => heading("Confirm your address", None),
        }
    }
}
