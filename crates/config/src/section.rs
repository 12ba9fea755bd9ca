//! Reading typed values out of a checked document.

use std::cell::RefCell;
use std::collections::BTreeMap;

use model::go::{parse_bool, parse_duration};
use model::{Secret, SignedDuration, json_pointer};
use serde_json::Value;
use url::Url;

use crate::finding::Finding;
use crate::origins::Origins;
use crate::schema::dotted;
use crate::values;

/// What every part of the document is read with.
pub(crate) struct Reader<'a> {
    pub origins: &'a Origins,
    /// The public base URL, against which relative addresses are read.
    pub base: Url,
    pub errors: RefCell<Vec<Finding>>,
    pub warnings: RefCell<Vec<Finding>>,
}

/// An object of the document, which may be absent. The schema has been checked and its defaults filled in, so a value
/// of the wrong type cannot occur; absent ones read as empty.
#[derive(Clone)]
pub(crate) struct Section<'a> {
    reader: &'a Reader<'a>,
    value: &'a Value,
    at: String,
}

impl<'a> Section<'a> {
    pub fn root(reader: &'a Reader<'a>, value: &'a Value) -> Self {
        Self { reader, value, at: String::new() }
    }

    /// The object under `key`.
    pub fn section(&self, key: &str) -> Self {
        let value = self.value.get(key).unwrap_or(&Value::Null);
        Self { reader: self.reader, value, at: json_pointer::below(&self.at, key) }
    }

    /// The object under `key`, if it is there.
    pub fn present(&self, key: &str) -> Option<Self> {
        self.value.get(key).is_some_and(Value::is_object).then(|| self.section(key))
    }

    /// The elements of the list under `key`.
    pub fn list(&self, key: &str) -> Vec<Self> {
        let at = json_pointer::below(&self.at, key);
        let elements = self.value[key].as_array().into_iter().flatten().enumerate();
        elements
            .map(|(i, value)| Self { reader: self.reader, value, at: json_pointer::below(&at, &i.to_string()) })
            .collect()
    }

    /// The named objects of the free-form map under `key`.
    pub fn named(&self, key: &str) -> Vec<(String, Self)> {
        let section = self.section(key);
        let names = section.value.as_object().into_iter().flatten().map(|(name, _)| name.clone());
        names.map(|name| (name.clone(), section.section(&name))).collect()
    }

    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// Reports that the value under `key` cannot be used.
    pub fn error(&self, key: &str, message: impl Into<String>) {
        let at = json_pointer::below(&self.at, key);
        let finding = Finding::new(self.reader.origins.place(&at), dotted(&at), message);
        self.reader.errors.borrow_mut().push(finding);
    }

    /// Reports something worth knowing about the value under `key`.
    pub fn warn(&self, key: &str, message: impl Into<String>) {
        let at = json_pointer::below(&self.at, key);
        let finding = Finding::new(self.reader.origins.place(&at), dotted(&at), message);
        self.reader.warnings.borrow_mut().push(finding);
    }

    pub fn flag(&self, key: &str) -> bool {
        self.value[key].as_bool().unwrap_or_default()
    }

    /// A boolean that may be written as text.
    pub fn loose_flag(&self, key: &str) -> Option<bool> {
        match &self.value[key] {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) => parse_bool(text),
            _ => None,
        }
    }

    pub fn text(&self, key: &str) -> String {
        self.value[key].as_str().unwrap_or_default().to_owned()
    }

    /// Text that is neither absent nor empty.
    pub fn text_if_set(&self, key: &str) -> Option<String> {
        Some(self.text(key)).filter(|text| !text.is_empty())
    }

    pub fn secret_if_set(&self, key: &str) -> Option<Secret> {
        self.text_if_set(key).map(Secret::new)
    }

    pub fn texts(&self, key: &str) -> Vec<String> {
        let elements = self.value[key].as_array().into_iter().flatten();
        elements.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    pub fn secrets(&self, key: &str) -> Vec<Secret> {
        self.texts(key).into_iter().map(Secret::new).collect()
    }

    /// A map of header names to values.
    pub fn headers(&self, key: &str) -> BTreeMap<String, Secret> {
        let entries = self.value[key].as_object().into_iter().flatten();
        entries.filter_map(|(name, value)| Some((name.clone(), Secret::from(value.as_str()?)))).collect()
    }

    /// A whole number that fits `T`; too large ones are an error, and read as zero.
    pub fn number<T: TryFrom<i64> + Default>(&self, key: &str) -> T {
        self.number_if_set(key).unwrap_or_default()
    }

    pub fn number_if_set<T: TryFrom<i64>>(&self, key: &str) -> Option<T> {
        let value = &self.value[key];
        // JSON Schema counts 5.0 as a whole number, and so does this.
        let number = value.as_i64().or_else(|| value.as_f64().map(|float| float as i64))?;
        let fitting = T::try_from(number).ok();
        if fitting.is_none() {
            self.error(key, "is too large, or negative");
        }
        fitting
    }

    pub fn ratio(&self, key: &str) -> Option<f64> {
        self.value[key].as_f64()
    }

    pub fn duration(&self, key: &str) -> SignedDuration {
        self.duration_if_set(key).unwrap_or_default()
    }

    pub fn duration_if_set(&self, key: &str) -> Option<SignedDuration> {
        self.value[key].as_str().and_then(parse_duration)
    }

    /// A size in bytes.
    pub fn size(&self, key: &str) -> u64 {
        match &self.value[key] {
            Value::String(text) => values::parse_size(text).unwrap_or_default(),
            number => number.as_u64().unwrap_or_default(),
        }
    }

    /// An address, read against the public base URL if it is relative. An unusable one is an error.
    pub fn url_if_set(&self, key: &str) -> Option<Url> {
        let text = self.text_if_set(key)?;
        match self.reader.base.join(&text) {
            Ok(url) => Some(url),
            Err(error) => {
                self.error(key, format!("is not a usable address: {error}"));
                None
            }
        }
    }

    /// The entry of `choices` whose name stands under `key`; the first one if none does.
    pub fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> T {
        self.choice_if_set(key, choices).unwrap_or(choices[0].1)
    }

    pub fn choice_if_set<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let name = self.value[key].as_str()?;
        choices.iter().find(|(known, _)| *known == name).map(|(_, choice)| *choice)
    }
}
