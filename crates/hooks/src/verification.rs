//! Hooks about addresses that are still to be verified.

use flow::{
    Effects, Hook, LoginInProgress, RegistrationInProgress, Rejection, Runtime, SettingsInProgress, Stop, verification,
};
use model::flow::Verification as Detail;
use model::problem::id;
use model::wire::{ContinueWith, ContinueWithFlow};
use model::{AddressStatus, Cx, FlowClient, Identity, Problem, Session, VerifiableAddress, message};
use serde_json::{Value, json};
use store::Tx;

/// `verification`: sends a code or a link to the first address that is not verified, and opens the flow to enter it. It runs by
/// itself after signing up, where verification is switched on.
pub struct Verification;

impl Hook for Verification {
    fn name(&self) -> &'static str {
        "verification"
    }

    fn on_registration(
        &self,
        cx: &Cx,
        runtime: &Runtime,
        progress: &mut RegistrationInProgress<'_>,
        tx: &mut Tx,
    ) -> Result<(), Stop> {
        let flow = &*progress.flow;
        let detail = detail(progress.identity, progress.session, flow.detail.oauth2_login_challenge.clone());
        let origin = Origin {
            client: flow.client,
            request_url: &flow.request_url,
            transient_payload: flow.transient_payload.as_ref(),
        };
        let Some(at) = first_unverified(progress.identity) else { return Ok(()) };
        let csrf_token = fresh_csrf_token(cx, flow.client, &mut progress.effects);
        let next = send(cx, runtime, &origin, progress.identity, at, csrf_token, detail, tx)?;
        progress.identity.verifiable_addresses[at].status = AddressStatus::Sent;
        if runtime.config.feature_flags.legacy_continue_with_verification_ui {
            progress.continue_with.push(ContinueWith::ShowVerificationUi { flow: next.clone() });
        }
        progress.verification = Some(next);
        Ok(())
    }

    fn on_settings(
        &self,
        cx: &Cx,
        runtime: &Runtime,
        progress: &mut SettingsInProgress<'_>,
        tx: &mut Tx,
    ) -> Result<(), Stop> {
        // Only an address that is new: the others were sent a code when they were.
        let is_new =
            |address: &VerifiableAddress| address.status == AddressStatus::Pending && !address.value.is_empty();
        let Some(at) = progress.identity.verifiable_addresses.iter().position(is_new) else { return Ok(()) };
        let flow = &*progress.flow;
        let origin = Origin {
            client: flow.client,
            request_url: &flow.request_url,
            transient_payload: flow.transient_payload.as_ref(),
        };
        let csrf_token = match flow.client {
            FlowClient::Browser => progress.request.csrf.masked(&cx.entropy),
            FlowClient::Api => String::new(),
        };
        let next = send(cx, runtime, &origin, progress.identity, at, csrf_token, Detail::default(), tx)?;
        progress.identity.verifiable_addresses[at].status = AddressStatus::Sent;
        if runtime.config.feature_flags.legacy_continue_with_verification_ui {
            progress.continue_with.push(ContinueWith::ShowVerificationUi { flow: next.clone() });
        }
        progress.verification = Some(next);
        Ok(())
    }
}

/// `show_verification_ui`: tells the client about the verification flow, and sends browsers there.
pub struct ShowVerificationUi;

impl Hook for ShowVerificationUi {
    fn name(&self) -> &'static str {
        "show_verification_ui"
    }

    fn on_registration(
        &self,
        _: &Cx,
        _: &Runtime,
        progress: &mut RegistrationInProgress<'_>,
        _: &mut Tx,
    ) -> Result<(), Stop> {
        if let Some(flow) = &progress.verification {
            progress.continue_with.push(ContinueWith::ShowVerificationUi { flow: flow.clone() });
            if !progress.request.wants_json {
                progress.redirect_to.clone_from(&flow.url);
            }
        }
        Ok(())
    }

    fn on_settings(&self, _: &Cx, _: &Runtime, progress: &mut SettingsInProgress<'_>, _: &mut Tx) -> Result<(), Stop> {
        let flow = progress.verification.iter().cloned();
        progress.continue_with.extend(flow.map(|flow| ContinueWith::ShowVerificationUi { flow }));
        Ok(())
    }
}

/// `require_verified_address`: nobody signs in before one of their addresses is verified; a code is sent instead.
pub struct RequireVerifiedAddress;

impl Hook for RequireVerifiedAddress {
    fn name(&self) -> &'static str {
        "require_verified_address"
    }

    fn on_login(
        &self,
        cx: &Cx,
        runtime: &Runtime,
        progress: &mut LoginInProgress<'_>,
        tx: &mut Tx,
    ) -> Result<(), Stop> {
        let addresses = &progress.identity.verifiable_addresses;
        if addresses.is_empty() || addresses.iter().any(|address| address.verified) {
            return Ok(());
        }
        if runtime.config.feature_flags.legacy_require_verified_login_error {
            return Err(Stop::Rejected(vec![Rejection::whole(message::address_not_verified())]));
        }
        let flow = &*progress.flow;
        let detail = detail(progress.identity, progress.session, flow.detail.oauth2_login_challenge.clone());
        let origin = Origin {
            client: flow.client,
            request_url: &flow.request_url,
            transient_payload: flow.transient_payload.as_ref(),
        };
        // No session is made, so the flow cannot refer to one.
        let detail = Detail { session_id: None, ..detail };
        let problem = Problem::bad_request("Please verify your address first. We have sent you a code.")
            .with_id(id::VERIFIED_ADDRESS_REQUIRED)
            .message("Your address is not verified yet.")
            .over_http(403);
        let Some(at) = first_unverified(progress.identity) else { return Err(Stop::Problem(problem)) };
        let csrf_token = fresh_csrf_token(cx, flow.client, &mut progress.effects);
        let next = send(cx, runtime, &origin, progress.identity, at, csrf_token, detail, tx)?;
        let next = json!([ContinueWith::ShowVerificationUi { flow: next }]);
        Err(Stop::KeepWrites(problem.detail("continue_with", next)))
    }
}

/// The flow on whose behalf a code is sent.
struct Origin<'a> {
    client: FlowClient,
    request_url: &'a str,
    transient_payload: Option<&'a Value>,
}

/// The first address that is still to be verified.
fn first_unverified(identity: &Identity) -> Option<usize> {
    identity.verifiable_addresses.iter().position(|address| !address.verified && !address.value.is_empty())
}

/// The anti-CSRF token of the verification flow. The person may be another one from here on, so the cookie changes too.
fn fresh_csrf_token(cx: &Cx, client: FlowClient, effects: &mut Effects) -> String {
    match client {
        FlowClient::Browser => {
            let token = effects.csrf.get_or_insert_with(|| crypto::CsrfToken::generate(&cx.entropy));
            token.masked(&cx.entropy)
        }
        FlowClient::Api => String::new(),
    }
}

fn detail(identity: &Identity, session: &Session, oauth2_login_challenge: Option<String>) -> Detail {
    Detail {
        oauth2_login_challenge,
        session_id: Some(session.id),
        identity_id: Some(identity.id),
        authentication_methods: session.authentication_methods.clone(),
        submit_count: 0,
    }
}

/// Opens a verification flow for an address of the identity and queues the message with its code or link.
#[expect(clippy::too_many_arguments, reason = "what a flow and its message are made of")]
fn send(
    cx: &Cx,
    runtime: &Runtime,
    origin: &Origin<'_>,
    identity: &Identity,
    at: usize,
    csrf_token: String,
    detail: Detail,
    tx: &mut Tx,
) -> Result<ContinueWithFlow, Problem> {
    let address = &identity.verifiable_addresses[at];
    let method = runtime.verification_method()?;
    let Origin { client, request_url, transient_payload } = *origin;
    let mut flow =
        verification::opened_for(cx, runtime, method, client, csrf_token, &address.value, request_url, detail);
    flow.transient_payload = transient_payload.cloned();
    tx.insert_flow(&flow);
    method.1.send(cx, runtime, identity, address, &flow, tx);
    let url = (client == FlowClient::Browser).then(|| runtime.flow_page(&flow));
    Ok(ContinueWithFlow::verification(flow.id, address.value.clone(), url))
}
