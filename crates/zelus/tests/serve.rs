//! The program as operators run it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder with a configuration, whose public listener is a socket of the file system.
struct Place {
    folder: tempfile::TempDir,
    admin_port: u16,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let admin_port = free.local_addr().expect("an address").port();
        let config = format!(
            "
dsn: sqlite://{folder}/db.sqlite?mode=rwc
serve:
  public: {{ host: 'unix:{folder}/public.sock', base_url: 'http://127.0.0.1:1/', socket: {{ mode: 384 }} }}
  admin: {{ host: 127.0.0.1, port: {admin_port}, base_url: 'http://127.0.0.1:{admin_port}/' }}
secrets: {{ default: [a-secret-that-is-long-enough] }}
identity:
  default_schema_id: default
  schemas: [{{ id: default, url: 'base64://eyJwcm9wZXJ0aWVzIjp7InRyYWl0cyI6eyJ0eXBlIjoib2JqZWN0IiwicHJvcGVydGllcyI6eyJlbWFpbCI6eyJ0eXBlIjoic3RyaW5nIn19fX19' }}]
selfservice: {{ default_browser_return_url: 'http://127.0.0.1:1/' }}
",
            folder = folder.path().display()
        );
        std::fs::write(folder.path().join("zelus.yml"), config).expect("a file");
        Self { folder, admin_port }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zelus"));
        command.args(arguments).arg("-c").arg(self.folder.path().join("zelus.yml"));
        command.env_clear().stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program runs")
    }

    /// The log that the server has written so far.
    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).expect("text")
    }

    /// Waits until the log says something.
    fn wait_for(&self, text: &str) {
        let started = Instant::now();
        while !self.log().contains(text) {
            assert!(started.elapsed() < PATIENCE, "nobody says {text:?}: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Adds to the configuration, or to another file of the folder.
    fn append(&self, file: &str, text: &str) {
        let path = self.folder.path().join(file);
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        file.expect("a file").write_all(text.as_bytes()).expect("text");
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("public.sock")
    }

    /// Starts the server and waits until it answers.
    fn serve(&self) -> Running {
        let log = std::fs::File::create(self.folder.path().join("log")).expect("a file");
        self.start(self.command(&["serve"]).stderr(log))
    }

    /// Starts a server by this command and waits until it answers.
    fn start(&self, serve: &mut Command) -> Running {
        let child = serve.spawn().expect("the program runs");
        let started = Instant::now();
        while UnixStream::connect(self.socket()).is_err() {
            assert!(started.elapsed() < PATIENCE, "the server does not answer");
            std::thread::sleep(Duration::from_millis(1));
        }
        Running(child)
    }

    /// The status of a GET request at the public socket.
    fn get(&self, path: &str) -> u16 {
        ask(UnixStream::connect(self.socket()).expect("a connection"), path)
    }
}

struct Running(Child);

impl Running {
    fn signal(&self, name: &str) {
        Command::new("kill").args([name, &self.0.id().to_string()]).status().expect("a signal");
    }

    /// Tells the server to stop, and gives its exit status.
    fn stop(mut self) -> Option<i32> {
        self.signal("-TERM");
        let started = Instant::now();
        loop {
            match self.0.try_wait().expect("a status") {
                Some(status) => return status.code(),
                None => assert!(started.elapsed() < PATIENCE, "the server does not stop"),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has usually stopped by itself.
        let _ = self.0.kill();
    }
}

fn ask(mut stream: impl Read + Write, path: &str) -> u16 {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\nX-Request-Id: r\r\nConnection: close\r\n\r\n")
        .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
}

#[test]
fn a_server_is_ready_once_its_tables_are_there_and_stops_when_told() {
    let place = Place::new();
    let server = place.serve();
    assert_eq!((place.get("/health/alive"), place.get("/health/ready")), (200, 503));
    place.wait_for("Zelus listens, but is not ready. The database lacks tables. Run `zelus migrate sql up -e --yes`");
    assert!(!place.log().contains("Zelus is ready."));
    let migrated = place.run(&["migrate", "sql", "up", "-e", "--yes"]);
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    assert_eq!((place.get("/health/ready"), place.get("/sessions/whoami")), (200, 401));
    place.wait_for("Zelus is ready.");
    for line in ["Zelus is ready.", "This process delivers no messages."] {
        assert_eq!(place.log().matches(line).count(), 1, "{}", place.log());
    }
    let admin = TcpStream::connect((Ipv4Addr::LOCALHOST, place.admin_port)).expect("a connection");
    assert_eq!(ask(admin, "/version"), 200);
    assert_eq!(server.stop(), Some(0));
    assert!(!place.socket().exists(), "the socket is removed");
}

#[test]
fn a_server_that_has_just_come_up_stops_in_order() {
    let place = Place::new();
    for _ in 0..10 {
        assert_eq!(place.serve().stop(), Some(0));
    }
}

#[test]
fn requests_under_way_are_finished() {
    let place = Place::new();
    assert!(place.run(&["migrate", "sql", "-e", "--yes"]).status.success());
    let server = place.serve();
    let mut slow = UnixStream::connect(place.socket()).expect("a connection");
    let head = "DELETE /self-service/logout/api HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n";
    slow.write_all(head.as_bytes()).expect("half a request");
    std::thread::sleep(Duration::from_millis(200));
    let stopping = std::thread::spawn(move || server.stop());
    std::thread::sleep(Duration::from_millis(200));
    assert!(!stopping.is_finished(), "the server waits for the request");
    slow.write_all(b"{}").expect("the rest");
    let mut answer = String::new();
    slow.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    // Clients that read names of headers by their letters expect the usual spelling.
    assert!(answer.contains("\r\nContent-Type: application/json\r\n"), "{answer}");
    assert_eq!(stopping.join().expect("a status"), Some(0));
}

#[test]
fn idle_connections_lock_out_neither_the_public_nor_the_operators() {
    let place = Place::new();
    assert!(place.run(&["migrate", "sql", "-e", "--yes"]).status.success());
    // The server asks for more files than it is given at first, and gets 256.
    let zelus = place.command(&["serve"]);
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -Sn 64 && ulimit -Hn 256 && exec \"$0\" \"$@\""]).arg(zelus.get_program());
    let log = std::fs::File::create(place.folder.path().join("log")).expect("a file");
    let server = place.start(limited.args(zelus.get_args()).env_clear().stdout(Stdio::piped()).stderr(log));
    let connect = |_| UnixStream::connect(place.socket()).expect("a connection");
    let _idle: Vec<_> = (0..400).map(connect).collect();
    let admin = || TcpStream::connect((Ipv4Addr::LOCALHOST, place.admin_port)).expect("a connection");
    let _more: Vec<_> = (0..400).map(|_| admin()).collect();
    for _ in 0..10 {
        assert_eq!((place.get("/sessions/whoami"), ask(admin(), "/health/ready")), (401, 200));
    }
    place.wait_for("There is no room for more connections");
    assert!(!place.log().contains("could not be accepted"), "{}", place.log());
    assert!(place.log().matches("There is no room").count() <= 2, "once for each listener: {}", place.log());
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn what_is_in_the_way_is_said_in_one_line() {
    let place = Place::new();
    assert!(place.run(&["migrate", "sql", "up", "-e", "--yes"]).status.success());
    let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, place.admin_port)).expect("the port");
    let refused = place.run(&["serve"]);
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1));
    assert!(message.trim_end().lines().count() == 1 && message.contains(&place.admin_port.to_string()), "{message}");
    assert!(message.contains("SERVE_ADMIN_PORT"), "it says how to choose another: {message}");

    let missing = Command::new(env!("CARGO_BIN_EXE_zelus")).args(["serve", "-c", "/nowhere.yml"]).env_clear().output();
    let missing = missing.expect("the program runs");
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("/nowhere.yml"));
}

/// What a server logs at `level` while somebody opens a form.
fn log_of_a_form(level: &str) -> String {
    let place = Place::new();
    assert!(place.run(&["migrate", "sql", "up", "-e", "--yes"]).status.success());
    let path = place.folder.path().join("log");
    let log = std::fs::File::create(&path).expect("a file");
    let server = place.start(place.command(&["serve"]).env("LOG_LEVEL", level).stderr(log));
    assert_eq!(place.get("/self-service/login/api?refresh=something-private"), 200);
    assert_eq!(server.stop(), Some(0));
    std::fs::read_to_string(path).expect("a log")
}

#[test]
fn lines_name_their_request_where_debug_lines_are_logged() {
    let route = "http.route=\"/self-service/login/api\"";
    let info = log_of_a_form("info");
    let completed: Vec<_> = info.lines().filter(|line| line.contains(route)).collect();
    assert!(completed.len() == 1 && completed[0].contains("INFO completed handling request http.side="), "{info}");
    assert!(!info.contains("request{"), "{info}");

    let request = format!("request{{http.method=GET http.request_id=\"r\" {route}}}:");
    let debug = log_of_a_form("debug");
    assert!(debug.contains(&format!("DEBUG {request} A sign-in form was opened.")), "{debug}");
    assert!(debug.contains("INFO completed handling request http.side="), "{debug}");
    assert!(!debug.contains("close"), "{debug}");

    let trace = log_of_a_form("trace");
    assert!(
        trace.contains(&format!("{request}commit{{db.dialect=Sqlite db.statements=1}}: close time.busy=")),
        "{trace}"
    );
    for log in [info, debug, trace] {
        assert!(!log.contains("private"), "{log}");
    }
}

/// A schema with `email`, by which people sign in with a password.
const BY_EMAIL: &str = "base64://eyJwcm9wZXJ0aWVzIjp7InRyYWl0cyI6eyJ0eXBlIjoib2JqZWN0IiwicHJvcGVydGllcyI6eyJlbWFpbCI6eyJ0eXBlIjoic3RyaW5nIiwib3J5LnNoL2tyYXRvcyI6eyJjcmVkZW50aWFscyI6eyJwYXNzd29yZCI6eyJpZGVudGlmaWVyIjp0cnVlfX19fX19fX0=";

/// What is answered to a request with a body of JSON: the head, and the body.
fn send(place: &Place, method: &str, path: &str, id: &str, body: &serde_json::Value) -> (String, serde_json::Value) {
    let mut stream = UnixStream::connect(place.socket()).expect("a connection");
    let body = body.to_string();
    let headers = format!("Host: a\r\nX-Request-Id: {id}\r\nAccept: application/json\r\nConnection: close");
    let length = body.len();
    // In one piece: whoever answers ahead of the body closes the connection.
    let request = format!(
        "{method} {path} HTTP/1.1\r\n{headers}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    (head.to_owned(), serde_json::from_str(body).unwrap_or_default())
}

#[test]
fn lines_about_people_name_the_request_the_session_and_the_method() {
    let place = Place::new();
    assert!(place.run(&["migrate", "sql", "-e", "--yes"]).status.success());
    let log = std::fs::File::create(place.folder.path().join("log")).expect("a file");
    let schemas = serde_json::json!([{ "id": "default", "url": BY_EMAIL }]).to_string();
    let server = place.start(place.command(&["serve"]).env("IDENTITY_SCHEMAS", schemas).stderr(log));
    let submit = |flow: &str, id: &str, body: serde_json::Value| {
        let (_, form) = send(&place, "GET", &format!("/self-service/{flow}/api"), "", &serde_json::Value::Null);
        let path = format!("/self-service/{flow}?flow={}", form["id"].as_str().expect("a form"));
        send(&place, "POST", &path, id, &body).1
    };
    let password = "a password that nobody guesses";
    let traits = serde_json::json!({ "email": "ann@example.org" });
    let account = serde_json::json!({ "method": "password", "traits": traits, "password": password });
    let identity = submit("registration", "r-up", account)["identity"]["id"].as_str().expect("an account").to_owned();
    let with = |password: &str| serde_json::json!({ "method": "password", "identifier": "ann@example.org", "password": password });
    submit("login", "r-wrong", with("something-private"));
    let signed_in = submit("login", "r-in", with(password));
    let (session, token) = (&signed_in["session"]["id"], &signed_in["session_token"]);
    let session = session.as_str().expect("a session");
    let (head, _) =
        send(&place, "DELETE", "/self-service/logout/api", "r-out", &serde_json::json!({ "session_token": token }));
    assert!(head.starts_with("HTTP/1.1 204") && head.contains("X-Request-Id: r-out"), "{head}");
    let (head, _) = send(&place, "GET", "/nowhere/something-private", "<r>", &serde_json::Value::Null);
    assert!(head.starts_with("HTTP/1.1 404") && head.contains("X-Request-Id: ") && !head.contains("<r>"), "{head}");
    assert_eq!(server.stop(), Some(0));

    let log = place.log();
    let method = "flow.method=\"password\"".to_owned();
    let (session, identity) = (format!("session.id={session}"), format!("identity.id={identity}"));
    for (says, names) in [
        ("Signed up.", &["http.request_id=\"r-up\"", &method, &identity, "session.id="][..]),
        ("A sign-in was not accepted.", &["http.request_id=\"r-wrong\"", &method, "messages={4000006}"]),
        ("Signed in.", &["http.request_id=\"r-in\"", &method, &session, &identity, "session.aal=\"aal1\""]),
        ("A native app signed out.", &["http.request_id=\"r-out\"", &session, &identity]),
        ("completed handling request", &["http.request_id=\"r-in\"", "http.route=\"/self-service/login\""]),
        ("completed handling request", &["http.route=\"unmatched\"", "http.path_length=26", "http.request_id="]),
    ] {
        let is_meant = |line: &&str| line.contains(says) && names.iter().all(|name| line.contains(name));
        assert_eq!(log.lines().filter(is_meant).count(), 1, "{says} {names:?}: {log}");
    }
    for private in ["private", "ann@", "guesses", token.as_str().expect("a token"), "<r>"] {
        assert!(!log.contains(private), "{private}: {log}");
    }
}

#[test]
fn only_the_verb_that_was_typed_changes_the_database_that_was_named() {
    let place = Place::new();
    let database = place.folder.path().join("db.sqlite");
    let dsn = format!("sqlite://{}?mode=rwc", database.display());
    for (arguments, says) in [
        (&["migrate", "sql", "down", "-e", "--yes"][..], "not there yet"),
        (&["migrate", "sql", "-e", "--yes", "down"], "not there yet"),
        (&["migrate", "sql", "down", "--steps", "1", &dsn, "--yes"], "not there yet"),
        (&["migrate", "sql", "dwon", "-e", "--yes"], "did you mean `down`?"),
        (&["migrate", "sql", "-e", "--yes", "rollback"], "neither a verb"),
        (&["migrate", "sql", "up", "db.sqlite", "--yes"], "has a scheme"),
        (&["migrate", "sql", "up", &dsn, "-e", "--yes"], "one database"),
        (&["migrate", "sql", &dsn, "-e", "--yes"], "one database"),
        (&["migrate", "sql", "-e", "up", "--yes", &dsn], "one database"),
        (&["migrate", "sql", &dsn, "up", "--yes"], "after the verb"),
        (&["migrate", "sql", "up", "--yes"], "Name the database"),
    ] {
        let output = place.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(says), "{arguments:?}: {said}");
        assert!(!database.exists(), "{arguments:?} touched the database");
    }
    for arguments in [
        &["migrate", "sql", "-e", "--yes"][..],
        &["migrate", "sql", "-e", "up", "--yes"],
        &["migrate", "sql", "up", &dsn, "--yes"],
        &["migrate", "sql", "--yes", &dsn],
        &["migrate", "sql", "status", "-e"],
    ] {
        let output = place.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(database.exists());
    }
}

#[test]
fn development_without_a_configuration_keeps_to_its_own_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port").local_addr().expect("an address").port();
    let (others, port) = (folder.path().join("others.sqlite"), free());
    let log = |name: &str| std::fs::File::create(folder.path().join(name)).expect("a file");
    let child = Command::new(env!("CARGO_BIN_EXE_zelus"))
        .args(["serve", "--dev"])
        .current_dir(folder.path())
        .env_clear()
        .env("DSN", format!("sqlite://{}", others.display()))
        .env("SERVE_PUBLIC_PORT", port.to_string())
        .env("SERVE_ADMIN_PORT", free().to_string())
        .stdout(log("said"))
        .stderr(log("log"))
        .spawn()
        .expect("the program runs");
    let server = Running(child);
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("text");
    let started = Instant::now();
    while !read("said").contains("Stop with Ctrl+C") {
        assert!(started.elapsed() < PATIENCE, "the server does not come up: {}", read("log"));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(server.stop(), Some(0));
    assert!(read("said").contains("The database is .zelus/zelus.sqlite,"), "{}", read("said"));
    assert_eq!(read("log").lines().filter(|line| line.contains("DSN: dsn: is ignored")).count(), 1, "{}", read("log"));
    assert!(!others.exists() && folder.path().join(".zelus/zelus.sqlite").exists());
}

#[test]
fn the_level_of_the_log_and_files_that_the_configuration_names_are_followed() {
    let place = Place::new();
    assert!(place.run(&["migrate", "sql", "-e", "--yes"]).status.success());
    let server = place.serve();
    place.get("/sessions/whoami");
    place.wait_for("completed handling request");
    let requests = || place.log().matches("completed handling request").count();

    // A folder of templates that is named in the configuration is watched from then on.
    let templates = place.folder.path().join("templates");
    std::fs::create_dir_all(templates.join("login_code/valid")).expect("a folder");
    let named = format!("courier: {{ template_override_path: '{}' }}\n", templates.display());
    place.append("zelus.yml", &named);
    place.wait_for("The changed configuration is in force.");
    place.append("templates/login_code/valid/email.subject.jinja", "{% if %}");
    place.wait_for("email.subject.jinja cannot be used");

    // What cannot be used changes nothing; once it can, the level of the log is another, in both directions.
    std::fs::remove_file(templates.join("login_code/valid/email.subject.jinja")).expect("the file is removed");
    let in_force = || place.log().matches("is in force").count();
    let await_reload = |before: usize| {
        let started = Instant::now();
        while in_force() == before {
            assert!(started.elapsed() < PATIENCE, "no reload: {}", place.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    await_reload(1);
    place.append("zelus.yml", "log: { level: error }\n");
    std::thread::sleep(Duration::from_secs(2));
    let before = requests();
    place.get("/sessions/whoami");
    assert_eq!(requests(), before, "requests are not logged any more: {}", place.log());
    let config = std::fs::read_to_string(place.folder.path().join("zelus.yml")).expect("text");
    let before = in_force();
    std::fs::write(place.folder.path().join("zelus.yml"), config.replace("level: error", "level: info"))
        .expect("a file");
    await_reload(before);
    place.get("/sessions/whoami");
    place.wait_for("/sessions/whoami");
    assert!(requests() > 1, "{}", place.log());

    // SIGHUP has everything read anew, and ends nothing.
    let before = in_force();
    server.signal("-HUP");
    await_reload(before);

    // What could be used, and what could not, is counted.
    let mut admin = TcpStream::connect((Ipv4Addr::LOCALHOST, place.admin_port)).expect("a connection");
    let request = "GET /metrics/prometheus HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    admin.write_all(request.as_bytes()).expect("a request");
    let mut metrics = String::new();
    admin.read_to_string(&mut metrics).expect("metrics");
    for outcome in ["ok", "failed"] {
        let series = format!("zelus_configuration_reloads_total{{outcome=\"{outcome}\"}} ");
        let count = metrics.lines().find_map(|line| line.strip_prefix(&series)?.parse::<u64>().ok());
        assert!(count.is_some_and(|count| count > 0), "{outcome}: {metrics}");
    }
    assert_eq!(place.get("/health/alive"), 200);
    assert_eq!(server.stop(), Some(0));
}
