//! Everything Zelus does with keys: cookies, tokens and codes, password hashes, encryption at rest and page tokens.
//!
//! The formats are Kratos' own, so that live cookies, stored hashes and encrypted columns stay valid when one server
//! takes the other's place. Nothing here reads a clock, the environment or the network; time and randomness come in as
//! [`model::Timestamp`] and [`model::Entropy`].

mod cipher;
mod cookie;
pub mod csrf;
pub mod gob;
mod jws;
pub mod jwt;
mod keyring;
mod page_token;
pub mod password;
mod secure_cookie;
pub mod tokens;
mod totp;
pub mod webauthn;

pub use cipher::{Cipher, CipherAlgorithm, CipherError};
pub use cookie::{ContinuityCodec, CookieCodec, SessionCookie};
pub use csrf::CsrfToken;
pub use jws::{JwkError, SigningKey};
pub use keyring::KeyRing;
pub use page_token::{PageTokenCodec, PageTokenError};
pub use password::{HashError, Hasher, HashingPool, PoolLimits};
pub use secure_cookie::CookieError;
pub use totp::TotpSecret;
