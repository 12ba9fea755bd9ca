use outbound::{Error, Request};

use crate::peer::{Peer, Then, answer, locally, redirect};
use crate::{LIMIT, client};

#[tokio::test]
async fn only_307_and_308_keep_method_and_body() {
    locally(async {
        for (status, line, keeps_body) in [
            (301, "GET /there", false),
            (302, "GET /there", false),
            (303, "GET /there", false),
            (307, "PUT /there", true),
            (308, "PUT /there", true),
        ] {
            let script =
                move |n| (if n == 0 { redirect(status, "/there?x=1") } else { answer(200, "", "ok") }, Then::Close);
            let peer = Peer::start(script).await;
            let request = Request::new("PUT", &peer.url("/here")).body("payload").header("x-api-key", "k");
            let response = client().fetch(request, LIMIT).await.expect("an answer");
            assert_eq!((response.url, response.body), (peer.url("/there?x=1"), b"ok".to_vec()));
            let second = &peer.seen()[1];
            assert!(second.starts_with(line) && second.contains("x-api-key: k"), "{status}: {second}");
            assert_eq!(second.ends_with("payload"), keeps_body, "{status}: {second}");
        }
    })
    .await;
}

#[tokio::test]
async fn credentials_stay_with_their_origin() {
    locally(async {
        let elsewhere = Peer::saying(answer(200, "", "")).await;
        let peer = Peer::saying(redirect(307, &elsewhere.url("/"))).await;
        let request = Request::post(&peer.url("/"), "{}")
            .header("authorization", "Basic s3cret")
            .header("x-api-key", "s3cret")
            .header("content-type", "application/json");
        client().fetch(request, LIMIT).await.expect("an answer");
        let seen = &elsewhere.seen()[0];
        assert!(!seen.contains("s3cret") && seen.contains("content-type: application/json"), "{seen}");
        assert!(peer.seen()[0].contains("x-api-key: s3cret"));
    })
    .await;
}

#[tokio::test]
async fn going_round_in_circles_ends() {
    locally(async {
        let peer = Peer::saying(redirect(302, "/again")).await;
        let outcome = client().fetch(Request::get(&peer.url("/")), LIMIT).await;
        assert_eq!(outcome, Err(Error::TooManyRedirects { limit: 10 }));
        assert_eq!(peer.seen().len(), 11);
    })
    .await;
}

#[tokio::test]
async fn other_schemes_are_not_followed_and_odd_redirects_are_answers() {
    locally(async {
        let file = Peer::saying(redirect(302, "file:///etc/passwd")).await;
        assert_eq!(client().fetch(Request::get(&file.url("/")), LIMIT).await, Err(Error::InsecureRedirect));
        let nowhere = Peer::saying(answer(302, "", "")).await;
        assert_eq!(client().fetch(Request::get(&nowhere.url("/")), LIMIT).await.expect("an answer").status, 302);
    })
    .await;
}
