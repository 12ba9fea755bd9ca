//! Jsonnet in worker processes: what it gives, and what it cannot do to the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use mapper::{Input, Mapper, MapperError, MapperOptions};
use model::{Clock, SignedDuration};
use serde_json::{Value, json};

fn mapper(time_limit: Duration) -> Mapper {
    let mut options = MapperOptions::new(env!("CARGO_BIN_EXE_jsonnet-worker").into(), &[]);
    options.workers = 1;
    options.time_limit = time_limit;
    Mapper::new(options, Clock::system())
}

async fn evaluate(mapper: &Mapper, snippet: &str, ctx: Value) -> Result<String, MapperError> {
    mapper.evaluate(snippet, Input::TopLevel { ctx: &ctx }).await
}

#[tokio::test]
async fn the_output_has_the_form_that_jsonnet_gives_it() {
    let mapper = mapper(Duration::from_secs(10));
    let snippet = "function(ctx) { z: ctx.name, list: [1, 2.5, true, null], a: {}, b: [], inner: { y: 'ü\\n' } }";
    let output = evaluate(&mapper, snippet, json!({ "name": "x" })).await.expect("a value");
    let expected = r#"{
   "a": { },
   "b": [ ],
   "inner": {
      "y": "ü\n"
   },
   "list": [
      1,
      2.5,
      true,
      null
   ],
   "z": "x"
}
"#;
    assert_eq!(output, expected);
}

#[tokio::test]
async fn variables_do_not_outlive_their_evaluation() {
    let mapper = mapper(Duration::from_secs(10));
    let variables = json!({ "claims": { "sub": "s" }, "provider": "p" });
    let snippet = "local claims = std.extVar('claims'); { sub: claims.sub, provider: std.extVar('provider') }";
    let variables = variables.as_object().expect("an object");
    let output = mapper.evaluate(snippet, Input::ExtVars(variables)).await.expect("a value");
    assert_eq!(serde_json::from_str::<Value>(&output).expect("JSON"), json!({ "sub": "s", "provider": "p" }));
    let later = evaluate(&mapper, "function(ctx) std.extVar('provider')", Value::Null).await;
    assert!(matches!(later, Err(MapperError::Invalid(_))), "{later:?}");
}

#[tokio::test]
async fn whatever_goes_wrong_is_said_and_the_next_snippet_works() {
    let mapper = mapper(Duration::from_secs(10));
    let cases = [
        ("function(ctx) error 'cancel'", "Raised(\"cancel\")"),
        ("function(ctx) {", "not valid Jsonnet"),
        ("function(ctx) ctx.absent", "absent"),
        ("function(ctx) std.manifestJson(std.makeArray(100000000, function(i) i))", ""),
        ("function(ctx) std.join('', std.makeArray(10000000, function(i) 'xxxxxxxxxx'))", ""),
        ("\u{0}\u{1}garbage\u{fffd}", "not valid Jsonnet"),
        ("((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((", "not valid Jsonnet"),
        ("function(ctx, other) ctx", "other"),
        ("function(ctx) import '/etc/passwd'", "Invalid"),
        ("function(ctx) importstr '/etc/passwd'", "Invalid"),
        ("local f(x) = f(x + 1) + 1; function(ctx) f(0)", "Invalid"),
        ("function(ctx) std.repeat('x', 1000000)", "TooLarge"),
        ("function(ctx) std.repeat('x', 4000000000)", "TooMuchMemory"),
        ("local f(s) = f(s + s) tailstrict; function(ctx) f('xxxxxxxxxxxxxxxx')", "Crashed"),
    ];
    for (snippet, expected) in cases {
        let outcome = format!("{:?}", evaluate(&mapper, snippet, json!({ "a": 1 })).await);
        assert!(outcome.contains(expected), "{snippet}: {outcome}");
        let next = evaluate(&mapper, "function(ctx) ctx.a", json!({ "a": 1 })).await;
        assert_eq!(next.as_deref(), Ok("1\n"), "after {snippet}");
    }
}

#[tokio::test]
async fn what_people_write_for_kratos_runs() {
    let mapper = mapper(Duration::from_secs(10));
    let ctx = json!({ "identity": { "id": "i", "traits": { "email": "A@example.org", "groups": ["a", "b"] } }, "flow": { "id": "f" } });
    let snippets = [
        (
            "function(ctx) { userId: ctx.identity.id, traits: { email: ctx.identity.traits.email } }",
            json!({ "userId": "i", "traits": { "email": "A@example.org" } }),
        ),
        (
            "function(ctx) if std.objectHas(ctx, 'session') then error 'cancel' else { e: std.asciiLower(ctx.identity.traits.email) }",
            json!({ "e": "a@example.org" }),
        ),
        (
            "function(ctx) { [if 'flow' in ctx then 'flow_id']: ctx.flow.id, [if 'x' in ctx then 'x']: 1 }",
            json!({ "flow_id": "f" }),
        ),
        (
            "local join(xs) = std.join(',', xs); function(ctx) { groups: join(ctx.identity.traits.groups), n: std.length(ctx.identity.traits.groups) }",
            json!({ "groups": "a,b", "n": 2 }),
        ),
        (
            "function(ctx) { f: '%s (%d)' % [ctx.flow.id, 3], t: std.get(ctx, 'nothing', 'default') } + { z:: 'hidden', y: $.t }",
            json!({ "f": "f (3)", "t": "default", "y": "default" }),
        ),
        ("function(ctx, more='given') { more: more }", json!({ "more": "given" })),
    ];
    for (snippet, expected) in snippets {
        let output = evaluate(&mapper, snippet, ctx.clone()).await;
        let output = output.unwrap_or_else(|error| panic!("{snippet}: {error}"));
        assert_eq!(serde_json::from_str::<Value>(&output).expect("JSON"), expected, "{snippet}");
    }
    let claims = json!({ "claims": { "sub": "s", "email": "a@example.org", "email_verified": true } });
    let snippet = "local claims = { email_verified: false } + std.extVar('claims');
        { identity: { traits: { [if 'email' in claims && claims.email_verified then 'email' else null]: claims.email } } }";
    let output =
        mapper.evaluate(snippet, Input::ExtVars(claims.as_object().expect("an object"))).await.expect("a value");
    assert_eq!(serde_json::from_str::<Value>(&output).expect("JSON")["identity"]["traits"]["email"], "a@example.org");
}

#[tokio::test]
async fn an_endless_loop_is_stopped_in_time() {
    let mapper = mapper(Duration::from_millis(400));
    let started = Instant::now();
    let endless = "local f(x) = f(x + 1) tailstrict; function(ctx) f(0)";
    let slow = "function(ctx) std.foldl(function(a, b) a + b, std.range(0, 100000000), 0)";
    for snippet in [endless, slow] {
        let outcome = evaluate(&mapper, snippet, Value::Null).await;
        assert!(
            matches!(outcome, Err(MapperError::TooSlow | MapperError::TooMuchMemory | MapperError::Invalid(_))),
            "{snippet}: {outcome:?}"
        );
    }
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(mapper_of_patience().await.as_deref(), Ok("2\n"));
}

async fn mapper_of_patience() -> Result<String, MapperError> {
    evaluate(&mapper(Duration::from_secs(10)), "function(ctx) 1 + 1", Value::Null).await
}

#[tokio::test]
async fn more_snippets_than_workers_take_turns() {
    let mapper = mapper(Duration::from_secs(10));
    let one = |i: i32| {
        let mapper = mapper.clone();
        async move { evaluate(&mapper, "function(ctx) ctx", json!(i)).await }
    };
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..20 {
        let task = one(i);
        tasks.spawn(async move { (i, task.await) });
    }
    while let Some(outcome) = tasks.join_next().await {
        let (i, output) = outcome.expect("a task");
        assert_eq!(output, Ok(format!("{i}\n")));
    }
}

#[tokio::test]
async fn a_program_that_is_no_worker_is_an_error() {
    let absent = MapperOptions::new("/nonexistent/worker".into(), &[]);
    let outcome = evaluate(&Mapper::new(absent, Clock::system()), "1", Value::Null).await;
    assert!(matches!(outcome, Err(MapperError::Start(_))), "{outcome:?}");
    let liar = MapperOptions::new("/bin/echo".into(), &["a lie that is longer than it looks"]);
    let outcome = evaluate(&Mapper::new(liar, Clock::system()), "1", Value::Null).await;
    assert_eq!(outcome, Err(MapperError::Crashed));
}

#[tokio::test]
async fn snippets_come_from_many_places() {
    let clock = Clock::manual("2026-11-21T10:00:00Z".parse().expect("a time"));
    let mapper = Mapper::unconfined(clock.clone());
    let never = |_| async { Err("nothing is to be fetched".to_owned()) };
    let inline = mapper.load("base64://ZnVuY3Rpb24oY3R4KSBjdHg=", never).await.expect("a snippet");
    assert_eq!(&*inline, "function(ctx) ctx");
    assert!(mapper.load("base64://?", never).await.is_err());

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("body.jsonnet");
    std::fs::write(&path, "1").expect("a file");
    let address = format!("file://{}", path.display());
    assert_eq!(&*mapper.load(&address, never).await.expect("a snippet"), "1");
    assert!(mapper.load("file:///nonexistent", never).await.is_err());

    let fetched = Arc::new(AtomicU32::new(0));
    let fetch = |_| {
        let count = fetched.fetch_add(1, Ordering::Relaxed);
        async move { Ok::<_, String>(format!("{count}").into_bytes()) }
    };
    for (minutes, expected) in [(0, "0"), (59, "0"), (2, "1")] {
        clock.advance(SignedDuration::from_mins(minutes));
        assert_eq!(&*mapper.load("https://example.org/a.jsonnet", fetch).await.expect("a snippet"), expected);
    }
}
