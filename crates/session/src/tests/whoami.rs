//! What a request proves, and at which level.

use model::{CredentialType, Problem, problem};

use super::*;
use crate::{Denied, Expand, Lookup, Refusal, StepUp, Via};

async fn refusal(world: &World, credentials: &RequestCredentials) -> Refusal {
    match world.sessions.find(&world.cx, credentials).await.expect("a database") {
        Lookup::Found(_) => panic!("this should have been refused"),
        Lookup::Refused(refusal) => refusal,
    }
}

#[tokio::test]
async fn credentials_are_looked_at_in_order() {
    let world = World::new().await;
    let person = world.someone().await;
    let (a, b) = (world.sign_in(&person).await, world.sign_in(&person).await);
    let check = async |credentials: RequestCredentials, expected: Option<(&Session, Via)>| {
        let found = world.sessions.current(&world.cx, &credentials).await.expect("a database");
        let found = found.as_ref().map(|found| (found.session.id, found.via));
        assert_eq!(found, expected.map(|(session, via)| (session.id, via)));
    };
    let invalid = Some(Secret::from("ory_st_invalid"));
    let garbage = Some(Secret::from("garbage"));
    let cookie = world.cookie(&a).cookie;

    check(header(&a), Some((&a, Via::SessionTokenHeader))).await;
    check(bearer(&a), Some((&a, Via::Bearer))).await;
    check(world.cookie(&a), Some((&a, Via::Cookie))).await;
    check(
        RequestCredentials { session_token: b.token.clone(), ..world.cookie(&a) },
        Some((&b, Via::SessionTokenHeader)),
    )
    .await;
    check(RequestCredentials { session_token: invalid.clone(), ..world.cookie(&a) }, None).await;
    check(RequestCredentials { session_token: Some("".into()), ..world.cookie(&a) }, Some((&a, Via::Cookie))).await;
    check(RequestCredentials { cookie, bearer: b.token.clone(), ..Default::default() }, Some((&a, Via::Cookie))).await;
    check(
        RequestCredentials { cookie: garbage, bearer: b.token.clone(), ..Default::default() },
        Some((&b, Via::Bearer)),
    )
    .await;
    check(RequestCredentials::default(), None).await;

    // Cookies of the same name, set for other paths or by another server.
    let several = |values: [Option<Secret>; 3]| {
        let mut values = values.into_iter().flatten();
        RequestCredentials { cookie: values.next(), other_cookies: values.collect(), ..Default::default() }
    };
    let (garbage, good, other) = (Some("x".into()), world.cookie(&a).cookie, world.cookie(&b).cookie);
    check(several([garbage.clone(), good.clone(), other.clone()]), Some((&a, Via::Cookie))).await;
    check(several([good, garbage.clone(), other]), Some((&a, Via::Cookie))).await;
    check(several([garbage.clone(), garbage.clone(), garbage]), None).await;
}

#[tokio::test]
async fn refusals_say_why() {
    let mut world = World::new().await;
    let person = world.someone().await;
    let session = world.sign_in(&person).await;
    let cookie = world.cookie(&session);

    assert!(refusal(&world, &RequestCredentials::default()).await.is_missing());
    assert!(refusal(&world, &RequestCredentials::of_cookie("garbage")).await.is_missing());
    let unknown = refusal(&world, &RequestCredentials::of_token("ory_st_x".into())).await;
    assert_eq!(unknown, Refusal::Unknown(Via::SessionTokenHeader));
    assert!(!unknown.is_missing());

    world.set_state(&person, IdentityState::Inactive).await;
    assert_eq!(refusal(&world, &cookie).await, Refusal::IdentityDisabled(Via::Cookie, session.id, person.id));
    world.set_state(&person, IdentityState::Active).await;
    world.sessions.revoke(&world.cx, &session.id.to_string()).await.expect("an end");
    assert_eq!(refusal(&world, &cookie).await, Refusal::Revoked(Via::Cookie, session.id));
    let session = world.sign_in(&person).await;
    world.advance(LIFESPAN);
    assert_eq!(refusal(&world, &bearer(&session)).await, Refusal::Expired(Via::Bearer, session.id, session.expires_at));

    let cookie = world.cookie(&session);
    world.secrets = vec!["quite another secret".into()];
    world.restart();
    let text = refusal(&world, &cookie).await.to_string();
    assert!(text.contains("secrets.cookie"), "{text}");
    assert!(!text.contains(token_of(&session).expose()), "{text}");
}

#[tokio::test]
async fn a_session_carries_its_identity_and_device() {
    let world = World::new().await;
    let person = world.someone().await;
    let session = world.sign_in(&person).await;
    let found = world.sessions.whoami(&world.cx, &header(&session)).await.expect("a session").session;
    assert_eq!((found.id, found.identity_id, found.aal), (session.id, person.id, Aal::Aal1));
    assert_eq!(found.expires_at, world.cx.now() + LIFESPAN);
    assert_eq!(found.authentication_methods, session.authentication_methods);
    let identity = found.identity.expect("an identity");
    assert_eq!((identity.id, identity.available_aal), (person.id, Some(Aal::Aal1)));
    let devices = found.devices.expect("devices");
    assert_eq!(devices, session.devices.expect("devices"));
    assert_eq!(devices[0].location.as_deref(), Some(""));
}

#[tokio::test]
async fn cookies_are_written_anew_when_the_session_was_extended() {
    let world = World::new().await;
    let session = world.sign_in(&world.someone().await).await;
    let cookie = world.cookie(&session);
    assert!(!world.sessions.whoami(&world.cx, &cookie).await.expect("a session").reissue_cookie);
    world.advance(HOUR);
    let extended = world.sessions.extend(&world.cx, &session.id.to_string()).await.expect("an extension");
    assert_eq!(extended.expires_at, world.cx.now() + LIFESPAN);
    assert!(world.sessions.whoami(&world.cx, &cookie).await.expect("a session").reissue_cookie);
    assert!(!world.sessions.whoami(&world.cx, &header(&session)).await.expect("a session").reissue_cookie);
    let new = world.sessions.cookie(&world.cx, &extended);
    assert_eq!(new.max_age, Some(24 * 3600));
}

#[tokio::test]
async fn a_second_factor_must_be_used_once_there_is_one() {
    let world = World::new().await;
    let person = world.someone().await;
    let mut session = world.sign_in(&person).await;
    assert!(world.sessions.whoami(&world.cx, &header(&session)).await.is_ok());

    // As another server would add it, without a word to the row of the identity.
    let before = world.store.find_identity_with_credentials(person.id).await.expect("a database").expect("one");
    let mut after = before.clone();
    let mut totp = before.credentials[&CredentialType::Password].clone();
    totp.id = Id::random(&world.cx.entropy);
    totp.kind = CredentialType::Totp;
    totp.config = RawJson::parse(r#"{"totp_url":"otpauth://totp/x?secret=A"}"#.to_owned()).expect("JSON");
    after.credentials.insert(CredentialType::Totp, totp);
    after.updated_at = world.cx.now() + HOUR;
    let mut tx = Tx::new();
    tx.update_identity(&world.cx.entropy, &before, &after);
    world.store.commit(tx).await.expect("an update");

    let denied = world.sessions.whoami(&world.cx, &header(&session)).await.expect_err("a second factor is needed");
    assert!(matches!(denied, Denied::SecondFactor(_)), "{denied:?}");
    let problem = Problem::from(denied);
    assert_eq!((problem.status, problem.id), (403, Some(problem::id::AAL2_REQUIRED)));
    let url = "http://127.0.0.1:4433/self-service/login/browser?aal=aal2";
    assert_eq!(problem.details["redirect_browser_to"], url);
    assert_eq!(problem.extra["redirect_browser_to"], url);
    assert_eq!(refused(world.sessions.list_own(&world.cx, &header(&session), &Default::default()).await).0, 403);
    let stored = world.store.find_identity(person.id).await.expect("a database").expect("an identity");
    assert_eq!(stored.available_aal, Some(Aal::Aal2), "it is remembered");

    let method = AuthenticationMethod::new("totp", Aal::Aal2, world.cx.now());
    world.sessions.strengthen(&world.cx, &client(), &mut session, &after, method).expect("an active identity");
    let mut tx = Tx::new();
    world.sessions.update(&mut tx, &session);
    world.store.commit(tx).await.expect("a step up");
    let found = world.sessions.whoami(&world.cx, &header(&session)).await.expect("a session").session;
    assert_eq!((found.id, found.aal, found.logout_token), (session.id, Aal::Aal2, session.logout_token));
    assert_eq!(found.devices.expect("devices").len(), 1, "as in Kratos, only the first device is kept");
}

#[tokio::test]
async fn the_way_to_the_second_factor_keeps_what_was_asked_for() {
    let world = World::new().await;
    let person = world.person(&[(CredentialType::Totp, r#"{"totp_url":"otpauth://totp/x"}"#)]).await;
    let session = world.sign_in(&person).await;
    let on = StepUp { return_to: Some("http://a/b?c"), request_url: Some("http://x/?login_challenge=l&return_to=/r") };
    let required = world.sessions.require_aal(&session, RequiredAal::HighestAvailable, on).expect_err("a step up");
    let problem = Problem::from(required);
    let base = "http://127.0.0.1:4433/self-service/login/browser";
    assert_eq!(problem.details["redirect_browser_to"], format!("{base}?aal=aal2&return_to=http%3A%2F%2Fa%2Fb%3Fc"));
    assert_eq!(problem.extra["redirect_browser_to"], format!("{base}?aal=aal2&login_challenge=l&return_to=%2Fr"));
    assert!(world.sessions.require_aal(&session, RequiredAal::Aal1, on).is_ok());
}

#[tokio::test]
async fn privileges_last_for_a_while() {
    let world = World::new().await;
    let session = world.sign_in(&world.someone().await).await;
    assert!(world.sessions.require_privileged(&world.cx, &session, || "/settings".to_owned()).is_ok());
    world.advance(HOUR);
    let required =
        world.sessions.require_privileged(&world.cx, &session, || "/settings".to_owned()).expect_err("too old");
    let problem = Problem::from(required);
    assert_eq!((problem.status, problem.id), (403, Some(problem::id::REFRESH_REQUIRED)));
    let url = "http://127.0.0.1:4433/self-service/login/browser?refresh=true&return_to=%2Fsettings";
    assert_eq!(problem.extra["redirect_browser_to"], url);
}

#[tokio::test]
async fn own_sessions_can_be_listed_and_ended() {
    let world = World::new().await;
    let (person, other) = (world.someone().await, world.someone().await);
    let (me, first, second) =
        (world.sign_in(&person).await, world.sign_in(&person).await, world.sign_in(&person).await);
    let foreign = world.sign_in(&other).await;
    let list = async || {
        let page = world.sessions.list_own(&world.cx, &header(&me), &Default::default()).await.expect("a list");
        let mut ids: Vec<_> = page.items.iter().map(|session| session.id.to_string()).collect();
        ids.sort();
        ids
    };
    let mut both = vec![first.id.to_string(), second.id.to_string()];
    both.sort();
    assert_eq!(list().await, both);

    let revoke = async |id: &str| world.sessions.revoke_own(&world.cx, &header(&me), id).await;
    assert_eq!(refused(revoke(&me.id.to_string()).await), (400, None));
    assert_eq!(refused(revoke("nope").await), (400, None));
    revoke(&foreign.id.to_string()).await.expect("no word about foreign sessions");
    assert!(world.is_signed_in(&header(&foreign)).await);
    revoke(&first.id.to_string()).await.expect("an end");
    assert!(!world.is_signed_in(&header(&first)).await);
    assert_eq!(list().await, [second.id.to_string()]);
    assert_eq!(world.sessions.revoke_others(&world.cx, &header(&me)).await.expect("a count"), 2);
    assert!(!world.is_signed_in(&header(&second)).await);
    assert!(world.is_signed_in(&header(&me)).await && world.is_signed_in(&header(&foreign)).await);

    let nobody = RequestCredentials::default();
    assert_eq!(refused(world.sessions.list_own(&world.cx, &nobody, &Default::default()).await), (401, None));
    assert_eq!(refused(world.sessions.revoke_others(&world.cx, &nobody).await), (401, None));
    assert_eq!(refused(world.sessions.revoke_own(&world.cx, &nobody, "nope").await), (401, None));
}

#[tokio::test]
async fn operators_see_and_end_sessions() {
    let world = World::new().await;
    let person = world.someone().await;
    let session = world.sign_in(&person).await;
    let id = session.id.to_string();
    let unknown = "1f2f3f4f-0000-4000-8000-000000000000";

    let bare = world.sessions.get(&id, Expand::default()).await.expect("a session");
    assert!(bare.identity.is_none() && bare.devices == Some(Vec::new()));
    let full = Expand::parse(["Identity", "DEVICES"]).expect("known names");
    let full = world.sessions.get(&id, full).await.expect("a session");
    assert!(full.identity.is_some() && full.devices.is_some_and(|devices| devices.len() == 1));
    assert_eq!(refused(Expand::parse(["token"])), (400, None));
    assert_eq!(refused(world.sessions.get(unknown, Expand::default()).await), (404, None));
    assert_eq!(refused(world.sessions.get("nope", Expand::default()).await), (400, None));
    assert_eq!(refused(world.sessions.extend(&world.cx, unknown).await), (404, None));
    assert_eq!(refused(world.sessions.revoke(&world.cx, unknown).await), (404, None));

    world.sessions.revoke(&world.cx, &id).await.expect("an end");
    world.sessions.revoke(&world.cx, &id).await.expect("an end again");
    assert!(!world.is_signed_in(&header(&session)).await);
    let identity = person.id.to_string();
    let list = async |active| {
        let page = world.sessions.list_of_identity(&world.cx, &identity, active, &Default::default()).await;
        page.expect("a list").items.len()
    };
    assert_eq!((list(None).await, list(Some("true")).await, list(Some("false")).await), (1, 0, 1));
    world.sessions.delete_of_identity(&identity).await.expect("a deletion");
    assert_eq!(refused(world.sessions.delete_of_identity(&identity).await), (404, None));
}

#[tokio::test]
async fn two_codes_are_worth_a_session_once() {
    let world = World::new().await;
    let session = world.sign_in(&world.someone().await).await;
    let flow = world.cx.entropy.uuid();
    let exchange = world.sessions.new_token_exchange(&world.cx, flow);
    let mut tx = Tx::new();
    tx.insert_token_exchange(&exchange, world.cx.now());
    world.store.commit(tx).await.expect("an exchange");
    let trade = || world.sessions.exchange_token(&world.cx, &exchange.init_code, &exchange.return_to_code);

    assert_eq!(refused(world.sessions.exchange_token(&world.cx, &exchange.init_code, &"".into()).await), (400, None));
    assert_eq!(refused(trade().await), (404, None));
    let next = world.cx.entropy.uuid();
    let mut tx = Tx::new();
    tx.move_token_exchange(flow, next, world.cx.now());
    tx.bind_token_exchange(next, session.id, world.cx.now());
    world.store.commit(tx).await.expect("a sign-in");
    assert_eq!(trade().await.expect("a session").token, session.token);
    assert_eq!(refused(trade().await), (404, None), "again");
}
