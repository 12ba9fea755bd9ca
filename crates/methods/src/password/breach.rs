//! Whether a password is known from a breach, asked without telling it: only the first five hexadecimal digits of its
//! SHA-1 leave the machine, and the service answers with all that begin so (the range API of Have I Been Pwned).

use std::time::Duration;

use outbound::{Error, Outbound, Request};
use sha1::{Digest, Sha1};

/// A sign-up is never held longer than this; Kratos waits for ten seconds and more.
const DEADLINE: Duration = Duration::from_secs(2);
/// A range has about a thousand lines of at most fifty bytes.
const LIMIT: usize = 512 * 1024;

/// How often a password was seen in breaches.
pub(super) async fn count(outbound: &Outbound, host: &str, password: &str) -> Result<u64, Error> {
    let digest = Sha1::digest(password.as_bytes());
    let digest: String = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    let (prefix, suffix) = digest.split_at(5);
    // Tests name a plain HTTP server by its whole address.
    let base = if host.contains("://") { host.trim_end_matches('/').to_owned() } else { format!("https://{host}") };
    let request =
        Request::get(&format!("{base}/range/{prefix}")).header("Add-Padding", "true").retries(0).deadline(DEADLINE);
    let response = outbound.fetch(request, LIMIT).await?;
    if response.status != 200 {
        return Err(Error::Status { status: response.status });
    }
    Ok(find(&String::from_utf8_lossy(&response.body), suffix))
}

/// Finds a suffix in lines of `SUFFIX:COUNT`. Padding has the count 0.
fn find(range: &str, suffix: &str) -> u64 {
    let lines = range.lines().filter_map(|line| line.trim().split_once(':'));
    let found = lines.filter(|(line, _)| line.eq_ignore_ascii_case(suffix)).find_map(|(_, count)| count.parse().ok());
    found.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn a_suffix_is_found_among_others_and_padding() {
        let range =
            "0018A45C4D1DEF81644B54AB7F969B88D65:10\r\n1E4C9B93F3F0682250B6CF8331B7EE68FD8:9659365\r\nFFF:0\r\n";
        assert_eq!(find(range, "1E4C9B93F3F0682250B6CF8331B7EE68FD8"), 9_659_365);
        assert_eq!((find(range, "FFF"), find(range, "ABC"), find("nonsense\n:::", "ABC")), (0, 0, 0));
    }
}
