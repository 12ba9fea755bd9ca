//! Limited means limited: whatever is tried by whichever path, in whatever order, no path lets more be looked at than it may.

use std::collections::BTreeMap;

use crypto::TotpSecret;
use model::{Entropy, SignedDuration, Timestamp};
use serde_json::{Value, json};
use testkit::{Answer, Database, Form, PASSWORD, Server};

use crate::codes::{self, EMAIL, PASSWORDLESS};
use crate::logout::give_totp;

const CONFIG: &str = "
zelus: { guard: { failures: 3, messages_per_hour: 1000 } }
selfservice:
  methods: { totp: { enabled: true }, lookup_secret: { enabled: true }, link: { enabled: true } }
  flows:
    settings: { required_aal: aal1 }
    recovery: { enabled: true, use: code }
    verification: { enabled: true, use: code }";
const FREE: usize = 3;
const FIRST_REST: SignedDuration = SignedDuration::from_secs(5);
const RESTING: u64 = 4_900_001;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Path {
    Password,
    PasswordOfNobody,
    SignInCode,
    SignUpCode,
    Totp,
    BackupCode,
    Refresh,
    RecoveryCode,
    RecoveryCodeAnew,
    VerificationCode,
    Exchange,
}

const PATHS: [Path; 11] = [
    Path::Password,
    Path::PasswordOfNobody,
    Path::SignInCode,
    Path::SignUpCode,
    Path::Totp,
    Path::BackupCode,
    Path::Refresh,
    Path::RecoveryCode,
    Path::RecoveryCodeAnew,
    Path::VerificationCode,
    Path::Exchange,
];

impl Path {
    /// Paths that prove the same thing share their tries. At a refresh the app is known by its token, which has tries of its own.
    fn subject(self) -> Self {
        match self {
            Self::RecoveryCodeAnew => Self::RecoveryCode,
            path => path,
        }
    }
}

/// A server with somebody who has all of this, and the session token of an app of theirs.
struct Place {
    server: Server,
    token: String,
    backup_code: String,
}

impl Place {
    async fn new(database: &Database) -> Self {
        let server = codes::server(database, &[CONFIG, PASSWORDLESS]).await;
        let identity = server.import(EMAIL, PASSWORD).await;
        give_totp(database, &identity).await;
        let token = server.native().sign_in(EMAIL).await;
        let open = server.ask("GET", "/self-service/settings/api").token(&token);
        let form = Form::of(&open.send().await);
        let send = |body: Value| server.ask("POST", form.action()).token(&token).json(&body).send();
        let made = send(json!({ "method": "lookup_secret", "lookup_secret_regenerate": true })).await;
        let form_with_codes = Form::of(&made);
        let nodes = form_with_codes.body["ui"]["nodes"].as_array().expect("nodes");
        let codes = nodes.iter().find(|node| node["attributes"]["id"] == "lookup_secret_codes").expect("codes");
        let first = &codes["attributes"]["text"]["context"]["secrets"][0];
        let backup_code =
            first["context"]["secret"].as_str().or_else(|| first["text"].as_str()).expect("a code").to_owned();
        send(json!({ "method": "lookup_secret", "lookup_secret_confirm": true })).await;
        // That session has proved a second factor now.
        let token = server.native().sign_in(EMAIL).await;
        Self { server, token, backup_code }
    }

    async fn open(&self, flow: &str) -> Form {
        Form::of(&self.server.ask("GET", &format!("/self-service/{flow}")).token(&self.token).send().await)
    }

    /// Makes one try, which is right or wrong.
    async fn tries(&self, database: &Database, path: Path, is_right: bool) -> Answer {
        let (server, native) = (&self.server, self.server.native());
        let with_session = async |form: &Form, body: Value| {
            server.ask("POST", form.action()).token(&self.token).json(&body).send().await
        };
        let password = if is_right { PASSWORD } else { "not-the-password-of-anybody" };
        match path {
            Path::Password => native.try_sign_in(EMAIL, password).await,
            Path::PasswordOfNobody => native.try_sign_in("no-one@example.org", password).await,
            Path::Refresh => {
                let form = self.open("login/api?refresh=true").await;
                with_session(&form, json!({ "method": "password", "identifier": EMAIL, "password": password })).await
            }
            Path::Totp => {
                let secret = TotpSecret::from_base32("JBSWY3DPEHPK3PXP").expect("base32");
                let code = secret.code_at(server.setup.clock.now());
                let code = if is_right { code } else { "000000".to_owned() };
                let form = self.open("login/api?aal=aal2").await;
                with_session(&form, json!({ "method": "totp", "totp_code": code })).await
            }
            Path::BackupCode => {
                let code = if is_right { self.backup_code.as_str() } else { "notacode" };
                let form = self.open("login/api?aal=aal2").await;
                with_session(&form, json!({ "method": "lookup_secret", "lookup_secret": code })).await
            }
            Path::SignInCode | Path::SignUpCode | Path::RecoveryCode | Path::VerificationCode => {
                let new = json!({ "email": "new@example.org" });
                let (flow, to, asks) = match path {
                    Path::SignInCode => ("login", EMAIL, json!({ "identifier": EMAIL })),
                    Path::SignUpCode => ("registration", "new@example.org", json!({ "traits": new })),
                    Path::RecoveryCode => ("recovery", EMAIL, json!({ "email": EMAIL })),
                    _ => ("verification", EMAIL, json!({ "email": EMAIL })),
                };
                let form = native.open(flow).await;
                let with = |more: Value| {
                    let mut body = asks.clone();
                    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
                    body
                };
                native.submit(&form, with(json!({ "method": "code" }))).await;
                let right = codes::code(server, database, to).await;
                let code = if is_right { right } else { "000000".to_owned() };
                let mut body = with(json!({ "method": "code", "code": code }));
                body.as_object_mut().expect("an object").remove("email");
                native.submit(&form, body).await
            }
            Path::RecoveryCodeAnew => {
                let form = native.open("recovery").await;
                native.submit(&form, json!({ "method": "code", "email": EMAIL })).await;
                native.submit(&form, json!({ "method": "code", "code": "111111" })).await
            }
            Path::Exchange => {
                let exchange = "/sessions/token-exchange?init_code=made-up&return_to_code=made-up";
                server.ask("GET", exchange).send().await
            }
        }
    }
}

/// The seconds for which nothing may be tried, if the answer says so.
fn rest_of(answer: &Answer) -> Option<i64> {
    let is_form = !answer.json()["ui"].is_null();
    let is_resting = answer.status == 429 || (is_form && Form::of(answer).messages().contains(&RESTING));
    is_resting.then(|| answer.header("retry-after").parse().expect("seconds"))
}

/// What is known of one subject from the answers alone.
#[derive(Default)]
struct Seen {
    failures: usize,
    last_failure: Option<Timestamp>,
    rests_until: Option<Timestamp>,
}

impl Seen {
    /// Whether nothing may be looked at; `None` where the answers so far do not tell.
    fn must_rest(&self, now: Timestamp) -> Option<bool> {
        let is_early = self.last_failure.is_some_and(|at| now < at + FIRST_REST);
        match self.rests_until {
            Some(until) => Some(now < until),
            None if self.failures < FREE => Some(false),
            None if is_early => Some(true),
            None => None,
        }
    }

    fn learn(&mut self, now: Timestamp, rest: Option<i64>) {
        match rest {
            Some(seconds) => self.rests_until = Some(now + SignedDuration::from_secs(seconds)),
            None => {
                self.failures += 1;
                (self.last_failure, self.rests_until) = (Some(now), None);
            }
        }
    }
}

#[tokio::test]
async fn no_path_lets_more_be_looked_at_than_it_may() {
    for seed in 0..8 {
        for database in Database::each().await {
            let place = Place::new(&database).await;
            let chance = Entropy::seeded(seed);
            let clock = &place.server.setup.clock;
            let mut seen: BTreeMap<Path, Seen> = BTreeMap::new();
            for step in 0..120 {
                let [which, wait, right] = chance.bytes::<3>();
                let path = PATHS[usize::from(which) % PATHS.len()];
                place.server.wait(SignedDuration::from_secs([0, 0, 1, 4, 9][usize::from(wait) % 5]));
                let state = seen.entry(path.subject()).or_default();
                // What is right is tried only where it must not be looked at, for some seconds more: it would end the count, and
                // make the app known.
                let must_rest_still = state.must_rest(clock.now() + SignedDuration::from_secs(2)) == Some(true);
                let is_right = right < 128 && must_rest_still;
                let expected = state.must_rest(clock.now());
                let answer = place.tries(&database, path, is_right).await;
                let (now, rest) = (clock.now(), rest_of(&answer));
                // Codes are waited for, by a second: what was about to end may have ended.
                if expected == state.must_rest(now) {
                    let is_as_expected = expected.is_none_or(|expected| expected == rest.is_some());
                    assert!(is_as_expected, "seed {seed}, step {step}, {path:?}: {expected:?} {}", answer.body);
                }
                state.learn(now, rest);
            }
            // In the end all of them are open again to what is right.
            place.server.wait(SignedDuration::from_hours(2));
            for path in PATHS {
                if matches!(path, Path::PasswordOfNobody | Path::Exchange | Path::RecoveryCodeAnew | Path::BackupCode) {
                    continue;
                }
                let answer = place.tries(&database, path, true).await;
                assert_eq!(rest_of(&answer), None, "{path:?}: {}", answer.body);
            }
        }
    }
}
