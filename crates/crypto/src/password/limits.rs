//! How much work one hash may be.

use model::Secret;

use super::error::HashError;

/// The longest password that is hashed or verified, in bytes: some imported formats take time in its square.
pub const MAX_PASSWORD_BYTES: usize = 1024;
/// The longest password that bcrypt takes in, in bytes.
pub const BCRYPT_MAX_PASSWORD_BYTES: usize = 72;
/// The most memory that one hash may ask for.
pub const MAX_MEMORY_BYTES: u64 = 1 << 30;
/// The highest bcrypt cost that is computed: about a minute of one core.
pub const MAX_BCRYPT_COST: u32 = 20;

/// Checks that a password has at most `max` bytes.
pub(super) fn check_length(password: &Secret, max: usize) -> Result<(), HashError> {
    let actual = password.expose().len();
    if actual > max { Err(HashError::TooLong { max, actual }) } else { Ok(()) }
}

/// Checks that a cost of bcrypt is one, and within the limit.
pub(super) fn check_bcrypt_cost(cost: u32) -> Result<(), HashError> {
    match cost {
        4..=MAX_BCRYPT_COST => Ok(()),
        0..4 => Err(HashError::Malformed),
        _ => Err(HashError::TooCostly),
    }
}
