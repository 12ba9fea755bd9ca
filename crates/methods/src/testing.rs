//! What unit tests of methods work with. Those that need a whole server are in `tests/`.

use flow::Input;
use model::flow::Settings;
use model::{Clock, Cx, Entropy, Flow, FlowClient, FlowState, Id, Identity, IdentityId, RawJson, Ui};
use serde_json::{Map, Value, json};

pub(crate) fn cx() -> Cx {
    let now = "2026-11-21T07:44:37.5Z".parse().expect("a time");
    Cx { clock: Clock::manual(now), entropy: Entropy::seeded(7) }
}

pub(crate) fn input(body: Value) -> Input {
    Input::from_json(body.to_string().as_bytes()).expect("an object")
}

/// A form for the account of a person, who has nothing but an address.
pub(crate) fn settings_flow(cx: &Cx) -> (Flow<Settings>, Identity) {
    let now = cx.now();
    let traits = RawJson::from_value(&json!({ "email": "a@example.org" }));
    let person = Identity::new(IdentityId::random(&cx.entropy), "person".to_owned(), traits, now);
    let flow = Flow {
        id: Id::random(&cx.entropy),
        client: FlowClient::Browser,
        request_url: String::new(),
        issued_at: now,
        expires_at: now,
        state: FlowState::ShowForm,
        active: None,
        ui: Ui::new(String::new()),
        csrf_token: String::new(),
        internal_context: Map::new(),
        created_at: now,
        updated_at: now,
        detail: Settings { identity_id: person.id },
        return_to: None,
        transient_payload: None,
    };
    (flow, person)
}
