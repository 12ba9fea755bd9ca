//! The JSON of the API, as Kratos prints it: which members there are, in which order, and what is `null` rather than
//! absent. These types only write.

mod flow;
mod identity;
mod session;

pub use flow::{ContinueWith, ContinueWithFlow, FlowJson, FlowJsonParts, Members};
pub use identity::{CredentialView, IdentityJson, IdentityView};
pub use session::SessionJson;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// Where an identity's `schema_url` points to: `{public}/schemas/` and the schema's id in unpadded URL-safe base64.
fn schema_url(public_base_url: &str, schema_id: &str) -> String {
    let mut url = String::with_capacity(public_base_url.len() + "/schemas/".len() + 2 * schema_id.len() + 2);
    url.push_str(public_base_url.trim_end_matches('/'));
    url.push_str("/schemas/");
    BASE64_URL_SAFE_NO_PAD.encode_string(schema_id, &mut url);
    url
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

    /// Clients of Kratos read what Go's `time.RFC3339Nano` writes: the fraction without trailing zeros.
    #[test]
    fn times_are_written_as_go_writes_them() {
        for time in [
            "2026-11-21T07:44:37Z",
            "2026-11-21T07:44:37.77Z",
            "2026-11-21T07:44:37.000000001Z",
            "2026-11-21T07:44:37.1Z",
            "0001-01-01T00:00:00Z",
            "9999-12-30T22:00:00.999999999Z",
        ] {
            let parsed: crate::Timestamp = time.parse().expect("a time");
            assert_eq!(serde_json::to_string(&parsed).expect("JSON"), format!("\"{time}\""));
        }
    }
}
