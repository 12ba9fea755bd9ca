//! Flows that are too old.

use model::flow::Kind;
use model::problem::id;
use model::{Flow, FlowClient, Problem, Timestamp};

use crate::runtime::Runtime;

/// 410 for fetching an expired flow: says where to get a new one.
pub(crate) fn expired_on_fetch<K: Kind>(runtime: &Runtime, flow: &Flow<K>) -> Problem {
    let name = K::NAME.as_str();
    let problem = Problem::new(410).reason(format!("This {name} form is too old. Please open a new one."));
    match flow.client {
        FlowClient::Api => problem.detail("api", runtime.public_route(&format!("/self-service/{name}/api"))),
        FlowClient::Browser => {
            let mut url = runtime.public_route(&format!("/self-service/{name}/browser"));
            if let Some(return_to) = &flow.return_to {
                let query: String =
                    url::form_urlencoded::Serializer::new(String::new()).append_pair("return_to", return_to).finish();
                url = format!("{url}?{query}");
            }
            problem.detail("redirect_to", url).detail("return_to", flow.return_to.clone().unwrap_or_default())
        }
    }
}

/// 410 for submitting an expired flow as JSON: names the flow that took its place.
pub fn expired_on_submit<K: Kind>(replacement: &Flow<K>, expired_at: Timestamp, now: Timestamp) -> Problem {
    too_old(expired_at, now).extra("use_flow_id", replacement.id.to_string())
}

/// 410 for submitting what was good until `expired_at`.
pub fn too_old(expired_at: Timestamp, now: Timestamp) -> Problem {
    let since = now.duration_since(expired_at).as_nanos();
    Problem::new(410)
        .with_id(id::FLOW_EXPIRED)
        .message("This form is too old.")
        .reason("The form was open for too long. Please go on with the new one.")
        .extra("expired_at", expired_at.to_string())
        .extra("since", i64::try_from(since).unwrap_or(i64::MAX))
}
