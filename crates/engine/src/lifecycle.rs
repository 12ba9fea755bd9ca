//! What every flow goes through, whatever it is for: it is made, saved, and replaced when it is too old.

use crypto::CsrfToken;
use flow::{AnyFlow, Hook, Rejection, Request, Scene, Stop, ensure_same_browser};
use model::flow::FlowKind;
use model::{
    AddressStatus, Flow, FlowClient, FlowState, Id, Identity, Message, Problem, Session, Ui, VerifiableAddress,
};
use store::{CommitError, FlowTable, Tx};
use tracing::Instrument;
use url::Url;

use crate::answer::Shown;
use crate::error::FetchError;
use crate::expiry;
use crate::oauth2::{self, HasChallenge};
use crate::runtime::Engine;
use crate::stage;

/// The longest address of a request that is kept with a flow as it was sent, in bytes.
const MAX_REQUEST_URL: usize = 8 << 10;
/// The parameters by which a flow is led on later. Of a longer address these are kept, and no others.
const LEADING: [&str; 7] =
    ["return_to", "after_verification_return_to", "login_challenge", "organization", "via", "aal", "refresh"];

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
    ///
    /// # Errors
    /// 400 when its address is too long to be kept.
    pub(crate) fn of(request: &Request, client: FlowClient, csrf_token: String) -> Result<Self, Problem> {
        let request_url = kept_url(&request.url)?;
        Ok(Self { client, csrf_token, request_url, return_to: request.query("return_to") })
    }

    /// A flow that goes on where `old` has led to.
    pub(crate) fn in_place_of<K: FlowKind>(old: &Flow<K>, csrf_token: String) -> Self {
        Self { client: old.client, csrf_token, request_url: old.request_url.clone(), return_to: old.return_to.clone() }
    }
}

/// The address of a request as a flow keeps it: whole up to 8 KiB, and beyond that with nothing but what leads the flow on.
///
/// # Errors
/// 400 when that is too long still: a flow that forgot where it leads would lead people astray.
pub(crate) fn kept_url(url: &Url) -> Result<String, Problem> {
    if url.as_str().len() <= MAX_REQUEST_URL {
        return Ok(url.to_string());
    }
    // Of several of one name the first counts, here as everywhere.
    let first = |name: &&str| url.query_pairs().find(|(key, _)| key == *name);
    let leading: Vec<_> = LEADING.iter().filter_map(first).collect();
    let mut kept = url.clone();
    kept.set_fragment(None);
    match leading.is_empty() {
        true => kept.set_query(None),
        false => drop(kept.query_pairs_mut().clear().extend_pairs(leading)),
    }
    if kept.as_str().len() > MAX_REQUEST_URL {
        return Err(Problem::bad_request("The address of this request is too long. Please shorten its return_to."));
    }
    Ok(kept.into())
}

/// A flow without fields, which is not stored yet.
pub(crate) fn new_flow<K: FlowKind>(cx: Engine<'_>, opening: Opening, detail: K) -> Flow<K> {
    let now = cx.now();
    let id = Id::random(&cx.entropy);
    let name = K::NAME;
    let flow = Flow {
        id,
        client: opening.client,
        request_url: opening.request_url,
        issued_at: now,
        expires_at: now + cx.services.config.selfservice.flow(name).lifespan,
        state: FlowState::ChooseMethod,
        active: None,
        ui: Ui::new(cx.services.public_route(&format!("/self-service/{}?flow={id}", name.as_str()))),
        csrf_token: opening.csrf_token,
        internal_context: serde_json::Map::new(),
        created_at: now,
        updated_at: now,
        detail,
        return_to: opening.return_to,
        transient_payload: None,
    };
    cx.request.bind(&flow);
    flow
}

/// Fetches a form, for the browser that opened it (or any native client that knows its id).
///
/// # Errors
/// When it is not this caller's, or too old; 400 or 500 when an OAuth 2.0 server does not say what it wants.
pub(crate) async fn fetch<K: FlowTable>(cx: Engine<'_>, id: Id<Flow<K>>) -> Result<Shown<K>, FetchError>
where
    Flow<K>: HasChallenge,
{
    let flow: Flow<K> = stored(cx, id).await?;
    ensure_same_browser(cx.request, &flow).map_err(FetchError::AnotherBrowser)?;
    if flow.expires_at <= cx.now() {
        return Err(FetchError::TooOld(expiry::expired_on_fetch(cx.services, &flow, true)));
    }
    let oauth2_login_request = oauth2::shown_with(cx, &flow).await?;
    Ok(Shown { flow, oauth2_login_request })
}

/// The flow with this id.
pub(crate) async fn stored<K: FlowTable>(cx: Engine<'_>, id: Id<Flow<K>>) -> Result<Flow<K>, FetchError> {
    cx.services.store.flow(id).await.map_err(Problem::from)?.ok_or(FetchError::Unknown)
}

/// Runs the hooks that may keep a form from being opened.
pub(crate) async fn run_before(cx: Engine<'_>, flow: AnyFlow<'_>, session: Option<&Session>) -> Result<(), Problem> {
    let hooks = cx.runtime.hooks.before.of(flow.name().as_str());
    let scene = Scene { cx: *cx, flow, session };
    let run = async {
        for hook in hooks {
            hook.before_opening(&scene).await.map_err(said_nowhere)?;
        }
        Ok(())
    };
    run.instrument(stage::hooks("before_opening")).await
}

/// Stage 6: runs `hooks` now that everything is written.
pub(crate) async fn run_after(
    cx: Engine<'_>,
    hooks: &[Box<dyn Hook>],
    flow: AnyFlow<'_>,
    session: Option<&Session>,
    identity: &Identity,
) -> Result<(), Stop> {
    let scene = Scene { cx: *cx, flow, session };
    let run = async {
        for hook in hooks {
            hook.after(&scene, identity).await?;
        }
        Ok(())
    };
    run.instrument(stage::hooks("after")).await
}

/// What a flow answers that a hook has ended, where there is no form to say it on.
pub(crate) fn said_nowhere(stop: Stop) -> Problem {
    match stop {
        Stop::Problem(problem) => problem,
        Stop::Rejected(rejections) => {
            let said: Vec<_> = rejections.into_iter().map(|rejection| rejection.message.text).collect();
            Problem::bad_request(said.join(" "))
        }
        Stop::VerifyFirst(_) => Problem::internal("a hook asks for a verified address outside of a sign-in"),
    }
}

/// What a hook wants said on the form.
///
/// # Errors
/// When it is not to be said there.
pub(crate) fn rejections(stop: Stop) -> Result<Vec<Rejection>, Problem> {
    match stop {
        Stop::Rejected(rejections) => Ok(rejections),
        stop => Err(said_nowhere(stop)),
    }
}

/// The value of the hidden anti-CSRF field, when the browser's token may just have been replaced by `csrf`.
pub(crate) fn form_token(cx: Engine<'_>, client: FlowClient, csrf: &CsrfToken) -> String {
    match client {
        FlowClient::Browser => csrf.masked(&cx.entropy),
        FlowClient::Api => cx.form_token(client),
    }
}

/// Saves a flow as it is now, together with `writes`.
pub(crate) async fn update<K: FlowTable>(
    cx: Engine<'_>,
    flow: &mut Flow<K>,
    mut writes: Tx,
) -> Result<(), CommitError> {
    flow.updated_at = cx.now();
    writes.update_flow(flow);
    cx.services.store.commit(writes).await
}

/// Stores a new flow that says `message`, and then what belongs to it.
pub(crate) async fn insert_saying<K: FlowTable>(
    cx: Engine<'_>,
    flow: &mut Flow<K>,
    message: Message,
    writes: Tx,
) -> Result<(), CommitError> {
    flow.ui.messages.push(message);
    let mut tx = Tx::new();
    tx.insert_flow(flow);
    tx.append(writes);
    cx.services.store.commit(tx).await
}

/// As [`insert_saying`], and the flow leads where `old` was to lead.
pub(crate) async fn insert_in_place_of<K: FlowTable>(
    cx: Engine<'_>,
    old: &Flow<K>,
    flow: &mut Flow<K>,
    message: Message,
    writes: Tx,
) -> Result<(), CommitError> {
    flow.request_url.clone_from(&old.request_url);
    flow.return_to.clone_from(&old.return_to);
    insert_saying(cx, flow, message, writes).await
}

/// Marks an address as verified: whoever typed what was sent there reads what is sent there.
pub(crate) fn mark_verified(cx: Engine<'_>, identity: &mut Identity, value: &str, tx: &mut Tx) {
    let unverified = |address: &&mut VerifiableAddress| address.value == value && !address.verified;
    for address in identity.verifiable_addresses.iter_mut().filter(unverified) {
        address.verified = true;
        address.verified_at = Some(cx.now());
        address.status = AddressStatus::Completed;
        tx.set_address_verified(address.id, cx.now());
    }
}

/// A flow as this request is shown it: whoever asks for JSON is told what an OAuth 2.0 server wants to know.
pub(crate) async fn shown<K: FlowKind>(cx: Engine<'_>, flow: Flow<K>) -> Result<Box<Shown<K>>, Problem>
where
    Flow<K>: HasChallenge,
{
    let oauth2_login_request = match cx.request.wants_json || flow.client == FlowClient::Api {
        true => oauth2::shown_with(cx, &flow).await?,
        false => None,
    };
    Ok(Box::new(Shown { flow, oauth2_login_request }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(query: &str) -> Result<String, u16> {
        let url = format!("http://127.0.0.1:4433/self-service/login/browser{query}").parse().expect("an address");
        let kept = kept_url(&url).map_err(|problem| problem.status)?;
        Ok(kept.trim_start_matches("http://127.0.0.1:4433/self-service/login/browser").to_owned())
    }

    #[test]
    fn long_addresses_are_kept_as_far_as_they_lead() {
        let long = "x".repeat(8 << 10);
        for query in ["", "?return_to=a&x=y&return_to=b", "?refresh=true#fragment"] {
            assert_eq!(kept(query).as_deref(), Ok(query), "short ones stay as they are");
        }
        let almost = format!("?x={}", "x".repeat(8 * 1024 - 51));
        assert_eq!(kept(&almost), Ok(almost.clone()));
        assert_eq!(kept(&format!("{almost}y")), Ok(String::new()));
        assert_eq!(kept(&format!("?x={long}")), Ok(String::new()));
        let all = "return_to=a&after_verification_return_to=b&login_challenge=c&organization=d&via=e&aal=f&refresh=g";
        assert_eq!(kept(&format!("?{all}&x={long}#y")), Ok(format!("?{all}")));
        assert_eq!(kept(&format!("?return_to=a&return_to={long}")), Ok("?return_to=a".to_owned()));
        assert_eq!(kept(&format!("?return_to={long}")), Err(400));
    }
}
