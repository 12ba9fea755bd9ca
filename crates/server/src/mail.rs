//! Delivering queued messages.

use tokio::sync::watch;

use crate::Server;

/// Delivers messages by the latest configuration until `stop` is true; then those under way are finished.
pub async fn deliver(server: Server, mut stop: watch::Receiver<bool>) {
    tracing::info!("Queued messages are delivered by this process.");
    let current = || server.app().site().runtime.courier.clone();
    courier::watch(current, async move { drop(stop.wait_for(|stop| *stop).await) }).await;
}
