//! Identity schemas.

mod errors;
mod fields;
mod formats;
pub(crate) mod keyword;
mod known_by;
mod patterns;
mod sent;
mod source;

pub use errors::TraitError;
pub use fields::TraitField;
pub use sent::SentFields;
pub use source::SchemaSource;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonschema::{Draft, PatternOptions, ValidationOptions, Validator};
use model::{Message, Problem, message};
use serde_json::{Map, Value};

use fields::Fields;
use keyword::{KEYWORD, Keyword};
use known_by::Place;

use crate::address::text_of;

/// Why a schema cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// A document at an `http(s)://` address has to be fetched first; see [`SchemaSource::add`].
    #[error("identity schema {id}: {url} has not been fetched")]
    NotFetched {
        /// The id of the schema.
        id: String,
        /// The address of the document.
        url: String,
    },
    /// The document cannot be read, or is no identity schema.
    #[error("identity schema {id}: {place}{message}")]
    Invalid {
        /// The id of the schema.
        id: String,
        /// A JSON pointer into the document and `: `, or empty for the whole.
        place: String,
        /// What is wrong.
        message: String,
    },
}

/// A compiled identity schema.
#[derive(Debug)]
pub struct Schema {
    id: String,
    selectable: bool,
    document: String,
    validator: Validator,
    keywords: Vec<Keyword>,
    fields: Fields,
    places: Vec<Place>,
}

/// The identity schemas of a configuration.
#[derive(Debug)]
pub struct Schemas {
    schemas: Vec<Schema>,
    default: usize,
}

/// A value that a keyword speaks of.
pub(crate) struct Marked<'a> {
    pub keyword: &'a Keyword,
    /// A JSON pointer, `/traits/email`.
    pub pointer: String,
    pub value: &'a Value,
}

impl Schemas {
    /// Reads and compiles the schemas of `config`.
    ///
    /// # Errors
    /// The first schema that cannot be used, with the place in it.
    pub fn load(config: &config::Identity, source: &SchemaSource) -> Result<Self, SchemaError> {
        let schemas =
            config.schemas.iter().map(|schema| Schema::load(schema, source)).collect::<Result<Vec<_>, _>>()?;
        let default = schemas.iter().position(|schema| schema.id == config.default_schema_id);
        let missing = || SchemaError::Invalid {
            id: config.default_schema_id.clone(),
            place: String::new(),
            message: "is the default and not in the list".to_owned(),
        };
        Ok(Self { default: default.ok_or_else(missing)?, schemas })
    }

    /// All schemas, in the order of the configuration.
    pub fn all(&self) -> &[Schema] {
        &self.schemas
    }

    /// The schema of people who do not choose one.
    pub fn default_schema(&self) -> &Schema {
        &self.schemas[self.default]
    }

    /// The schema of this id, which may be written in unpadded URL-safe base64, as in `schema_url`. An empty one is the
    /// default schema's.
    pub fn get(&self, id: &str) -> Option<&Schema> {
        if id.is_empty() {
            return Some(self.default_schema());
        }
        let find = |id: &str| self.schemas.iter().find(|schema| schema.id == id);
        find(id).or_else(|| find(&String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(id).ok()?).ok()?))
    }

    /// The id of the schema that a person asks for when signing up (`?identity_schema=`).
    ///
    /// # Errors
    /// 400 for one that is unknown or not to be chosen. The default one always may be.
    pub fn selectable(&self, id: &str) -> Result<String, Problem> {
        let schema = self.get(id).filter(|schema| schema.selectable || schema.id == self.default_schema().id);
        schema.map(|schema| schema.id.clone()).ok_or_else(|| unknown(id))
    }

    /// The fields of a flow's form, by their names; `None` is the default schema.
    pub fn fields(&self, id: Option<&str>) -> &[TraitField] {
        &self.of_flow(id).fields.inputs
    }

    /// The dotted names by which a form is ordered: as the schema's document has them. Those that are not among them come
    /// last.
    pub fn names_in_order(&self, id: Option<&str>) -> &[String] {
        &self.of_flow(id).fields.order
    }

    /// The label of the field for the identifier on the login form: the title of the one trait that names a person, or
    /// a general word.
    pub fn identifier_label(&self, id: Option<&str>) -> Message {
        self.of_flow(id).fields.identifier_label.clone().unwrap_or_else(message::id_label)
    }

    /// Makes traits of what was sent to a flow. What is sent field by field, under dotted names, becomes what the schema
    /// asks for, and unknown names are dropped, in a form and in JSON; an object that is sent whole stays as it is. Objects
    /// of the schema that are missing become `{}`, as in Kratos.
    pub fn traits(&self, id: Option<&str>, sent: &SentFields) -> Value {
        self.of_flow(id).fields.traits(sent)
    }

    /// What a schema has against these traits.
    pub fn complaints(&self, id: Option<&str>, traits: &Value) -> Vec<TraitError> {
        self.of_flow(id).check(&document_of(traits))
    }

    /// Of these traits, what an account is known by (identifiers, and addresses to verify or to recover by), as far as the
    /// schema has nothing against it: JSON pointers into the traits, `/email`. Lists count as a whole.
    pub fn known_by(&self, id: Option<&str>, traits: &Value) -> Vec<String> {
        self.of_flow(id).known_by(traits)
    }

    /// What an authenticator app calls the account of a person with these traits: the last one that the schema marks so
    /// (`credentials.totp.account_name`).
    pub fn totp_account_name(&self, id: &str, traits: &Value) -> Option<String> {
        let document = document_of(traits);
        let marked = self.get(id)?.marked(&document);
        let names = marked.iter().filter(|marked| marked.keyword.credentials.totp.account_name);
        names.filter_map(|marked| text_of(marked.value)).next_back()
    }

    /// What a passkey of a person with these traits is called in the browser: what the schema marks so
    /// (`credentials.passkey.display_name`), or else the identifier of security keys.
    pub fn passkey_display_name(&self, id: &str, traits: &Value) -> Option<String> {
        let document = document_of(traits);
        let marked = self.get(id)?.marked(&document);
        let last = |is_named: fn(&Keyword) -> bool| {
            let names = marked.iter().filter(|marked| is_named(marked.keyword));
            names.filter_map(|marked| text_of(marked.value)).next_back()
        };
        last(|keyword| keyword.credentials.passkey.display_name)
            .or_else(|| last(|keyword| keyword.credentials.webauthn.identifier).map(|name| name.to_lowercase()))
    }

    /// The dotted name of the field whose value a new passkey is called by; `None` is the default schema.
    pub fn passkey_name_field(&self, id: Option<&str>) -> Option<&str> {
        self.of_flow(id).fields.passkey_name.as_deref()
    }

    /// A flow whose schema is gone from the configuration goes on with the default one.
    fn of_flow(&self, id: Option<&str>) -> &Schema {
        id.and_then(|id| self.get(id)).unwrap_or_else(|| self.default_schema())
    }
}

/// What schemas describe: an object that holds the traits.
fn document_of(traits: &Value) -> Value {
    Value::Object(Map::from_iter([("traits".to_owned(), traits.clone())]))
}

/// 400: there is no such schema.
pub(crate) fn unknown(id: &str) -> Problem {
    Problem::bad_request(format!("There is no identity schema {id:?} to choose."))
}

impl Schema {
    /// The name, as stored with identities.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether people may choose it when they sign up.
    pub fn is_selectable(&self) -> bool {
        self.selectable
    }

    /// The text of the document, as it was read.
    pub fn document(&self) -> &str {
        &self.document
    }

    fn load(config: &config::IdentitySchema, source: &SchemaSource) -> Result<Self, SchemaError> {
        let id = &config.id;
        let invalid = |place: String, message: String| {
            let place = if place.is_empty() { place } else { format!("{place}: ") };
            SchemaError::Invalid { id: id.clone(), place, message }
        };
        let or_missing = |error: SchemaError| match source.take_missing() {
            Some(url) => SchemaError::NotFetched { id: id.clone(), url },
            None => error,
        };
        // Base64 addresses are long, and say nothing to people.
        let name = if config.url.starts_with("base64:") { "the document" } else { config.url.as_str() };
        let document =
            source.read(&config.url).map_err(|why| or_missing(invalid(String::new(), format!("{name} {why}"))))?;
        let mut schema: Value = serde_json::from_str(&document)
            .map_err(|error| invalid(String::new(), format!("{name} is not JSON: {error}")))?;
        check_shape(&schema).map_err(|(place, message)| invalid(place.to_owned(), message.to_owned()))?;
        let written = schema.clone();
        keyword::drop_siblings_of_references(&mut schema);
        patterns::prepare(&mut schema, "").map_err(|(place, message)| invalid(place, message))?;
        let options = options(&schema, &config.url, source);
        let mut schema = options
            .dereference(&schema)
            .map_err(|error| or_missing(invalid(String::new(), format!("a $ref leads nowhere: {error}"))))?;
        let mut keywords = Vec::new();
        keyword::collect(&mut schema, "", &mut keywords).map_err(|(place, message)| invalid(place, message))?;
        let validator = options
            .build(&schema)
            .map_err(|error| or_missing(invalid(error.instance_path().as_str().to_owned(), error.to_string())))?;
        let fields = Fields::of(&schema, &written, &keywords);
        let places = known_by::places(&schema, &keywords);
        let selectable = config.selfservice_selectable;
        Ok(Self { id: id.clone(), selectable, document, validator, keywords, fields, places })
    }

    /// What is wrong with `document`, an object that holds the traits.
    pub(crate) fn check(&self, document: &Value) -> Vec<TraitError> {
        errors::translate(self.validator.iter_errors(document))
    }

    /// The values in a valid document that keywords speak of.
    pub(crate) fn marked<'a>(&'a self, document: &'a Value) -> Vec<Marked<'a>> {
        let evaluation = self.validator.evaluate(document);
        let marked = |entry: jsonschema::AnnotationEntry<'_>| {
            let index = entry.annotations.value().get(KEYWORD)?.as_u64()?;
            let pointer = entry.instance_location.as_str().to_owned();
            let value = document.pointer(&pointer)?;
            Some(Marked { keyword: self.keywords.get(index as usize)?, pointer, value })
        };
        evaluation.iter_annotations().filter_map(marked).collect()
    }

    /// Whether any keyword fits.
    pub(crate) fn has_keyword(&self, fits: impl Fn(&Keyword) -> bool) -> bool {
        self.keywords.iter().any(fits)
    }
}

/// The dialect of a document, draft 7 unless it says otherwise, and Kratos' formats.
fn options(schema: &Value, url: &str, source: &SchemaSource) -> ValidationOptions<'static> {
    let mut options = jsonschema::options()
        .with_retriever(source.clone())
        .should_validate_formats(true)
        .with_keyword(patterns::KEYWORD, |_, pattern, _| patterns::keyword(pattern))
        .with_pattern_options(PatternOptions::regex());
    for (name, check) in formats::FORMATS {
        options = options.with_format(name, check);
    }
    if schema.get("$schema").is_none() {
        options = options.with_draft(Draft::Draft7);
    }
    let has_id = schema.get("$id").or_else(|| schema.get("id")).is_some();
    if !has_id && ["file:///", "http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
        options = options.with_base_uri(url.to_owned());
    }
    options
}

/// Kratos' own demands on identity schemas: an object `traits` with at least one property.
fn check_shape(schema: &Value) -> Result<(), (&'static str, &'static str)> {
    let object = |value: &Value| value.as_object().is_some_and(|members| !members.is_empty());
    if !schema.is_object() {
        return Err(("", "the document has to be a JSON object"));
    }
    let Some(traits) = schema.pointer("/properties/traits").filter(|traits| traits.is_object()) else {
        return Err(("/properties", "an object \"traits\" is missing"));
    };
    if traits.get("type").is_some_and(|kind| kind != "object") {
        return Err(("/properties/traits/type", "traits have to be an object"));
    }
    // A reference may lead to the properties.
    if traits.get("$ref").is_none() && !traits.get("properties").is_some_and(object) {
        return Err(("/properties/traits/properties", "at least one trait is needed"));
    }
    Ok(())
}
