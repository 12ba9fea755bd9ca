//! What an answer is compared with.

/// Whose keys are used, and where.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The challenge that was given out, in unpadded URL-safe base64.
    pub challenge: &'a str,
    /// The relying party's id: a domain.
    pub rp_id: &'a str,
    /// The origins that may use its keys: `https://example.org`, or `android:apk-key-hash:…`.
    pub origins: &'a [String],
    /// Whether the key has to have checked who uses it.
    pub user_verification: bool,
}
