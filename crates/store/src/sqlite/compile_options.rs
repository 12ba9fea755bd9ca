//! What the SQLite inside this program was compiled with.
//!
//! The crate that compiles it takes options from an environment variable, which `.cargo/config.toml` sets. Cargo reads that
//! file for builds that begin in the repository, and for no others: `cargo install --git`, or `--manifest-path` from another
//! folder, make a program that works and is slower. Nothing of ours reaches every build, so the program looks when it starts.

use rusqlite::Connection;

/// The variable's value in `.cargo/config.toml`; the reasons are in
/// `docs/decisions/0001-database-drivers-and-durability.md`.
const FLAGS: &str = "-DSQLITE_DEFAULT_MEMSTATUS=0 -DSQLITE_DISABLE_PAGECACHE_OVERFLOW_STATS \
                     -DSQLITE_DEFAULT_LOOKASIDE=1200,100 -DSQLITE_OMIT_SHARED_CACHE -USQLITE_ENABLE_API_ARMOR";

/// Logs a warning that says how to build, unless SQLite was compiled with all [`FLAGS`].
///
/// # Errors
///
/// Those of the driver.
pub(super) fn check(connection: &Connection) -> rusqlite::Result<()> {
    let missing = missing(&compile_options(connection)?);
    if !missing.is_empty() {
        tracing::warn!(
            missing = missing.join(" "),
            "SQLite was compiled without options that make it faster. Build Zelus inside its repository, or set \
             LIBSQLITE3_FLAGS=\"{FLAGS}\" for the build."
        );
    }
    Ok(())
}

/// The options' names without `SQLITE_`, with their values, such as `DEFAULT_MEMSTATUS=0`.
fn compile_options(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    connection.prepare("PRAGMA compile_options")?.query_map([], |row| row.get(0))?.collect()
}

/// Those of [`FLAGS`] that were not given to the compiler.
fn missing(options: &[String]) -> Vec<&'static str> {
    let has = |name: &str| options.iter().any(|option| option == name);
    let is_given = |flag: &str| match flag.strip_prefix("-DSQLITE_") {
        Some(defined) => has(defined),
        None => flag.strip_prefix("-USQLITE_").is_some_and(|undefined| !has(undefined)),
    };
    FLAGS.split(' ').filter(|flag| !is_given(flag)).collect()
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{FLAGS, compile_options, missing};

    #[test]
    fn this_build_has_them_all() {
        let options = compile_options(&Connection::open_in_memory().expect("opens")).expect("tells");
        assert_eq!(missing(&options), Vec::<&str>::new());
    }

    #[test]
    fn a_build_that_has_not_read_our_configuration_is_found_out() {
        // What the driver's own build script chooses, of what concerns us.
        let options = ["DEFAULT_FOREIGN_KEYS", "ENABLE_API_ARMOR", "DEFAULT_LOOKASIDE=1200,40"].map(str::to_owned);
        assert_eq!(missing(&options).join(" "), FLAGS);
    }

    #[test]
    fn builds_in_the_repository_are_given_the_same() {
        let configuration = include_str!("../../../../.cargo/config.toml");
        assert!(configuration.contains(&format!("\nLIBSQLITE3_FLAGS = \"{FLAGS}\"\n")));
    }
}
