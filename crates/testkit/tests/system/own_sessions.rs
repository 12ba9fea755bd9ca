//! The page on which people see where they are signed in, and leave there.

use serde_json::json;
use testkit::{Answer, Browser, Database, PASSWORD, Server, Setup};

use crate::logout::give_totp;

const EMAIL: &str = "a@example.org";

/// The anti-CSRF token of the page's forms.
fn token_of(page: &Answer) -> String {
    let start = page.body.split("name=\"csrf_token\" value=\"").nth(1);
    start.and_then(|rest| rest.split('"').next()).unwrap_or_default().replace("&#x2f;", "/")
}

async fn end(browser: &mut Browser, token: &str, which: &str) -> Answer {
    let ask = browser.server.ask("POST", "/ui/sessions").accept_html();
    browser.send(ask.form(&[("csrf_token", token), ("end", which)])).await
}

/// A browser and an app of the same person, and somebody else.
async fn people(server: &Server) -> (Browser, Browser, Browser) {
    let mut browsers = [server.browser(), server.browser(), server.browser()];
    browsers[0].sign_up(EMAIL).await;
    browsers[1].sign_in(EMAIL).await;
    browsers[2].sign_up("b@example.org").await;
    browsers.into()
}

#[tokio::test]
async fn people_leave_one_place_the_others_or_all() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let (mut here, mut there, mut stranger) = people(&server).await;
        let mut third = server.browser();
        third.sign_in(EMAIL).await;
        let page = here.visit("/ui/sessions").await;
        assert!(page.status == 200 && page.body.contains("(this device)"), "{}", page.body);
        let token = token_of(&page);
        let id = |session: serde_json::Value| session["id"].as_str().expect("an id").to_owned();
        let (of_there, of_stranger) = (id(there.whoami().await), id(stranger.whoami().await));
        assert!(page.body.contains(&of_there) && !page.body.contains(&of_stranger));

        // Nobody ends a session of somebody else.
        assert_eq!(end(&mut here, &token, &of_stranger).await.status, 303);
        assert!(stranger.is_signed_in().await);
        let done = end(&mut here, &token, &of_there).await;
        assert_eq!(done.header("location"), "http://127.0.0.1:4433/ui/sessions?done=one");
        assert!(!there.is_signed_in().await && third.is_signed_in().await && here.is_signed_in().await);
        end(&mut here, &token, "others").await;
        assert!(!third.is_signed_in().await && here.is_signed_in().await);

        third.sign_in(EMAIL).await;
        let token = token_of(&here.visit("/ui/sessions").await);
        let leaving = end(&mut here, &token, "all").await;
        let logout = leaving.header("location").to_owned();
        assert!(logout.contains("/self-service/logout?token="), "{logout}");
        here.visit(&logout).await;
        assert!(!here.is_signed_in().await && !third.is_signed_in().await && stranger.is_signed_in().await);
        assert_eq!(here.visit("/ui/sessions").await.header("location"), "http://127.0.0.1:4433/ui/signed-out");
    }
}

#[tokio::test]
async fn another_site_ends_nothing() {
    for database in Database::each().await {
        let server = Server::start(&database).await;
        let (mut here, mut there, mut stranger) = people(&server).await;
        let of_stranger = token_of(&stranger.visit("/ui/sessions").await);
        for token in ["", "made-up", of_stranger.as_str()] {
            let refused = end(&mut here, token, "others").await;
            assert!(refused.header("location").contains("/error?id="), "{} {}", refused.status, refused.body);
        }
        let cookie = format!("ory_kratos_session={}", here.session_cookie());
        let own = token_of(&here.visit("/ui/sessions").await);
        let bare = server.ask("POST", "/ui/sessions").accept_html().header("cookie", cookie);
        let bare = bare.form(&[("csrf_token", own.as_str()), ("end", "others")]).send().await;
        assert!(bare.header("location").contains("/error?id="), "without the anti-CSRF cookie: {}", bare.status);
        let nobody = end(&mut server.browser(), &own, "others").await;
        assert!(nobody.header("location").contains("/error?id="), "{}", nobody.body);
        assert!(there.is_signed_in().await && here.is_signed_in().await);
        // Nonsense is refused, and ends nothing.
        for which in ["", "nonsense", "00000000-0000-0000-0000-000000000000"] {
            assert!(end(&mut here, &own, which).await.status < 500, "{which}");
        }
        assert!(there.is_signed_in().await && here.is_signed_in().await);
    }
}

#[tokio::test]
async fn whoever_owes_a_second_factor_is_not_told_where_and_may_leave() {
    let config = "
selfservice: { methods: { totp: { enabled: true } } }
session: { whoami: { required_aal: highest_available } }";
    for database in Database::each().await {
        let server = Server::of(&database, Setup::with(config)).await;
        let native = server.native();
        let identity = server.import(EMAIL, PASSWORD).await;
        let token = native.sign_in(EMAIL).await;
        give_totp(&database, &identity).await;
        let mut browser = server.browser();
        let form = browser.open("login").await;
        let body = json!({ "method": "password", "identifier": EMAIL, "password": PASSWORD });
        browser.submit(&form, body).await;
        assert_eq!(browser.fetch("/sessions/whoami").await.error_id(), "session_aal2_required");
        let page = browser.visit("/ui/sessions").await;
        assert!(page.status == 200 && page.body.contains("Log out everywhere else"), "{}", page.body);
        assert!(!page.body.contains("Log out there"), "{}", page.body);
        end(&mut browser, &token_of(&page), "others").await;
        assert_eq!(server.ask("GET", "/sessions/whoami").token(&token).send().await.status, 401);
    }
}

#[tokio::test]
async fn password_managers_find_their_way() {
    let database = Database::sqlite().await;
    let server = Server::start(&database).await;
    let led = server.ask("GET", "/.well-known/change-password").accept_html().send().await;
    assert_eq!((led.status, led.header("location")), (303, "http://127.0.0.1:4433/self-service/settings/browser"));
    assert_eq!(server.ask("GET", "/.well-known/passkey-endpoints").send().await.status, 404);
    let passkeys = "selfservice: { methods: { passkey: { enabled: true, config: { rp: { id: 127.0.0.1, display_name: X, \
                    origins: ['http://127.0.0.1:4433'] } } } } }";
    let server = server.another(&database, passkeys).await;
    let told = server.ask("GET", "/.well-known/passkey-endpoints").send().await.json();
    assert_eq!(told["enroll"], "http://127.0.0.1:4433/self-service/settings/browser");
}
