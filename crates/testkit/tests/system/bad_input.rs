//! Input that makes no sense, or means no good: it gets a clear answer, and costs nobody their form.

use serde_json::{Value, json};
use testkit::{Database, Form, PASSWORD, Server};

const EMAIL: &str = "a@example.org";

fn good() -> Value {
    json!({ "method": "password", "identifier": EMAIL, "traits": { "email": EMAIL }, "password": PASSWORD })
}

#[tokio::test]
async fn bodies_that_cannot_be_read_leave_the_form_as_it_was() {
    let json = "application/json";
    let deep = format!("{{\"traits\":{}1{}}}", "{\"a\":".repeat(3000), "}".repeat(3000));
    let dotted = format!("{}x=1", "a.".repeat(200_000));
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        (json, b"".to_vec()),
        (json, b"{".to_vec()),
        (json, b"[]".to_vec()),
        (json, b"null".to_vec()),
        (json, b"{\"method\":\"password\"} {}".to_vec()),
        (json, b"{\"method\":\"password\",\"method\":\"code\"}".to_vec()),
        (json, b"{\"traits\":{\"email\":\"a\",\"email\":\"b\"}}".to_vec()),
        (json, b"{\"method\":\"pass\xff\"}".to_vec()),
        (json, b"{\"identifier\":\"\\ud800\",\"method\":\"password\"}".to_vec()),
        (json, b"{\"password\":1e999,\"method\":\"password\"}".to_vec()),
        (json, deep.into_bytes()),
        (json, format!("{{\"traits\":{}}}", "[".repeat(100_000)).into_bytes()),
        ("application/x-www-form-urlencoded", dotted.into_bytes()),
        ("application/x-www-form-urlencoded", "a=1&".repeat(100_000).into_bytes()),
        ("multipart/form-data", b"--x".to_vec()),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n".to_vec()),
        ("text/plain", b"{}".to_vec()),
        ("application/xml", b"<a/>".to_vec()),
        ("\u{ff}", b"{}".to_vec()),
    ];
    for database in Database::each().await {
        let server = Server::start(&database).await;
        for flow in ["registration", "login"] {
            let native = server.native();
            let form = native.open(flow).await;
            for (content_type, body) in &bodies {
                let answer = server.ask("POST", form.action()).body(content_type, body.clone()).send().await;
                let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
                assert_eq!(answer.status, 400, "{flow}, {content_type} {shown}: {}", answer.body);
                assert!(!Form::of(&answer).messages().is_empty(), "{flow}, {content_type} {shown}: {}", answer.body);
                assert!(answer.body.len() < 100_000, "{shown}: an answer of {} bytes", answer.body.len());
            }
            let none = server.ask("POST", form.action()).send().await;
            assert_eq!((none.status, Form::of(&none).messages().len()), (400, 1));
            let large = format!("{{\"identifier\":\"{}\"}}", "x".repeat(1 << 20));
            let large = server.ask("POST", form.action()).body(json, large).send().await;
            assert_eq!((large.status, &large.json()["error"]["code"]), (413, &json!(413)), "{}", large.body);
            let done = native.submit(&form, good()).await;
            assert_eq!(done.status, 200, "{flow}: {}", done.body);
        }
    }
}

#[tokio::test]
async fn forms_that_do_not_exist_are_told_apart_from_those_that_have_no_name() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let unknown = "1f2f3f4f-0000-4000-8000-000000000000";
        for flow in ["login", "registration"] {
            for (query, status) in [
                (format!("?flow={unknown}"), 404),
                ("?flow=".to_owned(), 400),
                (String::new(), 400),
                ("?flow=%00".to_owned(), 400),
                (format!("?flow={unknown}%00"), 400),
                (format!("?flow={}", "9".repeat(5000)), 400),
            ] {
                let ask = server.ask("POST", &format!("/self-service/{flow}{query}")).accept_json().json(&good());
                let answer = ask.send().await;
                assert_eq!((answer.status, &answer.json()["error"]["code"]), (status, &json!(status)), "{flow}{query}");
            }
            for id in [unknown, "", "%00", "x"] {
                let answer = server.ask("GET", &format!("/self-service/{flow}/flows?id={id}")).send().await;
                assert!(matches!(answer.status, 400 | 404), "{flow} {id}: {}", answer.status);
            }
        }
    }
}

#[tokio::test]
async fn the_character_nul_is_refused_wherever_it_stands() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let native = server.native();
        for flow in ["registration", "login"] {
            let form = native.open(flow).await;
            for path in [
                "method",
                "identifier",
                "password",
                "traits.email",
                "traits.name",
                "csrf_token",
                "x.y",
                "transient_payload.x",
            ] {
                let mut body = good();
                match path.split_once('.') {
                    Some((head, rest)) => body[head][rest] = "a\0b".into(),
                    None => body[path] = "a\0b".into(),
                }
                let answer = native.submit(&form, body).await;
                assert_eq!(answer.status, 400, "{flow} {path}: {}", answer.body);
                assert!(!Form::of(&answer).messages().is_empty());
                for ask in [
                    server.ask("POST", form.action()).form(&[("method", "password"), (path, "a\0b")]),
                    server.ask("POST", form.action()).multipart(&[("method", "password"), (path, "a\0b")]),
                ] {
                    let answer = ask.send().await;
                    assert_eq!(answer.status, 400, "{flow} {path}: {}", answer.body);
                }
            }
            let mut named = good();
            named["traits"]["a\0b"] = "x".into();
            named["a\0b"] = "x".into();
            let answer = native.submit(&form, named).await;
            assert_eq!(answer.status, 400, "{flow}: {}", answer.body);
            // A form carries this as text in JSON, where the character is escaped.
            let fields = [
                ("method", "password"),
                ("identifier", "b"),
                ("traits.email", "b@example.org"),
                ("password", PASSWORD),
                ("transient_payload", "{\"x\":\"\\u0000\"}"),
            ];
            let answer = server.ask("POST", native.open(flow).await.action()).form(&fields).send().await;
            assert!(answer.status < 500, "{flow}: {}", answer.body);
            assert_eq!(native.submit(&form, good()).await.status, 200, "{flow}: the form is as good as new");
        }
        for query in [
            "return_to=%00",
            "return_to=http://127.0.0.1:4455/%00",
            "identity_schema=%00",
            "organization=%00",
            "aal=%00",
            "refresh=%00",
            "via=%00",
            "%00=%00",
            "x=%00",
        ] {
            for path in ["login/browser", "login/api", "registration/browser", "registration/api"] {
                let answer = server.ask("GET", &format!("/self-service/{path}?{query}")).accept_json().send().await;
                assert!(answer.status < 500, "{path}?{query}: {}", answer.body);
            }
        }
        for (method, path) in [
            ("GET", "/self-service/errors?id=%00"),
            ("GET", "/self-service/logout?token=%00"),
            ("GET", "/schemas/%00"),
            ("DELETE", "/sessions/%00"),
            ("GET", "/sessions?page_token=%00"),
            ("GET", "/sessions/token-exchange?init_code=%00&return_to_code=%00"),
        ] {
            let token = native.sign_in(EMAIL).await;
            let answer = server.ask(method, path).accept_json().token(&token).send().await;
            assert!(answer.status < 500, "{path}: {}", answer.body);
        }
        for path in [
            "/identities?credentials_identifier=%00",
            "/identities?preview_credentials_identifier_similar=%00",
            "/identities?ids=%00",
            "/identities?page_token=%00",
            "/identities/by/external/%00",
            "/identities/%00",
            "/sessions?page_token=%00",
            "/sessions/%00",
            "/identities/%00/sessions",
        ] {
            let answer = server.ask_admin("GET", path).send().await;
            assert!(answer.status < 500, "{path}: {}", answer.body);
        }
        let logout = native.log_out("ory_st_\0").await;
        assert!(matches!(logout.status, 400 | 403), "{}", logout.body);
    }
}

#[tokio::test]
async fn operators_too_are_told_what_cannot_be_stored() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let id = server.import("whole@example.org", PASSWORD).await;
        let bodies = [
            json!({ "schema_id": "pers\0on", "traits": { "email": EMAIL } }),
            json!({ "schema_id": "person", "traits": { "email": "a\0@example.org" } }),
            json!({ "schema_id": "person", "traits": { "email": EMAIL, "name": "a\0b" } }),
            json!({ "schema_id": "person", "traits": { "email": EMAIL }, "metadata_public": { "a": "\0" } }),
            json!({ "schema_id": "person", "traits": { "email": EMAIL }, "metadata_admin": { "\0": 1 } }),
            json!({ "schema_id": "person", "traits": { "email": EMAIL }, "external_id": "\0" }),
        ];
        for body in &bodies {
            let created = server.ask_admin("POST", "/identities").json(body).send().await;
            assert!(matches!(created.status, 201 | 400), "{body}: {}", created.body);
            if created.status == 201 {
                let id = created.json()["id"].as_str().expect("an id").to_owned();
                assert_eq!(server.ask_admin("DELETE", &format!("/identities/{id}")).send().await.status, 204);
            }
            let replaced = server.ask_admin("PUT", &format!("/identities/{id}")).json(body).send().await;
            assert!(matches!(replaced.status, 200 | 400), "{body}: {}", replaced.body);
            let restored =
                json!({ "schema_id": "person", "state": "active", "traits": { "email": "whole@example.org" } });
            assert_eq!(server.ask_admin("PUT", &format!("/identities/{id}")).json(&restored).send().await.status, 200);
            let patch = json!([{ "op": "replace", "path": "/metadata_public", "value": body }]);
            let patched = server.ask_admin("PATCH", &format!("/identities/{id}")).json(&patch).send().await;
            assert!(matches!(patched.status, 200 | 400), "{body}: {}", patched.body);
        }
        let batch: Vec<_> = bodies.iter().map(|body| json!({ "create": body })).collect();
        let batch = server.ask_admin("PATCH", "/identities").json(&json!({ "identities": batch })).send().await;
        assert!(batch.status < 500, "{}", batch.body);
    }
}

#[tokio::test]
async fn long_texts_are_kept_or_refused() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let local = "x".repeat(60);
        let label = "y".repeat(60);
        for (email, name) in [
            // Longer than the column of an identifier, though the schema allows it.
            (format!("{local}@{}example.org", format!("{label}.").repeat(4)), "Ann".to_owned()),
            ("long-name@example.org".to_owned(), "n".repeat(90_000)),
            ("too-long-name@example.org".to_owned(), "n".repeat(200_000)),
            ("x".repeat(400_000), "Ann".to_owned()),
        ] {
            let form = server.native().open("registration").await;
            let body =
                json!({ "method": "password", "traits": { "email": email, "name": name }, "password": PASSWORD });
            let answer = server.native().submit(&form, body).await;
            assert!(matches!(answer.status, 200 | 400), "{}: {}", email.len(), &answer.body[..200]);
            let sign_in = server.native().try_sign_in(&email, PASSWORD).await;
            assert_eq!(sign_in.status, answer.status, "{}", email.len());
        }
        for password in ["p".repeat(72), "p".repeat(73), "p".repeat(400_000)] {
            let form = server.native().open("registration").await;
            let body = json!({ "method": "password", "traits": { "email": format!("{}@example.org", password.len()) },
                "password": password });
            let status = server.native().submit(&form, body).await.status;
            assert_eq!(status, if password.len() == 72 { 200 } else { 400 });
        }
        let agent = "\u{e9}".repeat(3000);
        let ask = server.ask("GET", "/self-service/login/api").header("user-agent", &agent);
        let form = Form::of(&ask.header("x-forwarded-for", vec![b'9'; 5000]).send().await);
        let body = json!({ "method": "password", "identifier": "72@example.org", "password": "p".repeat(72) });
        let ask = server
            .ask("POST", form.action())
            .json(&body)
            .header("user-agent", agent)
            .header("x-real-ip", vec![b'9'; 500]);
        assert_eq!(ask.send().await.status, 200);
    }
}

#[tokio::test]
async fn odd_headers_are_harmless() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let mut browser = server.browser();
        browser.sign_up(EMAIL).await;
        for path in ["/sessions/whoami", "/self-service/logout/browser", "/self-service/login/browser"] {
            let mut many = server.ask("GET", path).accept_json();
            for n in 0..2000 {
                many = many.header("cookie", format!("c{n}={n}")).header("x-many", "1").header("accept", "*/*");
            }
            assert!(many.send().await.status < 500, "{path}");
            for (name, value) in [
                ("cookie", &b"ory_kratos_session=\xff\xfe"[..]),
                ("cookie", b"\xff"),
                ("authorization", b"Bearer \xff"),
                ("x-session-token", b"\xff\xfe"),
                ("accept", b"\xff"),
                ("accept", b"text/html;q=nan,application/json;q=1e9"),
                ("x-forwarded-host", b"a b\xff"),
                ("x-forwarded-proto", b"javascript"),
                ("user-agent", b"\xff\xfe\xfd"),
                ("origin", b"\xff"),
                ("x-request-id", b"\xff"),
            ] {
                let answer = server.ask("GET", path).header(name, value).send().await;
                assert!(answer.status < 500, "{path} {name}: {}", answer.body);
            }
        }
        // What a device is called never keeps anyone from signing in.
        let form = server.native().open("login").await;
        let ask = server.ask("POST", form.action()).json(&good());
        let ask = ask.header("user-agent", b"\xff\xfe").header("x-real-ip", b"\xff").header("cf-ipcity", b"\xff");
        assert_eq!(ask.send().await.status, 200);
        assert!(browser.is_signed_in().await);
    }
}
