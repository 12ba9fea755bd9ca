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

use super::{LookupConfig, LookupSecret, Use};
use crate::second_factor::{self, Tried};

impl LoginMethod for LookupSecret {
    fn add_fields(&self, _: Context<'_>, scene: &LoginScene<'_>, flow: &mut Flow<Login>) -> Result<bool, Problem> {
        let LoginScene::SecondFactor { identity, .. } = scene else { return Ok(false) };
        if !identity.credentials.contains_key(&CredentialType::LookupSecret) {
            return Ok(false);
        }
        flow.ui.set_csrf("");
        let code = Node::input("lookup_secret", Group::LookupSecret, InputType::Text);
        flow.ui.upsert(code.required().with_value("").with_label(message::login_lookup_secret_label()));
        let button = Node::submit("method", Group::LookupSecret, "lookup_secret", message::login_with_lookup_secret());
        flow.ui.nodes.push(button);
        Ok(true)
    }

    fn is_meant(&self, _: &Services, flow: &Flow<Login>, input: &Input) -> bool {
        flow.detail.requested_aal == Aal::Aal2 && input.method() == "lookup_secret"
    }

    fn malformed(&self, _: &Flow<Login>, input: &Input) -> Vec<Rejection> {
        let missing = || Rejection::at("lookup_secret", message::property_missing("lookup_secret"));
        if second_factor::required(input, "lookup_secret").is_some() { Vec::new() } else { vec![missing()] }
    }

    fn keep_input(&self, flow: &mut Flow<Login>, _: &Input) {
        if let Some(code) = flow.ui.node_mut("lookup_secret") {
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
    let code = input.text("lookup_secret");
    let kind = (CredentialType::LookupSecret, Factor::LookupSecret);
    let tried = second_factor::reserve(cx, (client, session), kind, message::no_lookup_secrets).await?;
    let Tried { owner, credential, attempt } = match tried {
        Ok(tried) => tried,
        Err(rejection) => return Ok(MethodOutcome::rejected(rejection)),
    };
    let wrong = |message| Ok(MethodOutcome::failed(cx, &attempt, message));
    let mut config = LookupConfig::of(&credential);
    match config.spend(code.trim(), cx.now()) {
        Use::Spent => {}
        Use::AlreadyUsed => return wrong(message::lookup_secret_already_used()),
        Use::Unknown => return wrong(message::lookup_secret_invalid()),
    }
    // Of two requests with one code, the second finds another configuration than it read.
    let mut writes = Tx::new();
    writes.replace_credential_config(credential.id, &credential.config, &config.to_json()?, cx.now());
    let method = second_factor::proved(&cx, CredentialType::LookupSecret);
    Ok(MethodOutcome::Accepted(LoginStep::new(attempt, owner, method, writes)))
}
