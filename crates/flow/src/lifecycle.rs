//! What every flow goes through, whatever it is for: it is made, saved, and replaced when it is too old.

use model::flow::Kind;
use model::problem;
use model::{AddressStatus, Cx, Flow, FlowClient, FlowState, Id, Identity, Message, Problem, Ui, VerifiableAddress};
use store::{CommitError, FlowTable, Tx};

use crate::answer::Shown;
use crate::csrf;
use crate::expiry;
use crate::oauth2::{self, HasChallenge};
use crate::request::Request;
use crate::runtime::Runtime;

/// Who opens a flow, and how.
pub(crate) struct Opening {
    pub client: FlowClient,
    /// The browser's anti-CSRF token, masked.
    pub csrf_token: String,
    pub request_url: String,
    pub return_to: Option<String>,
}

impl Opening {
    /// A flow that this very request opens.
    pub(crate) fn of(request: &Request, client: FlowClient, csrf_token: String) -> Self {
        Self { client, csrf_token, request_url: request.url.to_string(), return_to: request.query("return_to") }
    }

    /// A flow that goes on where `old` has led to.
    pub(crate) fn in_place_of<K: Kind>(old: &Flow<K>, csrf_token: String) -> Self {
        Self { client: old.client, csrf_token, request_url: old.request_url.clone(), return_to: old.return_to.clone() }
    }
}

/// A flow without fields, which is not stored yet.
pub(crate) fn new_flow<K: Kind>(cx: &Cx, runtime: &Runtime, opening: Opening, detail: K) -> Flow<K> {
    let now = cx.now();
    let id = Id::random(&cx.entropy);
    let name = K::NAME;
    Flow {
        id,
        client: opening.client,
        request_url: opening.request_url,
        issued_at: now,
        expires_at: now + runtime.config.selfservice.flow(name).lifespan,
        state: FlowState::ChooseMethod,
        active: None,
        ui: Ui::new(runtime.public_route(&format!("/self-service/{}?flow={id}", name.as_str()))),
        csrf_token: opening.csrf_token,
        internal_context: serde_json::Map::new(),
        created_at: now,
        updated_at: now,
        detail,
        return_to: opening.return_to,
        transient_payload: None,
    }
}

/// Fetches a form, for the browser that opened it (or any native client that knows its id).
///
/// # Errors
/// 403 for another browser, 404 for an unknown flow, 410 for one that is too old; 400 or 500 when an OAuth 2.0 server does
/// not say what it wants.
pub(crate) async fn fetch<K: FlowTable>(
    cx: &Cx,
    runtime: &Runtime,
    request: &Request,
    id: Id<Flow<K>>,
) -> Result<Shown<K>, Problem>
where
    Flow<K>: HasChallenge,
{
    let flow = runtime.store.flow(id).await?.ok_or_else(Problem::not_found)?;
    csrf::ensure_same_browser(request, &flow)?;
    if flow.expires_at <= cx.now() {
        return Err(expiry::expired_on_fetch(runtime, &flow).with_id(problem::id::FLOW_EXPIRED));
    }
    let oauth2_login_request = oauth2::shown_with(runtime, &flow).await?;
    Ok(Shown { flow, oauth2_login_request })
}

/// Saves a flow as it is now, together with `writes`.
pub(crate) async fn update<K: FlowTable>(
    cx: &Cx,
    runtime: &Runtime,
    flow: &mut Flow<K>,
    mut writes: Tx,
) -> Result<(), CommitError> {
    flow.updated_at = cx.now();
    writes.update_flow(flow);
    runtime.store.commit(writes).await
}

/// Stores a new flow that says `message`, and then what belongs to it.
pub(crate) async fn insert_saying<K: FlowTable>(
    runtime: &Runtime,
    flow: &mut Flow<K>,
    message: Message,
    writes: Tx,
) -> Result<(), CommitError> {
    flow.ui.messages.push(message);
    let mut tx = Tx::new();
    tx.insert_flow(flow);
    tx.append(writes);
    runtime.store.commit(tx).await
}

/// As [`insert_saying`], and the flow leads where `old` was to lead.
pub(crate) async fn insert_in_place_of<K: FlowTable>(
    runtime: &Runtime,
    old: &Flow<K>,
    flow: &mut Flow<K>,
    message: Message,
    writes: Tx,
) -> Result<(), CommitError> {
    flow.request_url.clone_from(&old.request_url);
    flow.return_to.clone_from(&old.return_to);
    insert_saying(runtime, flow, message, writes).await
}

/// Marks an address as verified: whoever typed what was sent there reads what is sent there.
pub(crate) fn mark_verified(cx: &Cx, identity: &mut Identity, value: &str, tx: &mut Tx) {
    let unverified = |address: &&mut VerifiableAddress| address.value == value && !address.verified;
    for address in identity.verifiable_addresses.iter_mut().filter(unverified) {
        address.verified = true;
        address.verified_at = Some(cx.now());
        address.status = AddressStatus::Completed;
        tx.set_address_verified(address.id, cx.now());
    }
}

/// A flow as this request is shown it: whoever asks for JSON is told what an OAuth 2.0 server wants to know.
pub(crate) async fn shown<K: Kind>(
    runtime: &Runtime,
    request: &Request,
    flow: Flow<K>,
) -> Result<Box<Shown<K>>, Problem>
where
    Flow<K>: HasChallenge,
{
    let oauth2_login_request = match request.wants_json || flow.client == FlowClient::Api {
        true => oauth2::shown_with(runtime, &flow).await?,
        false => None,
    };
    Ok(Box::new(Shown { flow, oauth2_login_request }))
}
