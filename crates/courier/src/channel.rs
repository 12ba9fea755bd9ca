//! Which way a message goes.

use config::{DeliveryStrategy, HttpRequest};
use model::Channel;
use store::CourierMessage;

use crate::Courier;

/// Why an attempt failed. The text is kept with the message, for operators: it holds no secret and nothing private.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SendError {
    pub message: String,
    /// What it means, where the message is the words of a mail server or of what is between.
    pub reason: Option<&'static str>,
    /// Whether another attempt is useless.
    pub is_final: bool,
}

impl SendError {
    /// A failure that may pass.
    pub fn passing(message: impl std::fmt::Display) -> Self {
        Self { message: message.to_string(), reason: None, is_final: false }
    }

    /// A failure that will not pass, such as a mailbox that does not exist.
    pub fn lasting(message: impl std::fmt::Display) -> Self {
        Self { is_final: true, ..Self::passing(message) }
    }
}

impl Courier {
    /// Sends a message once.
    pub(crate) async fn send(&self, message: &CourierMessage) -> Result<(), SendError> {
        let name = match message.channel.as_deref() {
            Some(name) if !name.is_empty() => name,
            // Rows of old versions name no channel.
            _ => message.kind.as_str(),
        };
        match self.http_channel(name) {
            Some(request) => self.send_over_http(request, message).await,
            // In development the message is read where it is.
            None if self.config.courier.mailbox => Ok(()),
            None if name == Channel::Email.as_str() => {
                let sent = self.send_by_smtp(message).await;
                sent.map_err(|error| SendError { reason: Some("The mail server did not take the mail."), ..error })
            }
            None => Err(SendError::passing(format!("There is no courier channel {name:?} in the configuration."))),
        }
    }

    /// The web service that sends the messages of a channel, if one does.
    fn http_channel(&self, name: &str) -> Option<&HttpRequest> {
        let courier = &self.config.courier;
        let configured = courier.channels.iter().find(|channel| channel.id == name).map(|channel| &channel.request);
        configured.or_else(|| {
            let by_http = name == Channel::Email.as_str() && courier.delivery_strategy == DeliveryStrategy::Http;
            courier.http.as_ref().filter(|_| by_http)
        })
    }
}
