//! Answers of people who were asked: the request that waited begins anew.

use crypto::tokens;
use flow::{ContinuityCookie, Input, Request, continuity, csrf_clues};
use model::{Flow, Id, Problem};
use url::Url;

use crate::callback::{self, CallbackAnswer};
use crate::confirmation::{Found, Kept, PAGE, Waiting, find};
use crate::error::SubmitError;
use crate::question::Reply;
use crate::recovery;
use crate::runtime::Engine;

/// What an answer comes to.
pub enum Answered {
    /// Nobody was asked, or no longer. The page says so.
    NobodyAsked {
        /// That page.
        page: String,
    },
    /// What the request that waited comes to.
    WentOn {
        /// That.
        outcome: Box<Outcome>,
        /// What the browser has left unfinished without it.
        cookie: ContinuityCookie,
    },
}

/// What a request that waited comes to.
pub enum Outcome {
    /// That of a browser that is back from elsewhere.
    Callback(CallbackAnswer),
    /// That of a recovery link.
    Recovery(recovery::Outcome),
}

/// Takes an answer: the field `answer` is `yes`, or else a no.
///
/// # Errors
/// 403 when it comes from elsewhere than the page; whatever the request comes to that waited.
pub async fn answer(cx: Engine<'_>, input: &Input) -> Result<Answered, SubmitError> {
    let nobody_asked = || Answered::NobodyAsked { page: cx.services.public_route(PAGE) };
    let Some(Found { kept, container, .. }) = find(cx).await? else { return Ok(nobody_asked()) };
    let sent = input.text("csrf_token");
    if !tokens::same(&sent, &kept.csrf_token) {
        return Err(Problem::from(csrf_clues(cx.request, &sent)).into());
    }
    let Some(cookie) = continuity::use_up(*cx, &container).await? else { return Ok(nobody_asked()) };
    let Kept { question, waiting, url, session, .. } = kept;
    let url = Url::parse(&url).map_err(Problem::internal)?;
    let reply = Reply { agrees: input.text("answer") == "yes", question, session };
    let continuity_cookie = Some(cookie.0.clone());
    let request = Request { url, is_get: true, sends_json: false, continuity_cookie, ..cx.request.clone() };
    let outcome = go_on(cx.with_request(&request).with_reply(&reply), waiting).await?;
    Ok(Answered::WentOn { outcome: Box::new(outcome), cookie })
}

/// Begins the request anew.
async fn go_on(cx: Engine<'_>, waiting: Waiting) -> Result<Outcome, SubmitError> {
    match waiting {
        Waiting::Callback { method, provider } => {
            let receiver = callback::receiver(cx.runtime, &method);
            let receiver =
                receiver.ok_or_else(|| Problem::not_found().reason("This way to sign in is switched off here."))?;
            callback::come_back(cx, receiver, provider.as_deref()).await.map(Outcome::Callback)
        }
        Waiting::Recovery { flow } => {
            let input = Input::from_form(cx.request.url.query_pairs().into_owned());
            let flow: Id<Flow<model::flow::Recovery>> = Id::from_uuid(flow);
            recovery::submit(cx, flow, input.into()).await.map(Outcome::Recovery)
        }
    }
}
