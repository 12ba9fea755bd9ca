//! Who signs in: what a provider says about a person once it has given tokens.

use flow::Context;
use hmac::{Hmac, KeyInit, Mac};
use model::{Problem, Uuid};
use outbound::Request;
use serde_json::Value;
use sha2::Sha256;
use url::Url;

use super::claims::Claims;
use super::kinds::Source;
use super::net::{self, ProviderError, Tokens, misconfigured, upstream};
use super::oauth1;
use super::provider::Provider;
use super::readers::{Access, Address, Answer, Reader};

/// What a provider says about whoever these tokens are of. `user` is what Apple has the browser bring along; `nonce` is what
/// an ID token has to repeat, if anything.
///
/// # Errors
/// For an ID token that proves nothing and for permissions that are missing; 502 when there is no usable answer.
pub async fn claims(
    cx: Context<'_>,
    provider: &Provider,
    tokens: &Tokens,
    user: &str,
    nonce: &str,
) -> Result<Claims, ProviderError> {
    if let Some(separator) = provider.kind.granted {
        let granted = tokens.granted(separator);
        if !provider.config.scope.iter().all(|scope| granted.contains(&scope.as_str())) {
            let reason = "Not all of the permissions that are needed were given. Please try again, and allow them all.";
            return Err(ProviderError::unproved(reason));
        }
    }
    let claims = match &provider.kind.source {
        Source::Standard if provider.config.claims_source == config::ClaimsSource::UserInfo => {
            userinfo(cx, provider, tokens, nonce).await?
        }
        Source::Standard => Claims::read(provider.verified_id_token(cx, tokens, nonce).await?),
        Source::UserInfo => userinfo(cx, provider, tokens, nonce).await?,
        Source::Microsoft => microsoft(cx, provider, tokens, nonce).await?,
        Source::Apple => with_apple_name(Claims::read(provider.verified_id_token(cx, tokens, nonce).await?), user),
        Source::NetId => {
            let own = provider.verified_id_token(cx, tokens, nonce).await?;
            let address = "https://broker.netid.de/userinfo";
            let bearer = format!("Bearer {}", tokens.access);
            let mut more = net::json(cx, Request::get(address).header("Authorization", &bearer)).await?;
            for name in ["iss", "sub"] {
                more.insert(name.to_owned(), own.get(name).cloned().unwrap_or_default());
            }
            Claims::read(more).signed_in_as(&own)
        }
        Source::Own(reader) => own_claims(reader, cx, provider, tokens).await?,
    };
    Ok(claims.complete()?)
}

/// The userinfo answer may be about somebody else (token substitution), unless its subject is that of the ID token
/// (OpenID Connect Core §5.3.2).
async fn userinfo(cx: Context<'_>, provider: &Provider, tokens: &Tokens, nonce: &str) -> Result<Claims, ProviderError> {
    let proved = provider.verified_id_token(cx, tokens, nonce).await?;
    let info = provider.userinfo(cx, tokens).await?;
    if info.get("sub") != proved.get("sub") {
        return Err(ProviderError::unproved("The provider says two different things about who you are."));
    }
    let issuer = proved.get("iss").and_then(Value::as_str).unwrap_or_default();
    Ok(Claims::read(info).signed_in_as(&proved).with_default("iss", issuer))
}

/// A token says itself which tenant it is from, and that tenant's keys prove it.
async fn microsoft(
    cx: Context<'_>,
    provider: &Provider,
    tokens: &Tokens,
    nonce: &str,
) -> Result<Claims, ProviderError> {
    let token = tokens.id.as_deref().unwrap_or_default();
    let own = crypto::jwt::Jwt::parse(token).map_err(|_| {
        ProviderError::unproved("The provider did not say who you are (id_token). Please allow the scope openid.")
    })?;
    let tenant = own.unverified_claims().get("tid").and_then(Value::as_str).unwrap_or_default();
    let tenant: Uuid =
        tenant.parse().map_err(|_| ProviderError::unproved("The provider does not say which tenant you belong to."))?;
    let issuer = format!("https://login.microsoftonline.com/{tenant}/v2.0");
    let discovery = provider.discover_issuer(cx, &issuer).await?;
    let claims = Claims::read(provider.verified_by(cx, tokens, &discovery, nonce).await?);
    match provider.config.subject_source.as_str() {
        "me" => {
            let bearer = format!("Bearer {}", tokens.access);
            let me = Request::get("https://graph.microsoft.com/v1.0/me").header("Authorization", &bearer);
            let me = net::json(cx, me).await?;
            let id = me.get("id").and_then(Value::as_str).unwrap_or_default();
            if id.is_empty() {
                return Err(upstream("The provider did not say who it is that signs in.").into());
            }
            Ok(claims.with("sub", id))
        }
        "oid" => {
            let object = claims.text("oid").to_owned();
            if object.is_empty() {
                return Err(upstream("The provider did not say who it is that signs in.").into());
            }
            Ok(claims.with("sub", &object))
        }
        _ => Ok(claims),
    }
}

/// Apple tells a person's name once, through the browser. Nobody vouches for it.
fn with_apple_name(claims: Claims, user: &str) -> Claims {
    let user: Value = serde_json::from_str(user).unwrap_or_default();
    let name = |part: &str| user["name"][part].as_str().unwrap_or_default().to_owned();
    let (first, last) = (name("firstName"), name("lastName"));
    claims.with_default("given_name", &first).with_default("last_name", &last).with_default("family_name", &last)
}

/// Asks a provider who signs in.
///
/// # Errors
/// 502 when it gives no usable answer.
async fn own_claims(reader: &Reader, cx: Context<'_>, provider: &Provider, tokens: &Tokens) -> Result<Claims, Problem> {
    let base = provider.base().unwrap_or_default();
    let address = match reader.address {
        Address::At(address) => address.to_owned(),
        Address::Below(path) => format!("{}{path}", provider.base()?),
        Address::ByScope(scope, with, without) => {
            let is_asked_for = provider.config.scope.iter().any(|asked| asked == scope);
            (if is_asked_for { with } else { without }).to_owned()
        }
    };
    let request = own_request(reader, cx, provider, tokens, &address)?;
    let body = net::value(cx, request.1).await?;
    if !body.is_object() {
        return Err(upstream("The provider's answer is no JSON object."));
    }
    let claims = (reader.read)(&Answer { body, tokens: &tokens.answer, url: &request.0, base });
    let Some(more) = &reader.more else { return Ok(claims) };
    if more.scope.is_some_and(|scope| !tokens.granted(',').contains(&scope)) {
        return Ok(claims);
    }
    let second = own_request(reader, cx, provider, tokens, more.address)?;
    Ok((more.read)(claims, &net::value(cx, second.1).await?))
}

/// The request, and the address that it goes to but for the access token.
fn own_request(
    reader: &Reader,
    cx: Context<'_>,
    provider: &Provider,
    tokens: &Tokens,
    address: &str,
) -> Result<(String, Request), Problem> {
    let bearer = format!("Bearer {}", tokens.access);
    let with_query = |name: &str, value: &str| {
        let mut url = Url::parse(address).map_err(|_| misconfigured("The provider's issuer_url is no address."))?;
        url.query_pairs_mut().append_pair(name, value);
        Ok::<String, Problem>(url.into())
    };
    Ok(match reader.access {
        Access::Bearer => (address.to_owned(), Request::get(address).header("Authorization", &bearer)),
        Access::Header(name) => (address.to_owned(), Request::get(address).header(name, &tokens.access)),
        Access::Signed => (address.to_owned(), oauth1::signed_get(cx, provider, tokens, address)?),
        Access::Query(name) => (address.to_owned(), Request::get(&with_query(name, &tokens.access)?)),
        Access::WithProof => {
            let secret = provider.config.client_secret.as_ref().map(|secret| secret.expose().as_bytes());
            let mut mac = Hmac::<Sha256>::new_from_slice(secret.unwrap_or_default()).map_err(Problem::internal)?;
            mac.update(tokens.access.as_bytes());
            let proof: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            let address = with_query("appsecret_proof", &proof)?;
            let request = Request::get(&address).header("Authorization", &bearer);
            (address, request)
        }
    })
}
