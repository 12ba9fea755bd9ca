//! Counting tries, on both dialects.

use model::{SignedDuration, Timestamp};
use store::{GuardKey, GuardRow, MOST_FAILURES, Mark, Reserved, Rests, Store, Try, Tx, WINDOW};

use crate::backend::{migrated, now};

const RESTS: Rests = Rests { allowance: 10, crowded_allowance: 3, first: 5000, longest: 3_600_000, crowd: 300 };

/// One of somebody who shows nothing.
fn stranger(subject: &str) -> Try<'_> {
    let expires_at = now() + SignedDuration::from_hours(24 * 90);
    Try { kind: "totp", subject, known: "account", devices: [""; 3], prefix: "", expires_at, burst: 1 }
}

async fn reserve(store: &Store, tried: &Try<'_>, at: Timestamp) -> Result<Reserved, GuardRow> {
    store.reserve_try(tried, &RESTS, at).await.expect("answers")
}

fn later(milliseconds: i64) -> Timestamp {
    now() + SignedDuration::from_millis(milliseconds)
}

#[tokio::test]
async fn a_row_rests_as_long_as_is_said() {
    for backend in migrated().await {
        let (store, tried) = (&backend.store, stranger("somebody"));
        let mut at = now();
        for failures in 1..=MOST_FAILURES + 3 {
            let reserved = reserve(store, &tried, at).await.expect("has rested");
            assert_eq!(reserved.failures, failures);
            let rest = RESTS.after(failures, RESTS.allowance);
            if rest > 0 {
                let early = at + SignedDuration::from_millis(rest - 1);
                let resting = reserve(store, &tried, early).await.expect_err("rests");
                assert_eq!((resting.failures, resting.since, resting.kind.as_str()), (failures, at, "totp"));
            }
            at += SignedDuration::from_millis(rest);
        }
        assert_eq!(RESTS.after(9, 10), 0);
        assert_eq!((RESTS.after(10, 10), RESTS.after(11, 10), RESTS.after(12, 10)), (5000, 10_000, 20_000));
        assert_eq!((RESTS.after(60, 10), RESTS.after(MOST_FAILURES, 10)), (3_600_000, 86_400_000));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tries_at_the_same_moment_count_one_by_one() {
    for backend in migrated().await {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let store = backend.store.clone();
            tasks.spawn(async move { reserve(&store, &stranger("somebody"), now()).await.is_ok() });
        }
        assert_eq!(tasks.join_all().await.into_iter().filter(|may| *may).count(), 10);
    }
}

#[tokio::test]
async fn a_burst_counts_too_and_rests_from_its_first_failure_on() {
    for backend in migrated().await {
        let (store, tried) = (&backend.store, Try { burst: MOST_FAILURES, ..stranger("somebody") });
        for _ in 0..40 {
            reserve(store, &tried, now()).await.expect("is under way");
        }
        let row = GuardKey { subject: "somebody".to_owned(), device: String::new() };
        let mut tx = Tx::new();
        tx.rest_after_try(&row, later(10));
        store.commit(tx).await.expect("writes");
        reserve(store, &tried, later(20)).await.expect_err("rests");
        let mut tx = Tx::new();
        tx.settle_try(&row, "password", &[], later(30));
        store.commit(tx).await.expect("writes");
        // More are not let in before anything is known of the others.
        for _ in 0..MOST_FAILURES {
            reserve(store, &tried, later(40)).await.expect("is under way");
        }
        reserve(store, &tried, later(50)).await.expect_err("rests");
    }
}

#[tokio::test]
async fn a_known_device_has_tries_of_its_own_and_moves_on() {
    for backend in migrated().await {
        let store = &backend.store;
        let settle = async |row: &GuardKey, device: &str| {
            let mark = Mark { known: "account".to_owned(), device: device.to_owned(), expires_at: later(1_000_000) };
            let mut tx = Tx::new();
            tx.settle_try(row, "totp", &[mark], now());
            store.commit(tx).await.expect("writes");
        };
        let reserved = reserve(store, &stranger("somebody"), now()).await.expect("may try");
        settle(&reserved.row, "phone").await;
        while reserve(store, &stranger("somebody"), now()).await.is_ok() {}

        let by = |device| Try { devices: [device, "", "address"], ..stranger("somebody") };
        let own = reserve(store, &by("phone"), now()).await.expect("is known");
        assert_eq!((own.row.subject.as_str(), own.row.device.as_str(), own.failures), ("account", "phone", 1));
        assert!(!own.is_shared);
        reserve(store, &by("another"), now()).await.expect_err("is not");
        reserve(store, &Try { known: "of somebody else", ..by("phone") }, now()).await.expect_err("is not there");
        let forgotten = reserve(store, &by("phone"), later(1_000_000)).await.expect("strangers have rested");
        assert_eq!(forgotten.row.device, "");

        // With the cookie the mark moves on, and with it what failed.
        let mut tx = Tx::new();
        tx.move_marks("phone", "renewed", "", now());
        store.commit(tx).await.expect("writes");
        reserve(store, &by("phone"), now()).await.expect_err("is not any more");
        assert_eq!(reserve(store, &by("renewed"), now()).await.expect("is known").failures, 2);

        // A browser that is known to two accounts keeps both marks.
        let other = GuardKey { subject: "other".to_owned(), device: "renewed".to_owned() };
        let mark = Mark { known: "other".to_owned(), device: "renewed".to_owned(), expires_at: later(1_000_000) };
        let mut tx = Tx::new();
        tx.settle_try(&other, "totp", &[mark], now());
        store.commit(tx).await.expect("writes");
        assert!(reserve(store, &by("renewed"), now()).await.expect("is known").is_shared);
        let mut tx = Tx::new();
        tx.move_marks("renewed", "newer", "account", later(2_000_000));
        store.commit(tx).await.expect("writes");
        assert_eq!(reserve(store, &by("newer"), now()).await.expect("is known").failures, 1);
        let at_other = Try { known: "other", ..by("newer") };
        assert_eq!(reserve(store, &at_other, now()).await.expect("is known").row.subject, "other");
        reserve(store, &by("newer"), later(1_500_000)).await.expect("is known longer now");
    }
}

#[tokio::test]
async fn what_is_settled_or_given_back_counts_no_more() {
    for backend in migrated().await {
        let store = &backend.store;
        let row = reserve(store, &stranger("somebody"), now()).await.expect("may try").row;
        reserve(store, &stranger("somebody"), now()).await.expect("may try");
        let mut tx = Tx::new();
        tx.give_back_try(&row);
        store.commit(tx).await.expect("writes");
        assert_eq!(reserve(store, &stranger("somebody"), now()).await.expect("may try").failures, 2);
        let mut tx = Tx::new();
        tx.settle_try(&row, "totp", &[], now());
        tx.give_back_try(&row);
        store.commit(tx).await.expect("writes");
        assert_eq!(reserve(store, &stranger("somebody"), now()).await.expect("may try").failures, 1);
        assert_eq!(store.guard_rows(10).await.expect("lists").len(), 1);
        assert_eq!(store.clear_guard(Some(&["nobody".to_owned()])).await.expect("clears"), 0);
        assert_eq!(store.clear_guard(Some(&["somebody".to_owned()])).await.expect("clears"), 1);
        assert!(store.guard_rows(10).await.expect("lists").is_empty());
    }
}

#[tokio::test]
async fn a_conspicuous_prefix_leaves_strangers_less() {
    for backend in migrated().await {
        let store = &backend.store;
        let rests = Rests { crowd: 5, ..RESTS };
        let from = |prefix| Try { prefix, ..stranger("somebody") };
        let free = async |prefix, at| {
            let mut count = 0;
            while store.reserve_try(&from(prefix), &rests, at).await.expect("answers").is_ok() {
                count += 1;
            }
            store.clear_guard(Some(&["somebody".to_owned()])).await.expect("clears");
            count
        };
        for _ in 0..5 {
            let mut tx = Tx::new();
            tx.count_in_window("prefix", "crowded", now());
            store.commit(tx).await.expect("writes");
        }
        assert_eq!((free("quiet", now()).await, free("crowded", now()).await), (10, 3));
        assert_eq!(free("crowded", later(WINDOW)).await, 10);
    }
}

#[tokio::test]
async fn so_much_is_counted_in_an_hour_and_no_more() {
    for backend in migrated().await {
        let store = &backend.store;
        let count = async |at| store.count_up_to(("messages", "address"), 3, at).await.expect("answers");
        for expected in [true, true, true, false, false] {
            assert_eq!(count(now()).await, expected);
        }
        assert!(!count(later(WINDOW - 1)).await);
        assert!(count(later(WINDOW)).await);
    }
}

#[tokio::test]
async fn rows_go_when_they_are_of_no_use() {
    for backend in migrated().await {
        let store = &backend.store;
        reserve(store, &stranger("somebody"), now()).await.expect("may try");
        let remove = async |at| store.remove_outdated(store::Outdated::GuardRows, at, 10).await.expect("removes");
        assert_eq!(remove(now()).await, 0);
        assert_eq!(remove(now() + SignedDuration::from_hours(24 * 91)).await, 1);
    }
}
