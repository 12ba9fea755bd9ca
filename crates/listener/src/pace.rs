//! Which connections are ended because nothing comes over them.
//!
//! A proxy keeps connections open for its next request, and gets an error for its client if one ends as it sends; whoever
//! lets the head of a request trickle in must not hold one for long. So there are two limits, as in Kratos; hyper has
//! one for both. Connections are looked at from time to time, so that no request has to set a timer.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep};

/// How long the head of a request may take, from its first byte; on a new connection, from its beginning.
pub const HEAD_LIMIT: Duration = Duration::from_secs(5);
/// How often a connection is looked at.
const EVERY: Duration = Duration::from_millis(2500);

/// A connection waits for the rest of a head, or for the first one.
const HEAD: u64 = 0;
/// It waits for our answer.
const ANSWER: u64 = 1;
/// It waits for another request, if there will be one.
const NEXT: u64 = 2;

/// What a connection waits for (two bits), and above that the number of requests that it has had.
#[derive(Clone, Default)]
pub struct Pace(Arc<AtomicU64>);

impl Pace {
    /// A head is complete, and is being answered.
    pub fn request_begins(&self) {
        self.set((self.seen() >> 2) + 1, ANSWER);
    }

    /// There is an answer.
    pub fn request_ends(&self) {
        self.set(self.seen() >> 2, NEXT);
    }

    fn bytes_come(&self) {
        let seen = self.seen();
        if seen & 3 == NEXT {
            self.set(seen >> 2, HEAD);
        }
    }

    // One task does all of this, so that nothing comes between reading and writing.
    fn set(&self, requests: u64, waits_for: u64) {
        self.0.store(requests << 2 | waits_for, Ordering::Relaxed);
    }

    fn seen(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Returns when the connection has waited for a head for [`HEAD_LIMIT`], or for a request for `idle_limit`; up to
    /// five seconds later, since it is looked at now and then.
    pub async fn overdue(&self, idle_limit: Duration) {
        let (mut seen, mut since) = (self.seen(), Instant::now());
        loop {
            sleep(EVERY).await;
            let (now_seen, now) = (self.seen(), Instant::now());
            if now_seen != seen {
                (seen, since) = (now_seen, now);
                continue;
            }
            let limit = match seen & 3 {
                HEAD => HEAD_LIMIT,
                NEXT => idle_limit,
                _ => continue,
            };
            if now - since >= limit {
                return;
            }
        }
    }
}

/// A stream that tells when something comes.
pub struct Paced<S> {
    stream: S,
    pace: Pace,
}

impl<S> Paced<S> {
    pub fn new(stream: S, pace: Pace) -> Self {
        Self { stream, pace }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.pace.bytes_come();
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::timeout;

    use super::*;

    const IDLE: Duration = Duration::from_secs(120);
    /// How much later than its limit a connection may end.
    const LATE: Duration = Duration::from_secs(5);

    /// How long a connection lasts from now on, up to an hour.
    async fn lasts(pace: &Pace) -> Duration {
        let begun = Instant::now();
        let _ = timeout(Duration::from_secs(3600), pace.overdue(IDLE)).await;
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_borne_between_requests_only() {
        let pace = Pace::default();
        let first = lasts(&pace).await;
        assert!(first >= HEAD_LIMIT && first < HEAD_LIMIT + LATE, "{first:?}");

        pace.request_begins();
        assert_eq!(lasts(&pace).await, Duration::from_secs(3600), "whoever is answered is waited for");

        pace.request_ends();
        let idle = lasts(&pace).await;
        assert!(idle >= IDLE && idle < IDLE + LATE, "{idle:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_trickles_in_ends_the_connection() {
        let pace = Pace::default();
        pace.request_begins();
        pace.request_ends();
        let (mut near, far) = duplex(64);
        let mut far = Paced::new(far, pace.clone());
        let trickle = async {
            loop {
                near.write_all(b"G").await.expect("is written");
                far.read_u8().await.expect("is read");
                sleep(Duration::from_secs(1)).await;
            }
        };
        let begun = Instant::now();
        tokio::select! { () = pace.overdue(IDLE) => {}, () = trickle => {} }
        assert!(begun.elapsed() < HEAD_LIMIT + LATE, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn requests_that_follow_each_other_keep_a_connection() {
        let pace = Pace::default();
        let requests = async {
            for _ in 0..1000 {
                pace.bytes_come();
                pace.request_begins();
                pace.request_ends();
                sleep(Duration::from_secs(100)).await;
            }
        };
        tokio::select! { () = pace.overdue(IDLE) => panic!("it ended"), () = requests => {} }
    }
}
