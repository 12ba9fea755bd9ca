//! Pages and their links, as Kratos writes them.

use super::*;
use crate::{AdminListQuery, page};

#[test]
fn tokens_of_kratos_are_accepted() {
    use base64::Engine;
    let encode = |text: &str| base64::prelude::BASE64_STANDARD_NO_PAD.encode(text);
    let id = "1f2f3f4f-0000-4000-8000-000000000000";
    let time: Timestamp = "2026-11-21T07:44:37.77293Z".parse().expect("a time");
    for token in [
        format!("id={id}/created_at=2026-11-21 07:44:37.77293"),
        format!("created_at=2026-11-21 07:44:37.77293/id={id}"),
    ] {
        let (position, size) = page::parse_keyset(Some(&encode(&token)), None).expect("a position");
        assert_eq!((position.id.to_string().as_str(), position.created_at, size), (id, time, 250));
    }
    let first = encode("id=00000000-0000-0000-0000-000000000000/created_at=2200-12-31 23:59:59");
    assert!(page::keyset_page::<()>(Vec::new(), None, 5).link_header("/p", "").contains(&first));
    for bad in ["nope!", &encode("id=nope"), &encode(&format!("id={id}/created_at=soon")), &"A".repeat(100_000)] {
        assert_eq!(refused(page::parse_keyset(Some(bad), None)), (400, None));
    }
    assert_eq!(refused(page::parse_keyset(None, Some("many"))), (400, None));
    assert_eq!(page::parse_keyset(None, Some("-1")).expect("the default").1, 250);
    assert_eq!(page::parse_keyset(None, Some("5000")).expect("the most").1, 1000);
}

#[tokio::test]
async fn all_sessions_are_listed_page_by_page_without_gap_or_repetition() {
    let world = World::new().await;
    let person = world.someone().await;
    let mut expected = Vec::new();
    for i in 0..7 {
        expected.push(world.sign_in(&person).await.id);
        // Some share the instant, and some differ by less than Kratos' tokens can tell.
        world.advance(SignedDuration::from_nanos(if i % 2 == 0 { 0 } else { 900 }));
    }
    world.sessions.revoke(&world.cx, &expected[3].to_string()).await.expect("an end");

    let mut seen = Vec::new();
    let mut page_token = None;
    loop {
        let query = AdminListQuery { page_size: Some("2".to_owned()), page_token, ..AdminListQuery::default() };
        let page = world.sessions.list_all(&world.cx, &query).await.expect("a page");
        assert!(page.items.iter().all(|session| session.identity.is_none() && session.devices.is_none()));
        seen.extend(page.items.iter().map(|session| session.id));
        let next = page.links.iter().find(|link| link.rel == "next");
        let Some(next) = next else { break };
        page_token = next.parameters.iter().find(|(key, _)| *key == "page_token").map(|(_, token)| token.clone());
    }
    assert_eq!(seen.len(), 7);
    let sorted = |mut ids: Vec<model::SessionId>| {
        ids.sort_by_key(|id| id.uuid());
        ids
    };
    assert_eq!(sorted(seen), sorted(expected));

    let list = async |active: &str| {
        let expand = vec!["identity".to_owned(), "devices".to_owned()];
        let query = AdminListQuery { active: Some(active.to_owned()), expand, ..AdminListQuery::default() };
        world.sessions.list_all(&world.cx, &query).await
    };
    assert_eq!(list("true").await.expect("a page").items.len(), 6);
    let ended = list("F").await.expect("a page").items;
    assert!(ended.len() == 1 && ended[0].identity.is_some() && ended[0].devices.is_some());
    assert_eq!(refused(list("maybe").await), (400, None));
}
