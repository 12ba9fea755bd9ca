//! Which connections are ended because nothing comes over them.
//!
//! A proxy keeps connections open for its next request, and gets an error for its client if one ends as it sends; whoever
//! lets the head of a request trickle in must not hold one for long. So there are two limits, as in Kratos; hyper has
//! one for both. Connections are looked at from time to time, so that no request has to set a timer.
//!
//! It is known, too, since when a connection is idle, so that the idlest can give way where there are too many.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep};

/// How long the head of a request may take, from its first byte; on a new connection, from its beginning.
pub const HEAD_LIMIT: Duration = Duration::from_secs(5);
/// How often a connection is looked at.
const EVERY: Duration = Duration::from_millis(2500);
/// Whoever takes nothing of an answer for so long has lost interest in it.
const STALLED: Duration = Duration::from_secs(10);

/// A connection waits for the rest of a head, or for the first one.
const HEAD: u64 = 0;
/// It waits for our answer.
const ANSWER: u64 = 1;
/// It waits for another request, if there will be one.
const NEXT: u64 = 2;
/// It waits until the client has taken our answer.
const TAKING: u64 = 3;

/// How a connection gets on. Clones are of the same connection.
#[derive(Clone)]
pub struct Pace(Arc<Progress>);

struct Progress {
    /// What the connection waits for (two bits), and above that the number of its steps.
    seen: AtomicU64,
    /// When it was last known to be active, in nanoseconds of [`now`].
    active: AtomicU64,
}

/// The time since the first connection, in nanoseconds.
fn now() -> u64 {
    static BEGINNING: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);
    u64::try_from(BEGINNING.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

impl Default for Pace {
    fn default() -> Self {
        Self(Arc::new(Progress { seen: AtomicU64::new(HEAD), active: AtomicU64::new(now()) }))
    }
}

impl Pace {
    /// A head is complete, and is being answered.
    pub fn request_begins(&self) {
        self.step(ANSWER);
    }

    /// The head of an answer is there.
    pub fn answer_begins(&self) {
        // First, or the connection might look as if it had been idle since the last answer.
        self.0.active.store(now(), Ordering::Release);
        self.step(TAKING);
    }

    /// All of the answer is there.
    pub fn answer_ends(&self) {
        self.step(NEXT);
    }

    fn bytes_come(&self) {
        if self.seen() & 3 == NEXT {
            self.step(HEAD);
        }
    }

    fn bytes_go(&self) {
        let waits_for = self.seen() & 3;
        if matches!(waits_for, TAKING | NEXT) {
            self.0.active.store(now(), Ordering::Release);
            self.step(waits_for);
        }
    }

    /// Since when nothing has happened on the connection, in nanoseconds of some clock; `None` if a request is under way. An
    /// answer that the client does not take counts as none.
    pub fn idle_since(&self) -> Option<u64> {
        let waits_for = self.seen() & 3;
        let active = self.0.active.load(Ordering::Acquire);
        let is_idle = match waits_for {
            ANSWER => false,
            TAKING => u128::from(now().saturating_sub(active)) >= STALLED.as_nanos(),
            _ => true,
        };
        is_idle.then_some(active)
    }

    // One task does all of this, so that nothing comes between reading and writing.
    fn step(&self, waits_for: u64) {
        let steps = (self.seen() >> 2) + 1;
        self.0.seen.store(steps << 2 | waits_for, Ordering::Release);
    }

    fn seen(&self) -> u64 {
        self.0.seen.load(Ordering::Acquire)
    }

    /// Returns when the connection has waited for a head for [`HEAD_LIMIT`], or for `idle_limit` for a request, or for its
    /// client to take something of an answer; up to five seconds later, since it is looked at now and then.
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
                NEXT | TAKING => idle_limit,
                _ => continue,
            };
            if now - since >= limit {
                return;
            }
        }
    }
}

/// The body of an answer, which tells when all of it is there.
pub struct PacedBody<B> {
    body: B,
    pace: Pace,
}

impl<B> PacedBody<B> {
    pub fn new(body: B, pace: Pace) -> Self {
        Self { body, pace }
    }
}

/// hyper drops a body once it has all of it.
impl<B> Drop for PacedBody<B> {
    fn drop(&mut self) {
        self.pace.answer_ends();
    }
}

impl<B: Body + Unpin> Body for PacedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream that tells when something comes or goes.
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
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if matches!(outcome, Poll::Ready(Ok(1..))) {
            self.pace.bytes_go();
        }
        outcome
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        if matches!(outcome, Poll::Ready(Ok(1..))) {
            self.pace.bytes_go();
        }
        outcome
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

        pace.answer_begins();
        let stalled = lasts(&pace).await;
        assert!(stalled >= IDLE && stalled < IDLE + LATE, "{stalled:?}");

        pace.answer_ends();
        let idle = lasts(&pace).await;
        assert!(idle >= IDLE && idle < IDLE + LATE, "{idle:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_trickles_in_ends_the_connection() {
        let pace = Pace::default();
        pace.request_begins();
        pace.answer_begins();
        pace.answer_ends();
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
                pace.answer_begins();
                pace.answer_ends();
                sleep(Duration::from_secs(100)).await;
            }
        };
        tokio::select! { () = pace.overdue(IDLE) => panic!("it ended"), () = requests => {} }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_taken_slowly_keeps_a_connection() {
        let pace = Pace::default();
        pace.request_begins();
        pace.answer_begins();
        let (mut near, far) = duplex(1);
        let mut far = Paced::new(far, pace.clone());
        let answer = async {
            for _ in 0..100 {
                far.write_all(b"a").await.expect("is written");
                near.read_u8().await.expect("is read");
                sleep(Duration::from_secs(100)).await;
            }
        };
        tokio::select! { () = pace.overdue(IDLE) => panic!("it ended"), () = answer => {} }
    }

    #[test]
    fn a_connection_is_idle_while_no_request_is_under_way() {
        let pace = Pace::default();
        let unused = pace.idle_since().expect("it waits for a request");
        pace.request_begins();
        assert!(pace.idle_since().is_none());
        pace.answer_begins();
        assert!(pace.idle_since().is_none(), "the answer is being taken");
        drop(PacedBody::new(String::new(), pace.clone()));
        assert!(pace.idle_since().expect("it waits for another") > unused);
        // Nobody has taken anything of this answer for an hour.
        pace.request_begins();
        pace.answer_begins();
        let hour_ago = now().checked_sub(3600 * 1_000_000_000);
        pace.0.active.store(hour_ago.unwrap_or_default(), Ordering::Relaxed);
        assert_eq!(pace.idle_since().is_some(), hour_ago.is_some());
    }
}
