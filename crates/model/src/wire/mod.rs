//! The JSON of the API, as Kratos prints it: which members there are, in which order, and what is `null` rather than
//! absent. These types only write.

mod flow;
mod identity;
mod session;

pub use flow::{ContinueWith, ContinueWithFlow, FlowJson, FlowJsonParts, Members};
pub use identity::{CredentialView, IdentityJson, IdentityView};
pub use session::SessionJson;

use base64_url::schema_url;

/// Where an identity's `schema_url` points to.
mod base64_url {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    /// `{public}/schemas/` and the schema's id in unpadded URL-safe base64 (RFC 4648 §5).
    pub(super) fn schema_url(public_base_url: &str, schema_id: &str) -> String {
        let mut url = String::with_capacity(public_base_url.len() + "/schemas/".len() + 2 * schema_id.len() + 2);
        url.push_str(public_base_url.trim_end_matches('/'));
        url.push_str("/schemas/");
        for chunk in schema_id.as_bytes().chunks(3) {
            let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
            let sextets = (0..=chunk.len()).map(|i| (bits >> (18 - 6 * i)) & 63);
            url.extend(sextets.map(|sextet| char::from(ALPHABET[sextet as usize])));
        }
        url
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn schema_urls_are_those_of_kratos() {
        let url = |id| super::schema_url("http://127.0.0.1:4433/", id);
        assert_eq!(url("person"), "http://127.0.0.1:4433/schemas/cGVyc29u");
        assert_eq!(url("none"), "http://127.0.0.1:4433/schemas/bm9uZQ");
        assert_eq!(url("phone"), "http://127.0.0.1:4433/schemas/cGhvbmU");
    }
}
