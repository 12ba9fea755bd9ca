//! A server of this process that others reach over the network of this machine.

use axum::Router;
use axum::extract::Request;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use web::Peer;

use crate::server::Server;

/// The public API of a server on a free port of 127.0.0.1, until the value is dropped.
pub struct Port {
    port: u16,
    _running: JoinSet<()>,
}

impl Port {
    /// Opens the port.
    pub async fn of(server: &Server) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let edge = server.public();
        let answer = move |request: Request| {
            let edge = edge.clone();
            async move {
                let peer = Peer { address: Some(([127, 0, 0, 1], 40_000).into()), is_tls: false };
                edge.answer(request, peer).await
            }
        };
        let mut running = JoinSet::new();
        running.spawn(async move {
            axum::serve(listener, Router::new().fallback(answer)).await.expect("it serves");
        });
        Self { port, _running: running }
    }

    /// Its address, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}
