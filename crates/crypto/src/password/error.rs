//! Why a password cannot be hashed or verified.

/// Why a password could not be hashed or verified. A wrong password is no error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// No supported format begins like this.
    #[error("the stored password hash is of an unknown format")]
    UnknownFormat,
    /// The format is known, the rest is not in it.
    #[error("the stored password hash is malformed")]
    Malformed,
    /// The parameters ask for more memory or time than a server may spend on one hash.
    #[error("the password hash asks for more work than is allowed")]
    TooCostly,
    /// The password has more bytes than the format, or the server, takes in.
    #[error("the password has {actual} bytes, and {max} are the most")]
    TooLong {
        /// How many bytes there may be.
        max: usize,
        /// How many there are.
        actual: usize,
    },
    /// So many hashes are waiting that another one would wait too long.
    #[error("too many passwords are being checked at the moment")]
    Busy,
    /// The runtime is shutting down.
    #[error("the password check was interrupted")]
    Interrupted,
}
