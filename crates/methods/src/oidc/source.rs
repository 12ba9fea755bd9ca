//! Who signs in: what a provider says about a person once it has given tokens.

use model::Uuid;
use outbound::Request;
use serde_json::Value;

use super::claims::Claims;
use super::kinds::Source;
use super::provider::{Net, Provider, ProviderError, Tokens, upstream};

/// What a provider says about whoever these tokens are of. `user` is what Apple has the browser bring along.
///
/// # Errors
/// For an ID token that proves nothing and for permissions that are missing; 502 when there is no usable answer.
pub async fn claims(net: Net<'_>, provider: &Provider, tokens: &Tokens, user: &str) -> Result<Claims, ProviderError> {
    if let Some(separator) = provider.kind.granted {
        let granted = tokens.granted(separator);
        if !provider.config.scope.iter().all(|scope| granted.contains(&scope.as_str())) {
            let reason = "Not all of the permissions that are needed were given. Please try again, and allow them all.";
            return Err(ProviderError::unproved(reason));
        }
    }
    let claims = match &provider.kind.source {
        Source::Standard if provider.config.claims_source == config::ClaimsSource::UserInfo => {
            userinfo(net, provider, tokens).await?
        }
        Source::Standard => Claims::read(provider.verified_id_token(net, tokens).await?),
        Source::UserInfo => userinfo(net, provider, tokens).await?,
        Source::Microsoft => microsoft(net, provider, tokens).await?,
        Source::Apple => with_apple_name(Claims::read(provider.verified_id_token(net, tokens).await?), user),
        Source::NetId => {
            let own = provider.verified_id_token(net, tokens).await?;
            let address = "https://broker.netid.de/userinfo";
            let bearer = format!("Bearer {}", tokens.access);
            let mut more = net.json(Request::get(address).header("Authorization", &bearer)).await?;
            for name in ["iss", "sub"] {
                more.insert(name.to_owned(), own.get(name).cloned().unwrap_or_default());
            }
            Claims::read(more)
        }
        Source::Own(reader) => reader.claims(net, provider, tokens).await?,
    };
    Ok(claims.complete()?)
}

/// The userinfo answer may be about somebody else (token substitution), unless its subject is that of the ID token
/// (OpenID Connect Core §5.3.2).
async fn userinfo(net: Net<'_>, provider: &Provider, tokens: &Tokens) -> Result<Claims, ProviderError> {
    let proved = provider.verified_id_token(net, tokens).await?;
    let info = provider.userinfo(net, tokens).await?;
    if info.get("sub") != proved.get("sub") {
        return Err(ProviderError::unproved("The provider says two different things about who you are."));
    }
    let issuer = proved.get("iss").and_then(Value::as_str).unwrap_or_default();
    Ok(Claims::read(info).with_default("iss", issuer))
}

/// A token says itself which tenant it is from, and that tenant's keys prove it.
async fn microsoft(net: Net<'_>, provider: &Provider, tokens: &Tokens) -> Result<Claims, ProviderError> {
    let token = tokens.id.as_deref().unwrap_or_default();
    let own = crypto::jwt::Jwt::parse(token).map_err(|_| {
        ProviderError::unproved("The provider did not say who you are (id_token). Please allow the scope openid.")
    })?;
    let tenant = own.unverified_claims().get("tid").and_then(Value::as_str).unwrap_or_default();
    let tenant: Uuid =
        tenant.parse().map_err(|_| ProviderError::unproved("The provider does not say which tenant you belong to."))?;
    let issuer = format!("https://login.microsoftonline.com/{tenant}/v2.0");
    let discovery = provider.discover_issuer(net, &issuer).await?;
    let claims = Claims::read(provider.verified_by(net, tokens, &discovery).await?);
    match provider.config.subject_source.as_str() {
        "me" => {
            let bearer = format!("Bearer {}", tokens.access);
            let me = Request::get("https://graph.microsoft.com/v1.0/me").header("Authorization", &bearer);
            let me = net.json(me).await?;
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
