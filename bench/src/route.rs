//! The least that a server of our kind can do: one axum route with a fixed answer, on hyper and tokio, with hyper's own
//! time-out for slow heads. What the server spends above it is its own work, on any machine.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower_service::Service;

use crate::Result;

pub fn serve(address: &str) -> Result {
    let answer = || async { ([(CONTENT_TYPE, "application/json; charset=utf-8")], r#"{"status":"ok"}"#) };
    let routes = Router::new().route("/health/ready", get(answer)).route("/", get(answer));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await?;
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let routes = routes.clone();
            let answer = service_fn(move |request: Request<Incoming>| routes.clone().call(request.map(Body::new)));
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(5));
            connections.spawn(http.serve_connection(TokioIo::new(stream), answer));
        }
    })
}
