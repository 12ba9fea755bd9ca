//! One call of a web hook's service.

use std::sync::Arc;

use mapper::{Input, MAX_SNIPPET, Mapper, MapperError};
use model::{Clock, Uuid};
use outbound::{Outbound, Request, Response};
use serde_json::Value;
use url::form_urlencoded;

use super::settings::{BodyForm, Settings};

/// The most that is read of an answer; as in Kratos.
const MAX_ANSWER: usize = 5 << 20;

/// A call with all that it takes, so that it can outlive the request that it tells of. Its context is never stored.
pub struct Call {
    pub settings: Arc<Settings>,
    pub outbound: Outbound,
    pub mapper: Mapper,
    pub clock: Clock,
    /// The same for every try.
    pub trigger: Uuid,
    pub context: Value,
}

/// Why a call came to nothing. The texts are for operators.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The service says no, and was not asked.
    #[error("the service answered with status {0}")]
    Refused(u16),
    #[error("the service did not answer in time")]
    TimedOut,
    #[error("{0}")]
    Failed(String),
}

impl From<MapperError> for Fault {
    fn from(error: MapperError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl Call {
    /// Sends the request, again if need be; `None` when the snippet calls it off.
    ///
    /// # Errors
    /// When no answer comes that can be used. One with any other status than 429 and 5xx (but 501) can be.
    pub async fn send(self) -> Result<Option<Response>, Fault> {
        let started = self.clock.now();
        let outcome = self.attempt().await;
        let duration_ms = self.clock.now().duration_since(started).as_millis();
        let (id, trigger) = (&self.settings.id, self.trigger);
        match &outcome {
            Ok(Some(Response { status, .. })) => {
                tracing::info!(hook.id = id, hook.trigger = %trigger, http.status = status, duration_ms, "A web hook was called.");
            }
            Ok(None) => tracing::info!(hook.id = id, "A web hook was called off by its snippet."),
            Err(fault) if self.settings.ignore => {
                tracing::warn!(hook.id = id, hook.trigger = %trigger, duration_ms, "A web hook failed, which is ignored: {fault}.");
            }
            // Whoever waits for it logs it.
            Err(_) => {}
        }
        outcome
    }

    async fn attempt(&self) -> Result<Option<Response>, Fault> {
        let settings = &*self.settings;
        let mut request = Request::new(&settings.method, &settings.url).truncate();
        for (name, value) in &settings.headers {
            request = request.header(name, value.expose());
        }
        if settings.identifies_requests {
            request = request.header("ory-webhook-trigger-id", &self.trigger.to_string());
            request = request.identify_tries("ory-webhook-request-id");
        }
        if let Some(snippet) = &settings.body {
            let Some(body) = self.body(snippet).await? else { return Ok(None) };
            request = request.body(body);
        }
        // An answer that nobody reads may be as long as it likes.
        let limit = if settings.parse || settings.can_interrupt { MAX_ANSWER } else { 0 };
        match self.outbound.fetch(request, limit).await {
            Ok(answer) if answer.status == 429 || (answer.status >= 500 && answer.status != 501) => {
                Err(Fault::Failed(format!("the service keeps answering with status {}", answer.status)))
            }
            Ok(answer) => Ok(Some(answer)),
            Err(outbound::Error::Timeout) => Err(Fault::TimedOut),
            Err(error) => Err(Fault::Failed(error.to_string())),
        }
    }

    /// What the snippet makes of the context; `None` when it calls the request off, by `error 'cancel'`.
    async fn body(&self, address: &str) -> Result<Option<Vec<u8>>, Fault> {
        let fetch = |url: String| async move { self.outbound.download(&url, MAX_SNIPPET).await };
        let snippet = self.mapper.load(address, fetch).await?;
        let output = match self.mapper.evaluate(&snippet, Input::TopLevel { ctx: &self.context }).await {
            Ok(output) => output,
            Err(MapperError::Raised(error)) if error.starts_with("cancel") => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match self.settings.form {
            BodyForm::Json => Ok(Some(output.into_bytes())),
            BodyForm::UrlEncoded => {
                let fields: std::collections::BTreeMap<String, String> = serde_json::from_str(&output)
                    .map_err(|_| Fault::Failed("the snippet has to give an object of strings".to_owned()))?;
                Ok(Some(form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into_bytes()))
            }
        }
    }
}
