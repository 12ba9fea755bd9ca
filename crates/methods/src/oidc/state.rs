//! The `state` parameter (RFC 6749 §10.12): what a provider is given to hand back, so that a callback can be told to belong
//! to a flow. It is a Protocol Buffers message, encrypted, in Kratos' own form: sign-ins that are under way survive when one
//! server takes the other's place.

use config::{CipherAlgorithm, Config};
use crypto::{Cipher, KeyRing};
use model::{Entropy, FlowName, Problem, Uuid};

/// The largest state that is looked at, in bytes of text.
const MAX_LENGTH: usize = 8 << 10;

/// What a provider is given to hand back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub flow_id: Vec<u8>,
    /// SHA-512 of the code that the native app got, or random bytes that match none.
    pub exchange_digest: Vec<u8>,
    pub provider: String,
    /// The secret of PKCE (RFC 7636); empty where it is not used.
    pub pkce_verifier: String,
    pub kind: Option<FlowName>,
    /// What the ID token has to repeat (`nonce`); empty where it is not asked to. Ours; Kratos passes over it.
    pub nonce: String,
}

impl State {
    /// The flow that the browser left.
    pub fn flow(&self) -> Option<Uuid> {
        Uuid::from_slice(&self.flow_id).ok()
    }

    fn encode(&self) -> Vec<u8> {
        let mut message = Vec::new();
        let fields: [&[u8]; 4] =
            [&self.flow_id, &self.exchange_digest, self.provider.as_bytes(), self.pkce_verifier.as_bytes()];
        for (number, field) in (1u8..).zip(fields).filter(|(_, field)| !field.is_empty()) {
            push_text(&mut message, number, field);
        }
        let kind = match self.kind {
            Some(FlowName::Login) => 1,
            Some(FlowName::Registration) => 2,
            Some(FlowName::Settings) => 3,
            _ => 0,
        };
        if kind != 0 {
            message.extend([5 << 3, kind]);
        }
        if !self.nonce.is_empty() {
            push_text(&mut message, 6, self.nonce.as_bytes());
        }
        message
    }

    fn decode(mut message: &[u8]) -> Option<Self> {
        let mut state = Self::default();
        while !message.is_empty() {
            let tag = take_varint(&mut message)?;
            match (tag >> 3, tag & 7) {
                (5, 0) => {
                    state.kind = match take_varint(&mut message)? {
                        1 => Some(FlowName::Login),
                        2 => Some(FlowName::Registration),
                        3 => Some(FlowName::Settings),
                        _ => None,
                    };
                }
                (_, 0) => drop(take_varint(&mut message)?),
                (number, 2) => {
                    let length = take_varint(&mut message)?;
                    let (field, rest) = message.split_at_checked(length)?;
                    message = rest;
                    let text = || String::from_utf8(field.to_vec()).ok();
                    match number {
                        1 => state.flow_id = field.to_vec(),
                        2 => state.exchange_digest = field.to_vec(),
                        3 => state.provider = text()?,
                        4 => state.pkce_verifier = text()?,
                        6 => state.nonce = text()?,
                        _ => {}
                    }
                }
                _ => return None,
            }
        }
        Some(state)
    }
}

fn push_text(message: &mut Vec<u8>, number: u8, field: &[u8]) {
    message.push(number << 3 | 2);
    push_varint(message, field.len());
    message.extend_from_slice(field);
}

fn push_varint(message: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        message.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

fn take_varint(message: &mut &[u8]) -> Option<usize> {
    let mut value = 0usize;
    for shift in (0..35).step_by(7) {
        let (&byte, rest) = message.split_first()?;
        *message = rest;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// The keys that states are sealed with, and those that tokens are kept under.
pub struct Ciphers {
    /// `ciphers.algorithm` under `secrets.cipher`.
    columns: Cipher,
    states: Cipher,
}

impl Ciphers {
    /// The ciphers of a configuration.
    ///
    /// Where columns are kept in clear text, Kratos hands the state out so, with the secret of PKCE in it. Here it is
    /// sealed all the same, under a key made from the cookie secret.
    pub fn new(config: &Config) -> Self {
        let secrets = &config.secrets;
        let (algorithm, is_sealed) = match config.ciphers.algorithm {
            CipherAlgorithm::Noop => (crypto::CipherAlgorithm::Noop, false),
            CipherAlgorithm::Aes => (crypto::CipherAlgorithm::Aes, true),
            CipherAlgorithm::XChaCha20Poly1305 => (crypto::CipherAlgorithm::XChaCha20Poly1305, true),
        };
        let columns = || Cipher::new(algorithm, &secrets.cipher).expect("the configuration keeps fitting keys only");
        let states = match (is_sealed, KeyRing::new(secrets.cookie.clone())) {
            (false, Some(keys)) => Cipher::derived(&keys, "state of a sign-in at a provider"),
            _ => columns(),
        };
        Self { columns: columns(), states }
    }

    /// The parameter as a provider gets it.
    ///
    /// # Errors
    /// 500 where `secrets.cipher` is missing.
    pub fn seal_state(&self, entropy: &Entropy, state: &State) -> Result<String, Problem> {
        self.states.encrypt(entropy, &state.encode()).map_err(no_key)
    }

    /// Reads the parameter. `None` if it is none of ours.
    pub fn open_state(&self, text: &str) -> Option<State> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        State::decode(self.states.decrypt(text).ok()?.expose())
    }

    /// A token as it is kept.
    ///
    /// # Errors
    /// 500 where `secrets.cipher` is missing.
    pub fn seal_token(&self, entropy: &Entropy, token: &str) -> Result<String, Problem> {
        self.columns.encrypt(entropy, token.as_bytes()).map_err(no_key)
    }
}

fn no_key(error: crypto::CipherError) -> Problem {
    Problem::new(500)
        .with_id(model::problem::id::INVALID_CONFIGURATION)
        .reason("Social sign-in needs a secret that is not configured: secrets.cipher.")
        .log(error)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn states_are_those_of_kratos() {
        // Written by Kratos v26.2 with the cipher noop.
        let state = State {
            flow_id: vec![1; 16],
            exchange_digest: vec![2; 3],
            provider: "local".to_owned(),
            pkce_verifier: "v".to_owned(),
            kind: Some(FlowName::Settings),
            nonce: String::new(),
        };
        let text =
            "0a1001010101010101010101010101010101".to_owned() + "1203020202" + "1a056c6f63616c" + "220176" + "2803";
        let bytes: Vec<u8> =
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect();
        assert_eq!(state.encode(), bytes);
        assert_eq!(State::decode(&bytes), Some(state));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(flow in any::<[u8; 16]>(), digest in proptest::collection::vec(any::<u8>(), 0..300),
                                   provider in ".{0,20}", verifier in "[a-z]{0,60}", nonce in "[a-z]{0,60}") {
            let kind = Some(FlowName::Login);
            let state = State { flow_id: flow.to_vec(), exchange_digest: digest, provider, pkce_verifier: verifier, kind, nonce };
            prop_assert_eq!(State::decode(&state.encode()), Some(state));
        }

        #[test]
        fn nothing_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = State::decode(&bytes);
        }
    }
}
