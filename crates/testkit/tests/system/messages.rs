//! Messages to people, from the flow that needs one to the mail server or gateway that gets it.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use model::{Channel, Cx, Secret, SignedDuration};
use serde_json::{Value, json};
use store::Tx;
use testkit::{Database, Form, Gateway, MailEncryption, MailServer, MailServerSetup, PASSWORD, Server, Setup};

fn smtp(uri: &str) -> Setup {
    let courier = json!({ "courier": { "message_retries": 1, "smtp": {
        "connection_uri": uri, "from_address": "hello@id.example", "from_name": "Example", "local_name": "id.example",
        "headers": { "X-Team": "accounts" },
    } } });
    Setup::with(&courier.to_string())
}

fn gateway(url: &str) -> Setup {
    let request = json!({ "url": url, "method": "POST", "body": "base64://ZnVuY3Rpb24oY3R4KSBjdHg=",
        "auth": { "type": "api_key", "config": { "name": "X-Key", "value": "k-1", "in": "header" } } });
    let courier = json!({ "courier": { "message_retries": 1, "delivery_strategy": "http", "worker": { "pull_count": 50 },
        "http": { "request_config": request },
        "channels": [{ "id": "sms", "type": "http", "request_config": { "url": format!("{url}/sms"), "method": "PUT",
            "body": "base64://ZnVuY3Rpb24oY3R4KSB7IHRvOiBjdHgucmVjaXBpZW50LCB0ZXh0OiBjdHguYm9keSB9",
            "headers": { "Content-Type": "application/x-www-form-urlencoded" },
            "auth": { "type": "basic_auth", "config": { "user": "u", "password": "p" } } } }],
    } });
    Setup::with(&courier.to_string())
}

/// Delivers what is due.
async fn deliver(server: &Server) {
    server.app.site().runtime.courier.deliver_due().await.expect("a round");
}

/// Queues a message.
async fn queue_message(server: &Server, message: &courier::Message<'_>) {
    let (clock, entropy) = (server.app.clock().clone(), server.app.entropy().clone());
    let (cx, mut tx) = (Cx { clock, entropy }, Tx::new());
    server.app.site().runtime.courier.queue(&cx, message, &mut tx);
    server.store().commit(tx).await.expect("a queued message");
}

/// Queues a code to sign up with.
async fn queue(server: &Server, channel: Channel, to: &str) {
    let (code, traits) = (Secret::from("123456"), json!({ "email": to }));
    let lifespan = SignedDuration::from_mins(15);
    let message = courier::Message {
        channel,
        to,
        content: courier::Content::RegistrationCodeValid { code: &code, traits: &traits, lifespan },
        request_url: "http://127.0.0.1:4433/",
        transient_payload: None,
        request_headers: None,
    };
    queue_message(server, &message).await;
}

/// Why attempts failed.
async fn errors(database: &Database) -> Vec<String> {
    database.texts("SELECT CAST(error AS text) FROM courier_message_dispatches WHERE status = 'failed'").await
}

/// What the admin API says of the messages to somebody.
async fn messages_to(server: &Server, to: &str) -> Vec<Value> {
    let answer = server.ask_admin("GET", &format!("/admin/courier/messages?recipient={to}")).send().await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json().as_array().expect("a list").clone()
}

#[tokio::test]
async fn a_mail_server_gets_the_mail_whose_code_verifies_an_address() {
    for (encryption, scheme) in [(MailEncryption::StartTls, "smtp"), (MailEncryption::Implicit, "smtps")] {
        let mail_server = MailServer::start(MailServerSetup { encryption, asks_who: true, hangs: false }).await;
        for database in Database::each().await {
            let before = mail_server.mails().len();
            let server = Server::of(&database, smtp(&mail_server.uri(scheme, "skip_ssl_verify=true"))).await;
            let mut browser = server.browser();
            let form = browser.open("registration").await;
            let fields =
                json!({ "method": "password", "traits": { "email": "ann@example.org" }, "password": PASSWORD });
            let done = browser.submit(&form, fields).await;
            assert_eq!(done.status, 200, "{}", done.body);
            deliver(&server).await;
            deliver(&server).await;

            let mails = mail_server.mails().split_off(before);
            assert_eq!(mails.len(), 1, "{mails:?} {:?}", errors(&database).await);
            let mail = &mails[0];
            assert!(mail.is_encrypted && mail.is_authenticated);
            assert_eq!((mail.hello.as_str(), mail.recipient.as_str()), ("id.example", "ann@example.org"));
            let header = |name: &str| mail.text.lines().find_map(|line| line.strip_prefix(name));
            assert_eq!(header("From: "), Some("Example <hello@id.example>"));
            assert_eq!((header("To: "), header("X-Team: ")), (Some("ann@example.org"), Some("accounts")));
            assert_eq!(header("Auto-Submitted: "), Some("auto-generated"));
            let sent = &messages_to(&server, "ann@example.org").await[0];
            assert_eq!(
                header("Message-ID: "),
                Some(format!("<{}@id.example>", sent["id"].as_str().unwrap_or("")).as_str())
            );
            assert!(header("Content-Type: multipart/alternative").is_some(), "{}", mail.text);
            let text = mail.text.find("text/plain").expect("plain text");
            let html = mail.text.find("text/html").expect("HTML");
            assert!(text < html, "the best part comes last (RFC 2046, 5.1.4)");

            let is_code = |line: &&str| line.len() == 6 && line.chars().all(|c| c.is_ascii_digit());
            let code = mail.text.lines().find(is_code).expect("a code");
            assert!(mail.text[html..].contains(code));
            // Quoted-printable, as far as this mail needs it.
            let plain = mail.text.replace("=\n", "").replace("=3D", "=");
            let link = plain.lines().find(|line| line.starts_with("http://127.0.0.1:4433/self-service/verification?"));
            let link = link.unwrap_or_else(|| panic!("no link: {}", mail.text));
            let flow = link.split("flow=").nth(1).expect("a flow").to_owned();
            assert_eq!(flow.len(), 36, "{link}");
            let form = Form::of(&browser.fetch(&format!("/self-service/verification/flows?id={flow}")).await);
            let verified = browser.submit(&form, json!({ "method": "code", "code": code })).await;
            assert_eq!(Form::of(&verified).body["state"], "passed_challenge", "{}", verified.body);
            assert_eq!(browser.whoami().await["identity"]["verifiable_addresses"][0]["verified"], true);
        }
    }
}

#[tokio::test]
async fn no_mail_goes_out_unencrypted_or_to_a_stranger_unless_that_is_asked_for() {
    let plain = MailServer::start(MailServerSetup::default()).await;
    let encrypting = MailServerSetup { encryption: MailEncryption::StartTls, ..MailServerSetup::default() };
    let untrusted = MailServer::start(encrypting).await;
    let database = Database::sqlite().await;
    for (uri, gets) in [
        (plain.uri("smtp", ""), 0),
        (plain.uri("smtps", ""), 0),
        (plain.uri("smtp", "disable_starttls=false"), 0),
        (untrusted.uri("smtp", ""), 0),
        (untrusted.uri("smtp", "server_name=localhost"), 0),
        (untrusted.uri("smtp", "skip_ssl_verify=true"), 1),
        (plain.uri("smtp", "disable_starttls=true"), 1),
    ] {
        let server = Server::of(&database, smtp(&uri)).await;
        let before = plain.mails().len() + untrusted.mails().len();
        queue(&server, Channel::Email, "ann@example.org").await;
        deliver(&server).await;
        assert_eq!(plain.mails().len() + untrusted.mails().len() - before, gets, "{uri} {:?}", errors(&database).await);
        // What is still there must not go out by the next server.
        database.run("UPDATE courier_messages SET status = 4").await;
    }
}

#[tokio::test]
async fn refusals_are_told_apart() {
    for database in Database::each().await {
        let mail_server = MailServer::start(MailServerSetup::default()).await;
        let server = Server::of(&database, smtp(&mail_server.uri("smtp", "disable_starttls=true"))).await;
        for to in ["refused@example.org", "later@example.org", "ann@example.org"] {
            queue(&server, Channel::Email, to).await;
        }
        deliver(&server).await;
        let status = async |to| messages_to(&server, to).await[0]["status"].as_str().map(str::to_owned);
        assert_eq!(status("ann@example.org").await.as_deref(), Some("sent"));
        assert_eq!(status("refused@example.org").await.as_deref(), Some("abandoned"));
        assert_eq!(status("later@example.org").await.as_deref(), Some("queued"));
        server.wait(SignedDuration::from_secs(6));
        deliver(&server).await;
        let later = messages_to(&server, "later@example.org").await.remove(0);
        assert_eq!((&later["status"], &later["send_count"]), (&"abandoned".into(), &2.into()));

        let path = format!("/admin/courier/messages/{}", later["id"].as_str().expect("an id"));
        let found = server.ask_admin("GET", &path).send().await.json();
        let dispatches = found["dispatches"].as_array().expect("attempts");
        assert_eq!(dispatches.len(), 2);
        for dispatch in dispatches {
            assert_eq!((&dispatch["status"], &dispatch["error"]["code"]), (&"failed".into(), &500.into()));
            let error = dispatch["error"].to_string();
            assert!(error.contains("451") && !error.contains("later@"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_gateway_gets_everything_by_json_or_as_a_form() {
    for database in Database::each().await {
        let service = Gateway::start().await;
        let server = Server::of(&database, gateway(&service.url("/mail"))).await;
        queue(&server, Channel::Email, "ann@example.org").await;
        queue(&server, Channel::Sms, "+4915112345678").await;
        deliver(&server).await;
        let mut requests = service.requests();
        requests.sort_by_key(|request| request.path.clone());
        let [mail, sms] = requests.as_slice() else { panic!("{requests:?}") };

        assert!(mail.headers.contains(&"x-key: k-1".to_owned()), "{mail:?}");
        let ctx = mail.json();
        assert_eq!((&ctx["recipient"], &ctx["message_type"]), (&"ann@example.org".into(), &"email".into()));
        assert_eq!((&ctx["template_type"], &ctx["request_headers"]), (&"registration_code_valid".into(), &json!({})));
        assert_eq!(ctx["template_data"]["traits"]["email"], "ann@example.org");
        assert!(ctx["html_body"].as_str().expect("HTML").contains("123456"));

        assert_eq!(sms.path, "/mail/sms");
        assert!(sms.headers.contains(&"authorization: Basic dTpw".to_owned()), "{sms:?}");
        assert!(
            sms.body.starts_with("text=123456+is+your+code") && sms.body.contains("to=%2B4915112345678"),
            "{sms:?}"
        );
    }
}

#[tokio::test]
async fn nodes_on_one_database_send_each_message_once() {
    for database in Database::each().await {
        let service = Gateway::start().await;
        let nodes = [
            Server::of(&database, gateway(&service.url("/mail"))).await,
            Server::of(&database, gateway(&service.url("/mail"))).await,
            Server::of(&database, gateway(&service.url("/mail"))).await,
        ];
        queue(&nodes[0], Channel::Email, "poison@example.org").await;
        for n in 0..100 {
            queue(&nodes[n % 3], Channel::Email, &format!("p{n}@example.org")).await;
        }
        for _ in 0..5 {
            tokio::join!(deliver(&nodes[0]), deliver(&nodes[1]), deliver(&nodes[2]));
        }
        let mut recipients: Vec<String> =
            service.requests().iter().map(|request| request.json()["recipient"].to_string()).collect();
        recipients.sort();
        let before = recipients.len();
        recipients.dedup();
        assert_eq!((before, recipients.len()), (101, 101));
        assert_eq!(
            database.texts("SELECT CAST(count(*) AS text) FROM courier_messages WHERE status = 2").await,
            ["100"]
        );
    }
}

#[tokio::test]
async fn a_mail_server_that_hangs_delays_nobody_else() {
    let (hanging, service) =
        (MailServer::start(MailServerSetup { hangs: true, ..Default::default() }).await, Gateway::start().await);
    let database = Database::sqlite().await;
    let sms = json!({ "courier": { "worker": { "pull_wait": "20ms" }, "channels": [{ "id": "sms", "type": "http",
        "request_config": { "url": service.url("/sms"), "method": "POST", "body": "base64://ZnVuY3Rpb24oY3R4KSBjdHg=" } }] } });
    let setup = smtp(&hanging.uri("smtp", "disable_starttls=true")).and(&sms.to_string());
    let server = Server::of(&database, setup).await;
    for n in 0..12 {
        queue(&server, Channel::Email, &format!("p{n}@example.org")).await;
    }
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let current = || server.app.site().runtime.courier.clone();
    let watch = courier::watch(current, async { drop(stopped.await) });
    let check = async {
        for n in 0..3 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            queue(&server, Channel::Sms, &format!("+491511234567{n}")).await;
        }
        tokio::time::timeout(Duration::from_secs(5), async {
            while service.requests().len() < 3 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .expect("text messages pass the mails that hang");
        drop(stop);
    };
    // The mails under way would be waited for; the test has seen enough.
    tokio::select! {
        () = watch => {}
        () = check => {}
    }
}

#[tokio::test]
async fn lists_are_paged_and_filtered() {
    for database in Database::each().await {
        let server = Server::of(&database, gateway("http://127.0.0.1:1/")).await;
        for n in 0..5 {
            queue(&server, Channel::Email, &format!("p{n}@example.org")).await;
        }
        let mut seen = Vec::new();
        let mut next = Some("/admin/courier/messages?page_size=2".to_owned());
        while let Some(path) = next.take() {
            let answer = server.ask_admin("GET", &path).send().await;
            seen.extend(answer.json().as_array().expect("a page").iter().map(|item| item["recipient"].to_string()));
            let link = answer.header("link").to_owned();
            let found = link.split(',').find(|link| link.contains("rel=\"next\""));
            next = found.map(|link| link.trim_start_matches('<').split('>').next().expect("an address").to_owned());
        }
        seen.sort();
        assert_eq!(seen, (0..5).map(|n| format!("\"p{n}@example.org\"")).collect::<Vec<_>>());
        for (query, status) in [
            ("status=sent", 200),
            ("status=", 400),
            ("status=nope", 400),
            ("page_size=x", 400),
            ("page_token=x", 400),
            ("page_token=AAAA", 400),
        ] {
            let answer = server.ask_admin("GET", &format!("/admin/courier/messages?{query}")).send().await;
            assert_eq!(answer.status, status, "{query}");
        }
        assert_eq!(messages_to(&server, "p1@example.org").await.len(), 1);
        assert_eq!(messages_to(&server, "P1@example.org").await.len(), 0);
        for (id, status) in [("nope", 400), ("1f2f3f4f-0000-4000-8000-000000000000", 404)] {
            let answer = server.ask_admin("GET", &format!("/admin/courier/messages/{id}")).send().await;
            assert_eq!(answer.status, status, "{id}");
        }
        // There is no mailbox outside `serve --dev` without a configuration.
        for path in ["/ui/mailbox", "/ui/mailbox/1f2f3f4f-0000-4000-8000-000000000000"] {
            assert_eq!(server.ask("GET", path).send().await.status, 404, "{path}");
        }
    }
}

#[tokio::test]
async fn no_message_names_a_host_that_a_request_made_up() {
    let template = |text: &str| format!("base64://{}", BASE64_STANDARD.encode(text));
    let email =
        json!({ "subject": template("{{ .RequestURL }}"), "body": { "plaintext": template("{{ .RequestURL }}") } });
    let sms = json!({ "body": { "plaintext": template("@{{ .RequestURLDomain }} #1 {{ .RequestURL }}") } });
    let config = json!({
        "serve": { "public": { "base_url": "https://id.example/" } },
        "courier": { "templates": { "recovery_code": { "invalid": { "email": email }, "valid": { "email": email, "sms": sms } } } },
        "selfservice": { "flows": { "recovery": {
            "enabled": true, "use": "code", "notify_unknown_recipients": true, "ui_url": "https://app.example/recovery" } } },
    });
    for database in Database::each().await {
        let server = Server::of(&database, Setup::with(&config.to_string())).await;
        for (forged, value) in
            [("x-forwarded-host", "evil.example"), ("host", "evil.example"), ("x-forwarded-proto", "evil")]
        {
            let to = format!("{forged}@example.org");
            let ask = |method, uri: &str| server.ask(method, uri).set_header(forged, value);
            let form = ask("GET", "/self-service/recovery/api").send().await.json();
            let path = format!("/self-service/recovery?flow={}", form["id"].as_str().expect("a form"));
            let sent = ask("POST", &path).json(&json!({ "method": "code", "email": to })).send().await;
            assert_eq!(sent.json()["state"], "sent_email", "{}", sent.body);
        }
        let number = "+4915123456789";
        let identity = model::Identity::new(
            model::Id::random(server.app.entropy()),
            "person".to_owned(),
            model::RawJson::from_value(&json!({})),
            server.app.clock().now(),
        );
        let code = Secret::from("123456");
        let message = courier::Message {
            channel: Channel::Sms,
            to: number,
            content: courier::Content::RecoveryCodeValid {
                code: &code,
                identity: &identity,
                lifespan: SignedDuration::from_mins(15),
            },
            request_url: "https://evil.example/self-service/recovery/browser?a=b",
            transient_payload: None,
            request_headers: None,
        };
        queue_message(&server, &message).await;

        let texts = database.texts("SELECT CAST(body AS text) FROM courier_messages").await;
        let count = |wanted: &str| texts.iter().filter(|text| text.as_str() == wanted).count();
        assert_eq!(count("https://id.example/self-service/recovery/api"), 3, "{texts:?}");
        assert_eq!(count("@app.example #1 https://id.example/self-service/recovery/browser?a=b"), 1, "{texts:?}");
        let kept = "SELECT CAST(template_data AS text) FROM courier_messages";
        for text in database.texts(kept).await {
            assert!(!text.contains("evil.example/") && !text.contains("evil://"), "{text}");
        }
    }
}
