//! Public keys in COSE (RFC 9052 §7, RFC 9053) and their signatures, as far as Web Authentication uses them.
//!
//! The crate `coset` has all of COSE, with a second reader of CBOR.

use minicbor::Decoder;
use minicbor::data::Type;
use p521::ecdsa::signature::Verifier;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};

use super::error::WebAuthnError::{self, Malformed, UnsupportedKey, WrongSignature};

/// The algorithms (IANA "COSE Algorithms") that new keys may use, best liked first: ES256, ES384, ES512, RS256, RS384,
/// RS512, PS256, PS384, PS512, EdDSA.
pub const ALGORITHMS: [i64; 10] = [-7, -35, -36, -257, -258, -259, -37, -38, -39, -8];

/// A public key.
#[derive(Debug)]
pub(super) struct PublicKey<'a> {
    algorithm: i64,
    material: Material<'a>,
}

#[derive(Debug)]
enum Material<'a> {
    /// An uncompressed point (SEC 1 §2.3.3).
    Point(Vec<u8>),
    Edwards(&'a [u8]),
    Rsa {
        modulus: &'a [u8],
        exponent: &'a [u8],
    },
}

/// The members of a COSE key; what they mean depends on its type.
#[derive(Default)]
struct Members<'a> {
    key_type: Option<i64>,
    algorithm: Option<i64>,
    curve: Option<i64>,
    /// Labels -1, -2 and -3, where they are bytes.
    bytes: [Option<&'a [u8]>; 3],
}

impl<'a> PublicKey<'a> {
    /// Reads a key.
    ///
    /// # Errors
    /// When it is none, or of a kind that is not supported.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, WebAuthnError> {
        let members = Members::read(bytes).map_err(|_| Malformed("public key"))?;
        let algorithm = members.algorithm.ok_or(Malformed("public key"))?;
        let [first, second, third] = members.bytes;
        let present = |part: Option<&'a [u8]>| part.ok_or(Malformed("public key"));
        let material = match (members.key_type, algorithm, members.curve) {
            (Some(2), -7, Some(1)) => point(present(second)?, present(third)?, 32)?,
            (Some(2), -35, Some(2)) => point(present(second)?, present(third)?, 48)?,
            (Some(2), -36, Some(3)) => point(present(second)?, present(third)?, 66)?,
            (Some(1), -8, Some(6)) => Material::Edwards(present(second)?),
            (Some(3), -257 | -258 | -259 | -37 | -38 | -39, None) => {
                Material::Rsa { modulus: unpadded(present(first)?), exponent: unpadded(present(second)?) }
            }
            _ => return Err(UnsupportedKey),
        };
        Ok(Self { algorithm, material })
    }

    pub fn algorithm(&self) -> i64 {
        self.algorithm
    }

    /// Verifies the signature of `message`.
    ///
    /// # Errors
    /// When it is wrong.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), WebAuthnError> {
        let by = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(message, signature).map_err(|_| WrongSignature)
        };
        match &self.material {
            Material::Point(point) => match self.algorithm {
                -7 => by(&ECDSA_P256_SHA256_ASN1, point),
                -35 => by(&ECDSA_P384_SHA384_ASN1, point),
                _ => verify_p521(point, message, signature),
            },
            Material::Edwards(key) => by(&ED25519, key),
            Material::Rsa { modulus, exponent } => {
                let parameters: &RsaParameters = match self.algorithm {
                    -257 => &RSA_PKCS1_2048_8192_SHA256,
                    -258 => &RSA_PKCS1_2048_8192_SHA384,
                    -259 => &RSA_PKCS1_2048_8192_SHA512,
                    -37 => &RSA_PSS_2048_8192_SHA256,
                    -38 => &RSA_PSS_2048_8192_SHA384,
                    _ => &RSA_PSS_2048_8192_SHA512,
                };
                let key = RsaPublicKeyComponents { n: modulus, e: exponent };
                key.verify(parameters, message, signature).map_err(|_| WrongSignature)
            }
        }
    }
}

impl<'a> Members<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, minicbor::decode::Error> {
        let mut decoder = Decoder::new(bytes);
        let count = decoder.map()?.ok_or_else(|| minicbor::decode::Error::message("a map without a length"))?;
        let mut members = Self::default();
        for _ in 0..count {
            match (decoder.i64()?, decoder.datatype()?) {
                (1, _) => members.key_type = Some(decoder.i64()?),
                (3, _) => members.algorithm = Some(decoder.i64()?),
                (-1, Type::Bytes) => members.bytes[0] = Some(decoder.bytes()?),
                (-1, _) => members.curve = Some(decoder.i64()?),
                (-2, Type::Bytes) => members.bytes[1] = Some(decoder.bytes()?),
                (-3, Type::Bytes) => members.bytes[2] = Some(decoder.bytes()?),
                _ => decoder.skip()?,
            }
        }
        Ok(members)
    }
}

/// A point of a curve whose coordinates have `size` bytes. Some authenticators leave zeros in front of them out.
fn point<'a>(x: &[u8], y: &[u8], size: usize) -> Result<Material<'a>, WebAuthnError> {
    let mut point = vec![4];
    for coordinate in [unpadded(x), unpadded(y)] {
        let missing = size.checked_sub(coordinate.len()).ok_or(Malformed("public key"))?;
        point.extend(std::iter::repeat_n(0, missing));
        point.extend_from_slice(coordinate);
    }
    Ok(Material::Point(point))
}

/// A number without zeros in front.
fn unpadded(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    &number[zeros..]
}

/// The one curve that ring does not know.
fn verify_p521(point: &[u8], message: &[u8], signature: &[u8]) -> Result<(), WebAuthnError> {
    let key = p521::ecdsa::VerifyingKey::from_sec1_bytes(point).map_err(|_| Malformed("public key"))?;
    let signature = p521::ecdsa::DerSignature::from_bytes(signature).map_err(|_| WrongSignature)?;
    key.verify(message, &signature).map_err(|_| WrongSignature)
}
