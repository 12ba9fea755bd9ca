//! The tables of logout: in which order a browser's logout is checked, and what a native app's answers.

use model::{IdentityState, Secret, SignedDuration, problem};
use store::Tx;

use super::*;
use crate::Via;

const INACTIVE: (u16, Option<&str>) = (401, Some(problem::id::SESSION_INACTIVE));

#[tokio::test]
async fn the_checks_of_a_browser_logout_come_in_order() {
    let world = World::new().await;
    let session = world.sign_in(&world.someone().await).await;
    let nobody = RequestCredentials::default();
    let logout = async |credentials: &RequestCredentials, token: &str| {
        world.sessions.logout_browser(&world.cx, credentials, &Secret::from(token), Tx::new()).await
    };
    let cookie = world.cookie(&session);
    let token = logout_token_of(&session);

    assert_eq!(refused(logout(&nobody, "").await), (400, None), "a missing token comes first");
    assert_eq!(refused(logout(&cookie, "").await), (400, None));
    assert_eq!(refused(logout(&nobody, token.expose()).await), INACTIVE);
    assert_eq!(refused(logout(&RequestCredentials::of_cookie("forged"), token.expose()).await), INACTIVE);
    assert_eq!(refused(logout(&cookie, "ory_lo_wrong").await), (403, None));
    assert!(world.is_signed_in(&cookie).await);

    let ended = logout(&cookie, token.expose()).await.expect("a logout");
    assert_eq!((ended.session.id, ended.via, ended.clear_cookie), (session.id, Via::Cookie, true));
    assert!(!world.is_signed_in(&cookie).await);
    assert_eq!(refused(logout(&cookie, token.expose()).await), INACTIVE, "a replay ends nothing");
    assert_eq!(refused(world.sessions.create_logout(&world.cx, &cookie).await), INACTIVE);
}

#[tokio::test]
async fn the_session_that_matches_is_the_one_that_ends() {
    let world = World::new().await;
    let person = world.someone().await;
    let (a, b, c) = (world.sign_in(&person).await, world.sign_in(&person).await, world.sign_in(&person).await);
    let all = RequestCredentials {
        session_token: a.token.clone(),
        cookie: world.cookie(&b).cookie,
        bearer: c.token.clone(),
        ..RequestCredentials::default()
    };
    let logout = async |credentials: &RequestCredentials, token| {
        world.sessions.logout_browser(&world.cx, credentials, &token, Tx::new()).await
    };

    let ended = logout(&all, logout_token_of(&c)).await.expect("a logout");
    assert_eq!((ended.session.id, ended.via, ended.clear_cookie), (c.id, Via::Bearer, false));
    assert!(world.is_signed_in(&header(&a)).await && world.is_signed_in(&header(&b)).await);
    assert_eq!(refused(logout(&all, logout_token_of(&c)).await), INACTIVE);

    let other = world.sign_in(&person).await;
    assert_eq!(refused(logout(&all, logout_token_of(&other)).await), (403, None));
    assert!(world.is_signed_in(&header(&other)).await, "a token alone ends nothing");

    let ended = logout(&all, logout_token_of(&a)).await.expect("a logout");
    assert_eq!((ended.session.id, ended.via, ended.clear_cookie), (a.id, Via::SessionTokenHeader, false));
    let ended = logout(&all, logout_token_of(&b)).await.expect("a logout beside dead credentials");
    assert_eq!((ended.session.id, ended.via, ended.clear_cookie), (b.id, Via::Cookie, true));
}

#[tokio::test]
async fn a_cookie_that_belongs_to_the_session_of_a_header_is_cleared_too() {
    let world = World::new().await;
    let session = world.sign_in(&world.someone().await).await;
    let both = RequestCredentials { session_token: session.token.clone(), ..world.cookie(&session) };
    let ended =
        world.sessions.logout_browser(&world.cx, &both, &logout_token_of(&session), Tx::new()).await.expect("a logout");
    assert!(ended.clear_cookie);
}

#[tokio::test]
async fn a_bare_cookie_value_is_taken_for_the_cookie() {
    let world = World::new().await;
    let session = world.sign_in(&world.someone().await).await;
    let bare = RequestCredentials { bare_cookie: world.cookie(&session).cookie, ..RequestCredentials::default() };
    let found = world.sessions.whoami(&world.cx, &bare).await.expect("a session");
    assert_eq!((found.via, found.reissue_cookie), (Via::BareCookie, false));
    let token = world.sessions.create_logout(&world.cx, &bare).await.expect("a token").token;
    world.sessions.logout_browser(&world.cx, &bare, &token, Tx::new()).await.expect("a logout");
    assert!(!world.is_signed_in(&header(&session)).await);

    let other_cookies = RequestCredentials { bare_cookie: Some("a=b; c=d".into()), ..RequestCredentials::default() };
    assert!(!world.is_signed_in(&other_cookies).await);
}

#[tokio::test]
async fn native_logout_answers_alike_for_living_and_ended_sessions() {
    let world = World::new().await;
    let session = world.sign_in(&world.someone().await).await;
    let logout = async |token: &str| world.sessions.logout_native(&world.cx, &Secret::from(token)).await;

    for unknown in ["", "ory_st_nope", "ory_st_\0", "ü", &"x".repeat(100_000)] {
        assert_eq!(refused(logout(unknown).await), (403, None));
    }
    assert!(logout(token_of(&session).expose()).await.is_ok());
    assert!(!world.is_signed_in(&header(&session)).await);
    assert!(logout(token_of(&session).expose()).await.is_ok(), "again");

    let expired = world.sign_in(&world.someone().await).await;
    world.advance(LIFESPAN);
    assert!(logout(token_of(&expired).expose()).await.is_ok(), "expired");
}

#[tokio::test]
async fn the_token_is_the_same_at_every_call_and_for_native_apps() {
    let world = World::new().await;
    let session = world.sign_in(&world.someone().await).await;
    for credentials in [world.cookie(&session), header(&session), bearer(&session), world.cookie(&session)] {
        let logout = world.sessions.create_logout(&world.cx, &credentials).await.expect("a token");
        assert_eq!((logout.token, logout.session.id), (logout_token_of(&session), session.id));
    }
}

#[tokio::test]
async fn a_half_proved_sign_in_can_log_out() {
    let world = World::new().await;
    let person = world.person(&[(CredentialType::Totp, r#"{"totp_url":"otpauth://totp/x"}"#)]).await;
    let session = world.sign_in(&person).await;
    let cookie = world.cookie(&session);
    assert_eq!(refused(world.sessions.whoami(&world.cx, &cookie).await), (403, Some(problem::id::AAL2_REQUIRED)));
    let token = world.sessions.create_logout(&world.cx, &cookie).await.expect("a token").token;
    world.sessions.logout_browser(&world.cx, &cookie, &token, Tx::new()).await.expect("a logout");
    assert!(!world.is_signed_in(&cookie).await);
}

#[tokio::test]
async fn nothing_brings_an_ended_session_back() {
    let world = World::new().await;
    let person = world.someone().await;
    let session = world.sign_in(&person).await;
    let mut stale = session.clone();
    let method = AuthenticationMethod::new("password", Aal::Aal1, world.cx.now());
    world.sessions.strengthen(&world.cx, &client(), &mut stale, &person, method).expect("an active identity");
    world.sessions.logout_native(&world.cx, &token_of(&session)).await.expect("a logout");

    let mut tx = Tx::new();
    world.sessions.update(&mut tx, &stale);
    assert!(matches!(world.store.commit(tx).await, Err(store::CommitError::Stale("sessions.update"))));
    world.sessions.extend(&world.cx, &session.id.to_string()).await.expect("an answer");
    assert!(!world.is_signed_in(&header(&session)).await);

    let expired = world.sign_in(&person).await;
    world.advance(LIFESPAN);
    let shown = world.sessions.extend(&world.cx, &expired.id.to_string()).await.expect("an answer");
    assert!(!shown.is_valid(world.cx.now()));
    assert!(!world.is_signed_in(&header(&expired)).await);
}

#[tokio::test]
async fn two_logouts_at_once_end_the_session_once() {
    let world = World::new().await;
    let session = world.sign_in(&world.someone().await).await;
    let (cookie, token) = (world.cookie(&session), logout_token_of(&session));
    let logout = || world.sessions.logout_browser(&world.cx, &cookie, &token, Tx::new());
    let outcomes: [_; 2] = tokio::join!(logout(), logout()).into();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
}

#[tokio::test]
async fn the_session_of_a_disabled_identity_is_dead_while_it_is_disabled() {
    let world = World::new().await;
    let person = world.someone().await;
    let session = world.sign_in(&person).await;
    world.advance(SignedDuration::from_secs(1));
    world.set_state(&person, IdentityState::Inactive).await;
    assert_eq!(refused(world.sessions.create_logout(&world.cx, &header(&session)).await), INACTIVE);
    let logout =
        world.sessions.logout_browser(&world.cx, &header(&session), &logout_token_of(&session), Tx::new()).await;
    assert_eq!(refused(logout), INACTIVE);
    let method = AuthenticationMethod::new("password", Aal::Aal1, world.cx.now());
    let person = world.store.find_identity(person.id).await.expect("a database").expect("an identity");
    assert_eq!(refused(world.sessions.new_session(&world.cx, &client(), &person, vec![method])), (401, None));
}

#[tokio::test]
async fn sessions_of_very_old_versions_get_a_logout_token_when_they_ask() {
    let world = World::new().await;
    let person = world.someone().await;
    let method = AuthenticationMethod::new("password", Aal::Aal1, world.cx.now());
    let mut old = world.sessions.new_session(&world.cx, &client(), &person, vec![method]).expect("an active identity");
    old.logout_token = None;
    let mut tx = Tx::new();
    world.sessions.insert(&mut tx, &old);
    world.store.commit(tx).await.expect("a session");

    let first = world.sessions.create_logout(&world.cx, &header(&old)).await.expect("a token").token;
    let second = world.sessions.create_logout(&world.cx, &header(&old)).await.expect("a token").token;
    assert_eq!(first, second);
    world.sessions.logout_browser(&world.cx, &header(&old), &first, Tx::new()).await.expect("a logout");
    assert!(!world.is_signed_in(&header(&old)).await);
}
