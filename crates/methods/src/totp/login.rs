//! Signing in further.

use flow::{
    Context, Input, LoginForm, LoginMethod, LoginOutcome, LoginScene, LoginStep, MethodOutcome, Rejection, Services,
    Verifying,
};
use guard::Factor;
use model::flow::Login;
use model::ui::InputType;
use model::{Aal, CredentialType, Flow, FlowClient, Group, Node, Problem, Session, message};
use store::Tx;

use super::{Totp, TotpConfig};
use crate::second_factor::{self, Tried};

/// The fewest characters of a code.
const MIN_LENGTH: usize = 6;

impl LoginMethod for Totp {
    fn add_fields(&self, _: Context<'_>, scene: &LoginScene<'_>, flow: &mut Flow<Login>) -> Result<bool, Problem> {
        let LoginScene::SecondFactor { identity, .. } = scene else { return Ok(false) };
        if !identity.credentials.contains_key(&CredentialType::Totp) {
            return Ok(false);
        }
        flow.ui.set_csrf("");
        let code = Node::input("totp_code", Group::Totp, InputType::Text);
        flow.ui.upsert(code.required().with_value("").with_label(message::login_totp_label()));
        flow.ui.nodes.push(Node::submit("method", Group::Totp, "totp", message::login_with_totp()));
        Ok(true)
    }

    fn is_meant(&self, _: &Services, flow: &Flow<Login>, input: &Input) -> bool {
        flow.detail.requested_aal == Aal::Aal2 && input.method() == "totp"
    }

    fn malformed(&self, _: &Flow<Login>, input: &Input) -> Vec<Rejection> {
        let Some(code) = second_factor::required(input, "totp_code") else {
            return vec![Rejection::at("totp_code", message::property_missing("totp_code"))];
        };
        let length = code.chars().count();
        let is_short = length < MIN_LENGTH;
        is_short.then(|| Rejection::at("totp_code", message::too_short(MIN_LENGTH, length))).into_iter().collect()
    }

    fn keep_input(&self, flow: &mut Flow<Login>, _: &Input) {
        if let Some(code) = flow.ui.node_mut("totp_code") {
            code.reset();
        }
    }

    fn verify<'a>(&'a self, cx: Context<'a>, form: LoginForm<'a>) -> Verifying<'a, LoginOutcome> {
        let LoginForm { flow, session, input } = form;
        Box::pin(check(cx, flow.client, session, input))
    }
}

async fn check(
    cx: Context<'_>,
    client: FlowClient,
    session: Option<&Session>,
    input: &Input,
) -> Result<LoginOutcome, Problem> {
    let code = input.text("totp_code");
    let kind = (CredentialType::Totp, Factor::Totp);
    let tried = second_factor::reserve(cx, (client, session), kind, message::no_totp_device).await?;
    let Tried { owner, credential, attempt } = match tried {
        Ok(tried) => tried,
        Err(rejection) => return Ok(MethodOutcome::rejected(rejection)),
    };
    let wrong = || Ok(MethodOutcome::failed(cx, &attempt, message::totp_invalid()));
    let mut config = TotpConfig::of(&credential);
    let Some(secret) = config.secret() else {
        tracing::warn!(identity.id = %owner, "The stored secret of an authenticator app cannot be used.");
        return wrong();
    };
    let Some(step) = secret.verify(code.trim(), cx.now(), config.zelus_last_step) else { return wrong() };
    config.zelus_last_step = Some(step);
    // Of two requests with one code, the second finds another configuration than it read.
    let mut writes = Tx::new();
    writes.replace_credential_config(credential.id, &credential.config, &config.to_json()?, cx.now());
    let method = second_factor::proved(&cx, CredentialType::Totp);
    let when_spent = Some(Rejection::whole(message::totp_invalid()));
    Ok(MethodOutcome::Accepted(LoginStep { when_spent, ..LoginStep::new(attempt, owner, method, writes) }))
}
