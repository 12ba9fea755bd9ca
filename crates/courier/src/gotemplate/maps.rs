//! Functions of maps. They give a new map; `eval` puts that of `set`, `unset` and `merge` where the old one was.

use serde_json::{Map, Value};

use super::error::TemplateError;
use super::value::{is_true, shown};

type Outcome = Option<Result<Value, TemplateError>>;

/// Those that change the map that is given first.
pub fn changes_its_map(name: &str) -> bool {
    matches!(name, "set" | "unset" | "merge" | "mergeOverwrite" | "mustMerge" | "mustMergeOverwrite")
}

/// Calls a function of maps; `None` when there is none of this name, or its arguments do not fit.
pub fn call(name: &str, arguments: &[Value]) -> Outcome {
    let names = |values: &[Value]| values.iter().map(shown).collect::<Vec<_>>();
    Some(Ok(match (name, arguments) {
        ("dict", pairs) => {
            let pairs =
                pairs.chunks(2).map(|pair| (shown(&pair[0]), pair.get(1).cloned().unwrap_or_else(|| "".into())));
            Value::Object(pairs.collect::<Map<_, _>>())
        }
        ("get", [value, key]) => value.get(shown(key)).cloned().unwrap_or_else(|| "".into()),
        ("hasKey", [value, key]) => value.get(shown(key)).is_some().into(),
        ("keys", maps) => maps.iter().filter_map(Value::as_object).flat_map(Map::keys).cloned().collect(),
        ("values", [Value::Object(members)]) => members.values().cloned().collect(),
        ("pluck", [key, maps @ ..]) => maps.iter().filter_map(|map| map.get(shown(key))).cloned().collect(),
        ("pick", [Value::Object(map), keys @ ..]) => {
            let picked = names(keys).into_iter().filter_map(|key| Some((key.clone(), map.get(&key)?.clone())));
            Value::Object(picked.collect())
        }
        ("omit", [Value::Object(map), keys @ ..]) => {
            let omitted = names(keys);
            let kept = map.iter().filter(|(key, _)| !omitted.contains(key));
            Value::Object(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
        }
        ("set", [Value::Object(map), key, value]) => {
            let mut map = map.clone();
            map.insert(shown(key), value.clone());
            map.into()
        }
        ("unset", [Value::Object(map), key]) => {
            let mut map = map.clone();
            map.remove(&shown(key));
            map.into()
        }
        ("merge" | "mergeOverwrite", [Value::Object(map), others @ ..]) => {
            let mut merged = map.clone();
            for other in others {
                merge(&mut merged, other.as_object()?, name == "mergeOverwrite");
            }
            merged.into()
        }
        ("dig", [path @ .., fallback, map]) if !path.is_empty() => return Some(dig(map, &names(path), fallback)),
        _ => return None,
    }))
}

/// Adds what is not there, or empty; what is there too is replaced if `overwrites`. Maps within maps are merged.
fn merge(map: &mut Map<String, Value>, other: &Map<String, Value>, overwrites: bool) {
    for (key, value) in other {
        match (map.get_mut(key), value) {
            (Some(Value::Object(inner)), Value::Object(other)) => merge(inner, other, overwrites),
            (Some(old), _) if is_true(old) && !overwrites => {}
            _ => drop(map.insert(key.clone(), value.clone())),
        }
    }
}

fn dig(map: &Value, path: &[String], fallback: &Value) -> Result<Value, TemplateError> {
    let mut found = map;
    for key in path {
        let members = found.as_object().ok_or_else(|| TemplateError::new("there is no map on the way"))?;
        match members.get(key) {
            Some(value) => found = value,
            None => return Ok(fallback.clone()),
        }
    }
    Ok(found.clone())
}
