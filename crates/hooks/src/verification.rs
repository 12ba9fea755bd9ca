//! Hooks about addresses that are still to be verified.

use flow::{
    Effects, Hook, Instead, LoginInProgress, RegistrationInProgress, Rejection, Runtime, SettingsInProgress, Stop,
    verification,
};
use model::flow::{Kind, Verification as Detail};
use model::problem::id;
use model::wire::{ContinueWith, ContinueWithFlow};
use model::{Aal, AddressStatus, Cx, Flow, FlowClient, Identity, Problem, Session, VerifiableAddress, message};
use serde_json::{Value, json};
use store::Tx;

/// `verification`: sends a code or a link to the first address that is not verified, and opens the flow to enter it. It
/// runs by itself after signing up, where verification is switched on.
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
        let origin = Origin::of(flow);
        for at in unverified(runtime, progress.identity) {
            let csrf_token = fresh_csrf_token(cx, flow.client, &mut progress.effects);
            let next = send(cx, runtime, &origin, progress.identity, at, csrf_token, detail.clone(), tx)?;
            progress.identity.verifiable_addresses[at].status = AddressStatus::Sent;
            announce(runtime, flow.client, next, &mut progress.continue_with, &mut progress.verification);
        }
        Ok(())
    }

    fn on_login(
        &self,
        cx: &Cx,
        runtime: &Runtime,
        progress: &mut LoginInProgress<'_>,
        tx: &mut Tx,
    ) -> Result<(), Stop> {
        let flow = &*progress.flow;
        if flow.detail.requested_aal != Aal::Aal1 {
            return Ok(());
        }
        let detail = detail(progress.identity, progress.session, flow.detail.oauth2_login_challenge.clone());
        let origin = Origin::of(flow);
        for at in unverified(runtime, progress.identity) {
            let csrf_token = fresh_csrf_token(cx, flow.client, &mut progress.effects);
            let next = send(cx, runtime, &origin, progress.identity, at, csrf_token, detail.clone(), tx)?;
            announce(runtime, flow.client, next, &mut progress.continue_with, &mut progress.verification);
        }
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
        let flow = &*progress.flow;
        let origin = Origin::of(flow);
        for at in first_or_all(runtime, progress.identity, is_new) {
            let csrf_token = match flow.client {
                FlowClient::Browser => progress.request.csrf.masked(&cx.entropy),
                FlowClient::Api => String::new(),
            };
            let next = send(cx, runtime, &origin, progress.identity, at, csrf_token, Detail::default(), tx)?;
            progress.identity.verifiable_addresses[at].status = AddressStatus::Sent;
            announce(runtime, flow.client, next, &mut progress.continue_with, &mut progress.verification);
        }
        Ok(())
    }
}

/// Notes the flow in which an address is verified, for `show_verification_ui` or for the client.
fn announce(
    runtime: &Runtime,
    client: FlowClient,
    mut next: ContinueWithFlow,
    continue_with: &mut Vec<ContinueWith>,
    verification: &mut Option<ContinueWithFlow>,
) {
    if client == FlowClient::Api {
        next.url = None;
    }
    if runtime.config.feature_flags.legacy_continue_with_verification_ui {
        continue_with.push(ContinueWith::ShowVerificationUi { flow: next.clone() });
    }
    *verification = Some(next);
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

    fn on_login(&self, _: &Cx, _: &Runtime, progress: &mut LoginInProgress<'_>, _: &mut Tx) -> Result<(), Stop> {
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

    fn on_login(&self, cx: &Cx, runtime: &Runtime, progress: &mut LoginInProgress<'_>, _: &mut Tx) -> Result<(), Stop> {
        let flow = &*progress.flow;
        let is_legacy = runtime.config.feature_flags.legacy_require_verified_login_error;
        if is_legacy && flow.active.as_deref() != Some("password") {
            return Ok(());
        }
        let addresses = &progress.identity.verifiable_addresses;
        if addresses.is_empty() {
            let reason = "Nobody can sign in to this account: it has no address that could be verified.";
            return Err(Problem::new(500).reason(reason).into());
        }
        if addresses.iter().any(|address| address.verified) {
            return Ok(());
        }
        let rejection = || Stop::Rejected(vec![Rejection::whole(message::address_not_verified())]);
        let Some(at) = addresses.iter().position(|address| !address.value.is_empty()) else { return Err(rejection()) };
        if is_legacy {
            return Err(rejection());
        }
        let detail = Detail {
            // No session is made, so the flow cannot refer to one.
            session_id: None,
            identity_id: Some(progress.identity.id),
            ..Detail::default()
        };
        // Nobody was signed in, so the browser's token stays what it was.
        let csrf_token = match flow.client {
            FlowClient::Browser => progress.request.csrf.masked(&cx.entropy),
            FlowClient::Api => String::new(),
        };
        let mut writes = Tx::new();
        let next = send(cx, runtime, &Origin::of(flow), progress.identity, at, csrf_token, detail, &mut writes)?;
        let redirect_to = next.url.clone();
        let next = json!([ContinueWith::ShowVerificationUi { flow: next }]);
        let problem = Problem::bad_request("Please verify your address first. We have sent you a code.")
            .with_id(id::VERIFIED_ADDRESS_REQUIRED)
            .message("Your address is not verified yet.")
            .detail("continue_with", next)
            .over_http(403);
        Err(Stop::Instead(Box::new(Instead { problem, redirect_to, writes })))
    }
}

/// The flow on whose behalf a code is sent.
struct Origin<'a> {
    client: FlowClient,
    request_url: &'a str,
    transient_payload: Option<&'a Value>,
}

impl<'a> Origin<'a> {
    fn of<K: Kind>(flow: &'a Flow<K>) -> Self {
        let (request_url, transient_payload) = (flow.request_url.as_str(), flow.transient_payload.as_ref());
        Self { client: flow.client, request_url, transient_payload }
    }
}

/// Where the addresses are that are still to be verified: the first, since browsers can go to one flow only.
fn unverified(runtime: &Runtime, identity: &Identity) -> Vec<usize> {
    first_or_all(runtime, identity, |address| !address.verified && !address.value.is_empty())
}

/// The first of the addresses that are `wanted`; all of them where the old way of telling clients is configured.
fn first_or_all(runtime: &Runtime, identity: &Identity, wanted: impl Fn(&VerifiableAddress) -> bool) -> Vec<usize> {
    let addresses = identity.verifiable_addresses.iter().enumerate();
    let at_most = match runtime.config.feature_flags.legacy_continue_with_verification_ui {
        true => usize::MAX,
        false => 1,
    };
    addresses.filter(|(_, address)| wanted(address)).map(|(at, _)| at).take(at_most).collect()
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

/// Opens a verification flow for an address of the identity, and queues the message with its code or link. Gives back the
/// flow with its page.
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
    let page = runtime.flow_page(&flow);
    Ok(ContinueWithFlow::verification(flow.id, address.value.clone(), Some(page)))
}
