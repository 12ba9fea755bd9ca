//! What can be configured to happen after a flow. The engine knows hooks only by the [`flow::Hook`] trait.

mod session;
mod verification;

use config::{Config, FlowConfig, HookConfig};
use flow::{Hook, HookTable, Hooks};

/// The hooks of every flow, as configured. Those that Zelus does not have yet are named in the log.
pub fn configured(config: &Config) -> Hooks {
    let selfservice = &config.selfservice;
    let verifies = selfservice.verification.enabled;
    Hooks {
        after_registration: table(&selfservice.registration, verifies),
        after_login: table(&selfservice.login, false),
        after_settings: table(&selfservice.settings, verifies),
        after_recovery: table(&selfservice.recovery, false),
    }
}

fn table(flow: &FlowConfig, verifies: bool) -> HookTable {
    let by_method = flow.after.methods.iter().filter(|(_, after)| !after.hooks.is_empty());
    HookTable {
        by_method: by_method.map(|(name, after)| (name.clone(), hooks(&after.hooks, verifies))).collect(),
        otherwise: hooks(&flow.after.hooks, verifies),
    }
}

/// In the configured order, but for two: addresses are verified first, so that other hooks can refer to it, and the
/// session comes last, wherever it stands.
fn hooks(configured: &[HookConfig], verifies: bool) -> Vec<Box<dyn Hook>> {
    let mut hooks: Vec<Box<dyn Hook>> = Vec::new();
    let verifies = verifies && !configured.iter().any(|hook| hook.name == "verification");
    if verifies {
        hooks.push(Box::new(verification::Verification));
    }
    hooks.extend(configured.iter().filter_map(hook));
    hooks.sort_by_key(|hook| hook.name() == "session");
    hooks
}

fn hook(configured: &HookConfig) -> Option<Box<dyn Hook>> {
    match configured.name.as_str() {
        "session" => Some(Box::new(session::IssueSession)),
        "verification" => Some(Box::new(verification::Verification)),
        "show_verification_ui" => Some(Box::new(verification::ShowVerificationUi)),
        "require_verified_address" => Some(Box::new(verification::RequireVerifiedAddress)),
        "revoke_active_sessions" => Some(Box::new(session::RevokeOtherSessions)),
        other => {
            tracing::warn!(hook = other, "This hook is not used yet.");
            None
        }
    }
}
