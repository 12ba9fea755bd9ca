//! OAuth 1.0a (RFC 5849), which X still speaks: each request is signed, where OAuth 2.0 shows a secret.
//!
//! Signatures are made here, with the primitives of RustCrypto: the libraries for it are no longer kept.

use flow::Context;
use hmac::{Hmac, KeyInit, Mac};
use model::Problem;
use outbound::Request;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};
use sha1::Sha1;
use url::{Position, Url, form_urlencoded};

use super::net::{self, ProviderError, Tokens, misconfigured, successful, upstream};
use super::provider::Provider;

/// All but the unreserved characters are escaped (RFC 5849 §3.6).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Where the secret of an access token stands in [`Tokens::answer`].
const TOKEN_SECRET: &str = "oauth_token_secret";

/// What a request is signed with.
struct Signer<'a> {
    /// The client's id and secret.
    client: (&'a str, &'a str),
    /// A token and its secret; empty where there is none yet.
    token: (&'a str, &'a str),
    nonce: String,
    /// The time in seconds.
    timestamp: i64,
}

impl<'a> Signer<'a> {
    fn new(cx: Context<'_>, provider: &'a Provider, token: (&'a str, &'a str)) -> Self {
        let secret = provider.config.client_secret.as_ref().map_or("", |secret| secret.expose().as_str());
        Self {
            client: (&provider.config.client_id, secret),
            token,
            nonce: cx.entropy.uuid().simple().to_string(),
            timestamp: cx.now().as_second(),
        }
    }

    /// The `Authorization` header of a request without a body (RFC 5849 §3.5.1). `more` are parameters of the protocol
    /// that this request alone has.
    fn authorization(&self, method: &str, url: &Url, more: &[(&str, &str)]) -> String {
        let timestamp = self.timestamp.to_string();
        let mut own = vec![
            ("oauth_consumer_key", self.client.0),
            ("oauth_nonce", &self.nonce),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", &timestamp),
            ("oauth_version", "1.0"),
        ];
        if !self.token.0.is_empty() {
            own.push(("oauth_token", self.token.0));
        }
        own.extend(more);
        let signature = self.signature(method, url, &own);
        own.push(("oauth_signature", &signature));
        let members: Vec<String> = own.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
        format!("OAuth {}", members.join(", "))
    }

    /// HMAC-SHA1 over method, address and parameters (RFC 5849 §3.4.2), in Base64.
    fn signature(&self, method: &str, url: &Url, own: &[(&str, &str)]) -> String {
        let of_url = url.query_pairs().map(|(name, value)| (escape(&name), escape(&value)));
        let mut parameters: Vec<_> =
            own.iter().map(|(name, value)| (escape(name), escape(value))).chain(of_url).collect();
        parameters.sort();
        let parameters: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let base = format!("{method}&{}&{}", escape(&url[..Position::AfterPath]), escape(&parameters.join("&")));
        let key = format!("{}&{}", escape(self.client.1), escape(self.token.1));
        let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).expect("a key may have any length");
        mac.update(base.as_bytes());
        base64::Engine::encode(&base64::prelude::BASE64_STANDARD, mac.finalize().into_bytes())
    }
}

fn escape(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

fn address(text: &str) -> Result<Url, Problem> {
    Url::parse(text).map_err(|_| misconfigured("The provider's address is none."))
}

/// Where a person signs in (RFC 5849 §2.1 and §2.2). The provider is told beforehand where to send them back to, with
/// the `state`, and the `code` without which no callback is believed.
///
/// # Errors
/// 502 when it gives no usable answer.
pub async fn authorization_url(
    cx: Context<'_>,
    provider: &Provider,
    request_token: &str,
    authenticate: &str,
    state: &str,
) -> Result<String, Problem> {
    let redirect_uri = provider.redirect_uri(cx.services);
    let callback = form_urlencoded::Serializer::for_suffix(format!("{redirect_uri}?"), redirect_uri.len() + 1)
        .extend_pairs([("state", state), ("code", "unused")])
        .finish();
    let answer = post(cx, provider, request_token, ("", ""), &[("oauth_callback", &callback)]).await?;
    if answer.get("oauth_callback_confirmed").is_none_or(|confirmed| confirmed != "true") {
        return Err(upstream("The provider does not say that it will send people back."));
    }
    let mut to = address(authenticate)?;
    to.query_pairs_mut().append_pair("oauth_token", text(&answer, "oauth_token")?);
    Ok(to.into())
}

/// Trades what a callback brought along for an access token (RFC 5849 §2.3).
///
/// # Errors
/// When the callback brought nothing; 502 when the provider gives no usable answer.
pub async fn access_token(
    cx: Context<'_>,
    provider: &Provider,
    token: &str,
    verifier: &str,
) -> Result<Tokens, ProviderError> {
    if token.is_empty() || verifier.is_empty() {
        return Err(ProviderError::unproved("The provider did not say whether you signed in. Please try again."));
    }
    let (_, endpoint) = provider.endpoints(cx).await?;
    // X knows the token by itself: its secret is not part of the signature here, as in Kratos.
    let answer = post(cx, provider, &endpoint, (token, ""), &[("oauth_verifier", verifier)]).await?;
    let access = text(&answer, "oauth_token")?.to_owned();
    text(&answer, TOKEN_SECRET)?;
    Ok(Tokens { access, refresh: String::new(), id: None, answer })
}

/// A request that is signed with an access token (RFC 5849 §3.1).
///
/// # Errors
/// 500 for an address that is none.
pub fn signed_get(cx: Context<'_>, provider: &Provider, tokens: &Tokens, url: &str) -> Result<Request, Problem> {
    let secret = tokens.answer.get(TOKEN_SECRET).and_then(Value::as_str).unwrap_or_default();
    let header = Signer::new(cx, provider, (&tokens.access, secret)).authorization("GET", &address(url)?, &[]);
    Ok(Request::get(url).header("Authorization", &header))
}

/// Sends a signed request that is answered with a form.
async fn post(
    cx: Context<'_>,
    provider: &Provider,
    url: &str,
    token: (&str, &str),
    more: &[(&str, &str)],
) -> Result<Map<String, Value>, Problem> {
    let header = Signer::new(cx, provider, token).authorization("POST", &address(url)?, more);
    let answer =
        successful(net::send_once(cx, Request::post(url, Vec::new()).header("Authorization", &header)).await?)?;
    let fields = form_urlencoded::parse(&answer.body);
    Ok(fields.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect())
}

fn text<'a>(answer: &'a Map<String, Value>, name: &str) -> Result<&'a str, Problem> {
    let text = answer.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.ok_or_else(|| upstream(format!("The provider's answer lacks {name}.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer<'a>(token: (&'a str, &'a str), nonce: &str, timestamp: i64) -> Signer<'a> {
        Signer { client: ("dpf43f3p2l4k3l03", "kd94hf93k423kf44"), token, nonce: nonce.to_owned(), timestamp }
    }

    #[test]
    fn requests_are_signed_as_the_rfc_shows() {
        // RFC 5849 §1.2, whose examples leave `oauth_version` out.
        let url = Url::parse("http://photos.example.net/photos?file=vacation.jpg&size=original").expect("an address");
        let own = [
            ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
            ("oauth_token", "nnch734d00sl2jdk"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "137131202"),
            ("oauth_nonce", "chapoH"),
        ];
        let signer = signer(("nnch734d00sl2jdk", "pfkkdhi9sl3r4s00"), "chapoH", 137_131_202);
        assert_eq!(signer.signature("GET", &url, &own), "MdpQcU8iPSUjWoN/UDMsK2sui9I=");
    }

    #[test]
    fn a_header_holds_everything_but_what_the_address_holds() {
        let url = Url::parse("https://api.example.org/verify?include_email=true").expect("an address");
        let header = signer(("t/1", "s"), "n", 1).authorization("GET", &url, &[("oauth_verifier", "a b")]);
        let (signed, signature) = header.rsplit_once(", ").expect("members");
        assert_eq!(
            signed,
            "OAuth oauth_consumer_key=\"dpf43f3p2l4k3l03\", oauth_nonce=\"n\", oauth_signature_method=\"HMAC-SHA1\", \
             oauth_timestamp=\"1\", oauth_version=\"1.0\", oauth_token=\"t%2F1\", oauth_verifier=\"a%20b\""
        );
        assert!(signature.starts_with("oauth_signature=\""), "{signature}");
    }
}
