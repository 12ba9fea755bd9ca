//! Where a browser goes after a flow.

use config::ReturnUrlError;
use model::Problem;
use model::problem::id;
use store::TokenExchange;
use url::Url;

use crate::runtime::Runtime;

impl Runtime {
    /// Resolves where to go: an explicit `return_to`, else the one in the query of `source`, else `default`.
    ///
    /// # Errors
    /// 400 when it is not on the allow-list or cannot be read.
    pub fn return_to(&self, explicit: Option<&str>, source: Option<&Url>, default: &Url) -> Result<Url, Problem> {
        self.config.selfservice.allowed_return_urls.resolve(explicit, source, default).map_err(refused)
    }

    /// Where the browser goes that was opened for this flow: as the flow was told, if that is allowed.
    pub fn return_to_of<K: model::flow::Kind>(&self, flow: &model::Flow<K>) -> Url {
        let default = &self.config.selfservice.default_browser_return_url;
        let source = Url::parse(&flow.request_url).ok();
        self.return_to(flow.return_to.as_deref(), source.as_ref(), default).unwrap_or_else(|_| default.clone())
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

fn refused(error: ReturnUrlError) -> Problem {
    let problem = Problem::bad_request(error.to_string());
    match error {
        ReturnUrlError::Forbidden(_) => problem.with_id(id::RETURN_TO_FORBIDDEN),
        ReturnUrlError::Unparsable(_) => problem,
    }
}
