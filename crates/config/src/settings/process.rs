//! Settings of the process: listeners, logs, traces, the database's upkeep.

use model::{Secret, SignedDuration};

use crate::networks::Networks;
use crate::section::Section;
use crate::values::BaseUrl;

/// `serve`.
#[derive(Clone, Debug)]
pub struct Serve {
    /// What browsers and apps reach.
    pub public: Listener,
    /// What only the operator's own services may reach.
    pub admin: Listener,
    /// `serve.public.cors`; `None` when it is off.
    pub cors: Option<Cors>,
}

/// `serve.public` or `serve.admin`.
#[derive(Clone, Debug)]
pub struct Listener {
    /// An address, or `unix:/path/to.sock`.
    pub host: String,
    /// The port, unless the host is a socket.
    pub port: u16,
    /// The address as others see it.
    pub base_url: BaseUrl,
    /// Permissions of the socket.
    pub socket: Socket,
    /// The certificate; `None` serves plain HTTP.
    pub tls: Option<Tls>,
    /// `request_log.disable_for_health`: leave health checks out of the log.
    pub request_log_disable_for_health: bool,
}

/// `serve.….socket`.
#[derive(Clone, Debug)]
pub struct Socket {
    /// The user that owns it; the process' own when `None`.
    pub owner: Option<String>,
    /// The group that owns it.
    pub group: Option<String>,
    /// Permission bits.
    pub mode: u32,
}

/// `serve.….tls`.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The certificate chain.
    pub certificate: PemSource,
    /// Its private key.
    pub key: PemSource,
}

/// Where a PEM document is.
#[derive(Clone, Debug)]
pub enum PemSource {
    /// A file, read again when it changes.
    Path(String),
    /// Standard base64 of the document.
    Base64(Secret),
}

/// `serve.public.cors`.
#[derive(Clone, Debug)]
pub struct Cors {
    /// Origins, with at most one `*` each.
    pub allowed_origins: Vec<String>,
    /// HTTP methods.
    pub allowed_methods: Vec<String>,
    /// Request headers.
    pub allowed_headers: Vec<String>,
    /// Response headers that scripts may read.
    pub exposed_headers: Vec<String>,
    /// Whether cookies are sent along.
    pub allow_credentials: bool,
    /// Hand `OPTIONS` on instead of answering.
    pub options_passthrough: bool,
    /// Seconds that browsers may remember the answer; `None` does not say.
    pub max_age: Option<u32>,
    /// Log every decision.
    pub debug: bool,
}

/// `log`.
#[derive(Clone, Debug)]
pub struct Log {
    /// The least level that is logged.
    pub level: LogLevel,
    /// The form of a line.
    pub format: LogFormat,
    /// Log personal data and secrets too.
    pub leak_sensitive_values: bool,
    /// What stands in the place of hidden values.
    pub redaction_text: Option<String>,
}

/// `log.level`; Kratos' `fatal` and `panic` log errors alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Everything, each step included.
    Trace,
    /// What helps to find a fault.
    Debug,
    /// What happens.
    Info,
    /// What may become a fault.
    Warning,
    /// Faults alone.
    Error,
}

/// `log.format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// A JSON object in each line.
    Json,
}

/// `tracing`.
#[derive(Clone, Debug)]
pub struct Tracing {
    /// Where traces go; `None` is nowhere.
    pub provider: Option<TracingProvider>,
    /// Name of the service in traces.
    pub service_name: Option<String>,
    /// Name of the environment in traces.
    pub deployment_environment: Option<String>,
    /// `providers.otlp.server_url`, `host:port`.
    pub otlp_server_url: Option<String>,
    /// Plain HTTP to the collector.
    pub otlp_insecure: bool,
    /// Authorization header for the collector.
    pub otlp_authorization_header: Option<Secret>,
    /// `providers.zipkin.server_url`.
    pub zipkin_server_url: Option<String>,
    /// `providers.jaeger.local_agent_address`, `host:port`.
    pub jaeger_local_agent_address: Option<String>,
    /// `providers.jaeger.sampling.server_url`.
    pub jaeger_sampling_server_url: Option<String>,
    /// Share of requests that are traced, 0 to 1, of the chosen provider.
    pub sampling_ratio: f64,
}

/// `tracing.provider`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TracingProvider {
    /// An OpenTelemetry collector.
    Otlp,
    /// Jaeger.
    Jaeger,
    /// Zipkin.
    Zipkin,
}

/// `database`.
#[derive(Clone, Debug)]
pub struct Database {
    /// `cleanup.batch_size`: rows per round.
    pub cleanup_batch_size: u32,
    /// `cleanup.sleep.tables`: rest between tables.
    pub cleanup_sleep_tables: SignedDuration,
    /// `cleanup.older_than`: keep expired rows this long; the server's own times when `None`.
    pub cleanup_older_than: Option<SignedDuration>,
}

/// `preview`.
#[derive(Clone, Debug)]
pub struct Preview {
    /// `default_read_consistency_level: eventual`, CockroachDB only.
    pub eventual_reads: bool,
}

/// `zelus`: our own keys.
#[derive(Clone, Debug)]
pub struct Zelus {
    /// What applies where no key is set.
    pub defaults: Defaults,
    /// The proxies that are believed about the address of a client.
    pub trusted_proxies: Networks,
    /// The header in which they list addresses.
    pub client_ip_header: String,
    /// Further names by which the admin API is called, in lower case; they may begin with `*.`.
    pub admin_hosts: Vec<String>,
    /// How long browsers that came over TLS may not use plain HTTP with the same name; zero does not say.
    pub hsts_max_age: SignedDuration,
    /// `guard`: what guessing costs.
    pub guard: Guard,
    /// Whether messages keep their text once the codes and links in it have expired.
    pub keep_message_texts: bool,
    /// `metrics.names`: which metrics of requests there are.
    pub metric_names: MetricNames,
    /// `limits`: how large may be what people send, and how much they may hold.
    pub limits: Limits,
    /// Whether people are asked before what somebody else may have led their browser to.
    pub confirm: bool,
    /// `session.rotate_native_tokens`: whether apps get another session token with a second factor or a fresh sign-in.
    pub rotate_native_tokens: bool,
}

/// `zelus.metrics.names`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricNames {
    /// Ours.
    Zelus,
    /// All that Kratos has, with the labels that it puts on each.
    Kratos,
}

/// `zelus.guard`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guard {
    /// `enabled`: whether failed tries are counted.
    pub enabled: bool,
    /// `failures`: how many in a row are free.
    pub failures: i32,
    /// `rest`: how long nothing may be tried after the first that is not; it doubles with each.
    pub rest: SignedDuration,
    /// `longest_rest`: the longest.
    pub longest_rest: SignedDuration,
    /// `messages_per_hour`: how many codes and links one address is sent.
    pub messages_per_hour: i32,
}

/// `zelus.limits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `traits`: all traits of a person together, where they send them themselves, in bytes of JSON.
    pub traits: u64,
    /// `transient_payload`: what they send for hooks and messages, in bytes of JSON.
    pub transient_payload: u64,
    /// `bodies`: memory for bodies of requests that are under way, in bytes.
    pub bodies: u64,
    /// `connections_per_peer`: how many connections one peer may have that is no trusted proxy.
    pub connections_per_peer: usize,
}

/// `zelus.defaults`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defaults {
    /// The defaults of Kratos v26.2.
    Kratos,
    /// Safer and more complete.
    Zelus,
}

impl Socket {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        Self { owner: section.text_if_set("owner"), group: section.text_if_set("group"), mode: section.number("mode") }
    }
}

impl Tls {
    /// `None` unless both halves are there; one half alone is an error.
    pub(crate) fn read(listener: &Section<'_>) -> Option<Self> {
        let section = listener.section("tls");
        match (PemSource::read(&section.section("cert")), PemSource::read(&section.section("key"))) {
            (Some(certificate), Some(key)) => Some(Self { certificate, key }),
            (None, None) => None,
            _ => {
                listener.error("tls", "expected both a cert and a key, each with a path or base64");
                None
            }
        }
    }
}

impl PemSource {
    /// Kratos prefers the inline document.
    fn read(section: &Section<'_>) -> Option<Self> {
        let inline = section.secret_if_set("base64").map(Self::Base64);
        inline.or_else(|| section.text_if_set("path").map(Self::Path))
    }
}

impl Cors {
    pub(crate) fn read(section: &Section<'_>) -> Option<Self> {
        section.flag("enabled").then(|| Self {
            allowed_origins: section.texts("allowed_origins"),
            allowed_methods: section.texts("allowed_methods"),
            allowed_headers: section.texts("allowed_headers"),
            exposed_headers: section.texts("exposed_headers"),
            allow_credentials: section.flag("allow_credentials"),
            options_passthrough: section.flag("options_passthrough"),
            max_age: Some(section.number("max_age")).filter(|seconds| *seconds > 0),
            debug: section.flag("debug"),
        })
    }
}

impl Log {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        const LEVELS: [(&str, LogLevel); 7] = [
            ("info", LogLevel::Info),
            ("trace", LogLevel::Trace),
            ("debug", LogLevel::Debug),
            ("warning", LogLevel::Warning),
            ("error", LogLevel::Error),
            ("fatal", LogLevel::Error),
            ("panic", LogLevel::Error),
        ];
        Self {
            level: section.choice("level", &LEVELS),
            format: section.choice("format", &[("text", LogFormat::Text), ("json", LogFormat::Json)]),
            leak_sensitive_values: section.flag("leak_sensitive_values"),
            redaction_text: section.text_if_set("redaction_text"),
        }
    }
}

impl Tracing {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        const PROVIDERS: [(&str, TracingProvider); 3] =
            [("otel", TracingProvider::Otlp), ("jaeger", TracingProvider::Jaeger), ("zipkin", TracingProvider::Zipkin)];
        let providers = section.section("providers");
        let (otlp, jaeger, zipkin) =
            (providers.section("otlp"), providers.section("jaeger"), providers.section("zipkin"));
        let provider = section.choice_if_set("provider", &PROVIDERS);
        let ratio = match provider {
            Some(TracingProvider::Jaeger) => jaeger.section("sampling").ratio("trace_id_ratio"),
            Some(TracingProvider::Zipkin) => zipkin.section("sampling").ratio("sampling_ratio"),
            _ => otlp.section("sampling").ratio("sampling_ratio"),
        };
        Self {
            provider,
            service_name: section.text_if_set("service_name"),
            deployment_environment: section.text_if_set("deployment_environment"),
            otlp_server_url: otlp.text_if_set("server_url"),
            otlp_insecure: otlp.flag("insecure"),
            otlp_authorization_header: otlp.secret_if_set("authorization_header"),
            zipkin_server_url: zipkin.text_if_set("server_url"),
            jaeger_local_agent_address: jaeger.text_if_set("local_agent_address"),
            jaeger_sampling_server_url: jaeger.section("sampling").text_if_set("server_url"),
            sampling_ratio: ratio.unwrap_or(1.0).clamp(0.0, 1.0),
        }
    }
}

impl Zelus {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        let defaults = section.choice("defaults", &[("kratos", Defaults::Kratos), ("zelus", Defaults::Zelus)]);
        let rotate_native_tokens = section.section("session").loose_flag("rotate_native_tokens");
        Self {
            defaults,
            trusted_proxies: Networks::new(section.texts("trusted_proxies").iter().map(String::as_str)),
            client_ip_header: section.text("client_ip_header"),
            admin_hosts: section.texts("admin_hosts").iter().map(|name| name.to_ascii_lowercase()).collect(),
            hsts_max_age: section.duration("hsts_max_age"),
            guard: Guard::read(&section.section("guard")),
            keep_message_texts: section.flag("keep_message_texts"),
            metric_names: section
                .section("metrics")
                .choice("names", &[("zelus", MetricNames::Zelus), ("kratos", MetricNames::Kratos)]),
            limits: Limits::read(&section.section("limits")),
            confirm: section.flag("confirm"),
            rotate_native_tokens: rotate_native_tokens.unwrap_or(defaults == Defaults::Zelus),
        }
    }
}

impl Guard {
    fn read(section: &Section<'_>) -> Self {
        Self {
            enabled: section.flag("enabled"),
            failures: section.number("failures"),
            rest: section.duration("rest"),
            longest_rest: section.duration("longest_rest"),
            messages_per_hour: section.number("messages_per_hour"),
        }
    }
}

impl Limits {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        Self {
            traits: section.size("traits"),
            transient_payload: section.size("transient_payload"),
            bodies: section.size("bodies"),
            connections_per_peer: section.number("connections_per_peer"),
        }
    }
}

impl Database {
    pub(crate) fn read(section: &Section<'_>) -> Self {
        let cleanup = section.section("cleanup");
        Self {
            cleanup_batch_size: cleanup.number("batch_size"),
            cleanup_sleep_tables: cleanup.section("sleep").duration("tables"),
            cleanup_older_than: cleanup.duration_if_set("older_than"),
        }
    }
}
