//! Messages to people: composing them when a flow needs one, and delivering what is queued.
//!
//! A flow calls [`Courier::queue`] within its own transaction. A courier worker, here or on
//! another node, claims what is due ([`Courier::deliver_due`]), sends it over its channel, and notes what came of it. A
//! message that fails waits longer after each attempt, delays no other, and is given up after
//! `courier.message_retries` more attempts. A message is sent once, unless a node dies, or loses the database, between
//! sending it and saying so.

mod channel;
mod compose;
pub mod gotemplate;
mod http;
mod messages;
mod queue;
mod smtp;
mod smtp_tls;
mod templates;

use std::sync::Arc;

use config::Config;
use mapper::Mapper;
use metrics::Metrics;
use model::{Channel, Clock, Entropy};
use outbound::Outbound;
use store::Store;

pub use compose::{Content, Message, Template};
pub use messages::MessageList;
pub use queue::watch;
pub use smtp::account;
pub use store::{CourierMessage, Dispatch, MessageFilter, MessagePosition, MessageStatus};
pub use templates::Templates;

/// Composes and delivers messages as one configuration says. Clones share everything.
#[derive(Clone)]
pub struct Courier {
    config: Arc<Config>,
    store: Store,
    outbound: Outbound,
    mapper: Mapper,
    templates: Arc<Templates>,
    clock: Clock,
    entropy: Entropy,
    metrics: Arc<Metrics>,
}

impl Courier {
    /// A courier for a configuration.
    pub fn new(
        config: Arc<Config>,
        store: Store,
        outbound: Outbound,
        mapper: Mapper,
        templates: Templates,
        clock: Clock,
        entropy: Entropy,
    ) -> Self {
        let (templates, metrics) = (Arc::new(templates), Arc::default());
        Self { config, store, outbound, mapper, templates, clock, entropy, metrics }
    }

    /// The same courier, which counts here what it delivers.
    #[must_use]
    pub fn counting(self, metrics: Arc<Metrics>) -> Self {
        Self { metrics, ..self }
    }

    /// The HTML of a queued e-mail; `None` for text messages, and for kinds that are not known.
    pub fn html(&self, message: &CourierMessage) -> Option<String> {
        if message.kind != Channel::Email {
            return None;
        }
        let template = Template::parse(&message.template_type)?;
        self.templates.html(template, &message.template_data.as_ref()?.to_value())
    }
}
