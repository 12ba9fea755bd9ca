//! A security key in software (Web Authentication, ES256), together with the part of a browser that speaks to it.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use minicbor::Encoder;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// User present, user verified.
const TOUCHED: u8 = 0b101;
/// A new key comes along.
const ATTESTED: u8 = 0b100_0000;

/// A security key that somebody uses in a browser. It keeps every key that it makes, so it does for passkeys too.
pub struct Authenticator {
    /// The origin that the browser shows.
    pub origin: String,
    keys: Vec<HeldKey>,
    random: SystemRandom,
}

struct HeldKey {
    id: Vec<u8>,
    pair: EcdsaKeyPair,
    relying_party: String,
    user_handle: Vec<u8>,
    count: u32,
}

impl Authenticator {
    /// A key without keys, in a browser at this origin.
    pub fn at(origin: &str) -> Self {
        Self { origin: origin.to_owned(), keys: Vec::new(), random: SystemRandom::new() }
    }

    /// `navigator.credentials.create` with the options of a form; gives back what a script sends.
    pub fn create(&mut self, options: &Value) -> String {
        let options = &options["publicKey"];
        let wants_es256 = |list: &Vec<Value>| list.iter().any(|wanted| wanted["alg"] == -7);
        assert!(options["pubKeyCredParams"].as_array().is_some_and(wants_es256), "{options}");
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &self.random).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &self.random);
        let key = HeldKey {
            id: Sha256::digest(document.as_ref()).to_vec(),
            pair: pair.expect("a key"),
            relying_party: text(&options["rp"]["id"]).to_owned(),
            user_handle: bytes(&options["user"]["id"]),
            count: 1,
        };
        let mut data = key.data(TOUCHED | ATTESTED);
        data.extend([0; 16]);
        data.extend(u16::try_from(key.id.len()).expect("a short id").to_be_bytes());
        data.extend(&key.id);
        data.extend(cose(&key.pair));
        let mut object = Encoder::new(Vec::new());
        object.map(3).and_then(|object| object.str("fmt")?.str("none")?.str("attStmt")?.map(0)).expect("CBOR");
        object.str("authData").and_then(|object| object.bytes(&data)).expect("CBOR");
        let response = json!({
            "attestationObject": BASE64_URL_SAFE_NO_PAD.encode(object.into_writer()),
            "clientDataJSON": self.client_data("webauthn.create", options),
        });
        let answer = answer(&key.id, &response);
        self.keys.push(key);
        answer
    }

    /// `navigator.credentials.get` with the options of a form; gives back what a script sends.
    pub fn get(&mut self, options: &Value) -> String {
        let options = &options["publicKey"];
        let allowed: Option<Vec<Vec<u8>>> =
            options["allowCredentials"].as_array().map(|list| list.iter().map(|one| bytes(&one["id"])).collect());
        let client_data = self.client_data("webauthn.get", options);
        let is_asked = |key: &&mut HeldKey| {
            key.relying_party == text(&options["rpId"]) && allowed.as_ref().is_none_or(|ids| ids.contains(&key.id))
        };
        let key = self.keys.iter_mut().rev().find(is_asked).expect("a key that is asked for");
        key.count += 1;
        let data = key.data(TOUCHED);
        let hash = Sha256::digest(BASE64_URL_SAFE_NO_PAD.decode(&client_data).expect("base64"));
        let signature = key.pair.sign(&self.random, &[&data[..], &hash[..]].concat()).expect("a signature");
        let response = json!({
            "authenticatorData": BASE64_URL_SAFE_NO_PAD.encode(&data),
            "clientDataJSON": client_data,
            "signature": BASE64_URL_SAFE_NO_PAD.encode(signature),
            "userHandle": BASE64_URL_SAFE_NO_PAD.encode(&key.user_handle),
        });
        answer(&key.id, &response)
    }

    /// The id of the key that was made last, as settings forms write it.
    pub fn last_id(&self) -> String {
        let key = self.keys.last().expect("a key");
        key.id.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Makes the key that was made last go by another's id, in base64.
    pub fn call_last(&mut self, id: &str) {
        let id = BASE64_URL_SAFE_NO_PAD.decode(id).expect("base64");
        self.keys.last_mut().expect("a key").id = id;
    }

    /// Turns the counters back, as those of a copy would be.
    pub fn turn_back(&mut self) {
        self.keys.iter_mut().for_each(|key| key.count = 0);
    }

    fn client_data(&self, kind: &str, options: &Value) -> String {
        let data = json!({ "type": kind, "challenge": options["challenge"], "origin": self.origin });
        BASE64_URL_SAFE_NO_PAD.encode(data.to_string())
    }
}

impl HeldKey {
    fn data(&self, flags: u8) -> Vec<u8> {
        let mut data = Sha256::digest(&self.relying_party).to_vec();
        data.push(flags);
        data.extend(self.count.to_be_bytes());
        data
    }
}

/// The public key as COSE has it (RFC 9053 §7.1).
fn cose(pair: &EcdsaKeyPair) -> Vec<u8> {
    let point = pair.public_key().as_ref();
    let (x, y) = point[1..].split_at(32);
    let mut key = Encoder::new(Vec::new());
    key.map(5).and_then(|key| key.i8(1)?.i8(2)?.i8(3)?.i8(-7)?.i8(-1)?.i8(1)).expect("CBOR");
    key.i8(-2).and_then(|key| key.bytes(x)?.i8(-3)?.bytes(y)).expect("CBOR");
    key.into_writer()
}

fn answer(id: &[u8], response: &Value) -> String {
    let id = BASE64_URL_SAFE_NO_PAD.encode(id);
    json!({ "id": id, "rawId": id, "type": "public-key", "response": response }).to_string()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

fn bytes(value: &Value) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(text(value)).expect("base64")
}
