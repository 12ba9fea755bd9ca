//! Hashes of one password in every format, made with Python's hashlib, crypt(3) and OpenSSL; Kratos accepts each of them.

use proptest::prelude::*;

use super::stored::Format;
use super::*;

const PASSWORD: &str = "correct horse battery";
const SAMPLES: &[&str] = &[
    "$md5-crypt$Zelus.01$xdlfLESlS596Wv9tw1yTf/",
    "$sha256-crypt$ZelusSaltZelus01$tcIpNAxOc3OiYWaYuRgwIfo7FUxLCXiJvWxC/Zt3/oC",
    "$sha256-crypt$rounds=1234$ZelusSaltZelus01$jj1lNzyHAe3d06n6QNJXJYMXpKLhOPeczrKJipvfRl8",
    "$sha512-crypt$rounds=4321$ZelusSaltZelus01$DFF.mUBi8oIQSjYrx07YuMw1aQtoNsNTULbyaaVv.gP/XEX9N3m1eg7Z3if44nPLGxYFC3Zzeo.AE4RGkJ0Pi.",
    "$argon2id$v=19$m=64,t=2,p=2$ZGVmZ2hpamtsbW5vcHFycw$BWKAm9GQSDQ3r8Dn/lddBm/uytrs+jiFLx77PRrg7H8",
    "$argon2i$v=19$m=128,t=3,p=4$ZGVmZ2hpamtsbW5vcHFycw$c1vPE7U/oBymzHmw74G7yEo+NGdOHbFO",
    "$pbkdf2-sha1$i=1000,l=40$ZGVmZ2hpamtsbW5vcHFycw$aZnBVpUaa5ZgnsD/FvCt2Ni65LdZ597rdxe6kvWD3kAka+S2SlFPiw",
    "$pbkdf2-sha224$i=1000,l=40$ZGVmZ2hpamtsbW5vcHFycw$Ai5oap+pYzVTV5RjYFBh1nlOa5jLfmdDew+CsSdJvWf4675qBops8g",
    "$pbkdf2-sha256$i=1000,l=40$ZGVmZ2hpamtsbW5vcHFycw$Ohy6oigCT/csLyDIHsIagBNO+DzVLgeX9v1FfICyP5ujjc4Zhl+4aw",
    "$pbkdf2-sha384$i=1000,l=40$ZGVmZ2hpamtsbW5vcHFycw$9UpaEAyIvnmuP+F24Uw6uWaeup8uFWvYMNUJm8X41NHGlsIqZuQuag",
    "$pbkdf2-sha512$i=1000,l=40$ZGVmZ2hpamtsbW5vcHFycw$1Sf7UqiqVbY1zo5oKrqVNzZXGRCGkUG6JO+bLYlYtlWwmVXwhWK/ww",
    "$pbkdf2-sha999$i=1000,l=40$ZGVmZ2hpamtsbW5vcHFycw$Ohy6oigCT/csLyDIHsIagBNO+DzVLgeX9v1FfICyP5ujjc4Zhl+4aw",
    "$scrypt$ln=1024,r=8,p=2$ZGVmZ2hpamtsbW5vcHFycw==$MlUhBNPqcwY7g00B0dkFV23X9tWjIUisKvUXgV99Jew=",
    "{SSHA}9wteQSgK7REC1t8xuZ3qU4NyLFdkZWZnaGlqa2xtbm9wcXJz",
    "{SSHA256}BbhWronQ2v2+1hFiLTHBS/QLJFXZKN9ysnPqw0q/6RNkZWZnaGlqa2xtbm9wcXJz",
    "{SSHA512}JnBLqqN+GjfecKhuS0e5i9WHrH4iatROdEAJmuV3fOja+Nh2KfEiFo4ybW4CgV1j29Jb5hjj5rB4TlzWd41oA2RlZmdoaWprbG1ub3BxcnM=",
    "$sha1$pf=YXtTQUxUfSQke1BBU1NXT1JEfS17U0FMVH0=$ZGVmZ2hpamtsbW5vcHFycw==$Kn7EKbWwegVxK8Iy1robM9S7ets=",
    "$sha256$pf=YXtTQUxUfSQke1BBU1NXT1JEfS17U0FMVH0=$ZGVmZ2hpamtsbW5vcHFycw==$zDQJrZRGX4X0mittRupbxjIfwwYEMr552qVZ8raGzWk=",
    "$sha512$pf=YXtTQUxUfSQke1BBU1NXT1JEfS17U0FMVH0=$ZGVmZ2hpamtsbW5vcHFycw==$y8QxRgDeb/PM0YPSuMkKC+1ZrTU5D685D9B207bLEJBlQWrSoeCg1btjacBsf+PnWvTuAHwLDiZ+6WeJYFFrmg==",
    "$md5$pf=YXtTQUxUfSQke1BBU1NXT1JEfS17U0FMVH0=$ZGVmZ2hpamtsbW5vcHFycw==$Q12+4lI7petTsgNHQ+nt7Q==",
    "$md5$iOTd0kAtktUOGHnW7Nn/1A==",
    "$firescrypt$ln=10,r=8,p=1$ZGVmZ2hpamtsbQ==$dWiq/KCTvKxGHZPy8DvkrrGT8kNYzBMcC3QmLSIuyH0AY6fSUeta5Z3OYImAg1M9z1GovuBGu3RYhI1GzEVQHw==$Bw==$BwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/QEFCQ0RFRg==",
    "$hmac-md4$MDBjMTdhOTNiYzgzMTkyOWQ3MjdhMWRjMGFkOWI3MWI=$emVsdXMta2V5",
    "$hmac-md5$ZDNmMDRkNjFkODNkMjA3YzJhZjIyYjdjZDU5ZTYxNzU=$emVsdXMta2V5",
    "$hmac-sha1$NDVlMGIzNzM2M2FkNzZmZmQ3NjZhMDAxYjhmNWQwNWEwMDAxMDJhMA==$emVsdXMta2V5",
    "$hmac-sha224$ZmRkMzA2OTJjODE2MjA5NDYzZTJjODc3YjRmY2EyZjlmZTAyNmQ4NGVhNTBhOTEyODljMTZmZmI=$emVsdXMta2V5",
    "$hmac-sha256$NzhkZjEyYTIyOTQxODU5ZDljZTM1YWQ1NTY3MDY4MzQwMjM2ZjdjYjg3OGQ0MGNhZTMwMGUwYTQ1ZmU0MTc5Zg==$emVsdXMta2V5",
    "$hmac-sha384$NmE2NmQxMjYyMDY2OTc5NTcyZjU5NjdlNjYyZmExN2E0ZjY5YTFhZDA0ZGRhMTJlZTRiNTRjZDg3NDQ0YTI5NmQzYzJkYjI4NWZhM2UwY2U4OWMwYTlmZDgzYWYyOWEy$emVsdXMta2V5",
    "$hmac-sha512$M2Y5OGZiNDRkZTMxMDA3ZTgxZWUyNTQ2NTIwOGUyMjJmMzFmNjA0OWI2MzI4Y2IwNDQ4YzNjYzVkMTRhYTgxY2Y0NjVmOTVkYWQyODg5YjZkNDJlYzAxOTNiZjA4N2JhZDJiNzRhOWRjMjIyMDc4ZWM2MjgxMjVhZjJjMzIyOGE=$emVsdXMta2V5",
];
/// Made by Kratos for the second password.
const KRATOS: &[(&str, &str)] = &[
    ("$2a$12$HfMAtDc2yasAsYFdJk1nkuk.Q6Vb3WrfXPLoXA1gzP0Dl4ZgobfRG", "a-v3ry-g00d-Pass!"),
    (
        "$argon2id$v=19$m=1024,t=2,p=2$CS44eShQKaRKc4+GLDap5g$yV7xQVU64p2rYxZomQVGDgsxw+gggPVC6t0oVrh+8Jo",
        "a-v3ry-g00d-Pass!",
    ),
];

const BCRYPT: Hasher = Hasher::Bcrypt { cost: 4 };
const ARGON2: Hasher =
    Hasher::Argon2 { memory_bytes: 64 * 1024, iterations: 2, parallelism: 2, salt_length: 16, key_length: 32 };

fn entropy() -> Entropy {
    Entropy::seeded(1)
}

#[test]
fn every_format_takes_its_password_and_no_other() {
    for hash in SAMPLES {
        assert!(is_known_format(hash), "{hash}");
        assert_eq!(verify(hash, &PASSWORD.into()), Ok(true), "{hash}");
        for wrong in ["", "correct horse batterz", "correct horse battery "] {
            assert_eq!(verify(hash, &wrong.into()), Ok(false), "{hash} took {wrong:?}");
        }
    }
}

#[test]
fn hashes_that_kratos_made_are_taken() {
    for (hash, password) in KRATOS {
        assert_eq!(verify(hash, &(*password).into()), Ok(true), "{hash}");
        assert_eq!(verify(hash, &"another".into()), Ok(false), "{hash}");
    }
}

#[test]
fn bcrypt_is_the_same_under_all_its_names() {
    let hash = BCRYPT.hash(&entropy(), &PASSWORD.into()).unwrap();
    let tail = hash.strip_prefix("$2a$").expect("Kratos' own prefix");
    for prefix in ["$2$", "$2a$", "$2b$", "$2y$", "$2z$"] {
        assert_eq!(verify(&format!("{prefix}{tail}"), &PASSWORD.into()), Ok(true), "{prefix}");
    }
    assert_eq!(verify(&format!("$2x${tail}"), &PASSWORD.into()), Err(HashError::UnknownFormat));
}

#[test]
fn bcrypt_salts_with_stray_bits_are_taken() {
    // The 22nd character of the salt has four bits to spare, which some writers did not clear.
    let hash = BCRYPT.hash(&entropy(), &PASSWORD.into()).unwrap();
    let last = hash.as_bytes()[28];
    let stray = match last {
        b'.' => '/',
        b'O' => 'P',
        b'e' => 'f',
        b'u' => 'v',
        other => panic!("a canonical salt does not end in {other}"),
    };
    let hash = format!("{}{stray}{}", &hash[..28], &hash[29..]);
    assert_eq!(verify(&hash, &PASSWORD.into()), Ok(true));
}

#[test]
fn long_passwords_are_refused_rather_than_cut() {
    let long: Secret = "é".repeat(37).as_str().into();
    let too_long = HashError::TooLong { max: 72, actual: 74 };
    assert_eq!(BCRYPT.hash(&entropy(), &long), Err(too_long));
    let fits: Secret = "é".repeat(36).as_str().into();
    let hash = BCRYPT.hash(&entropy(), &fits).unwrap();
    assert_eq!(verify(&hash, &fits), Ok(true));
    assert_eq!(verify(&hash, &long), Err(too_long));

    let longer: Secret = "x".repeat(1025).as_str().into();
    assert_eq!(ARGON2.hash(&entropy(), &longer), Err(HashError::TooLong { max: 1024, actual: 1025 }));
    assert_eq!(verify(SAMPLES[0], &longer), Err(HashError::TooLong { max: 1024, actual: 1025 }));
}

/// Made by Go's library, and the first by Kratos, with less memory than Argon2 has by itself.
const SMALL_ARGON2: &[&str] = &[
    "$argon2id$v=19$m=1,t=1,p=1$k15BO/hYZoMs/20zXMAEvg$SVFq9AG0KbjG6nzQXPhNs9/6MG6q1cb3Xm6QVVBz17M",
    "$argon2id$v=19$m=1,t=1,p=1$emVsdXMtc2FsdC16ZWx1cw$8dISJxeFAFTJYe9/dWcOOFDo+qeGyxQo6j0mn4RVuE8",
    "$argon2i$v=19$m=1,t=1,p=1$emVsdXMtc2FsdC16ZWx1cw$ThefGGvKsnNPZ9AkMUX8u1TbwAkXddntCVvm0CsoYlA",
    "$argon2id$v=19$m=0,t=2,p=1$emVsdXMtc2FsdC16ZWx1cw$OnEkIjKjg2P5p2W1BtWwYQ",
    "$argon2i$v=19$m=7,t=3,p=1$emVsdXMtc2FsdC16ZWx1cw$4juQyu172f9l1Kff++GNz8c/ArNtncZCQkdWVNunrMLc4NviJl3cHBMacSFrid91evXqgjlzoiRcOof8ogMPtKna2OrYJc4BTDwINUTpURw",
    "$argon2id$v=19$m=1,t=1,p=4$emVsdXMtc2FsdC16ZWx1cw$8FRQM5tjDAKpk9kVfo0cVGDQRBRZcoIwOjSZLIN1buA",
    "$argon2id$v=19$m=31,t=2,p=4$emVsdXMtc2FsdC16ZWx1cw$JPBwiDkkrmvj+IjCfAIpNkY+lUAUZCtLDtz/Uqb6Gec",
    "$argon2i$v=19$m=15,t=3,p=2$emVsdXMtc2FsdC16ZWx1cw$BY3PFY1hK5utyILIrSODTT8DkkAP9StPcv4WyyR7sRILW/8OV6L2XhimIFC2xq10/6zCC6XixA3zjGNKpbx6gg",
];

#[test]
fn argon2_hashes_of_little_memory_are_taken() {
    for hash in SMALL_ARGON2 {
        assert_eq!(verify(hash, &"corr3ct-horse-b4ttery".into()), Ok(true), "{hash}");
        assert_eq!(verify(hash, &"corr3ct-horse-b4tterz".into()), Ok(false), "{hash}");
    }
    // Lanes cost memory too.
    let absurd = SMALL_ARGON2[0].replace("p=1", "p=4294967295");
    assert_eq!(verify(&absurd, &PASSWORD.into()), Err(HashError::TooCostly));
}

#[test]
fn own_hashes_have_kratos_form_and_a_fresh_salt() {
    let entropy = entropy();
    for (hasher, prefix) in [(BCRYPT, "$2a$04$"), (ARGON2, "$argon2id$v=19$m=64,t=2,p=2$")] {
        let (first, second) =
            (hasher.hash(&entropy, &PASSWORD.into()).unwrap(), hasher.hash(&entropy, &PASSWORD.into()).unwrap());
        assert!(first.starts_with(prefix), "{first}");
        assert_ne!(first, second);
        assert_eq!(verify(&first, &PASSWORD.into()), Ok(true));
    }
}

#[test]
fn only_weaker_or_foreign_hashes_are_made_anew() {
    let check = |hasher: &Hasher, hash: &str, expected| assert_eq!(hasher.needs_rehash(hash), expected, "{hash}");
    let bcrypt = KRATOS[0].0;
    check(&Hasher::Bcrypt { cost: 12 }, bcrypt, false);
    check(&Hasher::Bcrypt { cost: 10 }, bcrypt, false);
    check(&Hasher::Bcrypt { cost: 13 }, bcrypt, true);
    check(&Hasher::Bcrypt { cost: 12 }, &bcrypt.replace("$2a$", "$2y$"), false);
    check(&ARGON2, bcrypt, true);
    let argon2 = ARGON2.hash(&entropy(), &PASSWORD.into()).unwrap();
    check(&ARGON2, &argon2, false);
    check(&BCRYPT, &argon2, true);
    check(&ARGON2, &argon2.replace("argon2id", "argon2i"), true);
    check(&ARGON2, &argon2.replace("m=64", "m=32"), true);
    check(&ARGON2, &argon2.replace("t=2", "t=1"), true);
    for hash in SAMPLES.iter().filter(|hash| !hash.starts_with("$argon2id")) {
        check(&ARGON2, hash, true);
    }
}

#[test]
fn broken_hashes_are_errors() {
    for hash in
        ["", "$", "$$", "plain", "$1$salt$hash", "$argon2d$", "{SHA}abc", "{SSHA", "$pbkdf2-sha$", "$pbkdf2-sha1024$"]
    {
        assert!(!is_known_format(hash), "{hash}");
        assert_eq!(verify(hash, &PASSWORD.into()), Err(HashError::UnknownFormat), "{hash}");
    }
    for hash in [
        "$2a$",
        "$2a$12$short",
        "$2a$+9$HfMAtDc2yasAsYFdJk1nkuk.Q6Vb3WrfXPLoXA1gzP0Dl4ZgobfRG",
        "$2a$03$HfMAtDc2yasAsYFdJk1nkuk.Q6Vb3WrfXPLoXA1gzP0Dl4ZgobfRG",
        "$argon2id$v=16$m=64,t=2,p=2$ZGVmZ2hpamtsbW5vcHFycw$BWKAm9GQSDQ3r8Dn",
        "$argon2id$v=19$t=2,p=2$ZGVmZ2hpamtsbW5vcHFycw$BWKAm9GQSDQ3r8Dn",
        "$argon2id$v=19$m=64,t=0,p=2$ZGVmZ2hpamtsbW5vcHFycw$BWKAm9GQSDQ3r8Dn",
        "$scrypt$ln=1023,r=8,p=2$ZGVmZ2hpamtsbW5vcHFycw==$MlUhBNPq",
        "$scrypt$ln=1024,r=8,p=2$ZGVmZ2hpamtsbW5vcHFycw$MlUhBNPq",
        "{SSHA}9wteQSgK7REC1t8xuZ3qU4NyLFc=",
        "$pbkdf2-sha256$i=1000,l=0$ZGVmZ2hpamtsbW5vcHFycw$",
        "$scrypt$ln=1024,r=8,p=2$ZGVmZ2hpamtsbW5vcHFycw==$",
        "$firescrypt$ln=10,r=8,p=1$ZGVm$$Bw==$",
        "$md5$$",
        "$sha1$pf=$ZGVmZ2g=$Kn7EKbWwegVxK8Iy1robM9S7ets=",
        "$hmac-md5$ZDNm",
        "$sha512-crypt$rounds=many$salt$hash",
    ] {
        assert!(is_known_format(hash), "{hash}");
        assert_eq!(verify(hash, &PASSWORD.into()), Err(HashError::Malformed), "{hash}");
    }
}

#[test]
fn absurd_parameters_are_refused_before_any_work() {
    for hash in [
        "$2a$31$HfMAtDc2yasAsYFdJk1nkuk.Q6Vb3WrfXPLoXA1gzP0Dl4ZgobfRG",
        "$argon2id$v=19$m=4294967295,t=1,p=1$ZGVmZ2hpamtsbW5vcHFycw$BWKAm9GQSDQ3r8Dn",
        "$argon2id$v=19$m=1048576,t=4294967295,p=1$ZGVmZ2hpamtsbW5vcHFycw$BWKAm9GQSDQ3r8Dn",
        "$pbkdf2-sha256$i=4294967295,l=40$ZGVmZ2hpamtsbW5vcHFycw$Ohy6oigC",
        "$scrypt$ln=1073741824,r=8,p=1$ZGVmZ2hpamtsbW5vcHFycw==$MlUhBNPq",
        "$scrypt$ln=1024,r=4294967295,p=4294967295$ZGVmZ2hpamtsbW5vcHFycw==$MlUhBNPq",
        "$firescrypt$ln=63,r=8,p=1$ZGVm$ZGVm$Bw==$Bwg=",
        "$sha256-crypt$rounds=999999999$salt$jj1lNzyHAe3d06n6QNJXJYMXpKLhOPeczrKJipvfRl8",
    ] {
        assert_eq!(verify(hash, &PASSWORD.into()), Err(HashError::TooCostly), "{hash}");
    }
    assert_eq!(Hasher::Bcrypt { cost: 21 }.hash(&entropy(), &PASSWORD.into()), Err(HashError::TooCostly));
}

proptest! {
    #[test]
    fn no_text_makes_parsing_panic(hash in "\\PC{0,80}") {
        let _ = StoredHash::parse(&hash);
        let _ = BCRYPT.needs_rehash(&hash);
    }

    /// Samples with one byte changed, a part cut or doubled: near misses go deeper than noise does.
    #[test]
    fn no_near_miss_panics(sample in prop::sample::select(SAMPLES), at in any::<prop::sample::Index>(), put in "\\PC{0,3}") {
        let at = at.index(sample.len());
        let hash = format!("{}{put}{}", &sample[..at], &sample[at + 1..]);
        if let Ok(stored) = StoredHash::parse(&hash) && Format::of(&hash).is_some() && cheap(&stored) {
            let _ = stored.verify(&PASSWORD.into());
        }
    }

    #[test]
    fn what_is_hashed_verifies(password in "\\PC{0,17}", other in "\\PC{0,17}") {
        for hasher in [BCRYPT, ARGON2] {
            let hash = hasher.hash(&entropy(), &password.as_str().into()).unwrap();
            prop_assert_eq!(verify(&hash, &password.as_str().into()), Ok(true));
            prop_assert_eq!(verify(&hash, &other.as_str().into()), Ok(password == other));
        }
    }
}

/// Whether verifying takes a moment, not seconds.
fn cheap(stored: &StoredHash) -> bool {
    match stored {
        StoredHash::Pbkdf2 { iterations, .. } => *iterations <= 10_000,
        StoredHash::ShaCrypt(text) => !text.contains("rounds=") || text.contains("rounds=4321$"),
        StoredHash::Bcrypt(stored) => stored.cost <= 6,
        other => other.memory_kib() <= 4096,
    }
}
