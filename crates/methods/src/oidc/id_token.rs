//! ID tokens (OpenID Connect Core §2): those that come with a code, and those that native apps get by themselves.

use std::sync::Arc;

use crypto::jwt::{Jwt, JwtError, KeySet};
use flow::Context;
use model::{Problem, SignedDuration, Timestamp};
use outbound::Request;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::claims::Claims;
use super::kinds::Nonce;
use super::net::{self, ProviderError, Tokens, upstream};
use super::provider::{Discovery, KEPT_FOR, Provider};

/// How soon a provider is asked for its keys again, when a token names one that is not among them.
const KEYS_AT_LEAST_FOR: SignedDuration = SignedDuration::from_secs(30);
/// How far a provider's clock may be ahead, for times in the future.
const LEEWAY: SignedDuration = SignedDuration::from_mins(5);

impl Provider {
    /// The claims of an ID token that came with a code, for the `nonce` that was sent; empty if none was.
    pub async fn verified_id_token(
        &self,
        cx: Context<'_>,
        tokens: &Tokens,
        nonce: &str,
    ) -> Result<Map<String, Value>, ProviderError> {
        let discovery = self.discover(cx).await?;
        self.verified_by(cx, tokens, &discovery, nonce).await
    }

    /// As [`Self::verified_id_token`], of this issuer.
    pub async fn verified_by(
        &self,
        cx: Context<'_>,
        tokens: &Tokens,
        issuer: &Discovery,
        nonce: &str,
    ) -> Result<Map<String, Value>, ProviderError> {
        let missing = || {
            ProviderError::unproved(
                "The provider did not say who you are (id_token). Please try again, and allow the scope openid.",
            )
        };
        let token = tokens.id.as_deref().filter(|token| !token.is_empty()).ok_or_else(missing)?;
        let audiences = [self.config.client_id.as_str()];
        let claims = self.verify(cx, token, &issuer.issuer, &issuer.jwks_uri, &audiences).await?;
        let repeated = claims.get("nonce").and_then(Value::as_str).unwrap_or_default();
        if !nonce.is_empty() && !crypto::tokens::same(repeated, nonce) {
            return Err(ProviderError::unproved(
                "The provider's ID token cannot be trusted: it belongs to another sign-in. Please sign in once more.",
            ));
        }
        Ok(claims)
    }

    /// Checks a token: signature, issuer, audience and time (OpenID Connect Core §3.1.3.7).
    async fn verify(
        &self,
        cx: Context<'_>,
        token: &str,
        issuer: &str,
        keys: &str,
        audiences: &[&str],
    ) -> Result<Map<String, Value>, ProviderError> {
        let untrue =
            |why: String| ProviderError::Unproved(format!("The provider's ID token cannot be trusted: {why}."));
        let token = Jwt::parse(token).map_err(|error| untrue(error.to_string()))?;
        let known = self.keys(cx, keys, KEPT_FOR).await?;
        let claims = match token.clone().verify(&known) {
            // Providers change their keys from time to time.
            Err(JwtError::UnknownKey) => token.verify(&*self.keys(cx, keys, KEYS_AT_LEAST_FOR).await?),
            other => other,
        };
        let claims = claims.map_err(|error| untrue(error.to_string()))?;
        check_claims(&claims, issuer, audiences, cx.now()).map_err(untrue)?;
        Ok(claims)
    }

    async fn keys(&self, cx: Context<'_>, address: &str, age: SignedDuration) -> Result<Arc<KeySet>, Problem> {
        let now = cx.now();
        if let Some(known) = self.keys.get(address, now, age) {
            return Ok(known);
        }
        let answer = net::send(cx, Request::get(address)).await?;
        let keys = (answer.status == 200).then(|| KeySet::parse(&answer.body));
        match keys {
            Some(Ok(keys)) => Ok(self.keys.put(address, now, keys)),
            _ => Err(upstream("The provider's keys cannot be read.")),
        }
    }

    /// The claims of an ID token that a native app got by itself (`id_token`), for the `nonce` that it had put into it.
    ///
    /// # Errors
    /// 502 for providers whose tokens are not accepted so and where the nonce is missing or wrong; 403 for a token that
    /// proves nothing.
    pub async fn native_claims(&self, cx: Context<'_>, token: &str, nonce: &str) -> Result<Claims, Problem> {
        let Some(native) = self.kind.native else {
            return Err(upstream("ID tokens of this provider are not accepted; sign in with a browser instead."));
        };
        let forbidden = |error: ProviderError| match error {
            ProviderError::Unproved(why) => Problem::bad_request(why).restated(403),
            ProviderError::Failed(problem) => problem.restated(403),
        };
        let mut audiences = vec![self.config.client_id.as_str()];
        audiences.extend(self.config.additional_id_token_audiences.iter().map(String::as_str));
        let raw = match native.exchange {
            None => self.verify(cx, token, native.issuer, native.keys, &audiences).await.map_err(forbidden)?,
            Some(endpoint) => {
                let form: String = form_urlencoded::Serializer::new(String::new())
                    .append_pair("grant_type", "netid_fedcm")
                    .append_pair("fedcm_token", token)
                    .finish();
                let origin = self.config.net_id_token_origin_header.as_deref().unwrap_or_default();
                let request = Request::post(endpoint, form.into_bytes())
                    .header("Content-Type", "application/x-www-form-urlencoded")
                    .header("Origin", origin);
                let answer = net::json(cx, request).await.map_err(|problem| problem.restated(403))?;
                let token = answer.get("id_token").and_then(Value::as_str).unwrap_or_default();
                self.verify(cx, token, native.issuer, native.keys, &audiences).await.map_err(forbidden)?
            }
        };
        let claims = Claims::read(raw).complete().map_err(|problem| problem.restated(403))?;
        match (claims.text("nonce"), nonce) {
            ("", _) => {
                let may_lack = match native.nonce {
                    Nonce::Optional => true,
                    Nonce::AsClaimed => claims.flag("nonce_supported"),
                    Nonce::Required => false,
                };
                may_lack.then_some(()).ok_or_else(|| upstream("The ID token has no nonce, which it needs here."))?;
            }
            (_, "") => return Err(upstream("The ID token has a nonce; please send it along as id_token_nonce.")),
            (own, sent) if own != sent => return Err(upstream("The nonce is not the one in the ID token.")),
            _ => {}
        }
        Ok(claims)
    }
}

/// Checks whom a token is from and for, and when.
fn check_claims(claims: &Map<String, Value>, issuer: &str, audiences: &[&str], now: Timestamp) -> Result<(), String> {
    let own = claims.get("iss").and_then(Value::as_str).unwrap_or_default();
    // Google's tokens name their issuer with and without its scheme.
    let is_google = issuer == "https://accounts.google.com" && own == "accounts.google.com";
    if own != issuer && !is_google {
        return Err("it is from another issuer".to_owned());
    }
    let is_ours = |value: &Value| value.as_str().is_some_and(|audience| audiences.contains(&audience));
    let is_for_us = match claims.get("aud") {
        Some(Value::Array(several)) => several.iter().any(is_ours),
        Some(one) => is_ours(one),
        None => false,
    };
    if !is_for_us {
        return Err("it is for somebody else".to_owned());
    }
    let time = |name: &str| {
        let seconds =
            claims.get(name).and_then(|value| value.as_i64().or_else(|| value.as_f64().map(|time| time as i64)));
        seconds.and_then(|seconds| Timestamp::from_second(seconds).ok())
    };
    if time("exp").is_none_or(|end| end <= now) {
        return Err("it is too old".to_owned());
    }
    if time("nbf").is_some_and(|begin| begin > now + LEEWAY) {
        return Err("it is not good yet".to_owned());
    }
    Ok(())
}
