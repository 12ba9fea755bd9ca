//! Signing in and up with a password (NIST SP 800-63B §3.1.1, OWASP Authentication Cheat Sheet).

mod breach;
mod login;
mod migration;
mod policy;
mod registration;
mod settings;

pub use policy::Policy;

use crypto::{HashError, HashingPool};
use flow::{Context, InputClaims, LoginMethod, Method, RegistrationMethod, Rejection, Services, SettingsMethod};
use model::ui::InputType;
use model::{Aal, Credential, CredentialType, Group, Identity, Message, Node, Problem, RawJson, Secret, message};
use serde::{Deserialize, Serialize};

/// What is meant for this method.
pub const CLAIMS: InputClaims = InputClaims {
    login: |flow, input| flow.detail.requested_aal == Aal::Aal1 && input.method() == "password",
    registration: |input| input.method() == "password",
    settings: |input| input.method() == "password",
    checks_traits,
    ..InputClaims::of("password")
};

/// The traits are checked together with the password where both are on one screen.
fn checks_traits(services: &Services) -> bool {
    !flow::registration::has_two_screens(services)
}

/// The password method.
pub struct Password;

impl Method for Password {
    fn name(&self) -> &'static str {
        "password"
    }

    fn login(&self) -> Option<&dyn LoginMethod> {
        Some(self)
    }

    fn registration(&self) -> Option<&dyn RegistrationMethod> {
        Some(self)
    }

    fn settings(&self) -> Option<&dyn SettingsMethod> {
        Some(self)
    }
}

/// The `config` of a password credential, as Kratos keeps it.
#[derive(Default, Serialize, Deserialize)]
struct PasswordConfig {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    hashed_password: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    use_password_migration_hook: bool,
}

fn password_field(autocomplete: &str) -> Node {
    Node::input("password", Group::Password, InputType::Password)
        .required()
        .with_autocomplete(autocomplete)
        .with_label(message::password_label())
}

fn submit_button(label: Message) -> Node {
    Node::submit("method", Group::Password, "password", label)
}

/// What became of a new password.
enum NewPassword {
    /// The identity has it.
    Set,
    /// It is not good enough, or nothing in the traits could be used to sign in, as is said on the form.
    Rejected(Rejection),
}

/// Hashes a new password into the credential that the identity has for it.
///
/// # Errors
/// 429 when too many passwords are being hashed.
async fn set_password(cx: Context<'_>, identity: &mut Identity, password: &Secret) -> Result<NewPassword, Problem> {
    let Some(credential) = identity.credentials.get_mut(&CredentialType::Password) else {
        return Ok(NewPassword::Rejected(Rejection::whole(message::identifier_missing())));
    };
    if credential.identifiers.is_empty() {
        return Ok(NewPassword::Rejected(Rejection::whole(message::identifier_missing())));
    }
    // Lengths come first: whatever else is said of a password that is too long, it cannot be used.
    if let Err(HashError::TooLong { max, actual }) = cx.services.identities.hasher().ensure_fits(password) {
        return Ok(NewPassword::Rejected(too_long(max, actual)));
    }
    if let Some(complaint) = Policy::new(cx.services).complaint(password.expose(), &credential.identifiers).await {
        return Ok(NewPassword::Rejected(Rejection::at("password", complaint)));
    }
    let hashed_password = match hash(cx, password).await? {
        Hashed::Hash(hash) => hash,
        Hashed::TooLong(rejection) => return Ok(NewPassword::Rejected(rejection)),
    };
    credential.config = PasswordConfig { hashed_password, use_password_migration_hook: false }.to_json()?;
    Ok(NewPassword::Set)
}

/// Where passwords are hashed, in turn with those of other clients.
fn pool(cx: Context<'_>) -> HashingPool {
    cx.services.identities.pool().for_client(cx.request.client_address)
}

/// What came of hashing a password.
enum Hashed {
    /// Its hash, in the configured format.
    Hash(String),
    /// It is too long to be hashed, as is said on the form.
    TooLong(Rejection),
}

/// Hashes a new password.
///
/// # Errors
/// 429 when too many passwords are being hashed.
async fn hash(cx: Context<'_>, password: &Secret) -> Result<Hashed, Problem> {
    match pool(cx).hash(cx.services.identities.hasher(), &cx.entropy, password).await {
        Ok(hash) => Ok(Hashed::Hash(hash)),
        Err(HashError::TooLong { max, actual }) => Ok(Hashed::TooLong(too_long(max, actual))),
        Err(error @ HashError::Busy) => Err(busy(error)),
        Err(error) => Err(Problem::internal(error)),
    }
}

/// What is said of a password that is too long to be hashed; in bytes.
fn too_long(max: usize, actual: usize) -> Rejection {
    Rejection::at("password", message::password_too_long(max, actual))
}

/// More passwords at once than there is memory for.
fn busy(error: HashError) -> Problem {
    Problem::new(429).reason("Many people are here right now. Please try again in a few seconds.").log(error)
}

impl PasswordConfig {
    fn of(credential: &Credential) -> Self {
        serde_json::from_str(credential.config.as_str()).unwrap_or_default()
    }

    fn to_json(&self) -> Result<RawJson, Problem> {
        serde_json::to_value(self).map(|config| RawJson::from_value(&config)).map_err(Problem::internal)
    }
}
