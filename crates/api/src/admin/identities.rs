//! Identities, as operators see and change them.

use axum::Router;
use axum::extract::Path;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::{delete, get};
use identity::{CreateIdentity, Creation, Document, IdentityFilter, IdentityPage, UpdateIdentity};
use model::page::{Page, PageLink, Sizes, numbered_page};
use model::wire::{CredentialView, IdentityJson, IdentityView};
use model::{CredentialType, Identity, IdentityId, Problem, Uuid};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use web::{BodyError, Failure, JsonText, Request, json, json_list, no_content, parse_json, parse_object};

use crate::sessions::add_page_headers;

/// `/admin/identities…`
pub fn router() -> Router {
    Router::new()
        .route("/admin/identities", get(list).post(create).patch(patch_many))
        .route("/admin/identities/{id}", get(fetch).put(replace).patch(patch_one).delete(remove))
        .route("/admin/identities/by/external/{external_id}", get(fetch_by_external_id))
        .route("/admin/identities/{id}/credentials/{type}", delete(remove_credential))
}

/// The credential types that may be named by `include_credential`. Two are no stored type and show nothing.
const INCLUDABLE: [&str; 10] = [
    "password",
    "oidc",
    "saml",
    "totp",
    "lookup_secret",
    "webauthn",
    "code",
    "passkey",
    "link_recovery",
    "code_recovery",
];

/// At most so many identities are asked for by id.
const MAX_IDS: usize = 500;
/// How many identities a page has.
const SIZES: Sizes = Sizes { default: 250, most: 500 };
/// As far as numbered pages reach, in identities.
const MAX_OFFSET: u32 = 1000;
/// The limits of a batch.
const MAX_BATCH: usize = 1000;
const MAX_BATCH_PASSWORDS: usize = 200;

/// `GET /admin/identities`
async fn list(request: Request) -> web::Result {
    let identities = &request.site().runtime.identities;
    let reveal = included(&request)?;
    let (filter, shows_credentials) = filter(&request)?;
    let with_credentials = shows_credentials || !request.query_all("include_credential").is_empty();
    let (page, numbered) = page(&request)?;
    let list = identities.list(&filter, page, with_credentials).await?;

    let view =
        IdentityView::Admin(if reveal.is_empty() { CredentialView::WithoutConfig } else { CredentialView::WithConfig });
    let page = match numbered {
        Some((page, size)) => {
            // Kratos counts all identities, whatever was filtered for; but for an identifier it counts those it shows.
            let total = match filter {
                IdentityFilter::Identifier(_) => i64::try_from(list.identities.len()).unwrap_or(i64::MAX),
                _ => i64::try_from(identities.count().await?).unwrap_or(i64::MAX),
            };
            let mut page: Page<()> = numbered_page(Vec::new(), total, page.into(), size.into());
            page.links
                .iter_mut()
                .for_each(|link| link.parameters.retain(|(name, _)| matches!(*name, "page" | "per_page")));
            page
        }
        None => {
            let IdentityPage::After { size, .. } = page else {
                return Err(Problem::internal("a page of no kind").into());
            };
            let link = |rel, after: Uuid| PageLink {
                rel,
                parameters: vec![("page_size", size.to_string()), ("page_token", after.to_string())],
            };
            let next = list.next.map(|next| link("next", next.uuid()));
            Page {
                items: Vec::new(),
                total: None,
                links: [link("first", Uuid::nil())].into_iter().chain(next).collect(),
            }
        }
    };
    // A size by its old name alone is told by its new one.
    let is_by_token = ["page_token", "page_size"].iter().any(|name| request.query_if_set(name).is_some());
    let query: String = match numbered.is_some() || is_by_token {
        true => request.query_text().to_owned(),
        false => {
            request.query_text().split('&').filter(|pair| !pair.starts_with("per_page=")).collect::<Vec<_>>().join("&")
        }
    };
    let base = request.site().runtime.public_url().to_owned();
    let entries = list.identities.into_iter().map(move |identity| {
        let shown = IdentityJson { identity: &identity, public_base_url: &base, view, reveal: &reveal };
        [JsonText::of(&shown)]
    });
    let mut response = json_list(StatusCode::OK, entries);
    add_page_headers(&request, &query, &page, &mut response);
    Ok(response)
}

/// Which identities are asked for, and whether their credentials are shown for that alone.
fn filter(request: &Request) -> Result<(IdentityFilter, bool), Problem> {
    let mut filters = Vec::new();
    let ids = request.query_all("ids");
    if ids.len() > MAX_IDS {
        return Err(Problem::bad_request(format!("At most {MAX_IDS} identities can be asked for by id.")));
    }
    if !ids.is_empty() {
        let ids: Result<Vec<IdentityId>, Problem> =
            ids.iter().map(|id| parse_uuid(id, "ids").map(IdentityId::from_uuid)).collect();
        filters.push((IdentityFilter::Ids(ids?), false));
    }
    let identifier = request.query("credentials_identifier");
    if !identifier.is_empty() {
        filters.push((IdentityFilter::Identifier(identifier.into_owned()), true));
    }
    let prefix = request.query("preview_credentials_identifier_similar");
    if !prefix.is_empty() {
        filters.push((IdentityFilter::IdentifierPrefix(prefix.into_owned()), true));
    }
    let organization = request.query("organization_id");
    if !organization.is_empty() {
        filters.push((IdentityFilter::Organization(parse_uuid(&organization, "organization_id")?), false));
    }
    match (filters.pop(), filters.is_empty()) {
        (Some(filter), true) => Ok(filter),
        (None, _) => Ok((IdentityFilter::All, false)),
        (Some(_), false) => Err(Problem::bad_request("Only one filter can be used at once.")),
    }
}

fn parse_uuid(text: &str, parameter: &str) -> Result<Uuid, Problem> {
    text.parse()
        .map_err(|_| Problem::bad_request(format!("The parameter {parameter} is not a valid identifier (UUID).")))
}

/// Which part of the list is asked for; for numbered pages with the number and the size.
fn page(request: &Request) -> Result<(IdentityPage, Option<(u32, u32)>), Problem> {
    let get = |name| request.query_if_set(name).filter(|value| !value.is_empty());
    let size = |name| {
        let size = SIZES.read(&request.query(name));
        size.map_err(|_| Problem::bad_request(format!("The parameter {name} is not a whole number.")))
    };
    let by_token = get("page_token").is_some() || get("page_size").is_some();
    if !by_token && request.query_if_set("page").is_some() {
        // What cannot be read is the first page, as in Kratos.
        let page = get("page").and_then(|page| page.parse::<u32>().ok()).unwrap_or(0);
        let size = SIZES.read_numbered(&request.query("per_page"));
        if page.checked_mul(size).is_none_or(|offset| offset > MAX_OFFSET) {
            return Err(Problem::bad_request(format!(
                "Numbered pages end at {MAX_OFFSET} identities. Please use page_size and page_token."
            )));
        }
        return Ok((IdentityPage::Number { page, size }, Some((page, size))));
    }
    let after = match get("page_token") {
        None => Uuid::nil(),
        Some(token) => token
            .parse()
            .map_err(|_| Problem::bad_request("The page_token is not valid. Please take it from a Link header."))?,
    };
    let size = if by_token { size("page_size")? } else { size("per_page")? };
    Ok((IdentityPage::After { after, size }, None))
}

/// The credential types whose configuration is to be shown.
fn included(request: &Request) -> Result<Vec<CredentialType>, Problem> {
    let names = request.query_all("include_credential");
    if let Some(unknown) = names.iter().find(|name| !INCLUDABLE.contains(&name.as_str())) {
        let known = INCLUDABLE.join(", ");
        return Err(Problem::bad_request(format!("The parameter include_credential can be {known}; not {unknown:?}.")));
    }
    Ok(names.iter().filter_map(|name| CredentialType::parse(name)).collect())
}

fn identity_json<'a>(
    request: &'a Request,
    identity: &'a Identity,
    view: IdentityView,
    reveal: &'a [CredentialType],
) -> IdentityJson<'a> {
    IdentityJson { identity, public_base_url: request.site().runtime.public_url(), view, reveal }
}

/// An identity after it was changed.
fn written(request: &Request, status: StatusCode, identity: &Identity, credentials: CredentialView) -> Response {
    json(status, &identity_json(request, identity, IdentityView::AdminWritten(credentials), &[]))
}

/// An identifier that cannot be read belongs to nobody.
fn parse_id(id: &str) -> Result<IdentityId, Failure> {
    id.parse().map_err(|_| Problem::not_found().into())
}

/// `GET /admin/identities/{id}`
async fn fetch(Path(id): Path<String>, request: Request) -> web::Result {
    let identity = request.site().runtime.identities.get(parse_id(&id)?).await?;
    shown(&request, &identity)
}

/// `GET /admin/identities/by/external/{external_id}`
async fn fetch_by_external_id(Path(id): Path<String>, request: Request) -> web::Result {
    let identity = request.site().runtime.identities.get_by_external_id(&id).await?;
    shown(&request, &identity)
}

fn shown(request: &Request, identity: &Identity) -> web::Result {
    let reveal = included(request)?;
    let view = IdentityView::Admin(CredentialView::WithConfig);
    Ok(json(StatusCode::OK, &identity_json(request, identity, view, &reveal)))
}

/// `POST /admin/identities`
async fn create(mut request: Request) -> web::Result {
    // Kratos takes the body for JSON, whatever its content type, and says what is wrong in the message alone.
    let body = request.body().await?;
    let body: CreateIdentity = parse_object(&body).map_err(in_message)?;
    let runtime = &request.site().runtime;
    let identity = runtime.identities.create(&request.cx(), body).await?;
    let mut response = written(&request, StatusCode::CREATED, &identity, CredentialView::JustCreated);
    let location = runtime.config.serve.admin.base_url.join(&format!("/identities/{}", identity.id));
    if let Ok(location) = HeaderValue::from_str(location.as_str()) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// 400, with what is wrong in the place of the general message.
fn in_message(error: BodyError) -> Problem {
    Problem::new(400).message(error.to_string())
}

/// `PUT /admin/identities/{id}`
async fn replace(Path(id): Path<String>, mut request: Request) -> web::Result {
    let body: UpdateIdentity = request.json().await?;
    let identity = request.site().runtime.identities.update(&request.cx(), parse_id(&id)?, body).await?;
    Ok(written(&request, StatusCode::OK, &identity, CredentialView::WithoutConfig))
}

/// `PATCH /admin/identities/{id}`: a JSON Patch (RFC 6902).
async fn patch_one(Path(id): Path<String>, mut request: Request) -> web::Result {
    let body = request.body().await?;
    let id = parse_id(&id)?;
    let identities = &request.site().runtime.identities;
    let operations = match read_patch(&body) {
        Ok(operations) => operations,
        Err(error) => {
            // That there is no such identity is said first.
            identities.get(id).await?;
            return Err(Problem::from(error).into());
        }
    };
    let identity = identities.patch(&request.cx(), id, &operations).await?;
    let view = IdentityView::Admin(CredentialView::WithoutConfig);
    Ok(json(StatusCode::OK, &identity_json(&request, &identity, view, &[])))
}

/// A patch, whose numbers stay as they are written.
fn read_patch(body: &[u8]) -> Result<Document, BodyError> {
    let operations: Value = parse_json(body)?;
    // What has been read once can be read again.
    let text = std::str::from_utf8(body).unwrap_or_default();
    Ok(Document::parse(text).unwrap_or_else(|_| (&operations).into()))
}

/// `DELETE /admin/identities/{id}`
async fn remove(Path(id): Path<String>, request: Request) -> web::Result {
    request.site().runtime.identities.delete(parse_id(&id)?).await?;
    Ok(no_content())
}

/// `DELETE /admin/identities/{id}/credentials/{type}`
async fn remove_credential(Path((id, kind)): Path<(String, String)>, request: Request) -> web::Result {
    let identifier = request.query_if_set("identifier");
    let identities = &request.site().runtime.identities;
    identities.delete_credential(&request.cx(), parse_id(&id)?, &kind, identifier.as_deref()).await?;
    Ok(no_content())
}

/// The body of `PATCH /admin/identities`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    identities: Option<Vec<BatchEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchEntry {
    create: Option<CreateIdentity>,
    patch_id: Option<Uuid>,
}

#[derive(Serialize)]
struct BatchAnswer {
    identities: Vec<Option<BatchOutcome>>,
}

#[derive(Serialize)]
struct BatchOutcome {
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<IdentityId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
}

/// `PATCH /admin/identities`: creates many at once. One that cannot be created does not keep the others out.
async fn patch_many(mut request: Request) -> web::Result {
    let body = request.body().await?;
    // The envelope says 500 where HTTP says 400, as in Kratos.
    let batch: Batch = parse_object(&body).map_err(as_internal)?;
    let entries = batch.identities.unwrap_or_default();
    if entries.len() > MAX_BATCH {
        return Err(Problem::bad_request(format!("At most {MAX_BATCH} identities can be created at once.")).into());
    }
    let passwords = entries.iter().filter(|entry| entry.create.as_ref().is_some_and(brings_password)).count();
    if passwords > MAX_BATCH_PASSWORDS {
        let reason =
            format!("At most {MAX_BATCH_PASSWORDS} identities with a password in clear text can be created at once.");
        return Err(Problem::bad_request(reason).into());
    }

    let (places, bodies): (Vec<_>, Vec<_>) =
        entries.into_iter().map(|entry| ((entry.create.is_some(), entry.patch_id), entry.create)).unzip();
    let bodies = bodies.into_iter().flatten().collect();
    let created = request.site().runtime.identities.create_many(&request.cx(), bodies).await?;
    let mut created = created.into_iter();
    // An entry that creates nothing keeps its place.
    let outcome = |(creates, patch_id)| match creates {
        true => created.next().map(|creation| batch_outcome(creation, patch_id)),
        false => None,
    };
    let identities = places.into_iter().map(outcome).collect();
    Ok(json(StatusCode::OK, &BatchAnswer { identities }))
}

fn batch_outcome(creation: Creation, patch_id: Option<Uuid>) -> BatchOutcome {
    let failed = |problem: Problem| {
        let error = Some(Value::Object(problem.to_json(None)));
        BatchOutcome { action: "error", identity: None, patch_id, error }
    };
    match creation {
        Creation::Created(identity) => {
            BatchOutcome { action: "create", identity: Some(identity.id), patch_id, error: None }
        }
        Creation::Invalid(problem) => failed(problem),
        // Kratos says no more here.
        Creation::Conflicting(_) => failed(Problem::new(409)),
    }
}

fn brings_password(create: &CreateIdentity) -> bool {
    let password = create.credentials.as_ref().and_then(|credentials| credentials.password.as_ref());
    password.is_some_and(|password| password.config.is_clear_text())
}

fn as_internal(error: BodyError) -> Problem {
    Problem::new(500).message(error.to_string()).over_http(400)
}
