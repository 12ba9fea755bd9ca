//! No value of `return_to`, under no list, may send a browser outside that list.
#![no_main]

use config::{BaseUrl, ReturnUrls};
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|input: (&str, &str)| {
    let (entry, value) = input;
    let url = Url::parse("https://id.example.org/").expect("this is a URL");
    let public = BaseUrl { text: url.to_string(), url };
    let default = Url::parse("https://app.example.org/welcome").expect("this is a URL");

    // Whatever the list is, nothing upsets it.
    let (any, _) = ReturnUrls::new([entry], &public);
    let _ = any.resolve(Some(value), None, &default);

    // Under a known list, everything that comes out is on it, and reads the same a second time.
    let (known, _) = ReturnUrls::new(["https://app.example.org/deep/", "https://*.wild.example.org"], &public);
    if let Ok(url) = known.resolve(Some(value), None, &default) {
        assert_eq!(Url::parse(url.as_str()).as_ref(), Ok(&url));
        assert_eq!(url.scheme(), "https");
        let host = url.host_str().unwrap_or_default();
        let below = host.ends_with(".wild.example.org");
        let deep = host == "app.example.org" && (url.path().starts_with("/deep/") || url == default);
        let own = host == "id.example.org" && url.path().starts_with("/self-service");
        assert!(below || deep || own, "{value:?} came out as {url}");
        assert!(url.username().is_empty() && url.password().is_none() && url.port().is_none());
    }
});
