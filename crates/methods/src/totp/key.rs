//! Key URIs, `otpauth://totp/…`: what the picture says to an authenticator app
//! (<https://github.com/google/google-authenticator/wiki/Key-Uri-Format>).

use crypto::TotpSecret;
use url::Url;
use url::form_urlencoded::byte_serialize;

/// The picture has no room for more, and no app shows as much.
const MAX_LABEL: usize = 128;

/// The key URI of a new secret. `issuer` and `account` are what the app shows; long ones are cut.
pub(super) fn uri(secret: &TotpSecret, issuer: &str, account: &str) -> String {
    let [issuer, account] = [issuer, account].map(|label| encode(&label.chars().take(MAX_LABEL).collect::<String>()));
    let secret = secret.to_base32();
    let secret = secret.expose();
    format!("otpauth://totp/{issuer}:{account}?algorithm=SHA1&digits=6&issuer={issuer}&period=30&secret={secret}")
}

/// The secret in a key URI.
pub(super) fn secret_of(uri: &str) -> Option<TotpSecret> {
    let uri = Url::parse(uri.trim()).ok()?;
    let (_, secret) = uri.query_pairs().find(|(name, _)| name == "secret")?;
    TotpSecret::from_base32(&secret)
}

/// Percent-encodes everything that could be taken for a part of the URI. Apps show a `+` as it stands.
fn encode(label: &str) -> String {
    byte_serialize(label.as_bytes()).collect::<String>().replace('+', "%20")
}
