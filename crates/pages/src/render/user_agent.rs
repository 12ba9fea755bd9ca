//! Devices, in words.
//!
//! Crates such as `woothee` tell hundreds of devices apart, by lists that have to be kept up; people recognise browser
//! and system.

use model::Device;

/// A device as people know it: "Firefox on Linux". `None` stands for one that said nothing.
pub fn describe_device(device: Option<&Device>) -> String {
    let agent = device.and_then(|device| device.user_agent.as_deref()).unwrap_or_default();
    let place = device.and_then(|device| device.location.as_deref()).filter(|place| !place.trim().is_empty());
    let name = match (browser(agent), system(agent)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) => name.to_owned(),
        (None, Some(system)) => format!("An app on {system}"),
        (None, None) => "An unknown device".to_owned(),
    };
    place.map_or(name.clone(), |place| format!("{name}, {place}"))
}

/// Browsers name those that they stand in for too, so the most particular names come first.
fn browser(agent: &str) -> Option<&'static str> {
    const NAMES: [(&str, &str); 9] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    named(agent, &NAMES)
}

fn system(agent: &str) -> Option<&'static str> {
    const NAMES: [(&str, &str); 8] = [
        ("iPhone", "an iPhone"),
        ("iPad", "an iPad"),
        ("Android", "Android"),
        ("CrOS", "ChromeOS"),
        ("Windows", "Windows"),
        ("Mac OS X", "a Mac"),
        ("Macintosh", "a Mac"),
        ("Linux", "Linux"),
    ];
    named(agent, &NAMES)
}

fn named(agent: &str, names: &[(&str, &'static str)]) -> Option<&'static str> {
    names.iter().find(|(sign, _)| agent.contains(sign)).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use model::{Device, Entropy, Id};

    use super::describe_device;

    #[test]
    fn devices_are_named_by_browser_and_system() {
        let entropy = Entropy::seeded(1);
        let check = |agent: &str, location: Option<&str>, expected| {
            let device = Device {
                id: Id::random(&entropy),
                ip_address: None,
                user_agent: Some(agent.to_owned()),
                location: location.map(str::to_owned),
            };
            assert_eq!(describe_device(Some(&device)), expected);
        };
        let chrome =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
        check(chrome, None, "Chrome on Linux");
        check(&format!("{chrome} Edg/140.0"), Some("Graz, AT"), "Edge on Linux, Graz, AT");
        check(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
            Some(" "),
            "Safari on an iPhone",
        );
        check(
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0",
            None,
            "Firefox on a Mac",
        );
        check("okhttp/5 (Linux; Android 16)", None, "An app on Android");
        check("", None, "An unknown device");
        assert_eq!(describe_device(None), "An unknown device");
    }
}
