//! Messages that a web service sends.

use std::time::Duration;

use config::HttpRequest;
use mapper::{Input, MAX_SNIPPET};
use outbound::Request;
use serde_json::{Map, Value, json};
use store::CourierMessage;
use url::form_urlencoded;

use crate::Courier;
use crate::channel::SendError;

/// How long the service may take; as in Kratos.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer that is read, in bytes. Nothing in it matters but its status.
const MAX_ANSWER: usize = 64 << 10;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

impl Courier {
    /// Hands a message to a web service. Any answer of 2xx means that it has taken it.
    pub(crate) async fn send_over_http(&self, config: &HttpRequest, message: &CourierMessage) -> Result<(), SendError> {
        let json = self.request_body(config, message).await?;
        let content_type = config.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let content_type = content_type.map_or(JSON, |(_, value)| value.expose());
        let body = match content_type.split(';').next().map(str::trim) {
            Some(FORM) => form(&json)?,
            _ => json,
        };
        let mut request = Request::new(&config.method, &config.url)
            .body(body)
            .header("Content-Type", content_type)
            .retries(0)
            .timeout(TIMEOUT);
        for (name, value) in config.headers_with_proof() {
            request = request.header(&name, value.expose());
        }
        let answer = self.outbound.fetch(request, MAX_ANSWER).await.map_err(SendError::passing)?;
        answer.success().map(drop).map_err(SendError::passing)
    }

    /// The body as JSON: what the Jsonnet snippet makes of the message, or else a plain object with all there is.
    async fn request_body(&self, config: &HttpRequest, message: &CourierMessage) -> Result<String, SendError> {
        let ctx = self.context(message);
        let Some(address) = &config.body else { return Ok(plain_body(&ctx).to_string()) };
        let fetch = |url: String| async move { self.outbound.download(&url, MAX_SNIPPET).await };
        let snippet = self.mapper.load(address, fetch).await.map_err(SendError::passing)?;
        self.mapper.evaluate(&snippet, Input::TopLevel { ctx: &ctx }).await.map_err(SendError::passing)
    }

    /// What a snippet is told of a message.
    fn context(&self, message: &CourierMessage) -> Value {
        let data = message.template_data.as_ref().map_or(Value::Null, model::RawJson::to_value);
        let mut ctx = json!({
            "recipient": message.recipient,
            "subject": message.subject,
            "body": message.body,
            "template_type": message.template_type,
            "message_type": message.kind.as_str(),
            "request_headers": message.request_headers.as_ref().map_or_else(|| json!({}), model::RawJson::to_value),
        });
        if let Some(html) = self.html(message) {
            ctx["html_body"] = html.into();
        }
        ctx["template_data"] = data;
        ctx
    }
}

/// The body where none is configured: the message, and what its template was given that a service may want.
fn plain_body(ctx: &Value) -> Value {
    let mut body = Map::new();
    for key in ["recipient", "template_type", "subject", "body"] {
        body.insert(key.to_owned(), ctx[key].clone());
    }
    for key in ["to", "recovery_code", "recovery_url", "verification_url", "verification_code"] {
        body.insert(key.to_owned(), ctx["template_data"][key].clone());
    }
    // Kratos leaves these out, so that a service would have to find them in the text.
    for key in ["login_code", "registration_code"] {
        if let Some(code) = ctx["template_data"].get(key) {
            body.insert(key.to_owned(), code.clone());
        }
    }
    Value::Object(body)
}

/// A form out of a flat JSON object of strings.
fn form(json: &str) -> Result<String, SendError> {
    let unfit = || SendError::passing("The Jsonnet snippet does not give an object of strings, as a form needs.");
    let fields: Map<String, Value> = serde_json::from_str(json).map_err(|_| unfit())?;
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in &fields {
        form.append_pair(name, value.as_str().ok_or_else(unfit)?);
    }
    Ok(form.finish())
}
