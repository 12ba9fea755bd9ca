//! Databases that go away and come back.

use std::time::{Duration, Instant};

use model::Entropy;
use store::{CommitError, Dsn, Store, StoreError, Tx};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use url::Url;

use crate::backend::{NETWORK, now, open, postgres, postgres_server, sqlite};
use crate::people::identity;

/// Stands before a server, and can be taken away, or fall silent.
struct Proxy {
    port: u16,
    target: String,
    tasks: JoinSet<()>,
    silent: watch::Sender<bool>,
}

impl Proxy {
    /// Stands before the server that `dsn` names, and gives back the DSN by which to pass it.
    async fn before(dsn: &str) -> (Self, Url) {
        let mut url = Url::parse(dsn).expect("a URL");
        let target = format!("{}:{}", url.host_str().expect("a host"), url.port().unwrap_or(5432));
        let mut proxy = Self { port: 0, target, tasks: JoinSet::new(), silent: watch::Sender::new(false) };
        proxy.start().await;
        url.set_host(Some("127.0.0.1")).expect("a host");
        url.set_port(Some(proxy.port)).expect("a port");
        (proxy, url)
    }

    async fn start(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.expect("binds");
        self.port = listener.local_addr().expect("is bound").port();
        let (target, silent) = (self.target.clone(), self.silent.subscribe());
        self.tasks.spawn(async move {
            let mut links = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let mut far = TcpStream::connect(&target).await.expect("connects");
                let mut silent = silent.clone();
                links.spawn(async move {
                    let silenced = async { drop(silent.wait_for(|silent| *silent).await) };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => return,
                        () = silenced => {}
                    }
                    // Both ends stay open, and hear nothing ever again.
                    std::future::pending().await
                });
            }
        });
    }

    /// Cuts all connections and takes no more.
    async fn stop(&mut self) {
        self.tasks.shutdown().await;
    }
}

fn insert(entropy: &Entropy) -> Tx {
    let mut tx = Tx::new();
    tx.insert_identity(entropy, &identity(entropy, &format!("{}@example.org", entropy.uuid())));
    tx
}

/// Whether reads and writes work, asked until they do or five seconds are over.
async fn recovers(store: &Store, entropy: &Entropy) -> bool {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(5) {
        if store.ping().await.is_ok() && store.commit(insert(entropy)).await.is_ok() {
            return true;
        }
        sleep(Duration::from_millis(20)).await;
    }
    false
}

#[tokio::test]
async fn a_postgresql_server_that_vanishes_is_reported_and_found_again() {
    let Some(server) = postgres_server() else { return };
    let backend = postgres(server).await;
    backend.store.migrate_up(NETWORK, now(), &mut |_| {}).await.expect("migrates");
    let (mut proxy, url) = Proxy::before(&backend.dsn).await;
    let (store, entropy) = (open(url.as_str()).await, Entropy::seeded(1));
    store.commit(insert(&entropy)).await.expect("is written");

    for _ in 0..2 {
        proxy.stop().await;
        // The first callers may still wait for a new connection; from then on nobody does.
        let start = Instant::now();
        assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
        let outcome = store.commit(insert(&entropy)).await;
        assert!(matches!(outcome, Err(CommitError::Store(StoreError::Unavailable(_)))), "{outcome:?}");
        assert!(start.elapsed() < Duration::from_secs(5));
        let start = Instant::now();
        assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
        assert!(start.elapsed() < Duration::from_millis(100));
        proxy.start().await;
        assert!(recovers(&store, &entropy).await);
    }

    let others = "SELECT CAST(pg_terminate_backend(pid) AS text) FROM pg_stat_activity
                  WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert!(!backend.texts(others).await.is_empty());
    assert!(recovers(&store, &entropy).await);
}

#[tokio::test]
async fn a_postgresql_server_that_falls_silent_is_given_up_on_and_found_again() {
    let Some(server) = postgres_server() else { return };
    let backend = postgres(server).await;
    backend.store.migrate_up(NETWORK, now(), &mut |_| {}).await.expect("migrates");
    let (mut proxy, mut url) = Proxy::before(&backend.dsn).await;
    url.query_pairs_mut().append_pair("max_conns", "4").append_pair("connect_timeout", "1");
    let dsn = Dsn::parse(url.as_str()).expect("a DSN");
    let Dsn::Postgres(mut options) = dsn else { panic!("another database") };
    options.statement_timeout = Duration::from_millis(200);
    let store = Store::open(&Dsn::Postgres(options)).await.expect("opens");
    let entropy = Entropy::seeded(1);
    store.commit(insert(&entropy)).await.expect("is written");

    proxy.silent.send_replace(true);
    let start = Instant::now();
    let (read, written) = tokio::join!(store.ping(), store.commit(insert(&entropy)));
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    assert!(matches!(written, Err(CommitError::Store(StoreError::Unavailable(_)))), "{written:?}");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());

    proxy.silent.send_replace(false);
    assert!(recovers(&store, &entropy).await);
    // Whoever works is not cut off for having worked as long.
    for _ in 0..40 {
        store.ping().await.expect("answers");
        sleep(Duration::from_millis(100)).await;
    }
    proxy.stop().await;
}

#[tokio::test]
async fn a_postgresql_server_that_is_not_there_yet_is_no_error_until_it_is_needed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let port = listener.local_addr().expect("is bound").port();
    drop(listener);
    let store = open(&format!("postgres://zelus@127.0.0.1:{port}/zelus")).await;
    assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn a_postgresql_server_that_turns_us_away_is_told_from_one_that_is_starting() {
    let Some(server) = postgres_server() else { return };
    let backend = postgres(server).await;
    let mut nowhere = Url::parse(&backend.dsn).expect("a URL");
    nowhere.set_path("/no-such-database");
    let mut nobody = Url::parse(&backend.dsn).expect("a URL");
    nobody.set_username("no_such_role").expect("a host");
    for url in [nowhere, nobody] {
        let outcome = open(url.as_str()).await.ping().await;
        assert!(matches!(outcome, Err(StoreError::Refused(_))), "{outcome:?}");
    }

    // What a server says while it reads its log: SQLSTATE 57P03.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let port = listener.local_addr().expect("is bound").port();
    let mut starting = JoinSet::new();
    starting.spawn(async move {
        while let Ok((mut peer, _)) = listener.accept().await {
            let fields = b"SFATAL\0C57P03\0Mthe database system is starting up\0\0";
            let length = u32::try_from(fields.len() + 4).expect("short").to_be_bytes();
            let _ = peer.read(&mut [0; 1024]).await;
            let _ = peer.write_all(&[b"E", &length[..], fields].concat()).await;
        }
    });
    let store = open(&format!("postgres://zelus@127.0.0.1:{port}/zelus?sslmode=disable")).await;
    let outcome = store.ping().await;
    let Err(StoreError::Unavailable(why)) = &outcome else { panic!("{outcome:?}") };
    assert!(why.contains("starting up (57P03)"), "{why}");
}

#[tokio::test]
async fn a_postgresql_server_that_never_answers_is_given_up_on() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let port = listener.local_addr().expect("is bound").port();
    let store = open(&format!("postgres://zelus@127.0.0.1:{port}/zelus?connect_timeout=1")).await;
    let start = Instant::now();
    assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
    assert!(start.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_second_host_takes_over() {
    let Some(server) = postgres_server() else { return };
    let backend = postgres(server).await;
    let url = Url::parse(&backend.dsn).expect("a URL");
    let here = format!("{}:{}", url.host_str().expect("a host"), url.port().unwrap_or(5432));
    // Nothing listens on port 1.
    let dsn = backend.dsn.replacen(&here, &format!("127.0.0.1:1,{here}"), 1) + "&target_session_attrs=read-write";
    open(&dsn).await.ping().await.expect("the second answers");
}

#[tokio::test]
async fn a_locked_sqlite_file_is_waited_for_and_then_reported() {
    let backend = sqlite().await;
    backend.store.migrate_up(NETWORK, now(), &mut |_| {}).await.expect("migrates");
    let (store, entropy) = (open(&format!("{}?_busy_timeout=200", backend.dsn)).await, Entropy::seeded(1));
    let other = rusqlite::Connection::open(backend.file()).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("locks");

    let start = Instant::now();
    let outcome = store.commit(insert(&entropy)).await;
    assert!(matches!(outcome, Err(CommitError::Store(StoreError::Unavailable(_)))), "{outcome:?}");
    assert!((Duration::from_millis(150)..Duration::from_secs(3)).contains(&start.elapsed()));
    assert_eq!(store.count_identities().await.expect("readers are not held up"), 0);

    other.execute_batch("ROLLBACK").expect("unlocks");
    assert!(recovers(&store, &entropy).await);
}
