//! Identities: validated, stored, changed and removed.

use std::collections::BTreeMap;
use std::sync::Arc;

use config::{Config, HashAlgorithm, Hashers};
use crypto::{Hasher, HashingPool};
use model::factors::{self, FactorRules};
use model::wire::{CredentialView, IdentityJson, IdentityView};
use model::{
    Credential, CredentialType, Cx, Identity, IdentityId, Problem, RawJson, Timestamp, Uuid, ZERO_TIME, message,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use store::{CommitError, IdentityFilter, IdentityList, IdentityPage, Store, StoreError, Tx, to_microseconds};

use crate::admin::{CreateIdentity, SuppliedAddress, UpdateIdentity, set_external_id, set_state};
use crate::creation::Creation;
use crate::derive::{self, new_credential};
use crate::document::Document;
use crate::import::Import;
use crate::schema::{self, Schemas, TraitError};
use crate::{credentials, patch};

/// How often a change is tried again when someone else changed the identity at the same time.
const ATTEMPTS: usize = 4;

/// The most bytes of JSON that traits may have, whoever writes them. Those that are larger already may stay so.
const MAX_TRAITS: usize = 1 << 20;

/// Everything that is done with identities. Made anew for each configuration.
#[derive(Clone)]
pub struct Identities {
    pub(crate) store: Store,
    schemas: Arc<Schemas>,
    rules: FactorRules,
    hasher: Hasher,
    pool: HashingPool,
}

/// The hasher that `hashers` describes.
pub fn hasher(config: &Hashers) -> Hasher {
    match config.algorithm {
        HashAlgorithm::Bcrypt => Hasher::Bcrypt { cost: config.bcrypt_cost },
        HashAlgorithm::Argon2 => Hasher::Argon2 {
            memory_bytes: config.argon2.memory,
            iterations: config.argon2.iterations,
            parallelism: config.argon2.parallelism.into(),
            salt_length: config.argon2.salt_length as usize,
            key_length: config.argon2.key_length as usize,
        },
    }
}

impl Identities {
    /// The identities in `store`, under the rules of `config`. `pool` is shared with whoever else hashes passwords.
    pub fn new(store: Store, schemas: Arc<Schemas>, config: &Config, pool: HashingPool) -> Self {
        let methods = &config.selfservice.methods;
        let rules = FactorRules {
            code_passwordless: methods.code.passwordless_enabled,
            code_mfa: methods.code.is_second_factor(),
            password_migration: methods.password.migrate_hook.is_some(),
        };
        Self { store, schemas, rules, hasher: hasher(&config.hashers), pool }
    }

    /// The identity schemas.
    pub fn schemas(&self) -> &Schemas {
        &self.schemas
    }

    /// What the configuration says about factors.
    pub fn rules(&self) -> &FactorRules {
        &self.rules
    }

    /// How new passwords are hashed.
    pub fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    /// Where passwords are hashed and verified.
    pub fn pool(&self) -> &HashingPool {
        &self.pool
    }

    /// See [`Schemas::selectable`].
    ///
    /// # Errors
    /// 400 for a schema that is unknown or not to be chosen.
    pub fn selectable_schema(&self, id: &str) -> Result<String, Problem> {
        self.schemas.selectable(id)
    }

    /// Checks the traits against their schema, and brings identifiers, addresses and the highest assurance level in line
    /// with them. Traits are to be objects; the credentials have to be loaded.
    ///
    /// # Errors
    /// Everything that is wrong with the traits. The identity is unchanged then.
    pub fn validate(&self, cx: &Cx, identity: &mut Identity) -> Result<(), Vec<TraitError>> {
        let Some(schema) = self.schemas.get(&identity.schema_id) else {
            let reason = format!("There is no identity schema {:?} any more.", identity.schema_id);
            return Err(vec![TraitError::new("", message::generic(reason))]);
        };
        let document = Value::Object(Map::from_iter([("traits".to_owned(), identity.traits.to_value())]));
        let errors = schema.check(&document);
        if !errors.is_empty() {
            return Err(errors);
        }
        derive::apply(cx, schema, &document, identity)?;
        identity.available_aal = Some(factors::available_aal(&identity.credentials, &self.rules));
        Ok(())
    }

    /// Writes a new identity, which has been validated, as part of `tx`. Committing it fails as a unique violation when
    /// another identity has one of its identifiers or addresses.
    pub fn insert(&self, cx: &Cx, identity: &mut Identity, tx: &mut Tx) {
        identity.available_aal = Some(factors::available_aal(&identity.credentials, &self.rules));
        identity.created_at = to_microseconds(identity.created_at);
        identity.updated_at = to_microseconds(identity.updated_at);
        tx.insert_identity(&cx.entropy, identity);
    }

    /// Writes what changed between the stored identity `before` and `after`, which has been validated, as part of `tx`.
    /// Committing it fails as stale when someone else changed the identity since `before` was read.
    pub fn save(&self, cx: &Cx, before: &Identity, after: &mut Identity, tx: &mut Tx) {
        after.available_aal = Some(factors::available_aal(&after.credentials, &self.rules));
        // Two changes within a microsecond must not look like none.
        let now = to_microseconds(cx.now());
        after.updated_at = now.max(before.updated_at);
        if after.updated_at == before.updated_at {
            after.updated_at = before.updated_at.saturating_add(model::SignedDuration::from_micros(1)).unwrap_or(now);
        }
        tx.update_identity(&cx.entropy, before, after);
    }

    /// Makes an identity of what the admin API was sent, without checking its traits or storing it.
    ///
    /// # Errors
    /// 400 for an unknown schema, state or hash format and for what is too long; 503 when too many passwords are being
    /// hashed.
    async fn build(&self, cx: &Cx, body: CreateIdentity) -> Result<Identity, Problem> {
        let schema = self.schemas.get(&body.schema_id).ok_or_else(|| schema::unknown(&body.schema_id))?;
        let traits = body.traits.unwrap_or_else(RawJson::empty_object);
        let id = IdentityId::random(&cx.entropy);
        let mut identity = Identity::new(id, schema.id().to_owned(), traits, to_microseconds(cx.now()));
        identity.state_changed_at = Some(cx.now());
        set_external_id(&mut identity, body.external_id)?;
        if !body.state.is_empty() {
            set_state(cx, &mut identity, &body.state)?;
        }
        identity.metadata_public = body.metadata_public;
        identity.metadata_admin = body.metadata_admin;
        identity.organization_id = body.organization_id.filter(|id| !id.is_nil());
        let supplied =
            |list: Option<Vec<SuppliedAddress>>| list.unwrap_or_default().into_iter().map(SuppliedAddress::into_new);
        identity.verifiable_addresses =
            supplied(body.verifiable_addresses).map(|address| address.verifiable(cx)).collect();
        identity.recovery_addresses = supplied(body.recovery_addresses).map(|address| address.recovery(cx)).collect();
        if let Some(credentials) = &body.credentials {
            self.import(cx).add(&mut identity, credentials).await?;
        }
        Ok(identity)
    }

    /// Validates and stores an identity that `build` made.
    ///
    /// # Errors
    /// When the database fails.
    async fn store_new(&self, cx: &Cx, mut identity: Identity) -> Result<Creation, Problem> {
        if let Err(problem) = ensure_bounded(None, &identity) {
            return Ok(Creation::Invalid(problem));
        }
        if let Err(errors) = self.validate(cx, &mut identity) {
            return Ok(Creation::Invalid(trait_problem(&errors)));
        }
        let mut tx = Tx::new();
        self.insert(cx, &mut identity, &mut tx);
        Ok(match self.store.commit(tx).await {
            Ok(()) => Creation::Created(Box::new(identity)),
            Err(error @ CommitError::Unique(_)) => Creation::Conflicting(
                Problem::conflict("Another identity has one of these identifiers or addresses.").log(error),
            ),
            Err(CommitError::Store(error @ StoreError::Unstorable(_))) => Creation::Invalid(error.into()),
            Err(CommitError::Store(error)) => return Err(error.into()),
            Err(error) => Creation::Conflicting(error.into()),
        })
    }

    /// Creates an identity: `POST /admin/identities`.
    ///
    /// # Errors
    /// 400 for an unknown schema, state or hash format, for what is too long and for traits that do not follow the schema;
    /// 409 when another identity has one of the identifiers, an address or the external id; 503 when too many passwords
    /// are being hashed.
    pub async fn create(&self, cx: &Cx, body: CreateIdentity) -> Result<Identity, Problem> {
        let identity = self.build(cx, body).await?;
        match self.store_new(cx, identity).await? {
            Creation::Created(identity) => Ok(*identity),
            Creation::Invalid(problem) | Creation::Conflicting(problem) => Err(problem),
        }
    }

    /// Creates many identities: `PATCH /admin/identities`. One that cannot be created does not keep the others out, and
    /// the outcomes stand in the order of `bodies`. Nothing is stored before all passwords are hashed.
    ///
    /// # Errors
    /// 400 for an unknown state or hash format and for what is too long, and 503 when too many passwords are being hashed:
    /// nothing is stored then. When the database fails; those before it stay.
    pub async fn create_many(&self, cx: &Cx, bodies: Vec<CreateIdentity>) -> Result<Vec<Creation>, Problem> {
        let mut built = Vec::with_capacity(bodies.len());
        for body in bodies {
            // An unknown schema is the matter of this one alone; credentials that cannot be imported are everyone's.
            built.push(match self.schemas.get(&body.schema_id) {
                Some(_) => Ok(self.build(cx, body).await?),
                None => Err(schema::unknown(&body.schema_id)),
            });
        }
        let mut outcomes = Vec::with_capacity(built.len());
        for built in built {
            outcomes.push(match built {
                Ok(identity) => self.store_new(cx, identity).await?,
                Err(problem) => Creation::Invalid(problem),
            });
        }
        Ok(outcomes)
    }

    /// The identity with its credentials, in today's form.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn with_credentials(&self, id: IdentityId) -> Result<Option<Identity>, StoreError> {
        Ok(self.store.find_identity_with_credentials(id).await?.map(upgraded))
    }

    /// The identity with its credentials.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn get(&self, id: IdentityId) -> Result<Identity, Problem> {
        self.with_credentials(id).await?.ok_or_else(Problem::not_found)
    }

    /// The identity that the operator knows by this id, with its credentials.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn get_by_external_id(&self, external_id: &str) -> Result<Identity, Problem> {
        let found = self.store.find_identity_by_external_id(external_id).await?;
        found.map(upgraded).ok_or_else(Problem::not_found)
    }

    /// Lists identities by id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(
        &self,
        filter: &IdentityFilter,
        page: IdentityPage,
        with_credentials: bool,
    ) -> Result<IdentityList, Problem> {
        let mut list = self.store.list_identities(filter, page, with_credentials).await?;
        list.identities.iter_mut().for_each(credentials::upgrade);
        Ok(list)
    }

    /// How many identities there are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count(&self) -> Result<u64, Problem> {
        Ok(self.store.count_identities().await?)
    }

    /// Replaces an identity: `PUT /admin/identities/{id}`.
    ///
    /// # Errors
    /// 404 when there is none, 400 for what is invalid, 409 for identifiers or addresses of someone else's.
    pub async fn update(&self, cx: &Cx, id: IdentityId, body: UpdateIdentity) -> Result<Identity, Problem> {
        // Hashing comes before the attempts, since it takes long.
        let mut imported = self.get(id).await?;
        imported.credentials.retain(|kind, _| matches!(kind, CredentialType::Oidc | CredentialType::Saml));
        let linked: Vec<_> = imported.credentials.keys().copied().collect();
        if let Some(credentials) = &body.credentials {
            self.import(cx).add(&mut imported, credentials).await?;
        }
        let mut identity = self
            .change(cx, id, |identity| {
                if !body.schema_id.is_empty() {
                    let schema = self.schemas.get(&body.schema_id).ok_or_else(|| schema::unknown(&body.schema_id))?;
                    identity.schema_id = schema.id().to_owned();
                }
                if !body.state.is_empty() {
                    set_state(cx, identity, &body.state)?;
                }
                identity.traits = body.traits.clone().unwrap_or_else(RawJson::empty_object);
                identity.metadata_public.clone_from(&body.metadata_public);
                identity.metadata_admin.clone_from(&body.metadata_admin);
                set_external_id(identity, body.external_id.clone())?;
                if body.credentials.is_some() {
                    take_over(identity, &imported.credentials);
                }
                Ok(())
            })
            .await?;
        if body.credentials.is_some() {
            // As in Kratos the answer does not know yet when they were written.
            let is_new = |kind: &CredentialType| imported.credentials.contains_key(kind) && !linked.contains(kind);
            for credential in identity.credentials.values_mut().filter(|credential| is_new(&credential.kind)) {
                (credential.created_at, credential.updated_at) = (ZERO_TIME, ZERO_TIME);
            }
        }
        Ok(identity)
    }

    /// Applies a JSON Patch: `PATCH /admin/identities/{id}`. The patched document is the identity as the admin API
    /// prints it, with all credentials.
    ///
    /// # Errors
    /// 404 when there is none, 400 for a patch that cannot be applied or leaves something invalid, 409 for identifiers or
    /// addresses of someone else's.
    pub async fn patch(&self, cx: &Cx, id: IdentityId, operations: &Document) -> Result<Identity, Problem> {
        self.change(cx, id, |identity| {
            let view = IdentityView::Admin(CredentialView::WithConfig);
            let json = IdentityJson { identity, public_base_url: "", view, reveal: &CredentialType::ALL };
            let document = serde_json::to_string(&json).map_err(Problem::internal)?;
            let mut document = Document::parse(&document).map_err(Problem::internal)?;
            let failed = |why: String| Problem::bad_request("The JSON Patch cannot be applied.").message(why);
            patch::apply(&mut document, operations).map_err(|error| failed(error.to_string()))?;
            let patched: Patched =
                serde_json::from_str(&document.to_string()).map_err(|error| failed(error.to_string()))?;
            patched.apply(cx, identity, &self.schemas)
        })
        .await
    }

    /// Deletes an identity and all that belongs to it.
    ///
    /// # Errors
    /// 404 when there is none.
    pub async fn delete(&self, id: IdentityId) -> Result<(), Problem> {
        let mut tx = Tx::new();
        tx.delete_identity(id);
        match self.store.commit(tx).await {
            Ok(()) => Ok(()),
            Err(CommitError::Stale(_)) => Err(Problem::not_found()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a credential: `DELETE /admin/identities/{id}/credentials/{type}`. `identifier`, `provider:subject`, says
    /// which account at a provider is meant.
    ///
    /// # Errors
    /// 404 when the identity or the credential is missing; 400 when it may not be removed.
    pub async fn delete_credential(
        &self,
        cx: &Cx,
        id: IdentityId,
        kind: &str,
        identifier: Option<&str>,
    ) -> Result<(), Problem> {
        self.change(cx, id, |identity| credentials::remove(identity, kind, identifier, &self.rules)).await.map(drop)
    }

    /// Reads an identity, changes, validates and stores it; all over again when someone else changed it meanwhile.
    async fn change(
        &self,
        cx: &Cx,
        id: IdentityId,
        change: impl Fn(&mut Identity) -> Result<(), Problem>,
    ) -> Result<Identity, Problem> {
        let mut stale = Problem::not_found();
        for _ in 0..ATTEMPTS {
            let Some(before) = self.store.find_identity_with_credentials(id).await? else {
                return Err(Problem::not_found());
            };
            let mut after = upgraded(before.clone());
            change(&mut after)?;
            ensure_bounded(Some(&before), &after)?;
            self.validate_change(cx, &before, &mut after).map_err(|errors| trait_problem(&errors))?;
            let mut tx = Tx::new();
            self.save(cx, &before, &mut after, &mut tx);
            match self.store.commit(tx).await {
                Ok(()) => return Ok(after),
                Err(error @ CommitError::Stale(_)) => stale = error.into(),
                Err(error @ CommitError::Unique(_)) => return Err(Problem::new(409).log(error)),
                Err(error) => return Err(error.into()),
            }
        }
        Err(stale)
    }

    fn import<'a>(&'a self, cx: &'a Cx) -> Import<'a> {
        Import { cx, hasher: &self.hasher, pool: &self.pool }
    }
}

fn upgraded(mut identity: Identity) -> Identity {
    credentials::upgrade(&mut identity);
    identity
}

/// Puts imported credentials in the place of the stored ones, which keep their ids and identifiers.
fn take_over(identity: &mut Identity, imported: &BTreeMap<CredentialType, Credential>) {
    for (kind, new) in imported {
        match identity.credentials.get_mut(kind) {
            Some(stored) => {
                stored.config = new.config.clone();
                stored.version = new.version;
                if *kind != CredentialType::Password {
                    stored.identifiers.clone_from(&new.identifiers);
                }
            }
            None => drop(identity.credentials.insert(*kind, new.clone())),
        }
    }
}

/// 400 for traits that are too large, unless they were as large before.
fn ensure_bounded(before: Option<&Identity>, after: &Identity) -> Result<(), Problem> {
    let size = |identity: &Identity| identity.traits.as_str().len();
    if size(after) > before.map_or(MAX_TRAITS, |before| size(before).max(MAX_TRAITS)) {
        let (actual, most) = (size(after), MAX_TRAITS);
        return Err(Problem::bad_request(format!("The traits have {actual} bytes, and {most} are the most.")));
    }
    Ok(())
}

/// 400 that says what is wrong with the traits, in one sentence each.
fn trait_problem(errors: &[TraitError]) -> Problem {
    let sentences = errors.iter().map(|error| match error.pointer.as_str() {
        "" => error.message.text.to_string(),
        pointer => format!("{pointer}: {}", error.message.text),
    });
    Problem::bad_request(sentences.collect::<Vec<_>>().join(" "))
}

/// The members of a patched identity that can change.
#[derive(Deserialize)]
struct Patched {
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    schema_id: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    state_changed_at: Option<Timestamp>,
    #[serde(default)]
    traits: Option<RawJson>,
    #[serde(default)]
    verifiable_addresses: Option<Vec<SuppliedAddress>>,
    #[serde(default)]
    recovery_addresses: Option<Vec<SuppliedAddress>>,
    #[serde(default)]
    metadata_public: Option<RawJson>,
    #[serde(default)]
    metadata_admin: Option<RawJson>,
    #[serde(default)]
    organization_id: Option<Uuid>,
    #[serde(default)]
    credentials: Option<BTreeMap<CredentialType, PatchedCredential>>,
}

#[derive(Deserialize)]
struct PatchedCredential {
    #[serde(default)]
    identifiers: Option<Vec<String>>,
    #[serde(default)]
    config: Value,
    #[serde(default)]
    version: Option<i32>,
}

impl Patched {
    fn apply(self, cx: &Cx, identity: &mut Identity, schemas: &Schemas) -> Result<(), Problem> {
        set_external_id(identity, self.external_id.unwrap_or_default())?;
        // One that is not there any more may stay.
        if self.schema_id != identity.schema_id {
            let schema = schemas.get(&self.schema_id).ok_or_else(|| schema::unknown(&self.schema_id))?;
            identity.schema_id = schema.id().to_owned();
        }
        identity.state_changed_at = self.state_changed_at;
        set_state(cx, identity, &self.state)?;
        identity.organization_id = self.organization_id.filter(|id| !id.is_nil());
        identity.traits = self.traits.unwrap_or_else(RawJson::empty_object);
        identity.metadata_public = self.metadata_public;
        identity.metadata_admin = self.metadata_admin;
        let verifiable = self.verifiable_addresses.unwrap_or_default().into_iter();
        identity.verifiable_addresses = verifiable.map(|address| address.verifiable(cx)).collect();
        let recovery = self.recovery_addresses.unwrap_or_default().into_iter();
        identity.recovery_addresses = recovery.map(|address| address.recovery(cx)).collect();
        let patched = self.credentials.unwrap_or_default();
        identity.credentials.retain(|kind, _| patched.contains_key(kind));
        for (kind, new) in patched {
            let credential = identity.credentials.entry(kind).or_insert_with(|| new_credential(cx, kind, 0));
            new.apply(credential);
        }
        Ok(())
    }
}

impl PatchedCredential {
    fn apply(self, credential: &mut Credential) {
        credential.identifiers = self.identifiers.unwrap_or_default();
        credential.version = self.version.unwrap_or(credential.version);
        if credential.config.to_value() != self.config {
            let config = if self.config.is_null() { Value::Object(Map::new()) } else { self.config };
            credential.config = RawJson::from_value(&config);
        }
    }
}
