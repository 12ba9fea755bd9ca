//! How many connections the system lets a process hold: each is an open file.

use rustix::process::{Resource, getrlimit, setrlimit};

/// As many open files are asked for; more than the connections of [`MOST`] and all else take.
const WANTED: u64 = 1 << 16;
/// As many connections are held at most, whatever the system allows: each takes memory, too.
const MOST: u64 = 1 << 15;

/// Has the system allow this process more open files, up to what its user may have. Gives back how many are allowed.
pub fn raise_file_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let (current, allowed) = (limit.current.unwrap_or(u64::MAX), limit.maximum.unwrap_or(u64::MAX));
    let wanted = WANTED.min(allowed);
    if wanted <= current {
        return current;
    }
    match setrlimit(Resource::Nofile, rustix::process::Rlimit { current: Some(wanted), ..limit }) {
        Ok(()) => wanted,
        Err(error) => {
            tracing::warn!(%error, "The limit on open files stays as it is.");
            current
        }
    }
}

/// How many connections there may be at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    /// Of the public.
    pub public: usize,
    /// Of operators, so that the public cannot lock them out.
    pub admin: usize,
}

/// What is left for connections of so many open files: a quarter is for the database, files and outgoing calls, up to a
/// thousand; an eighth of the rest is the operators'.
pub fn share(files: u64) -> Shares {
    let others = (files / 4).clamp(64, 1024).min(files / 2);
    let room = (files - others).min(MOST);
    let admin = (room / 8).clamp(1, 1024);
    let count = |number: u64| usize::try_from(number.max(1)).unwrap_or(usize::MAX);
    Shares { public: count(room.saturating_sub(admin)), admin: count(admin) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_all_else() {
        for (files, public, admin) in [
            (0, 1, 1),
            (64, 28, 4),
            (256, 168, 24),
            (1024, 672, 96),
            (4096, 2688, 384),
            (1 << 16, (1 << 15) - 1024, 1024),
            (u64::MAX, (1 << 15) - 1024, 1024),
        ] {
            assert_eq!(share(files), Shares { public, admin }, "{files}");
        }
    }

    #[test]
    fn the_limit_is_raised_as_far_as_it_goes() {
        let raised = raise_file_limit();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current.unwrap_or(u64::MAX), raised);
        assert!(raised >= WANTED.min(limit.maximum.unwrap_or(u64::MAX)));
    }
}
