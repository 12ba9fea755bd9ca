//! The browser's half: the script that forms for security keys and passkeys name.

use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha512};

/// Where it is served, below the public base URL (Kratos' address).
pub const SCRIPT_PATH: &str = "/.well-known/ory/webauthn.js";

/// The script itself.
pub const SCRIPT: &str = include_str!("../../assets/webauthn.js");

static INTEGRITY: LazyLock<String> =
    LazyLock::new(|| format!("sha512-{}", BASE64_STANDARD.encode(Sha512::digest(SCRIPT))));

/// What pages check the script against before they run it (W3C "Subresource Integrity").
pub fn script_integrity() -> &'static str {
    &INTEGRITY
}
