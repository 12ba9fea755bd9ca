use std::time::{Duration, Instant};

use outbound::{Error, Request};

use crate::peer::{Peer, Then, answer, locally};
use crate::{LIMIT, client};

async fn tries_for(status: u16, request: impl FnOnce(&Peer) -> Request) -> usize {
    let peer = Peer::saying(answer(status, "", "")).await;
    let response = client().fetch(request(&peer), LIMIT).await.expect("an answer");
    assert_eq!(response.status, status);
    peer.seen().len()
}

#[tokio::test]
async fn only_what_may_pass_is_tried_again() {
    locally(async {
        for (status, tries) in [(200, 1), (400, 1), (404, 1), (501, 1), (429, 3), (500, 3), (502, 3), (503, 3)] {
            assert_eq!(tries_for(status, |peer| Request::get(&peer.url("/"))).await, tries, "{status}");
        }
        assert_eq!(tries_for(503, |peer| Request::post(&peer.url("/"), "x").retries(0)).await, 1);
        assert_eq!(tries_for(503, |peer| Request::post(&peer.url("/"), "x").retries(4)).await, 5);
    })
    .await;
}

#[tokio::test]
async fn a_peer_that_recovers_is_heard() {
    locally(async {
        let peer =
            Peer::start(|n| (if n < 2 { String::new() } else { answer(200, "x-a: b\r\n", "ok") }, Then::Close)).await;
        let response = client().fetch(Request::post(&peer.url("/"), "payload"), LIMIT).await.expect("an answer");
        assert_eq!(response.headers.get("X-A"), Some("b"));
        assert!(peer.seen().iter().all(|request| request.ends_with("payload")), "every try is complete");
        assert_eq!(response.success().expect("it is one").body, b"ok");
    })
    .await;
}

#[tokio::test]
async fn every_try_has_a_name_of_its_own_where_that_is_asked_for() {
    locally(async {
        let peer = Peer::start(|n| (if n < 2 { String::new() } else { answer(200, "", "") }, Then::Close)).await;
        let request = Request::get(&peer.url("/")).identify_tries("x-try");
        client().fetch(request, LIMIT).await.expect("an answer");
        let name = |request: &String| request.lines().find(|line| line.starts_with("x-try: ")).map(str::to_owned);
        let names: std::collections::BTreeSet<_> =
            peer.seen().iter().map(|request| name(request).expect("a name")).collect();
        assert_eq!(names.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn retry_after_is_respected_or_the_answer_taken() {
    locally(async {
        let patient = Peer::start(|n| {
            (if n == 0 { answer(429, "retry-after: 1\r\n", "") } else { answer(200, "", "") }, Then::Close)
        })
        .await;
        let start = Instant::now();
        assert_eq!(client().fetch(Request::get(&patient.url("/")), LIMIT).await.expect("an answer").status, 200);
        assert!(start.elapsed() >= Duration::from_secs(1), "it waited");

        let tomorrow = Peer::saying(answer(503, "retry-after: 86400\r\n", "")).await;
        let response = client().fetch(Request::get(&tomorrow.url("/")), LIMIT).await.expect("an answer");
        assert_eq!(response.success(), Err(Error::Status { status: 503 }));
        assert_eq!(tomorrow.seen().len(), 1, "it is no use to ask earlier");
    })
    .await;
}
