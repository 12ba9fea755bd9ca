//! Counts tests by the lines that each runner prints.

use std::ops::AddAssign;

/// How many tests passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub passed: u32,
    pub failed: u32,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl Tally {
    /// What one line of output adds, whichever runner wrote it.
    pub fn of_line(line: &str) -> Self {
        // Maven resets the terminal's colours before it lets a program write.
        let line = line.trim_start_matches("\x1b[0m");
        [cargo, wire, plain, journey, node].iter().find_map(|count| count(line)).unwrap_or_default()
    }

    /// Makes a runner's exit code count: one that failed without saying which test, or that ran no test at all, is a
    /// failure itself.
    pub fn settled(mut self, succeeded: bool) -> Self {
        if self.failed == 0 && (!succeeded || self.passed == 0) {
            self.failed = 1;
        }
        self
    }
}

/// `test result: ok. 12 passed; 0 failed; …`
fn cargo(line: &str) -> Option<Tally> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut numbers = counts.split("; ").map_while(|count| count.split(' ').next()?.parse().ok());
    Some(Tally { passed: numbers.next()?, failed: numbers.next()? })
}

/// `wire: 10 of 12 exchanges identical, 1 different on purpose`
fn wire(line: &str) -> Option<Tally> {
    let mut words = line.strip_prefix("wire: ")?.split(' ');
    let same: u32 = words.next()?.parse().ok()?;
    let total: u32 = words.nth(1)?.parse().ok()?;
    let on_purpose: u32 = words.nth(2).and_then(|count| count.parse().ok()).unwrap_or(0);
    let passed = same + on_purpose;
    Some(Tally { passed, failed: total.saturating_sub(passed) })
}

/// `12 passed, 1 failed`, and nothing else
fn plain(line: &str) -> Option<Tally> {
    let (passed, failed) = line.strip_suffix(" failed")?.split_once(" passed, ")?;
    Some(Tally { passed: passed.parse().ok()?, failed: failed.parse().ok()? })
}

/// `ok - what was tried` or `not ok - what was tried: what went wrong`, flush left.
fn journey(line: &str) -> Option<Tally> {
    if line.starts_with("ok - ") {
        Some(Tally { passed: 1, failed: 0 })
    } else if line.starts_with("not ok - ") {
        Some(Tally { passed: 0, failed: 1 })
    } else {
        None
    }
}

/// `ℹ pass 12`, `ℹ fail 1` and `ℹ cancelled 1`: the summary of Node.js' test runner.
fn node(line: &str) -> Option<Tally> {
    let (kind, count) = line.strip_prefix("ℹ ")?.split_once(' ')?;
    let count = count.parse().ok()?;
    match kind {
        "pass" => Some(Tally { passed: count, failed: 0 }),
        "fail" | "cancelled" => Some(Tally { passed: 0, failed: count }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    fn check(line: &str, passed: u32, failed: u32) {
        assert_eq!(Tally::of_line(line), Tally { passed, failed }, "{line}");
    }

    #[test]
    fn reads_the_lines_of_every_runner() {
        check("test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 0 filtered out; finished in 0.10s", 12, 0);
        check("test result: FAILED. 5 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out", 5, 2);
        check("wire: 12 of 12 exchanges identical", 12, 0);
        check("wire: 9 of 12 exchanges identical, 2 different on purpose", 11, 1);
        check("3926 passed, 0 failed", 3926, 0);
        check("12 passed, 1 failed", 12, 1);
        check("ok - PyPI ory-kratos-client 25.4.0, native token", 1, 0);
        check("not ok - PyPI ory-kratos-client 25.4.0, native token: answered 200", 0, 1);
        check("\x1b[0m\x1b[0mok - Maven sh.ory.kratos:kratos-client 25.4.0, native token", 1, 0);
        check("ℹ pass 7", 7, 0);
        check("ℹ fail 2", 0, 2);
        check("ℹ cancelled 1", 0, 1);
    }

    #[test]
    fn passes_over_other_lines() {
        let lines = ["", "test login ... ok", "ℹ tests 7", "    ok 1 - nested", "wire: ready", "12 passed; 1 failed"];
        for line in lines.into_iter().chain(["unit 12 passed, 1 failed", "12 passed, 1 failed in all", "12 passed"]) {
            check(line, 0, 0);
        }
    }

    #[test]
    fn a_runner_that_fails_without_a_word_is_a_failure() {
        assert_eq!(Tally { passed: 3, failed: 0 }.settled(false), Tally { passed: 3, failed: 1 });
        assert_eq!(Tally { passed: 3, failed: 2 }.settled(false), Tally { passed: 3, failed: 2 });
        assert_eq!(Tally { passed: 3, failed: 0 }.settled(true), Tally { passed: 3, failed: 0 });
        assert_eq!(Tally::default().settled(true), Tally { passed: 0, failed: 1 });
    }
}
