//! The least that a server built like ours can do: one route with a fixed answer. What the server spends above it is its
//! own work, on any machine.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::Result;

pub fn serve(address: &str) -> Result {
    let answer = || async { ([(CONTENT_TYPE, "application/json; charset=utf-8")], r#"{"status":"ok"}"#) };
    let routes = Router::new().route("/health/ready", get(answer)).route("/", get(answer));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_io().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await?;
        axum::serve(listener, routes).await?;
        Ok(())
    })
}
