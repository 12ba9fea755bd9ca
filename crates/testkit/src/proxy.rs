//! Stands between a server and its database, and can be taken away.

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Passes connections on, until it is stopped.
pub struct Proxy {
    port: u16,
    target: String,
    tasks: JoinSet<()>,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1 and passes connections on to `target` (`host:port`).
    pub async fn new(target: String) -> Self {
        let mut proxy = Self { port: 0, target, tasks: JoinSet::new() };
        proxy.start().await;
        proxy
    }

    /// The port it listens on, the same after every start.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Takes connections (again).
    pub async fn start(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.expect("binds");
        self.port = listener.local_addr().expect("is bound").port();
        let target = self.target.clone();
        self.tasks.spawn(async move {
            let mut links = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                let mut far = TcpStream::connect(&target).await.expect("connects");
                links.spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
            }
        });
    }

    /// Cuts all connections and takes no more.
    pub async fn stop(&mut self) {
        self.tasks.shutdown().await;
    }
}
