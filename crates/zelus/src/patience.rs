//! Waiting for a database that is still starting.

use std::time::Duration;

use store::{Dialect, MigrateError, Store, StoreError};
use tokio::time::{Instant, sleep};

use crate::cli;

/// How long a database may take to start, as for Kratos.
const PATIENCE: Duration = Duration::from_secs(5 * 60);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(15);

/// The steps of the schema, once a PostgreSQL server answers; says so at each try in vain. A SQLite file is there or is not.
///
/// # Errors
/// What will not pass by waiting, at once; or that five minutes have passed.
pub async fn migrations(store: &Store) -> Result<Vec<store::Migration>, MigrateError> {
    match store.dialect() {
        Dialect::Sqlite => store.migration_status().await,
        Dialect::Postgres => patiently(async || store.migration_status().await, cli::complain).await,
    }
}

/// Tries, with longer and longer pauses, for as long as it fails by [`StoreError::Unavailable`].
async fn patiently<T>(
    mut attempt: impl AsyncFnMut() -> Result<T, MigrateError>,
    mut tell: impl FnMut(&str),
) -> Result<T, MigrateError> {
    let began = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let error = match attempt().await {
            Err(error @ MigrateError::Store(StoreError::Unavailable(_))) => error,
            outcome => return outcome,
        };
        if began.elapsed() + pause > PATIENCE {
            return Err(error);
        }
        tell(&format!("Waiting, since {error}; the next try is in {} s.", pause.as_secs()));
        sleep(pause).await;
        pause = (pause * 2).min(LAST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starting() -> MigrateError {
        MigrateError::Store(StoreError::Unavailable("the database system is starting up (57P03)".to_owned()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_database_that_starts_is_waited_for_with_a_line_a_try() {
        let (mut tries, mut told) = (0, Vec::new());
        let attempt = async || {
            tries += 1;
            if tries < 4 { Err(starting()) } else { Ok(tries) }
        };
        let outcome = patiently(attempt, |line| told.push(line.to_owned())).await;
        assert_eq!(outcome.expect("it came up"), 4);
        assert_eq!(told.len(), 3);
        assert!(told[0].contains("starting up (57P03); the next try is in 1 s."), "{told:?}");
        assert!(told[2].ends_with("in 4 s."), "{told:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends_after_five_minutes() {
        let (began, mut lines) = (Instant::now(), 0);
        let outcome = patiently(async || Err::<(), _>(starting()), |_| lines += 1).await;
        assert!(outcome.is_err());
        let waited = began.elapsed().as_secs();
        assert!((285..=300).contains(&waited), "{waited}");
        assert!(lines < 30, "{lines}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_waiting_does_not_mend_is_said_at_once() {
        for error in [StoreError::Refused("password".to_owned()), StoreError::Internal("bug".to_owned())] {
            let began = Instant::now();
            let mut error = Some(error);
            let attempt = async || Err::<(), _>(MigrateError::Store(error.take().expect("one try")));
            assert!(patiently(attempt, |line| panic!("{line}")).await.is_err());
            assert_eq!(began.elapsed(), Duration::ZERO);
        }
    }
}
