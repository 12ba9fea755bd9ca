//! An address that is proved: it is marked as verified, and the person goes on.

use flow::{AnyFlow, Effects, Rejection, StartAnew, Stop, VerificationMethod, VerificationStep};
use model::flow::{FlowState, Verification};
use model::ui::{Attributes, NodeType};
use model::{Flow, FlowClient, Group, Node, Problem, Ui, message};
use store::Tx;
use url::Url;

use super::form::{Outcome, show_again, start_anew};
use crate::events;
use crate::lifecycle;
use crate::oauth2::{self, Subject};
use crate::runtime::Engine;

/// A flow in which an address was proved.
pub(super) struct Proved {
    pub flow: Flow<Verification>,
    pub is_same_browser: bool,
}

/// Marks the address as verified, and tells the person where to go on.
pub(super) async fn verified(
    cx: Engine<'_>,
    proved: Proved,
    method: (&'static str, &dyn VerificationMethod),
    step: VerificationStep,
) -> Result<Outcome, Problem> {
    let Proved { mut flow, is_same_browser } = proved;
    let VerificationStep { address, attempt, writes: mut tx, when_spent } = step;
    attempt.succeeded(&cx, &mut tx);
    let continue_url = continue_url(cx, &flow);
    let form_token = cx.form_token(flow.client);
    flow.state = FlowState::PassedChallenge;
    flow.csrf_token.clone_from(&form_token);
    cx.request.bind(&flow);
    flow.ui = Ui::new(continue_url.to_string());
    flow.ui.method = "GET".to_owned();
    flow.ui.messages = vec![message::verified()];
    flow.ui.set_csrf(&form_token);
    flow.ui.nodes.push(continue_link(method.1.group(), &continue_url));
    let payload = flow.transient_payload.take();
    tx.set_address_verified(address, cx.now());
    match lifecycle::update(cx, &mut flow, tx).await {
        Ok(()) => {}
        // Of two submissions with one proof, this is the slower one.
        Err(error) if error.is_spent() => return start_anew(cx, method, when_spent).await,
        Err(error) => return Err(error.into()),
    }
    events::verified(cx, &flow, method.0, address);
    let hooks = cx.runtime.hooks.after_verification.of("");
    if !hooks.is_empty()
        && let Some(identity) = cx.services.store.find_identity_by_verifiable_address(address).await?
    {
        let told = Flow { transient_payload: payload, ..flow.clone() };
        match lifecycle::run_after(cx, hooks, AnyFlow::Verification(&told), None, &identity).await {
            Ok(()) => {}
            // As in Kratos the address stays verified, and a new form says why that is not all.
            Err(Stop::Rejected(rejections)) => {
                let said = rejections.into_iter().next();
                let message = said.map_or(when_spent.message, |rejection| rejection.message);
                return start_anew(cx, method, StartAnew { message, ..when_spent }).await;
            }
            Err(stop) => return Err(lifecycle::said_nowhere(stop)),
        }
    }
    let is_in_browser = flow.client == FlowClient::Browser || !cx.request.wants_json;
    match flow.detail.oauth2_login_challenge.clone() {
        Some(challenge) if is_in_browser => tell_who(cx, Proved { flow, is_same_browser }, &challenge).await,
        _ => Ok(Outcome::NextStep(Box::new(flow))),
    }
}

/// Goes on with the sign-in at an OAuth 2.0 server that began all this. The browser that began it is signed in here too.
async fn tell_who(
    cx: Engine<'_>,
    Proved { mut flow, is_same_browser }: Proved,
    challenge: &str,
) -> Result<Outcome, Problem> {
    let session = match flow.detail.session_id {
        Some(id) => cx.services.store.session(id).await?.filter(|session| oauth2::is_alive(cx, session)),
        None => None,
    };
    let Some(session) = session.filter(|session| Some(session.identity_id) == flow.detail.identity_id) else {
        let why = "The sign-in that this belongs to is over. Please begin it again at the application.";
        return show_again(cx, flow, Rejection::whole(message::generic(why))).await;
    };
    let methods = &flow.detail.authentication_methods;
    let who = Subject { identity: session.identity_id, session: session.id, methods };
    let to = oauth2::accept(cx, challenge, who).await?;
    if cx.request.wants_json {
        // A script shows that it worked, with a link that leads on.
        if let Some(Node { attributes: Attributes::Anchor(link), .. }) = flow.ui.node_mut("continue") {
            link.href.clone_from(&to);
        }
        lifecycle::update(cx, &mut flow, Tx::new()).await?;
        flow.transient_payload = Some(serde_json::json!({}));
    }
    let effects = Box::new(Effects { sign_in: is_same_browser.then_some(session), ..Effects::default() });
    Ok(Outcome::ToldWho { flow: Box::new(flow), to, effects })
}

fn continue_link(group: Group, url: &Url) -> Node {
    Node {
        kind: NodeType::A,
        group,
        attributes: Attributes::Anchor(model::ui::AnchorAttributes {
            href: url.to_string(),
            title: message::continue_label(),
            id: "continue".to_owned(),
        }),
        messages: Vec::new(),
        meta: model::ui::Meta::default(),
    }
    .with_label(message::continue_label())
}

/// Where people go after verification: `return_to`, else the flow's own address, else the global one.
fn continue_url(cx: Engine<'_>, flow: &Flow<Verification>) -> Url {
    let after = &cx.services.config.selfservice.verification.after;
    let default = after.return_url(flow.active.as_deref().unwrap_or_default());
    let source = Url::parse(&flow.request_url).ok();
    cx.services.return_to(None, source.as_ref(), default).unwrap_or_else(|_| default.clone())
}
