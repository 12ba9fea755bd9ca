use std::time::Duration;

use outbound::{Error, Outbound, OutboundOptions, Request};

use crate::peer::{Peer, Then, answer, locally};
use crate::{LIMIT, client, options};

#[tokio::test]
async fn a_silent_peer_costs_one_time_out_per_try() {
    locally(async {
        let peer = Peer::start(|_| (String::new(), Then::Silence)).await;
        let request = Request::get(&peer.url("/")).timeout(Duration::from_millis(40));
        assert_eq!(client().fetch(request, LIMIT).await, Err(Error::Timeout));
        assert_eq!(peer.seen().len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_body_that_trickles_is_timed_out_too() {
    locally(async {
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc".to_owned();
        let peer = Peer::start(move |_| (head.clone(), Then::Silence)).await;
        let request = Request::get(&peer.url("/")).timeout(Duration::from_millis(40)).retries(0);
        assert_eq!(client().fetch(request, LIMIT).await, Err(Error::Timeout));
    })
    .await;
}

#[tokio::test]
async fn the_deadline_holds_over_all_tries() {
    locally(async {
        let peer = Peer::start(|_| (String::new(), Then::Silence)).await;
        let request = Request::get(&peer.url("/")).timeout(Duration::from_secs(4)).deadline(Duration::from_millis(40));
        assert_eq!(client().fetch(request, LIMIT).await, Err(Error::Timeout));
        assert_eq!(peer.seen().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn bodies_are_read_up_to_the_limit() {
    locally(async {
        let exact = Peer::saying(answer(200, "", "12345")).await;
        assert_eq!(client().fetch(Request::get(&exact.url("/")), 5).await.expect("it fits").body, b"12345");
        assert_eq!(client().fetch(Request::get(&exact.url("/")), 4).await, Err(Error::TooLarge { limit: 4 }));

        let endless = Peer::start(|_| ("HTTP/1.1 200 OK\r\n\r\n".to_owned(), Then::Endless)).await;
        assert_eq!(client().fetch(Request::get(&endless.url("/")), LIMIT).await, Err(Error::TooLarge { limit: LIMIT }));
        assert_eq!(endless.seen().len(), 1, "another try would be as large");
        let cut = client().fetch(Request::get(&endless.url("/")).truncate(), LIMIT).await.expect("what fits");
        assert_eq!(cut.body.len(), LIMIT);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_it_is() {
    let outcome = async |request| client().fetch(request, LIMIT).await.expect_err("it cannot be sent");
    for url in ["", "/relative", "file:///etc/passwd", "ftp://a/", "data:,x", "http://"] {
        assert_eq!(outcome(Request::get(url)).await, Error::InvalidUrl, "{url}");
    }
    assert_eq!(outcome(Request::new("GE T", "http://a/")).await, Error::InvalidRequest("method"));
    assert_eq!(outcome(Request::get("http://a/").header("x y", "z")).await, Error::InvalidRequest("header name"));
    assert_eq!(
        outcome(Request::get("http://a/").header("x", "a\r\nb: c")).await,
        Error::InvalidRequest("header value")
    );
}

#[tokio::test]
async fn texts_and_debug_output_are_free_of_secrets() {
    locally(async {
        // Nobody listens on a port that was just given back.
        let gone = Peer::saying(String::new()).await.url("/path?token=hunter2");
        let request = Request::post(&gone, "hunter2").header("authorization", "Bearer hunter2").retries(0);
        let shown = format!("{request:?}");
        let error = client().fetch(request, LIMIT).await.expect_err("nobody is there");
        assert!(matches!(error, Error::Connect(_)), "{error:?}");
        for text in [shown, format!("{error}"), format!("{error:?}")] {
            assert!(!text.contains("hunter2"), "{text}");
        }
    })
    .await;
}

#[test]
fn a_broken_exception_is_named() {
    let broken = OutboundOptions { private_ip_exception_urls: vec!["http://{a".to_owned()], ..options() };
    assert_eq!(Outbound::new(&broken).err(), Some(Error::InvalidGlob("http://{a".to_owned())));
}
