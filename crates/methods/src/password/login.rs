//! Signing in.

use crypto::HashError;
use flow::{
    AnyFlow, Context, Input, LoginForm, LoginMethod, LoginOutcome, LoginScene, LoginStep, MethodOutcome, Rejection,
    Scene, Services, Verifying, login,
};
use guard::{Attempt, Factor};
use model::flow::Login;
use model::ui::InputType;
use model::{
    Aal, AuthenticationMethod, CredentialType, Flow, FlowClient, Group, Identity, Node, Problem, Secret, factors,
    message,
};
use serde_json::Value;
use store::{FoundCredential, Tx};

use super::{Hashed, Password, PasswordConfig, busy, hash, migration, password_field, pool, submit_button};

impl LoginMethod for Password {
    fn add_fields(&self, cx: Context<'_>, scene: &LoginScene<'_>, flow: &mut Flow<Login>) -> Result<bool, Problem> {
        let can_use_it = |identity: &Identity| {
            factors::has_first_factor(&identity.credentials, CredentialType::Password, cx.services.identities.rules())
        };
        let (identifier, label) = match scene {
            LoginScene::FirstFactor | LoginScene::Linking(_) => {
                let schemas = cx.services.identities.schemas();
                let label = schemas.identifier_label(flow.detail.identity_schema.as_deref());
                let node = Node::input("identifier", Group::Default, InputType::Text);
                (Some(node.required().with_value("").with_label(label)), message::login_with_password())
            }
            LoginScene::Identified(visitor) if visitor.account.is_offered(can_use_it) => {
                (None, message::login_with_password())
            }
            LoginScene::Refresh { identity } => {
                let usable = can_use_it(identity);
                let known = login::known_identifier(identity, CredentialType::Password).filter(|_| usable);
                let Some(identifier) = known else { return Ok(false) };
                (Some(Node::hidden("identifier", Group::Default, &identifier)), message::login_button())
            }
            LoginScene::Identification | LoginScene::Identified(_) | LoginScene::SecondFactor { .. } => {
                return Ok(false);
            }
        };
        if let Some(identifier) = identifier {
            flow.ui.upsert(identifier);
        }
        flow.ui.set_csrf("");
        flow.ui.upsert(password_field("current-password"));
        flow.ui.remove_button("method", Group::Password, "password");
        flow.ui.nodes.push(submit_button(label));
        Ok(true)
    }

    fn is_meant(&self, _: &Services, flow: &Flow<Login>, input: &Input) -> bool {
        flow.detail.requested_aal == Aal::Aal1 && input.method() == "password"
    }

    fn malformed(&self, _: &Flow<Login>, input: &Input) -> Vec<Rejection> {
        let missing = [("identifier", identifier(input).is_empty()), ("password", input.text("password").is_empty())];
        let missing = missing.into_iter().filter(|(_, missing)| *missing);
        missing.map(|(field, _)| Rejection::at(field, message::property_missing(field))).collect()
    }

    fn keep_input(&self, flow: &mut Flow<Login>, input: &Input) {
        if let Some(password) = flow.ui.node_mut("password") {
            password.reset();
        }
        flow.ui.set_value("identifier", Value::String(identifier(input)));
    }

    fn verify<'a>(&'a self, cx: Context<'a>, form: LoginForm<'a>) -> Verifying<'a, LoginOutcome> {
        let LoginForm { flow, input, .. } = form;
        let client = flow.client;
        let scene = Scene { cx, flow: AnyFlow::Login(flow), session: None };
        Box::pin(async move { check(&scene, client, input).await })
    }
}

/// What the person typed to be recognised. Clients of Kratos v0.7 name the field differently.
fn identifier(input: &Input) -> String {
    let identifier = input.text("identifier");
    if identifier.is_empty() { input.text("password_identifier") } else { identifier }
}

async fn check(scene: &Scene<'_>, client: FlowClient, input: &Input) -> Result<LoginOutcome, Problem> {
    let cx = scene.cx;
    let password = Secret::new(input.text("password"));
    let identifier = identifier(input);
    let hasher = cx.services.identities.hasher();
    let kind = CredentialType::Password;
    let found = cx.services.store.find_by_identifier(kind, &kind.normalise(&identifier)).await?;
    let owner = found.as_ref().map(|found| found.identity_id);
    let subject = cx.services.guard.whoever(Factor::Password, Aal::Aal1, owner, &identifier);
    let attempt = match cx.attempt(client, &subject).await? {
        Ok(attempt) => attempt,
        Err(resting) => return Ok(MethodOutcome::rejected(resting)),
    };
    let wrong = || Ok(MethodOutcome::failed(cx, &attempt, message::invalid_credentials()));
    let Some(found) = found else {
        is_right(scene, None, &password, &attempt).await?;
        return wrong();
    };
    let stored = PasswordConfig::of(&found.credential);
    let migrates = stored.hashed_password.is_empty() && stored.use_password_migration_hook;
    if migrates {
        if !migration::is_right(scene, found.identity_id, &identifier, &password).await? {
            return wrong();
        }
    } else if !is_right(scene, Some((&found, &stored.hashed_password)), &password, &attempt).await? {
        return wrong();
    }
    let hash = if migrates {
        match hash(cx, &password).await? {
            Hashed::Hash(hash) => Some(hash),
            Hashed::TooLong(rejection) => return Ok(MethodOutcome::rejected(rejection)),
        }
    } else if hasher.needs_rehash(&stored.hashed_password) {
        let hash = pool(cx).hash(hasher, &cx.entropy, &password).await;
        hash.inspect_err(|error| {
            tracing::warn!(identity.id = %found.identity_id, %error, "A password was not hashed anew.");
        })
        .ok()
    } else {
        None
    };
    let mut writes = Tx::new();
    if let Some(hashed_password) = hash {
        let config = PasswordConfig { hashed_password, use_password_migration_hook: false }.to_json()?;
        // A password that was changed meanwhile stays as it is now.
        writes.note_credential_config(found.credential.id, &found.credential.config, &config, cx.now());
    }
    let method = AuthenticationMethod::new("password", Aal::Aal1, cx.now());
    Ok(MethodOutcome::Accepted(LoginStep::new(attempt, found.identity_id, method, writes)))
}

/// Whether a password is the one that is kept for an account: the account, and the hash, which may be empty. Without an
/// account it never is. Known and unknown accounts get the same answers after the same work, whatever is sent.
async fn is_right(
    scene: &Scene<'_>,
    kept: Option<(&FoundCredential, &str)>,
    password: &Secret,
    attempt: &Attempt,
) -> Result<bool, Problem> {
    let hasher = scene.cx.services.identities.hasher();
    let stored = kept.map(|(_, stored)| stored).filter(|stored| !stored.is_empty());
    match pool(scene.cx).sign_in(hasher, &scene.cx.entropy, stored, password).await {
        Ok(is_right) => Ok(is_right),
        // No password of anybody's is that long, so it is wrong like any other.
        Err(HashError::TooLong { .. }) => Ok(false),
        Err(error @ HashError::Busy) => {
            attempt.give_back().await?;
            Err(busy(error))
        }
        Err(error) => {
            let identity = kept.map(|(found, _)| tracing::field::display(found.identity_id));
            tracing::warn!(identity.id = identity, %error, "A stored password hash cannot be used.");
            Ok(false)
        }
    }
}
