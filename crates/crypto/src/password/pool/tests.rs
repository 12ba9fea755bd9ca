use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::Poll;

use super::*;

const PASSWORD: &str = "correct horse battery";
const MD5: &str = "$md5$iOTd0kAtktUOGHnW7Nn/1A==";
const BCRYPT: Hasher = Hasher::Bcrypt { cost: 4 };
const ARGON2: Hasher =
    Hasher::Argon2 { memory_bytes: 64 * 1024, iterations: 2, parallelism: 2, salt_length: 16, key_length: 32 };

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn limits(workers: usize, queue: usize) -> PoolLimits {
    PoolLimits { workers, memory_bytes: 1 << 20, queue }
}

#[test]
fn the_pool_hashes_and_verifies() {
    let (pool, entropy) = (HashingPool::new(limits(2, 8)), Entropy::seeded(1));
    block_on(async {
        let hash = pool.hash(&ARGON2, &entropy, &PASSWORD.into()).await.unwrap();
        assert_eq!(pool.verify(&hash, &PASSWORD.into()).await, Ok(true));
        assert_eq!(pool.verify(&hash, &"wrong".into()).await, Ok(false));
        assert_eq!(pool.verify("?", &PASSWORD.into()).await, Err(HashError::UnknownFormat));
        assert_eq!(pool.dummy_verify(&ARGON2, &entropy).await, Ok(()));
        assert_eq!(pool.dummy_verify(&BCRYPT, &entropy).await, Ok(()));
    });
}

#[test]
fn whoever_is_turned_away_has_waited_for_the_work_of_the_hasher() {
    let entropy = Entropy::seeded(1);
    let own = |hasher: &Hasher| hasher.hash(&entropy, &PASSWORD.into()).unwrap();
    let kind = |hash: &str| std::mem::discriminant(&StoredHash::parse(hash).unwrap());
    let (long, longer) = ("x".repeat(73), "x".repeat(1025));
    for (hasher, other) in [(BCRYPT, ARGON2), (ARGON2, BCRYPT)] {
        let (own_kind, other_kind) = (kind(&own(&hasher)), kind(&own(&other)));
        // What is stored, what is typed, the answer, and which hashes were computed for it.
        let cases = [
            (None, "wrong", Ok(false), vec![own_kind]),
            (None, long.as_str(), Ok(false), vec![own_kind]),
            (None, longer.as_str(), Ok(false), vec![own_kind]),
            (Some(own(&hasher)), PASSWORD, Ok(true), vec![own_kind]),
            (Some(own(&hasher)), "wrong", Ok(false), vec![own_kind]),
            (Some(own(&other)), "wrong", Ok(false), vec![other_kind, own_kind]),
            (Some(MD5.to_owned()), "wrong", Ok(false), vec![kind(MD5), own_kind]),
            (Some(MD5.to_owned()), PASSWORD, Ok(true), vec![kind(MD5)]),
            (Some("?".to_owned()), "wrong", Err(HashError::UnknownFormat), vec![own_kind]),
            (
                Some(own(&hasher)),
                longer.as_str(),
                Err(HashError::TooLong { max: if hasher == BCRYPT { 72 } else { 1024 }, actual: 1025 }),
                vec![own_kind],
            ),
            (Some(own(&BCRYPT)), long.as_str(), Err(HashError::TooLong { max: 72, actual: 73 }), vec![own_kind]),
        ];
        for (stored, typed, expected, work) in cases {
            let pool = HashingPool::new(limits(1, 0));
            let answer = block_on(pool.sign_in(&hasher, &entropy, stored.as_deref(), &typed.into()));
            let computed = pool.budget.computed.lock().unwrap().clone();
            assert_eq!((answer, computed), (expected, work), "{hasher:?}, {stored:?}, {} bytes", typed.len());
        }
    }
}

/// Runs `jobs` through `pool` together, and tells how many were at work at once at most and how they ended.
fn run_together(pool: &HashingPool, jobs: usize, memory_kib: u32) -> (usize, Vec<Result<(), HashError>>) {
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let work = || {
        let (running, most) = (Arc::clone(&running), Arc::clone(&most));
        move || {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(std::time::Duration::from_millis(3));
            running.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        }
    };
    let outcomes = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..jobs).map(|_| scope.spawn(|| block_on(pool.run(memory_kib, work())))).collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    (most.load(Ordering::SeqCst), outcomes)
}

#[test]
fn sixty_four_sign_ins_at_once_stay_within_the_budget() {
    let all_done = vec![Ok(()); 64];
    let pool = HashingPool::new(limits(4, 64));
    let (at_once, outcomes) = run_together(&pool, 64, 4);
    assert!(at_once <= 4, "{at_once} at once with four workers");
    assert_eq!(outcomes, all_done);
    // One MiB of budget holds two hashes of 400 KiB.
    let (at_once, outcomes) = run_together(&pool, 64, 400);
    assert!(at_once <= 2, "{at_once} at once in the memory of two");
    assert_eq!(outcomes, all_done);
    // A hash above the whole budget is computed alone instead of never.
    let (at_once, outcomes) = run_together(&pool, 8, 4096);
    assert_eq!((at_once, outcomes), (1, vec![Ok(()); 8]));
}

#[test]
fn beyond_the_queue_the_answer_is_busy_at_once() {
    let pool = HashingPool::new(limits(1, 1));
    let (begin, begun) = mpsc::channel::<()>();
    let (release, wait) = mpsc::channel::<()>();
    let work = move || {
        begin.send(()).map_err(|_| HashError::Interrupted)?;
        wait.recv().map_err(|_| HashError::Interrupted)
    };
    std::thread::scope(|scope| {
        let first = scope.spawn(|| block_on(pool.run(4, work)));
        // The second must not come first: it would be done before anyone is turned away.
        begun.recv().unwrap();
        let second = scope.spawn(|| block_on(pool.run(4, || Ok(()))));
        while pool.budget.lock().waiting.is_empty() {
            std::thread::yield_now();
        }
        assert_eq!(block_on(pool.verify(MD5, &PASSWORD.into())), Err(HashError::Busy));
        assert_eq!(pool.load(), (1, 1), "one is under way, and one waits");
        release.send(()).unwrap();
        assert_eq!((first.join().unwrap(), second.join().unwrap()), (Ok(()), Ok(())));
    });
    assert_eq!(block_on(pool.verify(MD5, &PASSWORD.into())), Ok(true));
    assert_eq!(pool.load(), (0, 0));
}

#[test]
fn a_caller_who_leaves_keeps_its_share_until_the_work_is_done() {
    let pool = HashingPool::new(limits(1, 0));
    let (release, wait) = mpsc::channel::<()>();
    block_on(async {
        let mut call = Box::pin(pool.run(4, move || wait.recv().map_err(|_| HashError::Interrupted)));
        std::future::poll_fn(|context| {
            assert!(call.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
        drop(call);
        assert_eq!(pool.run(4, || Ok(())).await, Err(HashError::Busy));
        release.send(()).unwrap();
        while pool.budget.lock().idle_workers == 0 {
            std::thread::yield_now();
        }
        assert_eq!(pool.run(4, || Ok(())).await, Ok(()));
    });
}

fn client(address: &str) -> Option<IpAddr> {
    Some(address.parse().unwrap())
}

/// A pool with one worker, which works on nothing before it is told to.
struct Gate {
    pool: HashingPool,
    next: mpsc::Sender<()>,
    opened: Arc<Mutex<mpsc::Receiver<()>>>,
    done: Arc<Mutex<Vec<String>>>,
}

/// A call that waits in the pool.
type Call = std::pin::Pin<Box<dyn Future<Output = Result<(), HashError>> + Send>>;

impl Gate {
    /// A pool with room for `queue` of each client. The worker is taken already, by `first`.
    fn new(queue: usize) -> (Self, Call) {
        let (next, opened) = mpsc::channel();
        let pool = HashingPool::new(limits(1, queue));
        let gate = Self { pool, next, opened: Arc::new(Mutex::new(opened)), done: Arc::default() };
        let first = gate.call("198.51.100.1", "first");
        (gate, first)
    }

    /// A call that has been polled, and so has begun to wait or been turned away.
    fn call(&self, address: &str, name: &str) -> Call {
        let (opened, done, name) = (Arc::clone(&self.opened), Arc::clone(&self.done), name.to_owned());
        let pool = self.pool.for_client(client(address));
        let work = move || {
            opened.lock().unwrap().recv().unwrap();
            done.lock().unwrap().push(name);
            Ok(())
        };
        let mut call: Call = Box::pin(async move { pool.run(4, work).await });
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match call.as_mut().poll(&mut context) {
            Poll::Pending => call,
            Poll::Ready(outcome) => Box::pin(async move { outcome }),
        }
    }

    /// Lets all work that waits be done, and tells in which order it was.
    async fn open(self, calls: impl IntoIterator<Item = Call>) -> Vec<String> {
        let calls: tokio::task::JoinSet<_> = calls.into_iter().collect();
        (0..calls.len()).for_each(|_| self.next.send(()).unwrap());
        assert!(calls.join_all().await.iter().all(Result::is_ok));
        self.done.lock().unwrap().clone()
    }
}

#[test]
fn an_honest_client_waits_for_one_hash_of_its_neighbour() {
    block_on(async {
        let (gate, first) = Gate::new(64);
        let noise: Vec<_> = (0..64).map(|n| gate.call(&format!("192.0.2.{n}"), "noise")).collect();
        let honest = gate.call("203.0.113.1", "honest");
        let order = gate.open(noise.into_iter().chain([first, honest])).await;
        assert_eq!(order[..4], ["first", "noise", "honest", "noise"]);
        assert_eq!(order.len(), 66);
    });
}

#[test]
fn a_full_queue_turns_away_whoever_fills_it() {
    block_on(async {
        let (gate, first) = Gate::new(2);
        // Four networks with a full queue each are all that there is room for.
        let mut noise = vec![first];
        for n in 0..4 {
            noise.extend([1, 2].map(|host| gate.call(&format!("192.0.{n}.{host}"), "noise")));
            assert_eq!(gate.call(&format!("192.0.{n}.3"), "third").await, Err(HashError::Busy));
        }
        let honest = gate.call("203.0.113.1", "honest");
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        noise.retain_mut(|call| match call.as_mut().poll(&mut context) {
            Poll::Pending => true,
            Poll::Ready(outcome) => outcome != Err(HashError::Busy),
        });
        assert_eq!(noise.len(), 8, "one of the neighbours' made way");
        let order = gate.open(noise.into_iter().chain([honest])).await;
        assert_eq!(order.iter().position(|name| name == "honest"), Some(5));
    });
}

#[test]
fn nothing_is_computed_for_those_who_have_left() {
    block_on(async {
        let (gate, first) = Gate::new(64);
        let noise: Vec<_> = (0..64).map(|n| gate.call(&format!("192.0.2.{n}"), "noise")).collect();
        let full = gate.call("192.0.2.1", "full");
        assert_eq!(full.await, Err(HashError::Busy));
        drop(noise);
        assert!(gate.pool.budget.lock().waiting.is_empty());
        let again = gate.call("192.0.2.1", "again");
        assert_eq!(gate.open([first, again]).await, ["first", "again"]);
    });
}
