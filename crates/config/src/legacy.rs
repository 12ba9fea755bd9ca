//! Keys that Kratos has renamed or dropped: files written since v0.5 still start, with a warning for each old key.

use model::go::parse_bool;
use model::json_pointer;
use serde_json::{Map, Value, json};

use crate::file::Layer;
use crate::finding::{Finding, SourceLocation};

/// Old key → new key, where the value moves as it is.
pub(crate) const RENAMED: &[(&str, &str)] = &[
    ("selfservice.strategies", "selfservice.methods"),
    ("selfservice.whitelisted_return_urls", "selfservice.allowed_return_urls"),
    ("selfservice.flows.login.request_lifespan", "selfservice.flows.login.lifespan"),
    ("selfservice.flows.registration.request_lifespan", "selfservice.flows.registration.lifespan"),
    ("selfservice.flows.settings.request_lifespan", "selfservice.flows.settings.lifespan"),
    ("selfservice.flows.recovery.request_lifespan", "selfservice.flows.recovery.lifespan"),
    ("selfservice.flows.verification.request_lifespan", "selfservice.flows.verification.lifespan"),
    ("selfservice.methods.code.passwordless_login_fallback_enabled", FALLBACK),
    ("password.max_breaches", "selfservice.methods.password.config.max_breaches"),
    ("password.ignore_network_errors", "selfservice.methods.password.config.ignore_network_errors"),
    ("secrets.session", "secrets.cookie"),
    ("security.session.cookie.same_site", "session.cookie.same_site"),
    ("session.cookie_same_site", "session.cookie.same_site"),
];

const FALLBACK: &str = "selfservice.methods.code.config.missing_credential_fallback_enabled";

/// Keys that do nothing any more, and what to do about it.
const DROPPED: &[(&str, &str)] = &[
    ("serve.public.domain_aliases", "serve one base URL, and set cookies.domain where subdomains share cookies"),
    ("courier.message_ttl", "use courier.message_retries to say when to give up"),
    ("tracing.providers.jaeger.propagation", "W3C trace context is always read"),
    ("tracing.providers.jaeger.sampling.type", "use tracing.providers.jaeger.sampling.trace_id_ratio"),
    ("tracing.providers.jaeger.sampling.value", "use tracing.providers.jaeger.sampling.trace_id_ratio"),
    ("password", "use selfservice.methods.password.config"),
];

/// Old key → new key inside each OpenID Connect provider.
const PROVIDER: &[(&str, &str)] = &[
    ("tenant", "microsoft_tenant"),
    ("team_id", "apple_team_id"),
    ("private_key_id", "apple_private_key_id"),
    ("private_key", "apple_private_key"),
];

/// The warning about a key that is still read.
pub(crate) fn renamed(place: SourceLocation, old: &str, new: &str) -> Finding {
    Finding::new(place, old, format!("is the old name of {new}; it is still read, please rename it"))
}

/// Brings a document's old keys to their new places.
pub(crate) fn upgrade(layer: &mut Layer, warnings: &mut Vec<Finding>) {
    if !layer.path.is_empty() {
        return;
    }
    for (old, new) in RENAMED {
        move_key(layer, old, new, warnings);
    }
    upgrade_default_schema(layer, warnings);
    upgrade_sms(layer, warnings);
    upgrade_argon2_memory(layer, warnings);
    upgrade_providers(layer, warnings);
    for (old, advice) in DROPPED {
        if let Some((_, place)) = take(layer, old) {
            warnings.push(Finding::new(place, *old, format!("has no effect any more; {advice}")));
        }
    }
}

/// Reads the `dev` of a file as Kratos does, which starts whatever it holds: a text such as "true" is a boolean, and
/// anything else is ignored.
pub(crate) fn read_dev(layer: &mut Layer, warnings: &mut Vec<Finding>) {
    if !layer.is_file() || layer.value.get("dev").is_none_or(|dev| dev.is_boolean() || dev.is_null()) {
        return;
    }
    let Some((value, place)) = take(layer, "dev") else { return };
    match value.as_str().and_then(parse_bool) {
        Some(dev) => put(layer, "dev", Value::Bool(dev), place.line),
        None => warnings.push(Finding::new(place, "dev", "is ignored, since it is neither true nor false")),
    }
}

fn move_key(layer: &mut Layer, old: &str, new: &str, warnings: &mut Vec<Finding>) {
    let Some((value, place)) = take(layer, old) else { return };
    warnings.push(renamed(place.clone(), old, new));
    if get(&layer.value, new).is_none() {
        put(layer, new, value, place.line);
    } else if let (Some(Value::Object(present)), Value::Object(moved)) = (get_mut(&mut layer.value, new), value) {
        // Both spellings of a section: what stands under the new name wins.
        moved.into_iter().for_each(|(key, child)| {
            present.entry(key).or_insert(child);
        });
    }
}

/// `identity.default_schema_url` (to v0.6) named the one default schema.
fn upgrade_default_schema(layer: &mut Layer, warnings: &mut Vec<Finding>) {
    let Some((url, place)) = take(layer, "identity.default_schema_url") else { return };
    warnings.push(renamed(place.clone(), "identity.default_schema_url", "identity.schemas"));
    let schema = json!({ "id": "default", "url": url });
    match get_mut(&mut layer.value, "identity.schemas") {
        Some(Value::Array(schemas)) => schemas.insert(0, schema),
        _ => put(layer, "identity.schemas", json!([schema]), place.line),
    }
}

/// `courier.sms` (v0.9 to v1.0) was the one channel for text messages.
fn upgrade_sms(layer: &mut Layer, warnings: &mut Vec<Finding>) {
    let Some((Value::Object(mut sms), place)) = take(layer, "courier.sms") else { return };
    warnings.push(renamed(place.clone(), "courier.sms", "courier.channels"));
    if sms.get("enabled") != Some(&Value::Bool(true)) || get(&layer.value, "courier.channels").is_some() {
        return;
    }
    let mut request = sms.remove("request_config").unwrap_or_else(|| json!({}));
    if let Some(request) = request.as_object_mut()
        && let Some(headers) = request.remove("header")
    {
        request.entry("headers").or_insert(headers);
    }
    let channel = json!({ "id": "sms", "type": "http", "request_config": request });
    put(layer, "courier.channels", json!([channel]), place.line);
}

/// `hashers.argon2.memory` (to v0.5) was a number of KiB.
fn upgrade_argon2_memory(layer: &mut Layer, warnings: &mut Vec<Finding>) {
    let place = layer.place("/hashers/argon2/memory").unwrap_or_default();
    let Some(memory) = get_mut(&mut layer.value, "hashers.argon2.memory") else { return };
    if let Some(kib) = memory.as_u64() {
        let text = format!("{kib}KB");
        let message = format!("is a size with a unit now; the bare number is read as \"{text}\"");
        warnings.push(Finding::new(place, "hashers.argon2.memory", message));
        *memory = Value::from(text);
    }
}

fn upgrade_providers(layer: &mut Layer, warnings: &mut Vec<Finding>) {
    let key = "selfservice.methods.oidc.config.providers";
    let source = layer.source.clone();
    let lines = layer.lines.clone();
    let Some(Value::Array(providers)) = get_mut(&mut layer.value, key) else { return };
    for (position, provider) in providers.iter_mut().enumerate() {
        let Value::Object(provider) = provider else { continue };
        for (old, new) in PROVIDER {
            let Some(value) = provider.remove(*old) else { continue };
            let at = format!("/{}/{position}/{old}", key.replace('.', "/"));
            let place = SourceLocation { source: source.clone(), line: lines.get(&at).copied().flatten() };
            let below = |name: &str| format!("{key}.{position}.{name}");
            warnings.push(renamed(place, &below(old), &below(new)));
            provider.entry(*new).or_insert(value);
        }
    }
}

fn get<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.').try_fold(value, |value, name| value.get(name))
}

fn get_mut<'a>(value: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    key.split('.').try_fold(value, |value, name| value.get_mut(name))
}

/// Removes a key, and tells where it stood.
fn take(layer: &mut Layer, key: &str) -> Option<(Value, SourceLocation)> {
    let (parent, name) = key.rsplit_once('.').unwrap_or(("", key));
    let map = if parent.is_empty() { Some(&mut layer.value) } else { get_mut(&mut layer.value, parent) };
    let value = map?.as_object_mut()?.shift_remove(name)?;
    let at = format!("/{}", key.replace('.', "/"));
    let place = layer.place(&at).unwrap_or(SourceLocation { source: layer.source.clone(), line: None });
    Some((value, place))
}

/// Sets a key, making the objects on the way, and notes its line.
fn put(layer: &mut Layer, key: &str, value: Value, line: Option<u64>) {
    let mut target = &mut layer.value;
    let mut at = String::new();
    for name in key.split('.') {
        if !target.is_object() {
            *target = Value::Object(Map::new());
        }
        target = target.as_object_mut().expect("it is an object").entry(name).or_insert(Value::Null);
        at = json_pointer::below(&at, name);
    }
    *target = value;
    layer.lines.insert(at, line);
}
