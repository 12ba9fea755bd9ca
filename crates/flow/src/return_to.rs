//! Where a browser goes after a flow.

use config::ReturnUrlError;
use model::Problem;
use model::problem::id;
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
}

fn refused(error: ReturnUrlError) -> Problem {
    let problem = Problem::bad_request(error.to_string());
    match error {
        ReturnUrlError::Forbidden(_) => problem.with_id(id::RETURN_TO_FORBIDDEN),
        ReturnUrlError::Unparsable(_) => problem,
    }
}
