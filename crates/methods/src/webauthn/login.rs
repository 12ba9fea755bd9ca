//! Signing in, and signing in further.

use crypto::webauthn::Assertion;
use flow::{
    Context, Input, LoginForm, LoginMethod, LoginOutcome, LoginScene, LoginStep, MethodOutcome, Rejection, Services,
    Verifying,
};
use guard::{Attempt, Factor};
use model::flow::Login;
use model::ui::InputType;
use model::{Aal, Flow, FlowClient, Group, Identity, IdentityId, Message, Node, Problem, factors, message};
use store::Tx;

use super::{KIND, Webauthn, answer_field, missing, proved};
use crate::keys::{self, Key, Keys, Trigger, decoy};

impl LoginMethod for Webauthn {
    fn add_fields(&self, cx: Context<'_>, scene: &LoginScene<'_>, flow: &mut Flow<Login>) -> Result<bool, Problem> {
        if flow.client != FlowClient::Browser {
            return Ok(false);
        }
        match scene {
            LoginScene::FirstFactor | LoginScene::Linking(_) if self.passwordless => {
                let label = cx.services.identities.schemas().identifier_label(flow.detail.identity_schema.as_deref());
                let identifier = Node::input("identifier", Group::Default, InputType::Text).required();
                flow.ui.upsert(identifier.with_value("").with_autocomplete("username webauthn").with_label(label));
                add_button(flow);
                Ok(true)
            }
            LoginScene::Identified(visitor) if self.passwordless => {
                let rules = cx.services.identities.rules();
                let has_key = |identity: &Identity| factors::has_first_factor(&identity.credentials, KIND, rules);
                let is_offered = visitor.account.is_offered(has_key);
                if is_offered {
                    add_button(flow);
                }
                Ok(is_offered)
            }
            LoginScene::Refresh { identity } => self.ask_again(cx, identity, flow),
            LoginScene::SecondFactor { identity, .. } if flow.detail.refresh => self.ask_again(cx, identity, flow),
            LoginScene::SecondFactor { identity, .. } if !self.passwordless => {
                self.ask(cx, identity, Aal::Aal2, message::login_with_webauthn(), flow)
            }
            _ => Ok(false),
        }
    }

    fn is_meant(&self, _: &Services, flow: &Flow<Login>, input: &Input) -> bool {
        let is_named = !input.text("webauthn_login").is_empty() || input.method() == "webauthn";
        // As in Kratos what is missing comes first, whatever the level.
        let fits = flow.detail.requested_aal == self.level(flow) || missing(input, "identifier").is_some();
        flow.client == FlowClient::Browser && is_named && fits
    }

    fn malformed(&self, _: &Flow<Login>, input: &Input) -> Vec<Rejection> {
        missing(input, "identifier").into_iter().collect()
    }

    fn keep_input(&self, _: &mut Flow<Login>, _: &Input) {}

    fn verify<'a>(&'a self, cx: Context<'a>, form: LoginForm<'a>) -> Verifying<'a, LoginOutcome> {
        let LoginForm { flow, session, input } = form;
        Box::pin(async move {
            let identifier = input.text("identifier");
            let identity = match self.level(flow) {
                Aal::Aal2 => match session {
                    Some(session) => cx.services.identities.with_credentials(session.identity_id).await?,
                    None => None,
                },
                _ => self.named(cx, flow, &identifier).await?,
            };
            let Some(identity) = identity else { return Ok(MethodOutcome::rejected(message::no_webauthn_user())) };
            if input.text("webauthn_login").is_empty() {
                return self.second_step(cx, &identity, &identifier, flow);
            }
            let subject = cx.services.guard.account(Factor::Webauthn, self.level(flow), identity.id);
            match cx.attempt(flow.client, &subject).await? {
                Ok(attempt) => self.sign_in(cx, flow, &identity, &input.text("webauthn_login"), attempt),
                Err(resting) => Ok(MethodOutcome::rejected(resting)),
            }
        })
    }
}

impl Webauthn {
    /// Whoever signs in by this identifier, or somebody made up where nobody is to learn who does.
    async fn named(&self, cx: Context<'_>, flow: &Flow<Login>, identifier: &str) -> Result<Option<Identity>, Problem> {
        let is_secret = cx.services.config.security.mitigate_account_enumeration && !flow.detail.refresh;
        let found = cx.services.store.find_by_identifier(KIND, identifier).await?;
        let id = match found {
            Some(found) => found.identity_id,
            // As many reads for nobody as for somebody.
            None if is_secret => IdentityId::random(&cx.entropy),
            None => return Ok(None),
        };
        let identity = cx.services.identities.with_credentials(id).await?;
        if !is_secret {
            return Ok(identity);
        }
        let has_key = |identity: &Identity| {
            let keys = Keys::held_by(identity, KIND);
            keys.credentials.iter().any(|key| proves(key, Aal::Aal1))
        };
        Ok(Some(identity.filter(has_key).unwrap_or_else(|| decoy::owner(cx, KIND, identifier))))
    }

    /// Which level a submission of this form proves.
    fn level(&self, flow: &Flow<Login>) -> Aal {
        let again = flow.detail.refresh && flow.detail.requested_aal == Aal::Aal1;
        if self.passwordless || again { Aal::Aal1 } else { Aal::Aal2 }
    }

    /// Asks whoever is signed in for one of their keys.
    fn ask_again(&self, cx: Context<'_>, identity: &Identity, flow: &mut Flow<Login>) -> Result<bool, Problem> {
        let aal = flow.detail.requested_aal;
        let credential = identity.credentials.get(&KIND).filter(|credential| !credential.identifiers.is_empty());
        match credential {
            Some(_) => self.ask(cx, identity, aal, message::login_with_webauthn(), flow),
            None => Ok(false),
        }
    }

    /// Asks for one of a person's keys that prove a level. Whether there are any.
    fn ask(
        &self,
        cx: Context<'_>,
        identity: &Identity,
        aal: Aal,
        label: Message,
        flow: &mut Flow<Login>,
    ) -> Result<bool, Problem> {
        let Some(credential) = identity.credentials.get(&KIND) else { return Ok(false) };
        let keys = Keys::of(credential);
        let fitting: Vec<&Key> = keys.credentials.iter().filter(|key| proves(key, aal)).collect();
        if fitting.is_empty() {
            return Ok(false);
        }
        let (options, challenge) = self.site.ask_for_key(&cx, &keys.user_handle.0, &fitting);
        self.site.keep(&mut flow.internal_context, &challenge);
        if let Some(identifier) = credential.identifiers.first() {
            flow.ui.upsert(Node::hidden("identifier", Group::Default, identifier));
        }
        flow.ui.set_csrf("");
        flow.ui.upsert(keys::script(cx));
        flow.ui.upsert(keys::trigger("webauthn_login_trigger", Trigger::WebAuthnLogin, &options.to_string(), label));
        flow.ui.upsert(answer_field("webauthn_login"));
        Ok(true)
    }

    /// Turns the form into the one that asks for a key of the person who was named.
    fn second_step(
        &self,
        cx: Context<'_>,
        identity: &Identity,
        identifier: &str,
        flow: &mut Flow<Login>,
    ) -> Result<LoginOutcome, Problem> {
        let before = std::mem::take(&mut flow.ui.nodes);
        let csrf_token = before.iter().find(|node| node.id() == "csrf_token").cloned();
        if !self.ask(cx, identity, self.level(flow), message::login_continue(), flow)? {
            flow.ui.nodes = before;
            return Ok(MethodOutcome::rejected(message::no_webauthn_user()));
        }
        if let Some(token) = csrf_token {
            flow.ui.upsert(token);
        }
        flow.ui.messages.push(message::login_prepare_webauthn());
        flow.ui.upsert(Node::hidden("identifier", Group::Default, identifier).required());
        Ok(MethodOutcome::Elsewhere { to: cx.services.flow_page(flow), effects: Box::default(), writes: Tx::new() })
    }

    /// Checks the browser's answer.
    fn sign_in(
        &self,
        cx: Context<'_>,
        flow: &mut Flow<Login>,
        identity: &Identity,
        answer: &str,
        attempt: Attempt,
    ) -> Result<LoginOutcome, Problem> {
        let wrong = |rejection: Rejection| Ok(MethodOutcome::failed(cx, &attempt, rejection));
        let Some(credential) = identity.credentials.get(&KIND) else {
            return wrong(message::no_webauthn_device().into());
        };
        let assertion = match Assertion::parse(answer) {
            Ok(assertion) => assertion,
            Err(error) => return wrong(keys::unreadable(error).into()),
        };
        let Some(challenge) = self.site.kept(&flow.internal_context) else {
            return wrong(keys::no_challenge().into());
        };
        let (level, refresh) = (self.level(flow), flow.detail.refresh);
        let mut keys = Keys::of(credential);
        let handle = &keys.user_handle.0;
        let is_theirs = challenge.handle() == handle && assertion.user_handle.as_ref().is_none_or(|own| own == handle);
        if !is_theirs {
            return wrong(keys::not_accepted(crypto::webauthn::WebAuthnError::UnknownKey).into());
        }
        let used = match self.site.used_key(&challenge, &assertion, &mut keys, |key| refresh || proves(key, level)) {
            Ok(key) => proved(&cx, key),
            Err(error) => return wrong(keys::not_accepted(error).into()),
        };
        let writes = keys::spend(&cx, &self.site, flow, credential, &keys)?;
        let when_spent = Some(Rejection::whole(keys::no_challenge()));
        Ok(MethodOutcome::Accepted(LoginStep { when_spent, ..LoginStep::new(attempt, identity.id, used, writes) }))
    }
}

/// The button that leads to the form which asks for a key.
fn add_button(flow: &mut Flow<Login>) {
    flow.ui.set_csrf("");
    flow.ui.remove_button("method", Group::Webauthn, "webauthn");
    flow.ui.nodes.push(Node::submit("method", Group::Webauthn, "webauthn", message::login_with_webauthn()));
}

fn proves(key: &Key, aal: Aal) -> bool {
    key.is_passwordless == (aal == Aal::Aal1)
}
