//! What tokens look like.

/// Whether a token can be in the database at all: old ones are 32 letters and digits, others 39 characters.
pub(super) fn is_plausible(token: &str) -> bool {
    (1..=64).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic())
}
