//! The configuration of a web hook.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use model::Secret;
use serde::Deserialize;
use serde_json::Value;

/// What a web hook does. See Kratos' `web_hook` configuration.
pub struct Settings {
    /// Its name in logs.
    pub id: String,
    pub url: String,
    pub method: String,
    pub headers: Vec<(String, Secret)>,
    /// Where the Jsonnet snippet is that makes the body. Without one there is none.
    pub body: Option<String>,
    pub form: BodyForm,
    pub can_interrupt: bool,
    pub parse: bool,
    pub ignore: bool,
    /// Whether requests carry `Ory-Webhook-Trigger-ID` and `Ory-Webhook-Request-ID`.
    pub identifies_requests: bool,
}

/// How the output of the snippet is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyForm {
    Json,
    /// An object of strings, as a browser sends a form.
    UrlEncoded,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    id: String,
    url: String,
    method: String,
    #[serde(default)]
    headers: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    auth: Option<Auth>,
    #[serde(default)]
    can_interrupt: bool,
    emit_analytics_event: Option<bool>,
    #[serde(default)]
    response: Response,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Response {
    ignore: bool,
    parse: bool,
}

#[derive(Deserialize)]
#[serde(tag = "type", content = "config", rename_all = "snake_case")]
enum Auth {
    ApiKey {
        name: String,
        value: String,
        #[serde(rename = "in", default)]
        place: ApiKeyPlace,
    },
    BasicAuth {
        user: String,
        password: String,
    },
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ApiKeyPlace {
    #[default]
    Header,
    Cookie,
}

impl Settings {
    /// Reads the `config` of a hook.
    ///
    /// # Errors
    /// Says what cannot be used, without secrets.
    pub fn read(config: &Value) -> Result<Self, String> {
        let config = Config::deserialize(config).map_err(|error| error.to_string())?;
        let mut headers: Vec<_> = config.headers.into_iter().map(|(name, value)| (name, Secret::new(value))).collect();
        let named = |headers: &[(String, Secret)], wanted: &str| {
            headers.iter().position(|(name, _)| name.eq_ignore_ascii_case(wanted))
        };
        let form = match named(&headers, "content-type").map(|at| headers[at].1.expose().as_str()) {
            None => {
                headers.push(("content-type".to_owned(), "application/json".into()));
                BodyForm::Json
            }
            Some("application/json") => BodyForm::Json,
            Some("application/x-www-form-urlencoded") => BodyForm::UrlEncoded,
            Some(_) => return Err("bodies can be application/json and application/x-www-form-urlencoded".to_owned()),
        };
        match config.auth {
            None => {}
            Some(Auth::BasicAuth { user, password }) => {
                let credentials = BASE64_STANDARD.encode(format!("{user}:{password}"));
                headers.push(("authorization".to_owned(), Secret::new(format!("Basic {credentials}"))));
            }
            Some(Auth::ApiKey { name, value, place: ApiKeyPlace::Header }) => headers.push((name, Secret::new(value))),
            Some(Auth::ApiKey { name, value, place: ApiKeyPlace::Cookie }) => {
                let mut cookies = format!("{name}={value}");
                if let Some(at) = named(&headers, "cookie") {
                    cookies = format!("{}; {cookies}", headers.remove(at).1.expose());
                }
                headers.push(("cookie".to_owned(), Secret::new(cookies)));
            }
        }
        Ok(Self {
            id: config.id,
            url: config.url,
            body: Some(config.body).filter(|body| !body.is_empty() && config.method != "TRACE"),
            method: config.method,
            headers,
            form,
            can_interrupt: config.can_interrupt,
            parse: config.response.parse,
            ignore: config.response.ignore,
            identifies_requests: config.emit_analytics_event.unwrap_or(true),
        })
    }
}
