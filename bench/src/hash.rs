//! What checking a password costs by itself, so that it can be told from what signing in costs around it.

use std::fs;

use crypto::password;
use model::Secret;

use crate::Result;
use crate::seed::{PASSWORD, password_hash};

const CHECKS: u32 = 300;

/// Prints the CPU time of one check in nanoseconds.
pub fn measure() -> Result {
    let (hash, password) = (password_hash()?, Secret::from(PASSWORD));
    password::verify(&hash, &password)?;
    let before = cpu_time()?;
    for _ in 0..CHECKS {
        if !password::verify(&hash, &password)? {
            return Err("the hash does not match its own password".into());
        }
    }
    println!("{}", (cpu_time()? - before) / u64::from(CHECKS));
    Ok(())
}

/// The time that this thread has run, in nanoseconds (`proc_pid_schedstat(5)`).
fn cpu_time() -> Result<u64> {
    let times = fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(times.split(' ').next().unwrap_or_default().parse()?)
}
