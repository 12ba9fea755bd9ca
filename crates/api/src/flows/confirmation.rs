//! `/self-service/confirm`: what somebody answers who was asked before their browser goes on.

use axum::Router;
use axum::http::header::SET_COOKIE;
use axum::response::Response;
use axum::routing::post;
use crypto::ContinuityCodec;
use engine::confirmation::Asked;
use engine::confirmed::{self, Answered, Outcome};
use engine::{Engine, Runtime};
use flow::Submission;
use model::problem::id;
use model::{Cx, Problem};
use web::{Request, see_other, set_continuity_cookie};

use super::callback::answered as callback_answered;
use super::recovery::answered as recovery_answered;
use super::{apply, failed_with, not_submitted, submission};

pub(super) fn router() -> Router {
    Router::new().route("/self-service/confirm", post(answer))
}

async fn answer(mut request: Request) -> web::Result {
    let input = match submission(&mut request).await? {
        Submission::Readable(input) => input,
        Submission::Unreadable(why) => return Err(Problem::bad_request(why).into()),
    };
    let (cx, runtime, asker) = (request.cx(), request.site().runtime.clone(), request.for_flow()?);
    let answered = confirmed::answer(Engine::new(&cx, &runtime, &asker), &input).await.map_err(not_submitted)?;
    let (outcome, cookie) = match answered {
        Answered::NobodyAsked { .. } if request.is_json_request() => return Err(nobody_asked().into()),
        Answered::NobodyAsked { page } => return Ok(see_other(request.method(), &page)),
        Answered::WentOn { outcome, cookie } => (*outcome, cookie),
    };
    let mut response = match outcome {
        Outcome::Callback(answer) => callback_answered(&request, &cx, &runtime, answer)?,
        Outcome::Recovery(outcome) => recovery_answered(&request, &cx, &runtime, outcome)?,
    };
    // What the request that went on says of it counts.
    if !says_what_is_unfinished(&response) {
        set_continuity_cookie(response.headers_mut(), &runtime.config.cookies, &cookie.0, cx.now());
    }
    Ok(response)
}

fn says_what_is_unfinished(response: &Response) -> bool {
    let mut cookies = response.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.any(|cookie| cookie.split('=').next() == Some(ContinuityCodec::NAME))
}

fn nobody_asked() -> Problem {
    Problem::new(410).reason("This browser is not asked anything, or no longer. Please start again.")
}

/// Sends a browser to the page that asks its person; a script is told where that is.
pub(super) fn asked(request: &Request, cx: &Cx, runtime: &Runtime, Asked { page, effects }: Asked) -> web::Result {
    if request.is_json_request() {
        let problem = Problem::forbidden("The person has to confirm this at the address in redirect_browser_to.")
            .with_id(id::BROWSER_LOCATION_CHANGE_REQUIRED)
            .extra("redirect_browser_to", page);
        return Err(failed_with(problem.into(), cx, runtime, *effects));
    }
    let mut response = see_other(request.method(), &page);
    apply(&mut response, cx, runtime, *effects);
    Ok(response)
}
