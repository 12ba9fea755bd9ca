use outbound::{Error, Outbound, Relay, Relayed};

use crate::peer::{Peer, Then, answer, locally, redirect};
use crate::{LIMIT, client, guarded};

async fn relay(client: &Outbound, url: &str, headers: &[(&str, &[u8])]) -> Result<Relayed, Error> {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect();
    let url = url.parse().expect("a URL");
    client.relay(Relay { method: "POST".to_owned(), url, headers, body: b"a=b".to_vec() }).await
}

#[tokio::test]
async fn requests_of_others_go_on_as_they_are_and_come_back_as_they_are() {
    locally(async {
        let peer = Peer::saying(redirect(307, "/again")).await;
        let headers: [(&str, &[u8]); 3] = [("cookie", b"a=\xff"), ("x-a", b"1"), ("x-a", b"2")];
        let relayed = relay(&client(), &peer.url("/x?y=%2f"), &headers).await.expect("an answer");
        assert_eq!(relayed.status, 307, "it is not followed");
        assert!(relayed.headers.contains(&("location".to_owned(), b"/again".to_vec())));
        let [seen] = &peer.seen()[..] else { panic!("one request") };
        assert!(seen.starts_with("POST /x?y=%2f HTTP/1.1\r\n") && seen.ends_with("\r\n\r\na=b"), "{seen}");
        assert!(seen.contains("x-a: 1\r\nx-a: 2\r\n") && seen.contains("cookie: a="), "{seen}");

        let unwell = Peer::saying(answer(503, "", "")).await;
        assert_eq!(relay(&client(), &unwell.url("/"), &[]).await.expect("an answer").status, 503);
        assert_eq!(unwell.seen().len(), 1, "it is not tried again");
    })
    .await;
}

#[tokio::test]
async fn bodies_are_read_as_they_are_asked_for() {
    locally(async {
        let endless = Peer::start(|_| ("HTTP/1.1 200 OK\r\n\r\n".to_owned(), Then::Endless)).await;
        let mut relayed = relay(&client(), &endless.url("/"), &[]).await.expect("an answer");
        assert!(relayed.chunk().await.expect("a part").is_some_and(|chunk| !chunk.is_empty()));
        assert_eq!(relayed.read(LIMIT).await, Err(Error::TooLarge { limit: LIMIT }));

        let short = Peer::saying("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc".to_owned()).await;
        let mut relayed = relay(&client(), &short.url("/"), &[]).await.expect("an answer");
        assert!(matches!(relayed.read(LIMIT).await, Err(Error::Transport(_))));
    })
    .await;
}

#[tokio::test]
async fn the_guard_and_the_rules_of_http_hold_for_others_too() {
    locally(async {
        let peer = Peer::saying(answer(200, "", "")).await;
        let refused = relay(&guarded(&[]), &peer.url("/"), &[]).await;
        assert!(matches!(refused, Err(Error::Refused { .. })));
        let injected = relay(&client(), &peer.url("/"), &[("x", b"a\r\nb: c")]).await;
        assert!(matches!(injected, Err(Error::InvalidRequest("header value"))));
        assert_eq!(peer.seen().len(), 0);
    })
    .await;
}
