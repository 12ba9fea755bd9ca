//! Why the answer of a key is not accepted.

/// Why an answer is not accepted. The text is for the person who has to find out why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebAuthnError {
    /// The answer is not what a browser sends; the text names the part.
    #[error("the answer of the browser cannot be read ({0})")]
    Malformed(&'static str),
    #[error("the answer is one to another question")]
    WrongType,
    #[error("the answer belongs to another form, or was used before")]
    WrongChallenge,
    #[error("keys cannot be used on this site: its origin is not configured")]
    WrongOrigin,
    /// For callers, who know the keys.
    #[error("it is none of your keys")]
    UnknownKey,
    #[error("the key belongs to another site")]
    WrongRelyingParty,
    #[error("nobody touched the key")]
    UserNotPresent,
    #[error("the key did not check who is using it")]
    UserNotVerified,
    #[error("keys of this kind are not supported")]
    UnsupportedKey,
    #[error("the key describes itself in a way that is not supported")]
    UnsupportedAttestation,
    #[error("what the key says of itself is not signed by it")]
    WrongAttestation,
    #[error("the signature of the key is wrong")]
    WrongSignature,
    #[error("the key contradicts itself about its backup")]
    WrongBackupFlags,
}
