//! Flows that are too old.

use flow::{Services, too_old};
use model::flow::FlowKind;
use model::problem::id;
use model::{Flow, FlowClient, Problem, Timestamp};
use url::form_urlencoded;

use crate::error::TooOld;

/// 410 for fetching an expired flow: says where to get a new one. The error has the id that clients know if `has_id`.
pub(crate) fn expired_on_fetch<K: FlowKind>(services: &Services, flow: &Flow<K>, has_id: bool) -> TooOld {
    let name = K::NAME.as_str();
    let mut problem = Problem::new(410).reason(format!("This {name} form is too old. Please open a new one."));
    if has_id {
        problem = problem.with_id(id::FLOW_EXPIRED);
    }
    if flow.client == FlowClient::Api {
        let problem = problem.detail("api", services.public_route(&format!("/self-service/{name}/api")));
        return TooOld { problem, open_anew_at: None };
    }
    let mut url = services.public_route(&format!("/self-service/{name}/browser"));
    if let Some(return_to) = &flow.return_to {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("return_to", return_to).finish();
        url = format!("{url}?{query}");
    }
    let return_to = flow.return_to.clone().unwrap_or_default();
    let problem = problem.detail("redirect_to", url.as_str()).detail("return_to", return_to);
    TooOld { problem, open_anew_at: Some(url) }
}

/// 410 for submitting an expired flow as JSON: names the flow that took its place.
pub fn expired_on_submit<K: FlowKind>(replacement: &Flow<K>, expired_at: Timestamp, now: Timestamp) -> Problem {
    too_old(expired_at, now).extra("use_flow_id", replacement.id.to_string())
}
