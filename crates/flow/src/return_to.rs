//! Where a browser goes after a flow.

use config::ReturnUrlError;
use model::Problem;
use model::problem::id;
use store::TokenExchange;
use url::Url;

use crate::services::Services;

impl Services {
    /// Resolves where to go: an explicit `return_to`, else the one in the query of `source`, else `default`.
    ///
    /// # Errors
    /// When it is not on the allow-list or cannot be read.
    pub fn return_to(&self, explicit: Option<&str>, source: Option<&Url>, default: &Url) -> Result<Url, BadReturnTo> {
        self.config.selfservice.allowed_return_urls.resolve(explicit, source, default).map_err(BadReturnTo)
    }

    /// Where the browser goes that was opened for this flow: as the flow was told, if that is allowed.
    pub fn return_to_of<K: model::flow::FlowKind>(&self, flow: &model::Flow<K>) -> Url {
        let default = &self.config.selfservice.default_browser_return_url;
        self.return_to_after(flow, default).unwrap_or_else(|_| default.clone())
    }

    /// Where to go after this flow: as the flow was told, else `default`.
    ///
    /// # Errors
    /// When it is not on the allow-list or cannot be read.
    pub fn return_to_after<K: model::flow::FlowKind>(
        &self,
        flow: &model::Flow<K>,
        default: &Url,
    ) -> Result<Url, BadReturnTo> {
        let source = Url::parse(&flow.request_url).ok();
        self.return_to(flow.return_to.as_deref(), source.as_ref(), default)
    }
}

/// Where a browser hands a session over to a native app.
pub fn with_code(mut return_to: Url, exchange: &TokenExchange) -> Url {
    let others: Vec<(String, String)> =
        return_to.query_pairs().into_owned().filter(|(name, _)| name != "code").collect();
    let code = exchange.return_to_code.expose();
    return_to.query_pairs_mut().clear().extend_pairs(others).append_pair("code", code);
    return_to
}

/// A `return_to` that is not followed.
#[derive(Debug)]
pub struct BadReturnTo(ReturnUrlError);

impl BadReturnTo {
    /// Whether it can be read, and is not on the allow-list.
    pub fn is_forbidden(&self) -> bool {
        matches!(self.0, ReturnUrlError::Forbidden(_))
    }
}

/// 400, with the id `self_service_flow_return_to_forbidden` for what is not on the allow-list.
impl From<BadReturnTo> for Problem {
    fn from(bad: BadReturnTo) -> Self {
        let problem = Self::bad_request(bad.0.to_string());
        if bad.is_forbidden() { problem.with_id(id::RETURN_TO_FORBIDDEN) } else { problem }
    }
}
