//! What operators do with identities and sessions.

use serde_json::{Value, json};

use crate::support::Server;

#[tokio::test]
async fn identities_are_made_found_changed_and_deleted() {
    let server = Server::start().await;
    let body = json!({ "schema_id": "person", "traits": { "email": "A@example.org" }, "external_id": "x-1" });
    let made = server.ask_admin("POST", "/admin/identities").json(&body).send().await;
    assert_eq!(made.status, 201, "{}", made.body);
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(made.header("location"), format!("http://127.0.0.1:4434/identities/{id}"));
    let at = |method: &str, path: &str| server.ask_admin(method, &format!("/identities{path}"));

    assert_eq!(at("POST", "").json(&body).send().await.status, 409);
    assert_eq!(at("GET", &format!("/{id}")).send().await.json()["external_id"], "x-1");
    assert_eq!(at("GET", "/by/external/x-1").send().await.json()["id"], Value::from(id.clone()));
    let found = at("GET", "?credentials_identifier=a@example.org").send().await;
    assert_eq!(found.json().as_array().map(Vec::len), Some(1));

    let put = json!({ "schema_id": "person", "state": "inactive", "traits": { "email": "b@example.org" } });
    assert_eq!(at("PUT", &format!("/{id}")).json(&put).send().await.json()["state"], "inactive");
    let patch = json!([{ "op": "replace", "path": "/metadata_public", "value": { "x": 1 } }]);
    assert_eq!(at("PATCH", &format!("/{id}")).json(&patch).send().await.json()["metadata_public"], json!({ "x": 1 }));
    assert_eq!(at("DELETE", &format!("/{id}")).send().await.status, 204);
    for method in ["GET", "DELETE"] {
        assert_eq!(at(method, &format!("/{id}")).send().await.status, 404);
        assert_eq!(at(method, "/nope").send().await.status, 404);
    }
}

#[tokio::test]
async fn bodies_that_cannot_be_read_are_refused() {
    let server = Server::start().await;
    let post = |body: &'static str| server.ask_admin("POST", "/identities").body("text/plain", body);
    for body in ["[", "{\"unknown\":1}", "", "{\"state\":\"gone\"}", "{\"schema_id\":\"none\"}"] {
        assert_eq!(post(body).send().await.status, 400, "{body}");
    }
    let id = "/identities/1f2f3f4f-0000-4000-8000-000000000000";
    assert_eq!(server.ask_admin("PUT", id).body("text/plain", "{}").send().await.status, 400);
    let batch = server.ask_admin("PATCH", "/identities").body("text/plain", "{\"x\":1}").send().await;
    assert_eq!((batch.status, &batch.json()["error"]["code"]), (400, &Value::from(500)));
}

#[tokio::test]
async fn many_identities_are_made_at_once() {
    let server = Server::start().await;
    let create = |email: &str| json!({ "schema_id": "person", "traits": { "email": email } });
    let patch_id = "1f2f3f4f-0000-4000-8000-000000000000";
    let body = json!({ "identities": [
        { "create": create("a@example.org"), "patch_id": patch_id }, { "create": create("a@example.org") },
        {}, { "create": create("not an address") }, { "create": create("b@example.org") },
    ]});
    let answer = server.ask_admin("PATCH", "/identities").json(&body).send().await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = answer.json();
    let outcomes = body["identities"].as_array().expect("a list");
    let actions: Vec<_> = outcomes.iter().map(|outcome| outcome["action"].as_str()).collect();
    assert_eq!(actions, [Some("create"), Some("error"), None, Some("error"), Some("create")]);
    assert_eq!(outcomes[0]["patch_id"], patch_id);
    assert_eq!((&outcomes[1]["error"]["code"], &outcomes[3]["error"]["code"]), (&json!(409), &json!(400)));
    let many = json!({ "identities": vec![json!({}); 1001] });
    assert_eq!(server.ask_admin("PATCH", "/identities").json(&many).send().await.status, 400);
}

#[tokio::test]
async fn lists_come_in_pages() {
    let server = Server::start().await;
    for n in 0..5 {
        server.sign_in(&format!("p{n}@example.org")).await;
    }
    let list = |query: &str| server.ask_admin("GET", &format!("/identities{query}")).send();
    let first = list("?page_size=2").await;
    assert_eq!(first.json().as_array().map(Vec::len), Some(2));
    let link = first.header("link").to_owned();
    let first_link = "</admin/identities?page_size=2&page_token=00000000-0000-0000-0000-000000000000>; rel=\"first\",<";
    let next =
        link.strip_prefix(first_link).and_then(|rest| rest.strip_suffix(">; rel=\"next\"")).expect("a next page");
    let mut seen = first.json().as_array().map_or(0, Vec::len);
    let mut next = Some(next.to_owned());
    while let Some(path) = next.take() {
        let page = server.ask_admin("GET", &path).send().await;
        seen += page.json().as_array().map_or(0, Vec::len);
        next = page
            .header("link")
            .split(",<")
            .nth(1)
            .and_then(|link| link.split_once('>'))
            .map(|(path, _)| path.to_owned());
    }
    assert_eq!(seen, 5);

    for (query, expected) in [
        (
            "?page=0&per_page=2",
            "</admin/identities?page=1&per_page=2>; rel=\"next\",</admin/identities?page=2&per_page=2>; rel=\"last\"",
        ),
        (
            "?page=9&per_page=2",
            "</admin/identities?page=0&per_page=2>; rel=\"first\",</admin/identities?page=1&per_page=2>; rel=\"prev\"",
        ),
        ("?page=x", "</admin/identities?page=0&per_page=5>; rel=\"first\""),
    ] {
        let page = list(query).await;
        assert_eq!((page.header("link"), page.header("x-total-count")), (expected, "5"), "{query}");
    }
    for query in [
        "?page=600&per_page=2",
        "?page_size=x",
        "?per_page=x",
        "?page_token=zz",
        "?ids=x",
        "?organization_id=x",
        "?include_credential=foo",
        "?ids=1f2f3f4f-0000-4000-8000-000000000000&credentials_identifier=x",
    ] {
        assert_eq!(list(query).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn what_cannot_be_imported_is_refused() {
    let server = Server::start().await;
    let person = |credentials: Value| json!({ "schema_id": "person", "traits": {}, "credentials": credentials });
    let totp = server.ask_admin("POST", "/identities").json(&person(json!({ "totp": {} }))).send().await;
    assert_eq!(totp.status, 400);
    let batch = json!({ "identities": [{ "create": { "schema_id": "none", "traits": {} } }] });
    let batch = server.ask_admin("PATCH", "/identities").json(&batch).send().await;
    assert_eq!((batch.status, &batch.json()["identities"][0]["action"]), (200, &json!("error")));
    let unknown =
        server.ask_admin("PATCH", "/identities/00000000-0000-4000-8000-000000000000").body("application/json", "");
    assert_eq!(unknown.send().await.status, 404);
}

#[tokio::test]
async fn sessions_are_listed_extended_and_ended() {
    let server = Server::start().await;
    let who = server.sign_in("a@example.org").await;
    let (id, identity) = (who.session.id.to_string(), who.session.identity_id.to_string());
    let at = |method: &str, path: &str| server.ask_admin(method, path).send();
    let one = at("GET", &format!("/sessions/{id}")).await.json();
    assert_eq!((&one["identity"], &one["devices"]), (&Value::Null, &json!([])));
    let listed = at("GET", "/sessions?expand=Identity&active=true").await.json();
    assert_eq!((&listed[0]["identity"]["id"], &listed[0]["devices"]), (&json!(identity), &Value::Null));
    assert_eq!(listed[0]["identity"].get("verifiable_addresses"), None);
    assert_eq!(at("GET", &format!("/identities/{identity}/sessions")).await.header("x-total-count"), "1");
    for path in ["/sessions?active=perhaps", "/sessions?expand=all", "/sessions?page_token=x", "/sessions/nope"] {
        assert_eq!(at("GET", path).await.status, 400, "{path}");
    }
    assert_eq!(at("DELETE", &format!("/sessions/{id}")).await.status, 204);
    assert!(!server.is_alive(&who).await);
    assert_eq!(at("DELETE", &format!("/identities/{identity}/sessions")).await.status, 204);
    assert_eq!(at("DELETE", &format!("/identities/{identity}/sessions")).await.status, 404);
    assert_eq!(at("DELETE", &format!("/sessions/{id}")).await.status, 404);
}

#[tokio::test]
async fn schemas_are_shown_to_everyone() {
    let server = Server::start().await;
    let list = server.ask("GET", "/schemas?per_page=1").send().await;
    assert_eq!((list.header("x-total-count"), &list.json()[0]["id"]), ("1", &json!("person")));
    for id in ["person", "cGVyc29u"] {
        assert_eq!(server.ask("GET", &format!("/schemas/{id}")).send().await.json()["$id"], "p");
    }
    assert_eq!(server.ask("GET", "/schemas/none").send().await.status, 404);
}
