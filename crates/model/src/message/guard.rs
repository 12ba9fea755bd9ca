//! What only Zelus says, since Kratos counts no failures: 4900001.

use super::{Message, MessageType};

/// 4900001: nothing may be tried for so many seconds, whether right or wrong.
pub fn too_many_failures(retry_after: u64) -> Message {
    let text = format!("There were too many wrong tries. Please wait {} and try again.", wait(retry_after));
    Message::new(4900001, MessageType::Error, text, [("retry_after", retry_after.into())])
}

impl Message {
    /// In how many seconds something may be tried again; `None` if the message does not say.
    pub fn retry_after(&self) -> Option<u64> {
        (self.id == 4900001).then(|| self.context.get("retry_after")?.as_u64())?
    }
}

/// `5 seconds`, `2 minutes`, `an hour`: as much as people want to know, and never too little.
fn wait(seconds: u64) -> String {
    let several = |number: u64, one: &str, unit: &str| match number {
        1 => one.to_owned(),
        _ => format!("{number} {unit}s"),
    };
    match seconds {
        0..60 => several(seconds.max(1), "a second", "second"),
        60..3600 => several(seconds.div_ceil(60), "a minute", "minute"),
        _ => several(seconds.div_ceil(3600), "an hour", "hour"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_never_said_to_be_shorter_than_it_is() {
        for (seconds, text) in [
            (0, "a second"),
            (1, "a second"),
            (59, "59 seconds"),
            (60, "a minute"),
            (61, "2 minutes"),
            (3599, "60 minutes"),
            (3600, "an hour"),
            (86400, "24 hours"),
        ] {
            assert_eq!(wait(seconds), text);
        }
    }
}
