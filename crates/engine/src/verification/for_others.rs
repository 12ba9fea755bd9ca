//! Verification flows that are opened on behalf of other flows: somebody signs up, signs in or changes an address, and is
//! sent a proof right away.

use crypto::CsrfToken;
use flow::Effects;
use model::flow::{FlowKind, FlowState, Login, Verification};
use model::problem::id;
use model::wire::{ContinueWith, ContinueWithFlow};
use model::{Flow, FlowClient, Identity, Problem, Session, VerifiableAddress};
use serde_json::json;
use store::Tx;
use url::Url;

use crate::lifecycle::{self, Opening};
use crate::runtime::Engine;

/// Opens a verification flow for an address on behalf of `origin`, and queues the message with its code or link. Gives back
/// the flow with its page. `csrf_token` is the browser's.
async fn send_for<K: FlowKind>(
    cx: Engine<'_>,
    origin: &Flow<K>,
    (identity, address): (&Identity, &VerifiableAddress),
    csrf_token: String,
    detail: Verification,
    tx: &mut Tx,
) -> Result<ContinueWithFlow, Problem> {
    let (name, method) = cx.runtime.verification_method()?;
    let (request_url, return_to) = after_verification(&origin.request_url);
    let opening = Opening { client: origin.client, csrf_token: csrf_token.clone(), request_url, return_to };
    let mut flow = lifecycle::new_flow(cx, opening, detail);
    flow.state = FlowState::SentEmail;
    flow.active = Some(name.to_owned());
    method.add_fields_when_sent(&mut flow, &csrf_token, &address.value);
    flow.transient_payload.clone_from(&origin.transient_payload);
    tx.insert_flow(&flow);
    // Beyond what an address gets in an hour it looks all the same, and the codes from before are good.
    if cx.services.guard.may_send(&cx, &address.value, true).await? {
        method.send(*cx, identity, address, &flow, tx);
    }
    let page = cx.services.flow_page(&flow);
    Ok(ContinueWithFlow::verification(flow.id, address.value.clone(), Some(page)))
}

/// Whose sign-in a verification belongs to.
pub(crate) fn detail_of(session: &Session, oauth2_login_challenge: Option<String>) -> Verification {
    Verification {
        oauth2_login_challenge,
        session_id: Some(session.id),
        identity_id: Some(session.identity_id),
        authentication_methods: session.authentication_methods.clone(),
        submit_count: 0,
    }
}

/// The anti-CSRF token of the verification flow of a person who stays who they were.
pub(crate) fn csrf_token(cx: Engine<'_>, client: FlowClient) -> String {
    match client {
        FlowClient::Browser => cx.request.csrf.masked(&cx.entropy),
        FlowClient::Api => String::new(),
    }
}

/// As [`csrf_token`], where the person may be another one from here on, so that the cookie changes too.
pub(crate) fn fresh_csrf_token(cx: Engine<'_>, client: FlowClient, effects: &mut Effects) -> String {
    match client {
        FlowClient::Browser => {
            let token = effects.csrf.get_or_insert_with(|| CsrfToken::generate(&cx.entropy));
            token.masked(&cx.entropy)
        }
        FlowClient::Api => String::new(),
    }
}

/// As [`send_for`], and tells the client of the flow in which the address is verified, where it is to be told by itself.
/// Gives back the flow as it is told.
pub(crate) async fn send_and_announce<K: FlowKind>(
    cx: Engine<'_>,
    origin: &Flow<K>,
    whose: (&Identity, &VerifiableAddress),
    csrf_token: String,
    detail: Verification,
    tx: &mut Tx,
    continue_with: &mut Vec<ContinueWith>,
) -> Result<ContinueWithFlow, Problem> {
    let mut next = send_for(cx, origin, whose, csrf_token, detail, tx).await?;
    if origin.client == FlowClient::Api {
        next.url = None;
    }
    if cx.services.config.feature_flags.legacy_continue_with_verification_ui {
        continue_with.push(ContinueWith::ShowVerificationUi { flow: next.clone() });
    }
    Ok(next)
}

/// What somebody is told who has to verify an address before they are signed in.
pub(crate) struct VerifyFirst {
    /// For JSON clients.
    pub problem: Problem,
    /// Where browsers go.
    pub page: Option<String>,
}

/// Opens the verification flow of somebody who has to verify an address before they are signed in: the one at this place
/// among those of `identity`.
pub(crate) async fn required_first(
    cx: Engine<'_>,
    origin: &Flow<Login>,
    identity: &Identity,
    address: usize,
    tx: &mut Tx,
) -> Result<VerifyFirst, Problem> {
    // No session is made, so the flow cannot refer to one.
    let detail = Verification { identity_id: Some(identity.id), ..Verification::default() };
    let whose = (identity, &identity.verifiable_addresses[address]);
    // Nobody was signed in, so the browser's token stays what it was.
    let next = send_for(cx, origin, whose, csrf_token(cx, origin.client), detail, tx).await?;
    let page = next.url.clone();
    let problem = Problem::bad_request("Please verify your address first. We have sent you a code.")
        .with_id(id::VERIFIED_ADDRESS_REQUIRED)
        .message("Your address is not verified yet.")
        .detail("continue_with", json!([ContinueWith::ShowVerificationUi { flow: next }]))
        .over_http(403);
    Ok(VerifyFirst { problem, page })
}

/// The opening URL of the other flow, in which `after_verification_return_to` has become `return_to`.
fn after_verification(request_url: &str) -> (String, Option<String>) {
    let Ok(mut url) = Url::parse(request_url) else { return (request_url.to_owned(), None) };
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let find =
        |name| query.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.clone());
    let return_to = find("after_verification_return_to").or_else(|| find("return_to"));
    let others = query.iter().filter(|(key, _)| key != "after_verification_return_to" && key != "return_to");
    url.query_pairs_mut().clear().extend_pairs(others).extend_pairs(return_to.iter().map(|value| ("return_to", value)));
    if url.query() == Some("") {
        url.set_query(None);
    }
    (url.into(), return_to)
}
