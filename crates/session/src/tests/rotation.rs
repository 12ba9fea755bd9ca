use model::FlowClient;

use super::*;
use crate::Via;

/// Whether a session that is found by `via` gets another token in a flow of `client`.
async fn rotates(world: &World, session: &Session, via: Via, client: FlowClient) -> bool {
    let (mut session, mut tx) = (session.clone(), Tx::new());
    let before = session.token.clone();
    world.sessions.rotate(&world.cx, &mut session, via, client, &mut tx).await.expect("rotates");
    assert_eq!(tx.is_empty(), session.token == before, "what is answered is what is written");
    session.token != before
}

#[tokio::test]
async fn whoever_is_answered_with_the_new_token_gets_one() {
    use FlowClient::{Api, Browser};
    let mut world = World::new().await;
    let session = world.sign_in(&world.someone().await).await;
    for apps_rotate in [false, true] {
        let policy = Policy { rotate_native_tokens: apps_rotate, ..policy(&world.secrets) };
        world.sessions = Sessions::with_policy(world.store.clone(), policy);
        for (via, client, expected) in [
            (Via::Cookie, Browser, true),
            (Via::BareCookie, Browser, true),
            (Via::SessionTokenHeader, Api, apps_rotate),
            (Via::Bearer, Api, apps_rotate),
            // An app's token that came along with a browser's form, and the other way round.
            (Via::SessionTokenHeader, Browser, false),
            (Via::Bearer, Browser, false),
            (Via::Cookie, Api, false),
            (Via::BareCookie, Api, false),
        ] {
            assert_eq!(rotates(&world, &session, via, client).await, expected, "{via:?} {client:?} {apps_rotate}");
        }
    }
}

#[tokio::test]
async fn every_token_of_before_answers_in_its_time_and_only_to_read() {
    let world = World::new().await;
    let person = world.someone().await;
    let mut session = world.sign_in(&person).await;
    let mut shown = vec![header(&session)];
    for seconds in [6, 6] {
        world.advance(SignedDuration::from_secs(seconds));
        let mut tx = Tx::new();
        world
            .sessions
            .rotate(&world.cx, &mut session, Via::Cookie, FlowClient::Browser, &mut tx)
            .await
            .expect("rotates");
        world.store.commit(tx).await.expect("another token");
        shown.push(header(&session));
    }
    let whoami = async |credentials| world.sessions.whoami(&world.cx, credentials).await;
    for old in &shown[..2] {
        let found = whoami(old).await.expect("it was under way");
        assert_eq!((found.session.id, found.is_superseded, found.session.token.as_ref()), (session.id, true, None));
        assert!(!world.is_signed_in(old).await, "it leads to nothing");
        assert_eq!(refused(world.sessions.create_logout(&world.cx, old).await), (401, Some("session_inactive")));
        let guessed = world.sessions.logout_browser(&world.cx, old, &"ory_lo_guessed".into(), Tx::new()).await;
        assert_eq!(refused(guessed), (403, None));
        assert!(world.sessions.logout_native(&world.cx, old.session_token.as_ref().expect("a token")).await.is_err());
        assert!(world.sessions.revoke_others(&world.cx, old).await.is_err());
    }
    world.advance(SignedDuration::from_secs(4));
    assert!(whoami(&shown[0]).await.is_err());
    assert!(whoami(&shown[1]).await.is_ok());
    // A logout that is under way ends the session, which is dead then by each of its tokens.
    let logout_token = logout_token_of(&session);
    let late = world.sessions.logout_browser(&world.cx, &shown[0], &logout_token, Tx::new()).await;
    assert_eq!(refused(late), (401, Some("session_inactive")));
    let ended = world.sessions.logout_browser(&world.cx, &shown[1], &logout_token, Tx::new()).await.expect("a logout");
    assert_eq!(ended.session.id, session.id);
    let again = world.sessions.logout_browser(&world.cx, &shown[1], &logout_token, Tx::new()).await;
    assert_eq!(refused(again), (401, Some("session_inactive")));
    for credentials in &shown {
        assert!(whoami(credentials).await.is_err());
    }
}
