//! Identity schemas, for whoever builds forms or checks traits.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use identity::Schema;
use model::page::{Sizes, numbered_page};
use model::{Problem, RawJson};
use serde::Serialize;
use web::{Request, json};

use crate::sessions::{add_page_headers, page_query};

/// `/schemas…`, also below `/admin`, on the public listener.
pub fn router() -> Router {
    Router::new()
        .route("/schemas", get(list))
        .route("/schemas/{id}", get(fetch))
        .route("/admin/schemas", get(list))
        .route("/admin/schemas/{id}", get(fetch))
}

#[derive(Serialize)]
struct Listed<'a> {
    id: &'a str,
    schema: RawJson,
}

/// `GET /schemas`
async fn list(request: Request) -> web::Result {
    let all = request.site().runtime.identities.schemas().all();
    let (page, size) = page_query(&request).parse(Sizes::USUAL);
    let to_usize = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
    let shown = all.iter().skip(to_usize(page.saturating_mul(size))).take(to_usize(size));
    let shown = shown.map(|schema| Ok(Listed { id: schema.id(), schema: document(schema)? }));
    let shown: Vec<_> = shown.collect::<Result<_, Problem>>()?;
    let page = numbered_page(shown, i64::try_from(all.len()).unwrap_or(i64::MAX), page, size);
    let mut response = json(StatusCode::OK, &page.items);
    add_page_headers(&request, request.query_text(), &page, &mut response);
    Ok(response)
}

/// `GET /schemas/{id}`, where the id may be written in base64, as in `schema_url`.
async fn fetch(Path(id): Path<String>, request: Request) -> web::Result {
    let schema = request.site().runtime.identities.schemas().get(&id);
    let schema = schema.ok_or_else(|| Problem::not_found().reason("There is no identity schema of this id."))?;
    Ok(json(StatusCode::OK, &document(schema)?))
}

fn document(schema: &Schema) -> Result<RawJson, Problem> {
    let value = serde_json::from_str(schema.document()).map_err(Problem::internal)?;
    Ok(RawJson::from_value(&value))
}
