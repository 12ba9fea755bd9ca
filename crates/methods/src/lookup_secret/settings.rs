//! Making backup codes, looking at them, and giving them up.

use flow::{
    Context, Input, MethodOutcome, Services, SettingsError, SettingsForm, SettingsMethod, SettingsOutcome,
    SettingsStep, Verifying,
};
use model::flow::Settings;
use model::{CredentialType, Cx, Flow, Group, Identity, Node, Problem, Ui, message};
use serde_json::Value;
use store::Tx;

use super::{COUNT, LookupConfig, LookupSecret};
use crate::second_factor;

/// Where a flow keeps new codes until the person has stored them; Kratos' name.
const PENDING_CODES: &str = "lookup_secret_regenerated";
/// Whether a flow has shown the codes; Kratos' name.
const REVEALED: &str = "lookup_secret_revealed";

const KIND: CredentialType = CredentialType::LookupSecret;

impl SettingsMethod for LookupSecret {
    fn add_fields(&self, cx: Context<'_>, identity: &Identity, flow: &mut Flow<Settings>) -> Result<(), Problem> {
        flow.ui.set_csrf("");
        if second_factor::is_set_up(cx.services, identity, KIND) {
            flow.ui.upsert(Action::Reveal.button());
            flow.ui.upsert(Action::Disable.button());
        } else {
            flow.ui.upsert(Action::Regenerate.button());
        }
        Ok(())
    }

    fn is_meant(&self, _: &Flow<Settings>, input: &Input) -> bool {
        Action::of(input).is_some()
    }

    fn verify<'a>(&'a self, cx: Context<'a>, form: SettingsForm<'a>) -> Verifying<'a, SettingsOutcome, SettingsError> {
        let SettingsForm { flow, session, identity, input } = form;
        Box::pin(async move {
            cx.require_privileged(session)?;
            match Action::of(input) {
                Some(Action::Confirm) => confirm(&cx, flow, identity.clone()),
                Some(Action::Reveal) => Ok(reveal(cx.services, flow, identity)),
                Some(Action::Disable) => Ok(disable(identity.clone())),
                Some(Action::Regenerate) => Ok(regenerate(cx, flow)?),
                None => Ok(MethodOutcome::rejected(message::no_settings_method())),
            }
        })
    }
}

/// What the buttons do.
#[derive(Clone, Copy)]
pub(super) enum Action {
    /// Puts the new codes into force.
    Confirm,
    /// Shows the codes.
    Reveal,
    /// Gives the codes up.
    Disable,
    /// Makes new codes, which are not in force yet.
    Regenerate,
}

impl Action {
    /// All of them. Of several in one submission the first counts.
    const ALL: [Self; 4] = [Self::Confirm, Self::Reveal, Self::Disable, Self::Regenerate];

    pub(super) fn of(input: &Input) -> Option<Self> {
        Self::ALL.into_iter().find(|action| input.flag(action.field()))
    }

    const fn field(self) -> &'static str {
        match self {
            Self::Confirm => "lookup_secret_confirm",
            Self::Reveal => "lookup_secret_reveal",
            Self::Disable => "lookup_secret_disable",
            Self::Regenerate => "lookup_secret_regenerate",
        }
    }

    fn button(self) -> Node {
        let label = match self {
            Self::Confirm => message::confirm_lookup_secrets(),
            Self::Reveal => message::reveal_lookup_secrets(),
            Self::Disable => message::disable_lookup_secrets(),
            Self::Regenerate => message::regenerate_lookup_secrets(),
        };
        Node::submit(self.field(), Group::LookupSecret, "true", label)
    }
}

/// Shows the codes in the place of whatever this method showed.
fn show(ui: &mut Ui, codes: &LookupConfig, actions: &[Action]) {
    ui.clear_messages();
    ui.remove(&Action::ALL.map(Action::field));
    ui.remove(&["lookup_secret_codes"]);
    ui.upsert(codes.node());
    for action in actions {
        ui.upsert(action.button());
    }
}

fn regenerate<S>(cx: Context<'_>, flow: &mut Flow<Settings>) -> Result<MethodOutcome<S>, Problem> {
    let codes = LookupConfig::generate(&cx.entropy);
    show(&mut flow.ui, &codes, &[Action::Confirm]);
    let pending = serde_json::to_value(&codes.recovery_codes).map_err(Problem::internal)?;
    flow.internal_context.insert(PENDING_CODES.to_owned(), pending);
    Ok(MethodOutcome::NextStep { status: 200, writes: Tx::new() })
}

fn reveal<S>(services: &Services, flow: &mut Flow<Settings>, identity: &Identity) -> MethodOutcome<S> {
    let credential = identity.credentials.get(&KIND).filter(|_| second_factor::is_set_up(services, identity, KIND));
    let Some(credential) = credential else {
        return MethodOutcome::rejected(message::generic("There are no backup codes to show. Please make some first."));
    };
    show(&mut flow.ui, &LookupConfig::of(credential), &[Action::Disable, Action::Regenerate]);
    flow.internal_context.insert(REVEALED.to_owned(), Value::Bool(true));
    MethodOutcome::NextStep { status: 200, writes: Tx::new() }
}

fn confirm(cx: &Cx, flow: &Flow<Settings>, mut identity: Identity) -> Result<SettingsOutcome, SettingsError> {
    let pending = flow.internal_context.get(PENDING_CODES).cloned().unwrap_or_default();
    let recovery_codes = serde_json::from_value(pending).unwrap_or_else(|_| Vec::new());
    if recovery_codes.len() != COUNT {
        let reason = "There are no new backup codes to put into force. Please make some first.";
        return Ok(MethodOutcome::rejected(message::generic(reason)));
    }
    let config = LookupConfig { recovery_codes, ..LookupConfig::default() }.to_json()?;
    second_factor::set_up(cx, &mut identity, KIND, config);
    let proved = Some(second_factor::proved(cx, KIND));
    Ok(MethodOutcome::Accepted(SettingsStep { identity, writes: Tx::new(), proved }))
}

fn disable(mut identity: Identity) -> SettingsOutcome {
    identity.credentials.remove(&KIND);
    MethodOutcome::Accepted(SettingsStep { identity, writes: Tx::new(), proved: None })
}
