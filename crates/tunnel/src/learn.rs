//! What the server says of itself: the address that it calls its own, and whether it lets people return to the app.

use std::time::Duration;

use outbound::{Error, Outbound, Relay};
use serde_json::Value;
use url::{Url, form_urlencoded};

use crate::address::Address;

/// How long the server may take to say so.
const PATIENCE: Duration = Duration::from_secs(10);
/// Larger than any form, in bytes.
const MAX_FLOW: usize = 1 << 20;
/// Where forms for browsers are opened.
const FLOW: &str = "/self-service/login/browser";

/// What is known of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Learned {
    /// The address that it calls its own, by which it is known in links and at identity providers.
    pub own: Address,
    /// Whether it lets people return to the app (`selfservice.allowed_return_urls`); `None` if it does not say.
    pub lists_app: Option<bool>,
}

/// Asks the server for a sign-in form that returns to the app, as anybody can, and reads where the form would be sent.
///
/// # Errors
/// When the server cannot be reached, or not now.
pub(crate) async fn learn(outbound: &Outbound, remote: &Address, app: &Url) -> Result<Learned, Error> {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("return_to", app.as_str()).finish();
    if let Some(own) = own_address(&open(outbound, remote, &format!("{FLOW}?{query}")).await?, app) {
        return Ok(Learned { own, lists_app: Some(true) });
    }
    let own = own_address(&open(outbound, remote, FLOW).await?, app);
    Ok(Learned { lists_app: own.is_some().then_some(false), own: own.unwrap_or_else(|| remote.clone()) })
}

/// The form as JSON; `null` if it is none.
async fn open(outbound: &Outbound, remote: &Address, path: &str) -> Result<Value, Error> {
    let url = remote.locate(path).ok_or(Error::InvalidUrl)?;
    let headers = vec![("accept".to_owned(), b"application/json".to_vec())];
    let asked = async {
        let mut answer = outbound.relay(Relay { method: "GET".to_owned(), url, headers, body: Vec::new() }).await?;
        match answer.status {
            200 => Ok(serde_json::from_slice(&answer.read(MAX_FLOW).await?).unwrap_or_default()),
            status if status == 429 || status >= 500 => Err(Error::Status { status }),
            _ => Ok(Value::Null),
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.unwrap_or(Err(Error::Timeout))
}

/// The address below which the form is sent to the server's route. One that the app itself lies below is not believed: all
/// links to the app would lead to the tunnel.
fn own_address(flow: &Value, app: &Url) -> Option<Address> {
    let action = flow["ui"]["action"].as_str()?;
    let (base, _) = action.split_once("/self-service/login")?;
    Address::parse(base).ok().filter(|own| own.below(app).is_none())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_own_address_is_what_stands_before_the_route() {
        let own = |action: &str| {
            let app = "http://localhost:3000/".parse().expect("a URL");
            own_address(&json!({ "ui": { "action": action } }), &app).map(|own| own.text())
        };
        assert_eq!(own("https://a/self-service/login?flow=1").as_deref(), Some("https://a"));
        assert_eq!(own("https://a/b/self-service/login?flow=1").as_deref(), Some("https://a/b"));
        for action in [
            "",
            "/self-service/login",
            "ftp://a/self-service/login",
            "https://a/login",
            "https://a/?/self-service/login",
            "http://localhost:3000/self-service/login",
        ] {
            assert_eq!(own(action), None, "{action}");
        }
        assert_eq!(own("http://localhost:3000/api/self-service/login").as_deref(), Some("http://localhost:3000/api"));
        assert_eq!(own_address(&json!(["garbage"]), &"http://a/".parse().expect("a URL")), None);
    }
}
