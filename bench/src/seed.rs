//! Identities and sessions, as statements that SQLite and PostgreSQL both understand, and the tokens and cookies that
//! the load is made of.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use crypto::{CookieCodec, Hasher, KeyRing, SessionCookie, tokens};
use model::{Clock, Entropy, Secret, SignedDuration, Timestamp, Uuid};

use crate::Result;

/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery staple";

/// `secrets.cookie` and `session.cookie.name` in `bench/server.yml`.
const COOKIE_SECRET: &str = "benchmark-cookie-secret";
const COOKIE_NAME: &str = "ory_kratos_session";
/// How many people there are, each with one session that lasts.
const IDENTITIES: usize = 100_000;
/// How many sessions one of them has besides.
const CROWD: usize = 400;
/// Rows of one INSERT.
const BATCH: usize = 500;

/// The bcrypt hash of [`PASSWORD`], at the cost that `bench/server.yml` names.
pub fn password_hash() -> Result<String> {
    Ok(Hasher::Bcrypt { cost: 4 }.hash(&Entropy::system(), &PASSWORD.into())?)
}

/// Writes `seed.sql`, `tokens`, `cookies`, `crowd` and `single_use` to `folder`.
pub fn write(folder: &Path, network: &str, password_type: &str, single_use: &str) -> Result {
    let single_use: usize = single_use.parse()?;
    // The tokens guard nothing, and the same rows at every run make runs comparable.
    let entropy = Entropy::seeded(1);
    let now = Clock::system().now();
    let codec = CookieCodec::new(COOKIE_NAME, &KeyRing::from(Secret::from(COOKIE_SECRET)), SignedDuration::ZERO);
    let file = |name: &str| File::create(folder.join(name)).map(BufWriter::new);
    let mut sql = file("seed.sql")?;
    let lines = |name: &str, sessions: &[Session], line: &dyn Fn(&Session) -> String| -> Result {
        let mut file = file(name)?;
        Ok(sessions.iter().try_for_each(|session| writeln!(file, "{}", line(session)))?)
    };

    let people: Vec<Uuid> = (0..IDENTITIES).map(|_| entropy.uuid()).collect();
    let session = |owner: Uuid| Session { id: entropy.uuid(), owner, token: tokens::session_token(&entropy) };
    let sessions: Vec<Session> = people.iter().map(|&person| session(person)).collect();
    let crowd: Vec<Session> = (0..CROWD).map(|_| session(people[0])).collect();
    let single_use: Vec<Session> = (0..single_use).map(|i| session(people[i % IDENTITIES])).collect();

    let token = |session: &Session| session.token.expose().clone();
    lines("tokens", &sessions, &token)?;
    lines("crowd", &crowd, &token)?;
    lines("single_use", &single_use, &token)?;
    lines("cookies", &sessions, &|session| {
        let expires_at = Some(now + LIFESPAN);
        codec.encode(now, &entropy, &SessionCookie { session_token: session.token.clone(), expires_at })
    })?;

    writeln!(sql, "BEGIN;")?;
    write_people(&mut sql, &people, &Columns::new(now, network), password_type, &entropy)?;
    for sessions in [sessions, crowd, single_use] {
        write_sessions(&mut sql, &sessions, &Columns::new(now, network), &entropy)?;
    }
    writeln!(sql, "COMMIT;")?;
    Ok(sql.flush()?)
}

const LIFESPAN: SignedDuration = SignedDuration::from_hours(24);

struct Session {
    id: Uuid,
    owner: Uuid,
    token: Secret,
}

/// Values that all rows share, as SQL literals.
struct Columns<'a> {
    network: &'a str,
    now: String,
    later: String,
    /// The column `authentication_methods`.
    methods: String,
}

impl<'a> Columns<'a> {
    fn new(now: Timestamp, network: &'a str) -> Self {
        let time = |time: Timestamp| time.strftime("%Y-%m-%d %H:%M:%S.%6f+00:00").to_string();
        let methods = format!(r#"[{{"method":"password","aal":"aal1","completed_at":"{now}"}}]"#);
        Self { network, now: time(now), later: time(now + LIFESPAN), methods }
    }
}

fn write_people(
    sql: &mut impl Write,
    people: &[Uuid],
    columns: &Columns<'_>,
    password_type: &str,
    entropy: &Entropy,
) -> Result {
    let Columns { network, now, .. } = columns;
    let hash = password_hash()?;
    let credentials: Vec<Uuid> = people.iter().map(|_| entropy.uuid()).collect();
    insert(
        sql,
        "identities (id, schema_id, traits, created_at, updated_at, nid, state, state_changed_at, available_aal)",
        people.iter().enumerate().map(|(number, id)| {
            let traits = format!(r#"{{"email":"{}"}}"#, email(number));
            format!("'{id}','customer','{traits}','{now}','{now}','{network}','active','{now}','aal1'")
        }),
    )?;
    insert(
        sql,
        "identity_credentials (id, config, identity_credential_type_id, identity_id, created_at, updated_at, nid)",
        people.iter().zip(&credentials).map(|(person, id)| {
            let config = format!(r#"{{"hashed_password":"{hash}"}}"#);
            format!("'{id}','{config}','{password_type}','{person}','{now}','{now}','{network}'")
        }),
    )?;
    insert(
        sql,
        "identity_credential_identifiers (id, identifier, identity_credential_id, created_at, updated_at, nid, \
         identity_credential_type_id, identity_id)",
        people.iter().zip(&credentials).enumerate().map(|(number, (person, credential))| {
            let (id, identifier) = (entropy.uuid(), email(number));
            format!("'{id}','{identifier}','{credential}','{now}','{now}','{network}','{password_type}','{person}'")
        }),
    )
}

/// As `bench/wrk/requests.lua` makes it too, to sign in.
fn email(number: usize) -> String {
    format!("person-{number}@example.org")
}

fn write_sessions(sql: &mut impl Write, sessions: &[Session], columns: &Columns<'_>, entropy: &Entropy) -> Result {
    let Columns { network, now, later, methods } = columns;
    insert(
        sql,
        "sessions (id, issued_at, expires_at, authenticated_at, identity_id, created_at, updated_at, active, nid, aal, \
         authentication_methods, token, logout_token)",
        sessions.iter().map(|Session { id, owner, token }| {
            let (token, logout_token) = (token.expose(), tokens::logout_token(entropy));
            let logout_token = logout_token.expose();
            format!(
                "'{id}','{now}','{later}','{now}','{owner}','{now}','{now}',true,'{network}','aal1','{methods}',\
                 '{token}','{logout_token}'"
            )
        }),
    )?;
    insert(
        sql,
        "session_devices (id, identity_id, ip_address, user_agent, location, nid, session_id, created_at, updated_at)",
        sessions.iter().map(|Session { id: session, owner, .. }| {
            let id = entropy.uuid();
            format!("'{id}','{owner}','203.0.113.7','Mozilla/5.0','Munich, DE','{network}','{session}','{now}','{now}'")
        }),
    )
}

/// Writes rows as INSERTs of [`BATCH`] rows each.
fn insert(sql: &mut impl Write, table: &str, rows: impl Iterator<Item = String>) -> Result {
    for (number, row) in rows.enumerate() {
        match number % BATCH {
            0 if number > 0 => write!(sql, ";\nINSERT INTO {table} VALUES\n({row})")?,
            0 => write!(sql, "INSERT INTO {table} VALUES\n({row})")?,
            _ => write!(sql, ",\n({row})")?,
        }
    }
    Ok(writeln!(sql, ";")?)
}
