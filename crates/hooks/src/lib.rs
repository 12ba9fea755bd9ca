//! What can be configured to happen around a flow. The engine knows hooks only by the [`flow::Hook`] trait.

mod session;
mod verification;
mod web_hook;

use config::{Config, FlowConfig, HookConfig};
use flow::{Hook, HookTable, Hooks};
use model::FlowName;

use web_hook::WebHook;

/// Every kind of flow.
const FLOWS: [FlowName; 5] =
    [FlowName::Login, FlowName::Registration, FlowName::Settings, FlowName::Recovery, FlowName::Verification];

/// The hooks of every flow, as configured.
///
/// # Errors
/// Says which web hook cannot be used, and why.
pub fn configured(config: &Config) -> Result<Hooks, String> {
    let selfservice = &config.selfservice;
    let verifies = selfservice.verification.enabled;
    let before = FLOWS.iter().map(|name| {
        let hooks = hooks(&selfservice.flow(*name).before_hooks, false)?;
        Ok((name.as_str().to_owned(), hooks))
    });
    let mut hooks = Hooks {
        after_registration: table(&selfservice.registration, verifies)?,
        after_login: table(&selfservice.login, false)?,
        after_settings: table(&selfservice.settings, verifies)?,
        after_recovery: table(&selfservice.recovery, false)?,
        after_verification: table(&selfservice.verification, false)?,
        before: HookTable { by_method: before.collect::<Result<_, String>>()?, otherwise: Vec::new() },
        tell_of_requests: false,
    };
    let is_remote = hooks.all().any(Hook::is_remote);
    hooks.tell_of_requests = is_remote || selfservice.methods.password.migrate_hook.is_some();
    Ok(hooks)
}

fn table(flow: &FlowConfig, verifies: bool) -> Result<HookTable, String> {
    let by_method = flow.after.methods.iter().filter(|(_, after)| !after.hooks.is_empty());
    let by_method = by_method.map(|(name, after)| Ok((name.clone(), hooks(&after.hooks, verifies)?)));
    Ok(HookTable {
        by_method: by_method.collect::<Result<_, String>>()?,
        otherwise: hooks(&flow.after.hooks, verifies)?,
    })
}

/// In the configured order, but for two: addresses are verified first, so that other hooks can refer to it, and the
/// session comes last, wherever it stands.
fn hooks(configured: &[HookConfig], verifies: bool) -> Result<Vec<Box<dyn Hook>>, String> {
    let mut hooks: Vec<Box<dyn Hook>> = Vec::new();
    let verifies = verifies && !configured.iter().any(|hook| hook.name == "verification");
    if verifies {
        hooks.push(Box::new(verification::Verification));
    }
    for configured in configured {
        hooks.extend(hook(configured)?);
    }
    hooks.sort_by_key(|hook| hook.signs_in());
    Ok(hooks)
}

fn hook(configured: &HookConfig) -> Result<Option<Box<dyn Hook>>, String> {
    Ok(Some(match configured.name.as_str() {
        "session" => Box::new(session::IssueSession),
        "verification" => Box::new(verification::Verification),
        "show_verification_ui" => Box::new(verification::ShowVerificationUi),
        "require_verified_address" => Box::new(verification::RequireVerifiedAddress),
        "revoke_active_sessions" => Box::new(session::RevokeOtherSessions),
        "web_hook" => {
            let hook = WebHook::new(&configured.config).map_err(|why| format!("A web hook cannot be used: {why}."))?;
            Box::new(hook)
        }
        other => {
            tracing::warn!(hook = other, "There is no such hook; it is ignored.");
            return Ok(None);
        }
    }))
}
