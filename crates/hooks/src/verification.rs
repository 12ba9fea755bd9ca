//! Hooks about addresses that are still to be verified.

use flow::{
    AnyFlow, Context, Hook, LoginInProgress, RegistrationInProgress, Rejection, Services, SettingsInProgress, Stop,
};
use model::wire::{ContinueWith, ContinueWithFlow};
use model::{Aal, AddressStatus, Identity, Problem, VerifiableAddress, message};
use store::Tx;

/// `verification`: sends a code or a link to the first address that is not verified, and opens the flow to enter it. It
/// runs by itself after signing up, where verification is switched on.
pub struct Verification;

impl Hook for Verification {
    fn to_verify(&self, services: &Services, flow: AnyFlow<'_>, identity: &Identity) -> Vec<usize> {
        let is_unverified = |address: &VerifiableAddress| !address.verified && !address.value.is_empty();
        // Only an address that is new: the others were sent a code when they were.
        let is_new =
            |address: &VerifiableAddress| address.status == AddressStatus::Pending && !address.value.is_empty();
        match flow {
            AnyFlow::Registration(_) => first_or_all(services, identity, is_unverified),
            AnyFlow::Login(flow) if flow.detail.requested_aal == Aal::Aal1 => {
                first_or_all(services, identity, is_unverified)
            }
            AnyFlow::Settings(..) => first_or_all(services, identity, is_new),
            AnyFlow::Login(_) | AnyFlow::Recovery(_) | AnyFlow::Verification(_) => Vec::new(),
        }
    }
}

/// The first of the addresses that are `wanted`, since browsers can go to one flow only; all of them where the old way of
/// telling clients is configured.
fn first_or_all(services: &Services, identity: &Identity, wanted: impl Fn(&VerifiableAddress) -> bool) -> Vec<usize> {
    let addresses = identity.verifiable_addresses.iter().enumerate();
    let at_most = match services.config.feature_flags.legacy_continue_with_verification_ui {
        true => usize::MAX,
        false => 1,
    };
    addresses.filter(|(_, address)| wanted(address)).map(|(at, _)| at).take(at_most).collect()
}

/// `show_verification_ui`: tells the client about the verification flow, and sends browsers there.
pub struct ShowVerificationUi;

impl Hook for ShowVerificationUi {
    fn on_registration(
        &self,
        cx: Context<'_>,
        progress: &mut RegistrationInProgress<'_>,
        _: &mut Tx,
    ) -> Result<(), Stop> {
        show(cx, progress.verification.as_ref(), &mut progress.continue_with, &mut progress.redirect_to);
        Ok(())
    }

    fn on_login(&self, cx: Context<'_>, progress: &mut LoginInProgress<'_>, _: &mut Tx) -> Result<(), Stop> {
        show(cx, progress.verification.as_ref(), &mut progress.continue_with, &mut progress.redirect_to);
        Ok(())
    }

    fn on_settings(&self, _: Context<'_>, progress: &mut SettingsInProgress<'_>, _: &mut Tx) -> Result<(), Stop> {
        let flow = progress.verification.iter().cloned();
        progress.continue_with.extend(flow.map(|flow| ContinueWith::ShowVerificationUi { flow }));
        Ok(())
    }
}

fn show(
    cx: Context<'_>,
    flow: Option<&ContinueWithFlow>,
    continue_with: &mut Vec<ContinueWith>,
    redirect_to: &mut Option<String>,
) {
    let Some(flow) = flow else { return };
    continue_with.push(ContinueWith::ShowVerificationUi { flow: flow.clone() });
    if !cx.request.wants_json {
        redirect_to.clone_from(&flow.url);
    }
}

/// `require_verified_address`: nobody signs in before one of their addresses is verified; a code is sent instead.
pub struct RequireVerifiedAddress;

impl Hook for RequireVerifiedAddress {
    fn on_login(&self, cx: Context<'_>, progress: &mut LoginInProgress<'_>, _: &mut Tx) -> Result<(), Stop> {
        let is_legacy = cx.services.config.feature_flags.legacy_require_verified_login_error;
        if is_legacy && progress.flow.active.as_deref() != Some("password") {
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
        match addresses.iter().position(|address| !address.value.is_empty()) {
            Some(at) if !is_legacy => Err(Stop::VerifyFirst(at)),
            _ => Err(Stop::Rejected(vec![Rejection::whole(message::address_not_verified())])),
        }
    }
}
