//! Signing in.

use flow::{BoxFuture, Input, LoginMethod, LoginScene, LoginStep, Rejection, Request, Runtime, Verdict, login};
use model::flow::Login;
use model::ui::InputType;
use model::{
    Aal, AuthenticationMethod, CredentialType, Cx, Flow, Group, Identity, Node, Problem, Secret, Session, message,
};
use serde_json::Value;
use store::Tx;

use super::{Password, PasswordConfig, busy, password_field, submit_button};

impl LoginMethod for Password {
    fn add_fields(
        &self,
        _: &Cx,
        runtime: &Runtime,
        scene: &LoginScene<'_>,
        flow: &mut Flow<Login>,
    ) -> Result<bool, Problem> {
        let (identifier, label) = match scene {
            LoginScene::FirstFactor => {
                let schemas = runtime.identities.schemas();
                let label = schemas.identifier_label(flow.detail.identity_schema.as_deref());
                let node = Node::input("identifier", Group::Default, InputType::Text);
                (Some(node.required().with_value("").with_label(label)), message::login_with_password())
            }
            LoginScene::Identified(visitor) if visitor.account.is_offered(has_password) => {
                (None, message::login_with_password())
            }
            LoginScene::Refresh { identity } => {
                let usable = has_password(identity);
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

    fn is_meant(&self, _: &Runtime, flow: &Flow<Login>, input: &Input) -> bool {
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

    fn verify<'a>(
        &'a self,
        cx: &'a Cx,
        runtime: &'a Runtime,
        _: &'a Request,
        _: &'a mut Flow<Login>,
        _: Option<&'a Session>,
        input: &'a Input,
    ) -> BoxFuture<'a, Result<Verdict<LoginStep>, Problem>> {
        Box::pin(check(cx, runtime, input))
    }
}

/// What the person typed to be recognised. Clients of Kratos v0.7 name the field differently.
fn identifier(input: &Input) -> String {
    let identifier = input.text("identifier");
    if identifier.is_empty() { input.text("password_identifier") } else { identifier }
}

async fn check(cx: &Cx, runtime: &Runtime, input: &Input) -> Result<Verdict<LoginStep>, Problem> {
    let password = Secret::new(input.text("password"));
    let identifier = identifier(input);
    let (pool, hasher) = (runtime.identities.pool(), runtime.identities.hasher());
    let kind = CredentialType::Password;
    let Some(found) = runtime.store.find_by_identifier(kind, &kind.normalise(&identifier)).await? else {
        // As much work as for an account that exists, so that the time tells nothing.
        pool.dummy_verify(hasher, &cx.entropy, &password).await.map_err(busy)?;
        return Ok(wrong());
    };
    let stored = PasswordConfig::of(&found.credential);
    if stored.hashed_password.is_empty() {
        pool.dummy_verify(hasher, &cx.entropy, &password).await.map_err(busy)?;
        return Ok(wrong());
    }
    match pool.verify(&stored.hashed_password, &password).await {
        Ok(true) => {}
        Ok(false) => return Ok(wrong()),
        Err(crypto::HashError::Busy) => return Err(busy(crypto::HashError::Busy)),
        Err(error) => {
            tracing::warn!(identity.id = %found.identity_id, %error, "A stored password hash cannot be used.");
            return Ok(wrong());
        }
    }
    let mut writes = Tx::new();
    if hasher.needs_rehash(&stored.hashed_password) {
        match pool.hash(hasher, &cx.entropy, &password).await {
            Ok(hashed_password) => {
                let config = PasswordConfig { hashed_password, use_password_migration_hook: false };
                writes.update_credential_config(found.credential.id, &config.to_json()?, cx.now());
            }
            Err(error) => tracing::warn!(identity.id = %found.identity_id, %error, "A password was not hashed anew."),
        }
    }
    let method = AuthenticationMethod::new("password", Aal::Aal1, cx.now());
    Ok(Verdict::Accepted(LoginStep::new(found.identity_id, method, writes)))
}

fn wrong<S>() -> Verdict<S> {
    Verdict::rejected(Rejection::whole(message::invalid_credentials()))
}

/// Whether the person has set a password; the row alone is made by the schema.
fn has_password(identity: &Identity) -> bool {
    let config = identity.credentials.get(&CredentialType::Password).map(PasswordConfig::of);
    config.is_some_and(|config| !config.hashed_password.is_empty() || config.use_password_migration_hook)
}
