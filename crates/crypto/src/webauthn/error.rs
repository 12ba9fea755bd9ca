//! Why the answer of a key is not accepted.

/// Why an answer is not accepted. The text is for the person who has to find out why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebAuthnError {
    /// The answer is not what a browser sends; the text names the part.
    #[error("the answer of the browser cannot be read ({0})")]
    Malformed(&'static str),
    /// A creation was answered where a use was asked for, or the other way round.
    #[error("the answer is one to another question")]
    WrongType,
    /// The challenge is another than the one that was given out.
    #[error("the answer belongs to another form, or was used before")]
    WrongChallenge,
    /// The page that asked is of another origin than those allowed.
    #[error("keys cannot be used on this site: its origin is not configured")]
    WrongOrigin,
    /// The page that asked stands in a frame of a site whose origin is none of those allowed.
    #[error("keys cannot be used in a page of another site")]
    WrongTopOrigin,
    /// For callers, who know the keys.
    #[error("it is none of your keys")]
    UnknownKey,
    /// The key was made for another domain.
    #[error("the key belongs to another site")]
    WrongRelyingParty,
    /// The key does not say that somebody touched it.
    #[error("nobody touched the key")]
    UserNotPresent,
    /// The key had to check its user, and does not say that it did.
    #[error("the key did not check who is using it")]
    UserNotVerified,
    /// The public key is of a kind that is not in [`ALGORITHMS`](super::ALGORITHMS).
    #[error("keys of this kind are not supported")]
    UnsupportedKey,
    /// The attestation has another form than those that can be verified.
    #[error("the key describes itself in a way that is not supported")]
    UnsupportedAttestation,
    /// The attestation is not signed by the key itself.
    #[error("what the key says of itself is not signed by it")]
    WrongAttestation,
    /// The signature of the answer does not fit the key.
    #[error("the signature of the key is wrong")]
    WrongSignature,
    /// A key that cannot be copied says that it was.
    #[error("the key contradicts itself about its backup")]
    WrongBackupFlags,
}
