//! The server's state.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::{ArcSwap, Guard};
use axum::http::HeaderValue;
use engine::{NotReady, Runtime};
use metrics::Metrics;
use model::{Clock, Cx, Entropy};

use crate::budget::BodyBudget;
use crate::cors::CorsPolicy;
use crate::forwarded::TrustedProxies;
use crate::hosts::AdminHosts;

/// The server's state. Clones share it.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    site: ArcSwap<Site>,
    clock: Clock,
    entropy: Entropy,
    metrics: Arc<Metrics>,
    bodies: BodyBudget,
    /// Whether the database is known to have all the tables that are needed.
    is_migrated: AtomicBool,
}

/// A runtime, and what answering over HTTP derives from its configuration.
pub struct Site {
    /// The configuration, with everything that follows from it.
    pub runtime: Arc<Runtime>,
    /// The name of the anti-CSRF cookie.
    pub csrf_cookie: String,
    pub(crate) cors: Option<CorsPolicy>,
    /// Who is believed about the address of a client.
    pub(crate) proxies: TrustedProxies,
    /// The names of the admin API.
    pub(crate) admin_hosts: AdminHosts,
    /// What browsers that came over TLS are told, if anything.
    pub(crate) hsts: Option<HeaderValue>,
}

impl Site {
    fn new(runtime: Arc<Runtime>) -> Self {
        let serve = &runtime.config.serve;
        let csrf_cookie = crypto::csrf::cookie_name(&serve.public.base_url.text);
        let cors = serve.cors.as_ref().map(CorsPolicy::new);
        let proxies = TrustedProxies::new(&runtime.config.zelus);
        let admin_hosts = AdminHosts::new(&runtime.config);
        let hsts = Some(runtime.config.zelus.hsts_max_age.as_secs()).filter(|seconds| *seconds > 0);
        let hsts = hsts.and_then(|seconds| HeaderValue::try_from(format!("max-age={seconds}")).ok());
        Self { runtime, csrf_cookie, cors, proxies, admin_hosts, hsts }
    }
}

impl App {
    /// A server that answers from `runtime`.
    pub fn new(runtime: Runtime, clock: Clock, entropy: Entropy) -> Self {
        let metrics = Arc::clone(&runtime.metrics);
        let site = ArcSwap::from_pointee(Site::new(Arc::new(runtime)));
        Self(Arc::new(Inner {
            site,
            clock,
            entropy,
            metrics,
            bodies: BodyBudget::default(),
            is_migrated: AtomicBool::new(false),
        }))
    }

    /// The configuration of this moment.
    pub fn site(&self) -> Arc<Site> {
        self.0.site.load_full()
    }

    /// As [`App::site`], for a request, which keeps it to its end: without a count that all processors would share.
    pub(crate) fn site_of_request(&self) -> Guard<Arc<Site>> {
        self.0.site.load()
    }

    /// Answers from another runtime from now on. Requests under way end with the one they began with.
    pub fn replace(&self, runtime: Runtime) {
        self.0.site.store(Arc::new(Site::new(Arc::new(runtime))));
    }

    /// Where the time comes from.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Where randomness comes from.
    pub fn entropy(&self) -> &Entropy {
        &self.0.entropy
    }

    /// The time and randomness that domain functions are given.
    pub fn cx(&self) -> Cx {
        Cx { clock: self.clock().clone(), entropy: self.entropy().clone() }
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// The memory that bodies take.
    pub(crate) fn bodies(&self) -> &BodyBudget {
        &self.0.bodies
    }

    /// Whether requests can be answered, as `/health/ready` has it. Tables that were once seen do not go away again.
    ///
    /// # Errors
    /// What is missing.
    pub async fn ensure_ready(&self) -> Result<(), NotReady> {
        let runtime = Arc::clone(&self.site().runtime);
        engine::ensure_ready(&runtime, self.0.is_migrated.load(Ordering::Relaxed)).await?;
        self.0.is_migrated.store(true, Ordering::Relaxed);
        Ok(())
    }
}
