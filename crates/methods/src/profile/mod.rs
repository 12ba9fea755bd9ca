//! The traits of a person: the first of the two sign-up screens, and the profile in the settings (Kratos' `profile`
//! strategy).

mod settings;

use flow::{
    Context, Input, InputClaims, Method, MethodOutcome, RegistrationForm, RegistrationMethod, RegistrationOutcome,
    RegistrationScreen, Rejection, Services, SettingsMethod, Verifying, registration,
};
use model::flow::{FlowState, Registration};
use model::ui::{Attributes, InputType};
use model::{Flow, Group, Node, Problem, message};

/// What is meant for this method.
pub const CLAIMS: InputClaims =
    InputClaims { settings: |input| input.method() == "profile", ..InputClaims::of("profile") };

/// Asks for the traits.
pub struct Profile {
    /// Whether they can be changed in the settings, too.
    pub in_settings: bool,
}

impl Method for Profile {
    fn name(&self) -> &'static str {
        "profile"
    }

    fn registration(&self) -> Option<&dyn RegistrationMethod> {
        Some(self)
    }

    fn settings(&self) -> Option<&dyn SettingsMethod> {
        self.in_settings.then_some(self as &dyn SettingsMethod)
    }
}

/// The button that leads to the second screen.
fn next_button() -> Node {
    Node::submit("method", Group::Profile, "profile", message::registration_button())
}

/// The button that leads back to the first screen.
fn back_button() -> Node {
    Node::submit("screen", Group::Profile, "previous", message::registration_back())
}

fn add_traits(services: &Services, flow: &mut Flow<Registration>) {
    for field in services.identities.schemas().fields(flow.detail.identity_schema.as_deref()) {
        flow.ui.upsert(field.node(Group::Default));
    }
}

impl RegistrationMethod for Profile {
    fn add_fields(&self, cx: Context<'_>, flow: &mut Flow<Registration>) -> Result<(), Problem> {
        flow.ui.set_csrf("");
        add_traits(cx.services, flow);
        Ok(())
    }

    fn add_profile_fields(&self, cx: Context<'_>, flow: &mut Flow<Registration>) -> Result<(), Problem> {
        flow.ui.remove_button("screen", Group::Profile, "previous");
        if flow.ui.node("csrf_token").is_none() {
            flow.ui.set_csrf("");
        }
        add_traits(cx.services, flow);
        flow.ui.nodes.push(next_button());
        Ok(())
    }

    fn add_credential_fields(&self, _: Context<'_>, flow: &mut Flow<Registration>) -> Result<(), Problem> {
        flow.ui.nodes.push(back_button());
        flow.ui.remove_button("method", Group::Profile, "profile");
        for node in flow.ui.nodes.iter_mut().filter(|node| node.group == Group::Default) {
            if let Attributes::Input(input) = &mut node.attributes {
                input.kind = InputType::Hidden;
            }
        }
        flow.ui.messages.push(message::choose_credential());
        Ok(())
    }

    fn is_meant(&self, services: &Services, _: &Flow<Registration>, input: &Input) -> bool {
        let named = matches!(input.method().as_str(), "profile" | "profile:back");
        registration::has_two_screens(services) && (named || !input.text("screen").is_empty())
    }

    fn malformed(&self, services: &Services, flow: &Flow<Registration>, input: &Input) -> Vec<Rejection> {
        let mut rejections = registration::malformed_traits(services, flow, input);
        if !matches!(input.text("screen").as_str(), "" | "credential-selection" | "previous") {
            let why = "The field screen has to be credential-selection or previous.";
            rejections.push(Rejection::at("screen", message::generic(why)));
        }
        rejections
    }

    fn checks_traits(&self, _: &Services) -> bool {
        true
    }

    fn needs_csrf(&self, input: &Input) -> bool {
        !goes_back(input)
    }

    fn verify<'a>(&'a self, cx: Context<'a>, form: RegistrationForm<'a>) -> Verifying<'a, RegistrationOutcome> {
        let RegistrationForm { flow, input } = form;
        Box::pin(async move {
            let traits = registration::traits(cx.services, flow, input);
            flow.ui.clear_messages();
            if goes_back(input) {
                flow.detail.organization_id = None;
                flow.transient_payload = None;
                flow.ui.fill("traits", &traits, Group::Default);
                return Ok(MethodOutcome::Ask(RegistrationScreen::Profile));
            }
            flow.active = None;
            flow.state = FlowState::ChooseMethod;
            let mut candidate = registration::candidate(cx, flow, input.as_sent(&traits));
            match cx.services.identities.validate(&cx, &mut candidate) {
                Ok(()) => Ok(MethodOutcome::Ask(RegistrationScreen::Credential)),
                Err(errors) => Ok(MethodOutcome::invalid(errors)),
            }
        })
    }
}

fn goes_back(input: &Input) -> bool {
    input.method() == "profile:back" || input.text("screen") == "previous"
}
