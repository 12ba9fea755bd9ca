//! Who is held up by failed tries, and letting them go on. Kratos has nothing like it, so the routes are ours.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use guard::{Guard, GuardRow};
use model::{Identity, IdentityId, Problem, Timestamp};
use serde::Serialize;
use web::{Request, json};

/// `/admin/zelus/guard`
pub fn router() -> Router {
    Router::new().route("/admin/zelus/guard", get(list).delete(clear))
}

/// How many rows are listed.
const MOST: u32 = 1000;

/// A counter. Whom it concerns stands there as a keyed hash.
#[derive(Serialize)]
struct Counter<'a> {
    kind: &'a str,
    subject: &'a str,
    /// Whether it counts the tries of a browser or an app that is known from before.
    known_device: bool,
    failures: i32,
    since: Timestamp,
    rests_until: Timestamp,
}

impl<'a> Counter<'a> {
    fn of(guard: &Guard, row: &'a GuardRow) -> Self {
        Self {
            kind: &row.kind,
            subject: &row.key.subject,
            known_device: !row.key.device.is_empty(),
            failures: row.failures,
            since: row.since,
            rests_until: guard.rests_until(row),
        }
    }
}

/// `GET /admin/zelus/guard`: the counters with the most failures; with `?identity=…` those of one identity.
async fn list(request: Request) -> web::Result {
    let runtime = &request.site().runtime;
    let rows = match identity_of(&request).await? {
        Some(identity) => runtime.guard.rows_of(&identity).await?,
        None => runtime.guard.rows(MOST).await?,
    };
    let counters: Vec<Counter<'_>> = rows.iter().map(|row| Counter::of(&runtime.guard, row)).collect();
    Ok(json(StatusCode::OK, &counters))
}

#[derive(Serialize)]
struct Cleared {
    cleared: usize,
}

/// `DELETE /admin/zelus/guard?identity=…` or `?all=true`: forgets failures. Devices that are known stay known.
async fn clear(request: Request) -> web::Result {
    let runtime = &request.site().runtime;
    let identity = identity_of(&request).await?;
    if identity.is_none() && request.query("all") != "true" {
        return Err(Problem::bad_request("Please say whose failures to forget: ?identity=… or ?all=true.").into());
    }
    let cleared = runtime.guard.clear(identity.as_ref()).await?;
    tracing::info!(
        identity.id = identity.map(|it| tracing::field::display(it.id)),
        cleared,
        "Failed tries were forgotten."
    );
    Ok(json(StatusCode::OK, &Cleared { cleared }))
}

/// The identity that is asked for, if one is.
async fn identity_of(request: &Request) -> Result<Option<Identity>, Problem> {
    let asked = request.query("identity");
    if asked.is_empty() {
        return Ok(None);
    }
    let unknown = || Problem::not_found().reason("There is no identity with this id.");
    let id: IdentityId = asked.parse().map_err(|_| unknown())?;
    let identities = &request.site().runtime.identities;
    identities.with_credentials(id).await?.ok_or_else(unknown).map(Some)
}
