//! Signing in.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use crypto::webauthn::Assertion;
use flow::{
    Context, Input, LoginForm, LoginMethod, LoginOutcome, LoginScene, LoginStep, MethodOutcome, Rejection, Services,
    Verifying,
};
use guard::Factor;
use model::flow::Login;
use model::ui::InputType;
use model::{Aal, Credential, CredentialType, Flow, FlowClient, Group, Identity, Node, Problem, factors, message};
use serde_json::Value;
use store::Tx;

use super::{KIND, Passkey, proved};
use crate::keys::{self, Key, Keys, Trigger};

impl LoginMethod for Passkey {
    fn add_fields(&self, cx: Context<'_>, scene: &LoginScene<'_>, flow: &mut Flow<Login>) -> Result<bool, Problem> {
        match scene {
            LoginScene::FirstFactor | LoginScene::Linking(_) => {
                self.add_discovery(cx, flow);
                add_button(flow);
                Ok(true)
            }
            LoginScene::Identification => {
                self.add_discovery(cx, flow);
                Ok(true)
            }
            LoginScene::Identified(visitor) => {
                let rules = cx.services.identities.rules();
                let has_passkey = |identity: &Identity| factors::has_first_factor(&identity.credentials, KIND, rules);
                let is_offered = visitor.account.is_offered(has_passkey);
                if is_offered {
                    add_button(flow);
                }
                Ok(is_offered)
            }
            LoginScene::Refresh { identity } => Ok(self.ask_again(cx, identity, flow)),
            LoginScene::SecondFactor { .. } => Ok(false),
        }
    }

    fn is_meant(&self, _: &Services, flow: &Flow<Login>, input: &Input) -> bool {
        let is_named = !input.text("passkey_login").is_empty() || input.method() == "passkey";
        flow.detail.requested_aal == Aal::Aal1 && is_named
    }

    fn keep_input(&self, flow: &mut Flow<Login>, _: &Input) {
        if let Some(answer) = flow.ui.node_mut("passkey_login") {
            answer.reset();
        }
    }

    fn verify<'a>(&'a self, cx: Context<'a>, form: LoginForm<'a>) -> Verifying<'a, LoginOutcome> {
        let LoginForm { flow, input, .. } = form;
        Box::pin(async move {
            let answer = input.text("passkey_login");
            if answer.is_empty() {
                // The form has everything that a browser needs to ask for a passkey.
                return Ok(MethodOutcome::Elsewhere {
                    to: cx.services.flow_page(flow),
                    effects: Box::default(),
                    writes: Tx::new(),
                });
            }
            self.sign_in(cx, flow, &answer).await
        })
    }
}

impl Passkey {
    /// Adds the fields by which browsers offer passkeys where the identifier is typed ("conditional mediation").
    fn add_discovery(&self, cx: Context<'_>, flow: &mut Flow<Login>) {
        flow.ui.set_csrf("");
        let (options, challenge) = self.site.ask_for_key(&cx, &[], &[]);
        self.site.keep(&mut flow.internal_context, &challenge);
        let label = cx.services.identities.schemas().identifier_label(flow.detail.identity_schema.as_deref());
        let identifier = Node::input("identifier", Group::Default, InputType::Text).required();
        flow.ui.upsert(identifier.with_value("").with_autocomplete("username webauthn").with_label(label));
        flow.ui.upsert(challenge_field(&options));
        let mut answer = keys::hidden("passkey_login", Group::Passkey);
        if let Some(input) = answer.as_input_mut() {
            let trigger = Trigger::PasskeyLoginAutocomplete;
            input.onload_trigger = Some(trigger.name().to_owned());
            input.onload = (flow.client == FlowClient::Browser).then(|| trigger.call(""));
        }
        if flow.client == FlowClient::Browser {
            flow.ui.upsert(keys::script(cx));
        }
        flow.ui.upsert(answer);
    }

    /// Asks whoever is signed in for one of their passkeys. Whether there are any.
    fn ask_again(&self, cx: Context<'_>, identity: &Identity, flow: &mut Flow<Login>) -> bool {
        let Some(credential) = identity.credentials.get(&KIND).filter(|credential| !credential.identifiers.is_empty())
        else {
            return false;
        };
        let stored = Keys::of(credential);
        if stored.credentials.is_empty() {
            return false;
        }
        let all: Vec<&Key> = stored.credentials.iter().collect();
        let (options, challenge) = self.site.ask_for_key(&cx, &stored.user_handle.0, &all);
        self.site.keep(&mut flow.internal_context, &challenge);
        flow.ui.upsert(challenge_field(&options));
        if flow.client == FlowClient::Browser {
            flow.ui.nodes.push(keys::script(cx));
        }
        flow.ui.upsert(keys::hidden("passkey_login", Group::Passkey));
        add_button(flow);
        flow.ui.set_csrf("");
        let schemas = cx.services.identities.schemas();
        let name = schemas.passkey_display_name(&identity.schema_id, &identity.traits.to_value());
        flow.ui.upsert(Node::hidden("identifier", Group::Default, &name.unwrap_or_default()));
        true
    }

    /// Checks the browser's answer.
    async fn sign_in(&self, cx: Context<'_>, flow: &mut Flow<Login>, answer: &str) -> Result<LoginOutcome, Problem> {
        let assertion = match Assertion::parse(answer) {
            Ok(assertion) => assertion,
            Err(error) => return Ok(MethodOutcome::rejected(keys::unreadable(error))),
        };
        let Some(challenge) = self.site.kept(&flow.internal_context) else {
            return Ok(MethodOutcome::rejected(keys::no_challenge()));
        };
        let owner = owner_of(cx.services, &assertion).await?;
        let handle = BASE64_STANDARD.encode(assertion.user_handle.as_deref().unwrap_or_default());
        let identity = owner.as_ref().map(|owner| owner.identity);
        let subject = cx.services.guard.whoever(Factor::Passkey, Aal::Aal1, identity, &handle);
        let attempt = match cx.attempt(flow.client, &subject).await? {
            Ok(attempt) => attempt,
            Err(resting) => return Ok(MethodOutcome::rejected(resting)),
        };
        let Some(owner) = owner else {
            return Ok(MethodOutcome::failed(cx, &attempt, message::no_webauthn_user()));
        };
        let Owner { identity, credential } = owner;
        let mut stored = Keys::of(&credential);
        match self.site.used_key(&challenge, &assertion, &mut stored, |key| key.is_passwordless) {
            Ok(_) => {}
            Err(error) => return Ok(MethodOutcome::failed(cx, &attempt, keys::not_accepted(error))),
        }
        let writes = keys::spend(&cx, &self.site, flow, &credential, &stored)?;
        let when_spent = Some(Rejection::whole(keys::no_challenge()));
        Ok(MethodOutcome::Accepted(LoginStep { when_spent, ..LoginStep::new(attempt, identity, proved(&cx), writes) }))
    }
}

/// Whoever a passkey says it belongs to.
struct Owner {
    identity: model::IdentityId,
    credential: Credential,
}

/// Finds the person. Security keys that keep themselves (`webauthn`) are found too, as in Kratos: that is how people
/// move from one method to the other.
async fn owner_of(services: &Services, assertion: &Assertion) -> Result<Option<Owner>, Problem> {
    let Some(handle) = &assertion.user_handle else { return Ok(None) };
    if let Ok(text) = std::str::from_utf8(handle)
        && let Some(found) = services.store.find_by_identifier(KIND, text).await?
    {
        return Ok(Some(Owner { identity: found.identity_id, credential: found.credential }));
    }
    // These handles are identifiers of 16 bytes, so nothing else needs to be looked for.
    if handle.len() != 16 {
        return Ok(None);
    }
    let Some(id) = services.store.find_by_user_handle(&BASE64_STANDARD.encode(handle)).await? else { return Ok(None) };
    let Some(mut identity) = services.identities.with_credentials(id).await? else { return Ok(None) };
    let credential = identity.credentials.remove(&CredentialType::Webauthn);
    Ok(credential.map(|credential| Owner { identity: identity.id, credential }))
}

/// The button that asks for a passkey.
fn add_button(flow: &mut Flow<Login>) {
    const NAME: &str = "passkey_login_trigger";
    flow.ui.remove(&[NAME]);
    let label = message::login_with_passkey();
    let button = keys::passkey_trigger(NAME, Trigger::PasskeyLogin, flow.client, label);
    flow.ui.nodes.push(button.with_value(""));
}

fn challenge_field(options: &Value) -> Node {
    Node::hidden("passkey_challenge", Group::Passkey, &options.to_string())
}
