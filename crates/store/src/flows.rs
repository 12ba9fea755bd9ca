//! Self-service flows: five tables of one shape, each with a few columns of its own.

use model::flow::{FlowKind, Login, Recovery, Registration, Settings, Verification};
use model::{Aal, Flow, FlowClient, FlowState, Id, RawJson};
use serde_json::{Map, Value as Json};

use crate::error::StoreError;
use crate::row::Columns;
use crate::statement::Statement;
use crate::value::Value;
use crate::{Store, Tx};

/// The statements of one kind of flow, and the columns that only it has.
///
/// Every SELECT begins with `id, type, request_url, issued_at, expires_at, state, active_method, ui, created_at,
/// updated_at`; every INSERT takes these as `?2` to `?11`; every UPDATE takes `id, state, active_method, ui,
/// updated_at` as `?2` to `?6`. The kind's own columns follow.
pub trait FlowTable: FlowKind + Sized {
    #[doc(hidden)]
    fn statements() -> &'static FlowStatements;
    #[doc(hidden)]
    fn inserted(flow: &Flow<Self>) -> Vec<Value>;
    #[doc(hidden)]
    fn updated(flow: &Flow<Self>) -> Vec<Value>;
    #[doc(hidden)]
    fn read(columns: &mut Columns<'_>) -> Result<Own<Self>, StoreError>;
    /// Whether "no method yet" is an empty text rather than NULL.
    #[doc(hidden)]
    const ACTIVE_METHOD_IS_NOT_NULL: bool = false;
}

#[doc(hidden)]
pub struct FlowStatements {
    select: Statement,
    insert: Statement,
    update: Statement,
    count_attempt: Option<Statement>,
    replace_context: Option<Statement>,
}

/// What the kind's own columns hold.
#[doc(hidden)]
pub struct Own<K> {
    csrf_token: String,
    internal_context: Map<String, Json>,
    detail: K,
}

static LOGIN: FlowStatements = FlowStatements {
    select: Statement::new(
        "login_flows.by_id",
        "SELECT id, type, request_url, issued_at, expires_at, state, active_method, ui, created_at, updated_at,
                csrf_token, internal_context, forced, requested_aal, oauth2_login_challenge_data, organization_id,
                identity_schema_id, submit_count
         FROM selfservice_login_flows WHERE nid = ?1 AND id = ?2",
    ),
    insert: Statement::new(
        "login_flows.insert",
        "INSERT INTO selfservice_login_flows
           (nid, id, type, request_url, issued_at, expires_at, state, active_method, ui, created_at, updated_at,
            csrf_token, internal_context, forced, requested_aal, oauth2_login_challenge_data, organization_id,
            identity_schema_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
    ),
    update: Statement::new(
        "login_flows.update",
        "UPDATE selfservice_login_flows
         SET state = ?3, active_method = ?4, ui = ?5, updated_at = ?6, csrf_token = ?7, internal_context = ?8,
             organization_id = ?9, identity_schema_id = ?10
         WHERE nid = ?1 AND id = ?2",
    ),
    count_attempt: Some(Statement::new(
        "login_flows.count_attempt",
        "UPDATE selfservice_login_flows SET submit_count = submit_count + 1 WHERE nid = ?1 AND id = ?2
         RETURNING submit_count",
    )),
    replace_context: Some(
        Statement::new(
            "login_flows.replace_context",
            "UPDATE selfservice_login_flows SET internal_context = ?4
             WHERE nid = ?1 AND id = ?2 AND json(internal_context) = json(?3)",
        )
        .postgres(
            "UPDATE selfservice_login_flows SET internal_context = ?4
             WHERE nid = ?1 AND id = ?2 AND internal_context = ?3",
        ),
    ),
};

static REGISTRATION: FlowStatements = FlowStatements {
    select: Statement::new(
        "registration_flows.by_id",
        "SELECT id, type, request_url, issued_at, expires_at, state, active_method, ui, created_at, updated_at,
                csrf_token, internal_context, oauth2_login_challenge_data, organization_id, identity_schema_id,
                submit_count
         FROM selfservice_registration_flows WHERE nid = ?1 AND id = ?2",
    ),
    insert: Statement::new(
        "registration_flows.insert",
        "INSERT INTO selfservice_registration_flows
           (nid, id, type, request_url, issued_at, expires_at, state, active_method, ui, created_at, updated_at,
            csrf_token, internal_context, oauth2_login_challenge_data, organization_id, identity_schema_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    ),
    update: Statement::new(
        "registration_flows.update",
        "UPDATE selfservice_registration_flows
         SET state = ?3, active_method = ?4, ui = ?5, updated_at = ?6, csrf_token = ?7, internal_context = ?8,
             organization_id = ?9, identity_schema_id = ?10
         WHERE nid = ?1 AND id = ?2",
    ),
    count_attempt: Some(Statement::new(
        "registration_flows.count_attempt",
        "UPDATE selfservice_registration_flows SET submit_count = submit_count + 1 WHERE nid = ?1 AND id = ?2
         RETURNING submit_count",
    )),
    replace_context: Some(
        Statement::new(
            "registration_flows.replace_context",
            "UPDATE selfservice_registration_flows SET internal_context = ?4
             WHERE nid = ?1 AND id = ?2 AND json(internal_context) = json(?3)",
        )
        .postgres(
            "UPDATE selfservice_registration_flows SET internal_context = ?4
             WHERE nid = ?1 AND id = ?2 AND internal_context = ?3",
        ),
    ),
};

static SETTINGS: FlowStatements = FlowStatements {
    select: Statement::new(
        "settings_flows.by_id",
        "SELECT id, type, request_url, issued_at, expires_at, state, active_method, ui, created_at, updated_at,
                internal_context, identity_id
         FROM selfservice_settings_flows WHERE nid = ?1 AND id = ?2",
    ),
    insert: Statement::new(
        "settings_flows.insert",
        "INSERT INTO selfservice_settings_flows
           (nid, id, type, request_url, issued_at, expires_at, state, active_method, ui, created_at, updated_at,
            internal_context, identity_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    ),
    update: Statement::new(
        "settings_flows.update",
        "UPDATE selfservice_settings_flows
         SET state = ?3, active_method = ?4, ui = ?5, updated_at = ?6, internal_context = ?7
         WHERE nid = ?1 AND id = ?2",
    ),
    count_attempt: None,
    replace_context: Some(
        Statement::new(
            "settings_flows.replace_context",
            "UPDATE selfservice_settings_flows SET internal_context = ?4
             WHERE nid = ?1 AND id = ?2 AND json(internal_context) = json(?3)",
        )
        .postgres(
            "UPDATE selfservice_settings_flows SET internal_context = ?4
             WHERE nid = ?1 AND id = ?2 AND internal_context = ?3",
        ),
    ),
};

static RECOVERY: FlowStatements = FlowStatements {
    select: Statement::new(
        "recovery_flows.by_id",
        "SELECT id, type, request_url, issued_at, expires_at, state, active_method, ui, created_at, updated_at,
                csrf_token, recovered_identity_id, skip_csrf_check, submit_count
         FROM selfservice_recovery_flows WHERE nid = ?1 AND id = ?2",
    ),
    insert: Statement::new(
        "recovery_flows.insert",
        "INSERT INTO selfservice_recovery_flows
           (nid, id, type, request_url, issued_at, expires_at, state, active_method, ui, created_at, updated_at,
            csrf_token, recovered_identity_id, skip_csrf_check)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    ),
    update: Statement::new(
        "recovery_flows.update",
        "UPDATE selfservice_recovery_flows
         SET state = ?3, active_method = ?4, ui = ?5, updated_at = ?6, csrf_token = ?7, recovered_identity_id = ?8
         WHERE nid = ?1 AND id = ?2",
    ),
    count_attempt: Some(Statement::new(
        "recovery_flows.count_attempt",
        "UPDATE selfservice_recovery_flows SET submit_count = submit_count + 1 WHERE nid = ?1 AND id = ?2
         RETURNING submit_count",
    )),
    replace_context: None,
};

static VERIFICATION: FlowStatements = FlowStatements {
    select: Statement::new(
        "verification_flows.by_id",
        "SELECT id, type, request_url, issued_at, expires_at, state, active_method, ui, created_at, updated_at,
                csrf_token, oauth2_login_challenge, session_id, identity_id, authentication_methods, submit_count
         FROM selfservice_verification_flows WHERE nid = ?1 AND id = ?2",
    ),
    insert: Statement::new(
        "verification_flows.insert",
        "INSERT INTO selfservice_verification_flows
           (nid, id, type, request_url, issued_at, expires_at, state, active_method, ui, created_at, updated_at,
            csrf_token, oauth2_login_challenge, session_id, identity_id, authentication_methods)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    ),
    update: Statement::new(
        "verification_flows.update",
        "UPDATE selfservice_verification_flows
         SET state = ?3, active_method = ?4, ui = ?5, updated_at = ?6, csrf_token = ?7
         WHERE nid = ?1 AND id = ?2",
    ),
    count_attempt: Some(Statement::new(
        "verification_flows.count_attempt",
        "UPDATE selfservice_verification_flows SET submit_count = submit_count + 1 WHERE nid = ?1 AND id = ?2
         RETURNING submit_count",
    )),
    replace_context: None,
};

/// Every statement of this file.
pub(crate) fn statements() -> impl Iterator<Item = &'static Statement> {
    [&LOGIN, &REGISTRATION, &SETTINGS, &RECOVERY, &VERIFICATION].into_iter().flat_map(|kind| {
        let own = kind.count_attempt.iter().chain(&kind.replace_context);
        [&kind.select, &kind.insert, &kind.update].into_iter().chain(own)
    })
}

impl Store {
    /// A flow by its id; `None` when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn flow<K: FlowTable>(&self, id: Id<Flow<K>>) -> Result<Option<Flow<K>>, StoreError> {
        let row = self.fetch_one(&K::statements().select, &[id.into()]).await?;
        row.map(|row| read(&mut row.columns())).transpose()
    }

    /// Counts one more attempt at a code of this flow, and says how many there have been. Committed by itself, before
    /// the code is looked at, so that attempts made at the same time all count.
    ///
    /// # Errors
    /// When the database fails, or the flow is gone.
    pub async fn count_attempt<K: FlowTable>(&self, id: Id<Flow<K>>) -> Result<i32, crate::CommitError> {
        let mut tx = Tx::new();
        let statement = K::statements().count_attempt.as_ref();
        tx.change_one(statement.ok_or(crate::CommitError::Stale("count_attempt"))?, [id.into()]);
        let rows = self.commit_rows(tx).await?;
        let row = rows.first().and_then(|rows| rows.first()).ok_or(crate::CommitError::Stale("count_attempt"))?;
        Ok(row.columns().next()?)
    }
}

impl Tx {
    /// Keeps a new flow.
    pub fn insert_flow<K: FlowTable>(&mut self, flow: &Flow<K>) {
        let mut parameters = vec![
            flow.id.into(),
            flow.client.as_str().into(),
            flow.request_url.as_str().into(),
            flow.issued_at.into(),
            flow.expires_at.into(),
            flow.state.as_str().into(),
            active_method::<K>(flow),
            ui(flow),
            flow.created_at.into(),
            flow.updated_at.into(),
        ];
        parameters.extend(K::inserted(flow));
        self.run(&K::statements().insert, parameters);
    }

    /// Uses up something that the flow kept, a challenge say: keeps its context, provided that the stored one is still
    /// `before`. Of several requests with one answer only the first gets past this; for the others the transaction
    /// fails as spent. Kratos' rows on SQLite are text that may be spaced otherwise than ours.
    pub fn replace_flow_context<K: FlowTable>(&mut self, flow: &Flow<K>, before: &Map<String, Json>) {
        let Some(statement) = &K::statements().replace_context else { return };
        let before = Value::Json(Json::Object(before.clone()).to_string());
        self.use_up(statement, [flow.id.into(), before, internal_context(flow)]);
    }

    /// Keeps what has become of a flow. The transaction fails if the flow is gone.
    pub fn update_flow<K: FlowTable>(&mut self, flow: &Flow<K>) {
        let mut parameters = vec![
            flow.id.into(),
            flow.state.as_str().into(),
            active_method::<K>(flow),
            ui(flow),
            flow.updated_at.into(),
        ];
        parameters.extend(K::updated(flow));
        self.change_one(&K::statements().update, parameters);
    }
}

fn read<K: FlowTable>(columns: &mut Columns<'_>) -> Result<Flow<K>, StoreError> {
    let id = columns.next()?;
    let client = columns.parsed(|name| match name {
        "browser" => Some(FlowClient::Browser),
        "api" => Some(FlowClient::Api),
        _ => None,
    })?;
    let request_url: String = columns.next()?;
    let (issued_at, expires_at) = (columns.next()?, columns.next()?);
    let state: Option<String> = columns.optional()?;
    let active: Option<String> = columns.optional()?;
    let form: RawJson = columns.next()?;
    let ui = serde_json::from_str(form.as_str())
        .map_err(|error| StoreError::corrupt(format!("the form of a {} flow: {error}", K::NAME.as_str())))?;
    let (created_at, updated_at) = (columns.next()?, columns.next()?);
    let Own { csrf_token, internal_context, detail } = K::read(columns)?;
    Ok(Flow {
        id,
        client,
        return_to: return_to(&request_url),
        request_url,
        issued_at,
        expires_at,
        // Flows from before Kratos v1.1 have no state.
        state: state.as_deref().and_then(FlowState::parse).unwrap_or(FlowState::ChooseMethod),
        active: active.filter(|method| !method.is_empty()),
        ui,
        csrf_token,
        internal_context,
        created_at,
        updated_at,
        detail,
        transient_payload: None,
    })
}

/// The `return_to` that the flow was opened with.
fn return_to(request_url: &str) -> Option<String> {
    let url = url::Url::parse(request_url).ok()?;
    url.query_pairs().find(|(key, _)| key == "return_to").map(|(_, value)| value.into_owned()).filter(|v| !v.is_empty())
}

fn ui<K: FlowKind>(flow: &Flow<K>) -> Value {
    Value::Json(serde_json::to_string(&flow.ui).unwrap_or_default())
}

fn active_method<K: FlowTable>(flow: &Flow<K>) -> Value {
    match &flow.active {
        Some(method) => method.into(),
        None if K::ACTIVE_METHOD_IS_NOT_NULL => "".into(),
        None => Value::Null,
    }
}

fn internal_context<K: FlowKind>(flow: &Flow<K>) -> Value {
    Value::Json(Json::Object(flow.internal_context.clone()).to_string())
}

impl FlowTable for Login {
    const ACTIVE_METHOD_IS_NOT_NULL: bool = true;

    fn statements() -> &'static FlowStatements {
        &LOGIN
    }

    fn inserted(flow: &Flow<Self>) -> Vec<Value> {
        let login = &flow.detail;
        vec![
            flow.csrf_token.as_str().into(),
            internal_context(flow),
            login.refresh.into(),
            login.requested_aal.as_str().into(),
            login.oauth2_login_challenge.as_ref().into(),
            login.organization_id.into(),
            login.identity_schema.as_ref().into(),
        ]
    }

    fn updated(flow: &Flow<Self>) -> Vec<Value> {
        let login = &flow.detail;
        let (organization, schema) = (login.organization_id.into(), login.identity_schema.as_ref().into());
        vec![flow.csrf_token.as_str().into(), internal_context(flow), organization, schema]
    }

    fn read(columns: &mut Columns<'_>) -> Result<Own<Self>, StoreError> {
        Ok(Own {
            csrf_token: columns.next()?,
            internal_context: columns.json()?,
            detail: Self {
                refresh: columns.next()?,
                requested_aal: columns.parsed(Aal::parse)?,
                oauth2_login_challenge: columns.optional()?,
                organization_id: columns.optional()?,
                identity_schema: columns.optional()?,
                submit_count: columns.next()?,
            },
        })
    }
}

impl FlowTable for Registration {
    const ACTIVE_METHOD_IS_NOT_NULL: bool = true;

    fn statements() -> &'static FlowStatements {
        &REGISTRATION
    }

    fn inserted(flow: &Flow<Self>) -> Vec<Value> {
        let registration = &flow.detail;
        vec![
            flow.csrf_token.as_str().into(),
            internal_context(flow),
            registration.oauth2_login_challenge.as_ref().into(),
            registration.organization_id.into(),
            registration.identity_schema.as_ref().into(),
        ]
    }

    fn updated(flow: &Flow<Self>) -> Vec<Value> {
        let registration = &flow.detail;
        let (organization, schema) =
            (registration.organization_id.into(), registration.identity_schema.as_ref().into());
        vec![flow.csrf_token.as_str().into(), internal_context(flow), organization, schema]
    }

    fn read(columns: &mut Columns<'_>) -> Result<Own<Self>, StoreError> {
        Ok(Own {
            csrf_token: columns.next()?,
            internal_context: columns.json()?,
            detail: Self {
                oauth2_login_challenge: columns.optional()?,
                organization_id: columns.optional()?,
                identity_schema: columns.optional()?,
                submit_count: columns.next()?,
            },
        })
    }
}

impl FlowTable for Settings {
    fn statements() -> &'static FlowStatements {
        &SETTINGS
    }

    fn inserted(flow: &Flow<Self>) -> Vec<Value> {
        vec![internal_context(flow), flow.detail.identity_id.into()]
    }

    fn updated(flow: &Flow<Self>) -> Vec<Value> {
        vec![internal_context(flow)]
    }

    fn read(columns: &mut Columns<'_>) -> Result<Own<Self>, StoreError> {
        Ok(Own {
            csrf_token: String::new(),
            internal_context: columns.json()?,
            detail: Self { identity_id: columns.next()? },
        })
    }
}

impl FlowTable for Recovery {
    fn statements() -> &'static FlowStatements {
        &RECOVERY
    }

    fn inserted(flow: &Flow<Self>) -> Vec<Value> {
        let recovery = &flow.detail;
        vec![flow.csrf_token.as_str().into(), recovery.recovered_identity_id.into(), recovery.skip_csrf_check.into()]
    }

    fn updated(flow: &Flow<Self>) -> Vec<Value> {
        vec![flow.csrf_token.as_str().into(), flow.detail.recovered_identity_id.into()]
    }

    fn read(columns: &mut Columns<'_>) -> Result<Own<Self>, StoreError> {
        Ok(Own {
            csrf_token: columns.next()?,
            internal_context: Map::new(),
            detail: Self {
                recovered_identity_id: columns.optional()?,
                skip_csrf_check: columns.next()?,
                submit_count: columns.next()?,
            },
        })
    }
}

impl FlowTable for Verification {
    fn statements() -> &'static FlowStatements {
        &VERIFICATION
    }

    fn inserted(flow: &Flow<Self>) -> Vec<Value> {
        let verification = &flow.detail;
        let methods = model::stored_methods(&verification.authentication_methods);
        vec![
            flow.csrf_token.as_str().into(),
            verification.oauth2_login_challenge.as_ref().into(),
            verification.session_id.into(),
            verification.identity_id.into(),
            Value::Json(methods),
        ]
    }

    fn updated(flow: &Flow<Self>) -> Vec<Value> {
        vec![flow.csrf_token.as_str().into()]
    }

    fn read(columns: &mut Columns<'_>) -> Result<Own<Self>, StoreError> {
        Ok(Own {
            csrf_token: columns.next()?,
            internal_context: Map::new(),
            detail: Self {
                oauth2_login_challenge: columns.optional()?,
                session_id: columns.optional()?,
                identity_id: columns.optional()?,
                authentication_methods: columns.json()?,
                submit_count: columns.next()?,
            },
        })
    }
}
