//! Time-based one-time passwords, as authenticator apps show them (RFC 6238): HMAC-SHA-1, six digits, a new one every
//! 30 seconds. These are the only parameters that all apps know, and Kratos' own.
//!
//! The crate `totp-rs` does not say which step a code is for, without which it could be used twice.

use base32ct::{Base32UpperUnpadded, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use model::{Entropy, Secret, Timestamp};
use sha1::Sha1;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

/// The length that RFC 4226 §4 (R6) recommends.
const SECRET_BYTES: usize = 20;
/// Longer secrets than this are nobody's.
const MAX_BASE32: usize = 1024;
const DIGITS: usize = 6;
const SECONDS_PER_STEP: i64 = 30;
/// How many steps a clock may be slow or fast (RFC 6238 §5.2 recommends one).
const WINDOW: u64 = 1;

/// What an authenticator app and the server share.
pub struct TotpSecret(Zeroizing<Vec<u8>>);

impl TotpSecret {
    /// A new secret of 160 bits.
    pub fn generate(entropy: &Entropy) -> Self {
        Self(Zeroizing::new(entropy.bytes::<SECRET_BYTES>().to_vec()))
    }

    /// Reads a secret in base32 (RFC 4648 §6), in whatever case and with or without padding. `None` if it is none.
    pub fn from_base32(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches('=');
        if text.is_empty() || text.len() > MAX_BASE32 {
            return None;
        }
        let text = Zeroizing::new(text.to_ascii_uppercase());
        Base32UpperUnpadded::decode_vec(&text).ok().map(|bytes| Self(Zeroizing::new(bytes)))
    }

    /// The secret in base32, without padding.
    pub fn to_base32(&self) -> Secret {
        Secret::new(Base32UpperUnpadded::encode_string(&self.0))
    }

    /// The step of time that `code` is for: this one, or the one just before or after. Steps up to `last_used` do not
    /// count, so that nobody signs in with a code that was looked at over a shoulder (RFC 6238 §5.2). The time that
    /// this takes tells nothing of the code.
    pub fn verify(&self, code: &str, now: Timestamp, last_used: Option<u64>) -> Option<u64> {
        let this = step_of(now);
        let (mut found, mut matched) = (Choice::from(0), 0);
        for step in this.saturating_sub(WINDOW)..=this + WINDOW {
            let is_new = Choice::from(u8::from(last_used.is_none_or(|last| step > last)));
            let matches = self.code(step).as_bytes().ct_eq(code.as_bytes()) & is_new;
            matched = u64::conditional_select(&matched, &step, matches);
            found |= matches;
        }
        bool::from(found).then_some(matched)
    }

    /// The code that an app shows at this time.
    pub fn code_at(&self, now: Timestamp) -> String {
        self.code(step_of(now))
    }

    /// The code of a step (RFC 4226 §5.3), with leading zeros.
    fn code(&self, step: u64) -> String {
        let mac = Hmac::<Sha1>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        let digest: [u8; 20] = mac.chain_update(step.to_be_bytes()).finalize().into_bytes().into();
        let offset = usize::from(digest[19] & 0xf);
        let word = u32::from_be_bytes([digest[offset], digest[offset + 1], digest[offset + 2], digest[offset + 3]]);
        let code = (word & 0x7fff_ffff) % 10_u32.pow(DIGITS as u32);
        format!("{code:0DIGITS$}")
    }
}

/// How many steps have passed since 1970.
fn step_of(time: Timestamp) -> u64 {
    u64::try_from(time.as_second().div_euclid(SECONDS_PER_STEP)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn rfc() -> TotpSecret {
        TotpSecret(Zeroizing::new(b"12345678901234567890".to_vec()))
    }

    /// RFC 6238, appendix B, for SHA-1; the last six of eight digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let vectors = [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ];
        for (second, code) in vectors {
            let step = u64::try_from(second / 30).expect("after 1970");
            assert_eq!(rfc().code(step), code);
            assert_eq!(rfc().verify(code, at(second), None), Some(step));
        }
    }

    #[test]
    fn a_clock_may_be_one_step_off() {
        let code = rfc().code(100);
        for (second, accepted) in [(2969, false), (2970, true), (3000, true), (3029, true), (3059, true), (3060, false)]
        {
            assert_eq!(rfc().verify(&code, at(second), None).is_some(), accepted, "{second}");
        }
    }

    #[test]
    fn a_step_is_good_once_and_so_are_those_before_it() {
        let (before, this, after) = (rfc().code(99), rfc().code(100), rfc().code(101));
        assert_eq!(rfc().verify(&this, at(3000), Some(99)), Some(100));
        assert_eq!(rfc().verify(&this, at(3000), Some(100)), None);
        assert_eq!(rfc().verify(&before, at(3000), Some(100)), None);
        assert_eq!(rfc().verify(&after, at(3000), Some(100)), Some(101));
        assert_eq!(rfc().verify(&this, at(3000), Some(101)), None);
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for code in ["", "0", "05047", "0504711", " 050471", "５０４７１", "050471\0"] {
            assert_eq!(rfc().verify(code, at(1_111_111_111), None), None, "{code:?}");
        }
    }

    #[test]
    fn secrets_are_read_as_apps_and_kratos_write_them() {
        let read = |text: &str| TotpSecret::from_base32(text).map(|secret| secret.0.to_vec());
        let bytes = Some(b"12345678901234567890".to_vec());
        assert_eq!(read("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), bytes);
        assert_eq!(read(" gezdgnbvgy3tqojqgezdgnbvgy3tqojq\n"), bytes);
        assert_eq!(read("GEZDGNBVGY======"), Some(b"123456".to_vec()));
        for text in ["", "=", "1", "GEZ DGNB", "é", &"A".repeat(MAX_BASE32 + 8)] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    #[test]
    fn no_two_secrets_are_alike() {
        let entropy = Entropy::seeded(1);
        let [a, b] = [(); 2].map(|()| TotpSecret::generate(&entropy).to_base32());
        assert_eq!((a.expose().len(), a.expose() == b.expose()), (32, false));
    }

    proptest! {
        #[test]
        fn secrets_survive_base32(bytes in prop::collection::vec(any::<u8>(), 1..64)) {
            let text = TotpSecret(Zeroizing::new(bytes.clone())).to_base32();
            prop_assert_eq!(TotpSecret::from_base32(text.expose()).expect("base32").0.to_vec(), bytes);
        }

        #[test]
        fn a_code_is_good_at_its_time_and_never_twice(step in 1_u64..1 << 32, second in 0_i64..30) {
            let secret = TotpSecret::generate(&Entropy::seeded(step));
            let now = at(i64::try_from(step).expect("in range") * 30 + second);
            let matched = secret.verify(&secret.code(step), now, None).expect("the code of this moment");
            prop_assert_eq!(secret.verify(&secret.code(matched), now, Some(matched)), None);
        }
    }
}
