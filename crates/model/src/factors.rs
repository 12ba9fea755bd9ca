//! Which credentials count as factors that a person can sign in with (NIST SP 800-63B §4).

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{Aal, AuthenticationMethod, Credential, CredentialType, Credentials, Identity, is_mailbox_of_first};

/// What the configuration says about factors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FactorRules {
    /// `selfservice.methods.code.passwordless_enabled`: a code by mail or text message is a first factor.
    pub code_passwordless: bool,
    /// `selfservice.methods.code.mfa_enabled`: a code by mail or text message is a second factor.
    pub code_mfa: bool,
    /// `selfservice.methods.password.config.migrate_hook.enabled`: passwords may still live in another system.
    pub password_migration: bool,
}

/// How many first factors the person can use.
///
/// As in Kratos, codes count as one whenever they are switched on as a first factor, whatever the person has set up.
/// SAML does not count, since nobody can sign in with it here.
pub fn first_factors(credentials: &Credentials, rules: &FactorRules) -> usize {
    let stored: usize = credentials.values().map(|credential| first_factors_of(credential, rules)).sum();
    stored + usize::from(rules.code_passwordless)
}

/// How many second factors the person can use.
pub fn second_factors(credentials: &Credentials, rules: &FactorRules) -> usize {
    credentials.values().map(|credential| second_factors_of(credential, rules)).sum()
}

/// Whether a credential is a first factor that the person can use. Codes are none here: they count by configuration.
pub fn is_first_factor(credential: &Credential, rules: &FactorRules) -> bool {
    first_factors_of(credential, rules) > 0
}

/// Whether the person can sign in by a credential of this kind: the row alone may be made by the schema.
pub fn has_first_factor(credentials: &Credentials, kind: CredentialType, rules: &FactorRules) -> bool {
    credentials.get(&kind).is_some_and(|credential| is_first_factor(credential, rules))
}

/// Whether a credential is a second factor that the person can use.
pub fn is_second_factor(credential: &Credential, rules: &FactorRules) -> bool {
    second_factors_of(credential, rules) > 0
}

/// The highest level that the person can reach. A second factor alone makes it [`Aal::Aal2`], as in Kratos.
pub fn available_aal(credentials: &Credentials, rules: &FactorRules) -> Aal {
    if second_factors(credentials, rules) > 0 {
        Aal::Aal2
    } else if first_factors(credentials, rules) > 0 {
        Aal::Aal1
    } else {
        Aal::Aal0
    }
}

/// The highest level that a sign-in of these steps can come to. As [`available_aal`], but for codes to the very mailbox that was
/// proved as its first factor: they would prove nothing more.
pub fn attainable_aal(credentials: &Credentials, rules: &FactorRules, steps: &[AuthenticationMethod]) -> Aal {
    let adds = |credential: &&Credential| match credential.kind {
        CredentialType::Code => code_addresses(credential).iter().any(|address| !is_mailbox_of_first(steps, address)),
        _ => true,
    };
    match credentials.values().filter(adds).any(|credential| is_second_factor(credential, rules)) {
        true => Aal::Aal2,
        false => Aal::Aal1,
    }
}

/// The addresses of a code credential. Kratos' older form holds one, which is the credential's identifier.
fn code_addresses(credential: &Credential) -> Vec<String> {
    let CodeConfig { address_type, addresses } = config(credential);
    match address_type {
        Some(_) if !credential.identifiers.is_empty() => credential.identifiers.clone(),
        Some(_) => vec![String::new()],
        None => addresses.into_iter().map(|address| address.address).collect(),
    }
}

/// The credential types that can be second factors: all that [`second_factors`] looks at.
pub const SECOND_FACTOR_TYPES: [CredentialType; 4] =
    [CredentialType::Totp, CredentialType::LookupSecret, CredentialType::Webauthn, CredentialType::Code];

fn first_factors_of(credential: &Credential, rules: &FactorRules) -> usize {
    let has_identifier = credential.identifiers.iter().any(|identifier| !identifier.is_empty());
    match credential.kind {
        CredentialType::Password => {
            let PasswordConfig { hashed_password, use_password_migration_hook } = config(credential);
            let elsewhere = use_password_migration_hook && rules.password_migration;
            usize::from(has_identifier && (!hashed_password.is_empty() || elsewhere))
        }
        CredentialType::Oidc => {
            let OidcConfig { providers } = config(credential);
            providers.iter().filter(|link| link.is_usable(&credential.identifiers)).count()
        }
        CredentialType::Webauthn if has_identifier => {
            config::<KeysConfig>(credential).credentials.iter().filter(|key| key.is_passwordless).count()
        }
        CredentialType::Passkey if has_identifier => config::<KeysConfig>(credential).credentials.len(),
        // Codes count by configuration alone; the rest are second factors, or of no use here.
        _ => 0,
    }
}

fn second_factors_of(credential: &Credential, rules: &FactorRules) -> usize {
    match credential.kind {
        CredentialType::Totp => {
            let TotpConfig { totp_url } = config(credential);
            usize::from(totp_url.trim_start().starts_with("otpauth://"))
        }
        CredentialType::LookupSecret => {
            let LookupConfig { recovery_codes } = config(credential);
            usize::from(!recovery_codes.is_empty())
        }
        CredentialType::Webauthn => {
            config::<KeysConfig>(credential).credentials.iter().filter(|key| !key.is_passwordless).count()
        }
        CredentialType::Code if rules.code_mfa => {
            let CodeConfig { address_type, addresses } = config(credential);
            match address_type {
                // Kratos' older form holds one address, which is the credential's identifier.
                Some(address_type) => usize::from(!address_type.is_empty()),
                None => addresses.iter().filter(|address| !address.address.is_empty()).count(),
            }
        }
        _ => 0,
    }
}

/// The credential's data. What cannot be read cannot be used either, so it counts as nothing.
fn config<T: DeserializeOwned + Default>(credential: &Credential) -> T {
    serde_json::from_str::<Option<T>>(credential.config.as_str()).ok().flatten().unwrap_or_default()
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PasswordConfig {
    hashed_password: String,
    use_password_migration_hook: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OidcConfig {
    providers: Vec<OidcLink>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OidcLink {
    provider: String,
    subject: String,
    organization: Option<String>,
}

impl OidcLink {
    /// A sign-in looks the link up by its identifier, `provider:subject`. Links of an organization need its own sign-in.
    fn is_usable(&self, identifiers: &[String]) -> bool {
        let names = |identifier: &String| identifier.split_once(':') == Some((&self.provider, &self.subject));
        let of_organization = self.organization.as_ref().is_some_and(|organization| !organization.is_empty());
        !self.provider.is_empty() && !self.subject.is_empty() && !of_organization && identifiers.iter().any(names)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TotpConfig {
    totp_url: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LookupConfig {
    recovery_codes: Vec<serde::de::IgnoredAny>,
}

/// WebAuthn keys and passkeys.
#[derive(Default, Deserialize)]
#[serde(default)]
struct KeysConfig {
    credentials: Vec<Key>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Key {
    is_passwordless: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CodeConfig {
    address_type: Option<String>,
    addresses: Vec<CodeAddress>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CodeAddress {
    address: String,
}

/// How the owner of an account signs in, for servers that tell (`selfservice.flows.registration.login_hints`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoginHints {
    /// The types of credentials that a person can sign in with, in the order of their names.
    pub credential_types: Vec<CredentialType>,
    /// The providers at which the person has an account that is linked, in the order of their names.
    pub providers: Vec<String>,
}

impl LoginHints {
    /// The hints for an identity with its credentials.
    pub fn of(identity: &Identity) -> Self {
        let mut hints = Self::default();
        // In the order of their names, as Kratos gives them.
        let mut credentials: Vec<_> = identity.credentials.values().collect();
        credentials.sort_by_key(|credential| credential.kind.as_str());
        for credential in credentials {
            let config = credential.config.to_value();
            let items = |list: &str| config[list].as_array().map(Vec::as_slice).unwrap_or_default();
            let is_usable = match credential.kind {
                CredentialType::Password => config["hashed_password"].as_str().is_some_and(|hash| !hash.is_empty()),
                CredentialType::Code => true,
                CredentialType::Oidc => {
                    let names = items("providers");
                    hints.providers =
                        names.iter().filter_map(|item| item["provider"].as_str().map(str::to_owned)).collect();
                    hints.providers.sort_unstable();
                    true
                }
                CredentialType::Webauthn | CredentialType::Passkey => {
                    items("credentials").iter().any(|key| key["is_passwordless"] == true)
                }
                CredentialType::Totp | CredentialType::LookupSecret | CredentialType::Saml => false,
            };
            if is_usable {
                hints.credential_types.push(credential.kind);
            }
        }
        hints
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Entropy, Id, RawJson, ZERO_TIME};

    const ALL: FactorRules = FactorRules { code_passwordless: false, code_mfa: true, password_migration: true };

    fn credential(kind: CredentialType, identifiers: &[&str], config: &str) -> Credential {
        Credential {
            id: Id::random(&Entropy::seeded(1)),
            kind,
            identifiers: identifiers.iter().map(|&identifier| identifier.to_owned()).collect(),
            config: RawJson::parse(config.to_owned()).expect("JSON"),
            version: 0,
            created_at: ZERO_TIME,
            updated_at: ZERO_TIME,
        }
    }

    #[track_caller]
    fn check(kind: CredentialType, identifiers: &[&str], config: &str, first: usize, second: usize) {
        let credentials = Credentials::from([(kind, credential(kind, identifiers, config))]);
        let counted = (first_factors(&credentials, &ALL), second_factors(&credentials, &ALL));
        assert_eq!(counted, (first, second), "{kind:?} {config}");
    }

    #[test]
    fn passwords_need_a_hash_and_an_identifier() {
        use CredentialType::Password;
        check(Password, &["a@b.c"], r#"{"hashed_password":"$2a$"}"#, 1, 0);
        check(Password, &[], r#"{"hashed_password":"$2a$"}"#, 0, 0);
        check(Password, &[""], r#"{"hashed_password":"$2a$"}"#, 0, 0);
        check(Password, &["a@b.c"], "{}", 0, 0);
        check(Password, &["a@b.c"], r#"{"hashed_password":"","use_password_migration_hook":true}"#, 1, 0);
        check(Password, &["a@b.c"], "null", 0, 0);
        check(Password, &["a@b.c"], "[]", 0, 0);
    }

    #[test]
    fn links_to_providers_need_their_identifier_and_no_organization() {
        use CredentialType::Oidc;
        let two =
            r#"{"providers":[{"provider":"p","subject":"1"},{"provider":"q","subject":"a:b","organization":""}]}"#;
        check(Oidc, &["p:1", "q:a:b"], two, 2, 0);
        check(Oidc, &["p:1"], two, 1, 0);
        check(Oidc, &["p:1"], r#"{"providers":[{"provider":"p","subject":"1","organization":"o"}]}"#, 0, 0);
        check(CredentialType::Saml, &["p:1"], two, 0, 0);
    }

    #[test]
    fn keys_are_a_first_factor_when_they_are_passwordless_and_a_second_one_otherwise() {
        use CredentialType::{Passkey, Webauthn};
        let both = r#"{"credentials":[{"is_passwordless":true},{"is_passwordless":false},{}]}"#;
        check(Webauthn, &["a@b.c"], both, 1, 2);
        check(Webauthn, &[], both, 0, 2);
        check(Passkey, &["handle"], r#"{"credentials":[{}]}"#, 1, 0);
        check(Passkey, &[], r#"{"credentials":[{}]}"#, 0, 0);
    }

    #[test]
    fn second_factors_need_something_to_check_against() {
        use CredentialType::{Code, LookupSecret, Totp};
        check(Totp, &["id"], r#"{"totp_url":"otpauth://totp/x?secret=AAAA"}"#, 0, 1);
        check(Totp, &["id"], r#"{"totp_url":""}"#, 0, 0);
        check(
            LookupSecret,
            &["id"],
            r#"{"recovery_codes":[{"code":"a"},{"code":"b","used_at":"2026-01-01T00:00:00Z"}]}"#,
            0,
            1,
        );
        check(LookupSecret, &["id"], r#"{"recovery_codes":null}"#, 0, 0);
        check(Code, &["a@b.c"], r#"{"addresses":[{"channel":"email","address":"a@b.c"},{"address":""}]}"#, 0, 1);
        check(
            Code,
            &["a@b.c"],
            r#"{"address_type":"email","used_at":{"Time":"0001-01-01T00:00:00Z","Valid":false}}"#,
            0,
            1,
        );
        check(Code, &["a@b.c"], r#"{"address_type":""}"#, 0, 0);
    }

    #[test]
    fn the_highest_level_follows_from_the_factors() {
        let none = Credentials::new();
        let off = FactorRules::default();
        assert_eq!(available_aal(&none, &off), Aal::Aal0);
        assert_eq!(available_aal(&none, &FactorRules { code_passwordless: true, ..off }), Aal::Aal1);
        let totp = credential(CredentialType::Totp, &[], r#"{"totp_url":"otpauth://totp/x"}"#);
        assert_eq!(available_aal(&Credentials::from([(CredentialType::Totp, totp)]), &off), Aal::Aal2);
        let code = credential(CredentialType::Code, &[], r#"{"addresses":[{"address":"a@b.c"}]}"#);
        let code = Credentials::from([(CredentialType::Code, code)]);
        assert_eq!(available_aal(&code, &off), Aal::Aal0);
        assert_eq!(available_aal(&code, &FactorRules { code_mfa: true, ..off }), Aal::Aal2);
    }

    #[test]
    fn types_that_are_no_second_factor_are_not_listed_as_one() {
        for kind in CredentialType::ALL {
            let credential = credential(
                kind,
                &["p:1"],
                r#"{"totp_url":"otpauth://totp/x","recovery_codes":[{}],"credentials":[{}],"addresses":[{"address":"a"}],
                    "hashed_password":"x","providers":[{"provider":"p","subject":"1"}]}"#,
            );
            assert_eq!(second_factors_of(&credential, &ALL) > 0, SECOND_FACTOR_TYPES.contains(&kind), "{kind:?}");
        }
    }
}
