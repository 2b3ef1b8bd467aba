//! The end of the engines.

use tokio::sync::watch;

/// Waits until the engines end, in order or not.
pub(crate) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // An error means that the sender is dropped, and with it the engines.
    let _ = stopping.wait_for(|stop| *stop).await;
}
