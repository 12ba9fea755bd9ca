//! What `zelus serve --dev` without a configuration says when it is ready.

use model::{Aal, AuthenticationMethod, ClientInfo, Identity, Problem, RawJson};
use serde_json::json;
use store::Tx;
use web::App;

/// The person whom the demonstration session belongs to. Nobody can sign in as them: they have no password.
const DEMO_ADDRESS: &str = "demo@zelus.invalid";

/// Where to click, and three logouts to paste.
pub async fn welcome(app: &App, tunnel_port: Option<u16>) -> String {
    let runtime = app.site().runtime.clone();
    let url = |path: &str| runtime.public_route(path);
    let token = match demonstration_token(app).await {
        Ok(token) => token,
        Err(error) => {
            tracing::warn!(%error, "There is no demonstration session.");
            "<session token>".to_owned()
        }
    };
    let mailbox = match runtime.config.courier.mailbox {
        true => format!("\n  Mails arrive here, with their codes and links:\n\n    {}\n", url("/ui/mailbox")),
        false => String::new(),
    };
    let tunnel = tunnel_port
        .map(|port| format!("\n  Apps written for Ory's tunnel find it at http://localhost:{port} too."))
        .unwrap_or_default();
    format!(
        "
  Zelus is running. Sign up, then log out:

    {registration}
{mailbox}{tunnel}

  Three ways to log out, to paste into your app:

    A link, made by your server with its visitor's cookie:
      const {{ logout_url }} = await (await fetch(\"{create}\",
        {{ headers: {{ accept: \"application/json\", cookie: req.headers.cookie }} }})).json()
      res.send(`<a href=\"${{logout_url}}\">Log out</a>`)

    A script in the browser:
      const opts = {{ credentials: \"include\", headers: {{ accept: \"application/json\" }} }}
      const {{ logout_url }} = await (await fetch(\"{create}\", opts)).json()
      await fetch(logout_url, opts)

    A native app (this one is live; try it):
      curl -i -X DELETE {native} -H 'Content-Type: application/json' \\
        -d '{{\"session_token\":\"{token}\"}}'

  The database is {database}, and its secrets are beside it. Stop with Ctrl+C.
",
        registration = url("/ui/registration"),
        create = url("/self-service/logout/browser"),
        native = url("/self-service/logout/api"),
        database = database(runtime.config.dsn.expose()),
    )
}

/// The file of a `sqlite://` address, which the development configuration has.
fn database(dsn: &str) -> &str {
    let path = dsn.strip_prefix("sqlite://").unwrap_or(dsn);
    path.split('?').next().unwrap_or(path)
}

/// A new session of the demonstration person.
async fn demonstration_token(app: &App) -> Result<String, Problem> {
    let runtime = app.site().runtime.clone();
    let cx = app.cx();
    let kind = model::CredentialType::Password;
    let mut tx = Tx::new();
    let known = runtime.store.find_by_identifier(kind, DEMO_ADDRESS).await?;
    let identity = match known {
        Some(found) => runtime.identities.get(found.identity_id).await?,
        None => {
            let schema = runtime.identities.schemas().default_schema().id().to_owned();
            let traits = RawJson::from_value(&json!({ "email": DEMO_ADDRESS }));
            let mut identity = Identity::new(model::Id::random(&cx.entropy), schema, traits, cx.now());
            runtime
                .identities
                .validate(&cx, &mut identity)
                .map_err(|_| Problem::internal("The demonstration person does not fit the schema."))?;
            runtime.identities.insert(&cx, &mut identity, &mut tx);
            identity
        }
    };
    let method = AuthenticationMethod::new("password", Aal::Aal1, cx.now());
    let session = runtime.sessions.new_session(&cx, &ClientInfo::default(), &identity, vec![method])?;
    runtime.sessions.insert(&mut tx, &session);
    runtime.store.commit(tx).await?;
    Ok(session.token.map(|token| token.expose().clone()).unwrap_or_default())
}
