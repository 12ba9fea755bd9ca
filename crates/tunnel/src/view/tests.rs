use proptest::prelude::*;

use super::*;

const HERE: &str = "http://localhost:4000";

fn view(remote: &str, own: &str) -> View {
    let address = |text| Address::parse(text).expect("an address");
    View::new(address(remote), address(own), None, None)
}

fn with_here<T>(act: impl FnOnce(Here<'_>) -> T) -> T {
    act(Here { origin: HERE, apps: &["http://localhost:3000".to_owned()] })
}

fn map(pairs: &[(&str, &str)]) -> HeaderMap {
    headers(&pairs.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect::<Vec<_>>())
}

/// Names and values, sorted.
fn asked(view: &View, pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let asked = with_here(|here| view.asked(&map(pairs), here));
    let mut asked: Vec<_> =
        asked.into_iter().map(|(name, value)| (name, String::from_utf8(value).expect("text"))).collect();
    asked.retain(|(name, _)| name != "accept-encoding");
    asked.sort();
    asked
}

fn told(view: &View, asked: &str, pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let told = with_here(|here| view.told(&map(pairs), &asked.parse().expect("a URL"), here));
    let text = |value: &HeaderValue| String::from_utf8(value.as_bytes().to_vec()).expect("text");
    let mut told: Vec<_> = told.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    told.sort();
    told
}

fn location(view: &View, value: &str) -> String {
    let asked = format!("{}/self-service/logout?token=x", view.remote.text());
    told(view, &asked, &[("location", value)]).remove(0).1
}

#[test]
fn redirects_within_the_server_stay_within_the_tunnel() {
    let view = view("http://127.0.0.1:4433/", "https://id.example.org/auth/");
    for (value, expected) in [
        ("https://id.example.org/auth/ui/login?flow=1#x", "http://localhost:4000/ui/login?flow=1#x"),
        ("https://id.example.org/auth", "http://localhost:4000"),
        ("http://127.0.0.1:4433/ui/login", "http://localhost:4000/ui/login"),
        ("/ui/login", "http://localhost:4000/ui/login"),
        ("login?flow=1", "http://localhost:4000/self-service/login?flow=1"),
        ("?flow=1", "http://localhost:4000/self-service/logout?flow=1"),
        ("", "http://localhost:4000/self-service/logout?token=x"),
        // What the provider knows the server by is in the query, and stays.
        (
            "https://accounts.example/auth?redirect_uri=https%3A%2F%2Fid.example.org%2Fauth%2Fcb",
            "https://accounts.example/auth?redirect_uri=https%3A%2F%2Fid.example.org%2Fauth%2Fcb",
        ),
        ("http://localhost:3000/bye", "http://localhost:3000/bye"),
        ("myapp://callback?code=1", "myapp://callback?code=1"),
    ] {
        assert_eq!(location(&view, value), expected, "{value}");
    }
}

#[test]
fn redirects_to_strangers_never_look_like_the_tunnel() {
    let view = view("https://id.example.org/auth/", "https://id.example.org/auth/");
    for (value, expected) in [
        ("//evil", "https://evil/"),
        ("/\\evil", "https://evil/"),
        ("\\\\evil", "https://evil/"),
        // To a browser at the server this is a path.
        ("https:evil", "http://localhost:4000/self-service/evil"),
        ("/other", "https://id.example.org/other"),
        ("/auth/../other", "https://id.example.org/other"),
        ("https://id.example.org@evil/auth/", "https://id.example.org@evil/auth/"),
        ("https://id.example.org.evil/auth/", "https://id.example.org.evil/auth/"),
        ("https://evil@id.example.org/auth/", "https://evil@id.example.org/auth/"),
        ("/auth//evil", "http://localhost:4000//evil"),
        ("http://[", "http://["),
    ] {
        assert_eq!(location(&view, value), expected, "{value}");
    }
}

#[test]
fn redirects_in_any_bytes_are_read_as_browsers_read_them() {
    let view = view("https://id.example.org", "https://id.example.org");
    let asked = "https://id.example.org/".parse().expect("a URL");
    for (value, expected) in [
        (&b"https://id.example.org/\xff"[..], "http://localhost:4000/%C3%BF"),
        (b"//evil\xff.example/", "https://xn--evil-jsa.example/"),
        (b"/\xc3\xbf", "http://localhost:4000/%C3%BF"),
    ] {
        assert_eq!(with_here(|here| view.location(value, &asked, here)), expected.as_bytes());
    }
}

#[test]
fn who_is_led_nowhere_in_particular_is_led_to_the_app() {
    let address = Address::parse("https://id.example.org").expect("an address");
    let app = "http://localhost:3000/hello".parse().expect("a URL");
    let view = View::new(address.clone(), address, None, Some(app));
    for landing in ["https://id.example.org/", "/ui/welcome?x=1", "https://id.example.org/ui/signed-out", "/ui"] {
        assert_eq!(location(&view, landing), "http://localhost:3000/hello", "{landing}");
    }
    for page in ["/ui/login?flow=1", "/ui/settings", "/ui/welcomes"] {
        assert_eq!(location(&view, page), format!("http://localhost:4000{page}"));
    }
    assert_eq!(location(&view, "https://other.example/"), "https://other.example/");
}

#[test]
fn requests_look_as_if_the_server_were_visited_itself() {
    let view = view("http://127.0.0.1:4433/", "https://id.example.org/auth/");
    for (name, value, expected) in [
        ("origin", "http://localhost:3000", "https://id.example.org"),
        ("origin", "http://localhost:4000", "https://id.example.org"),
        ("origin", "null", "null"),
        ("referer", "http://localhost:4000/ui/login?flow=1", "https://id.example.org/auth/ui/login?flow=1"),
        ("referer", "http://localhost:3000/page", "https://id.example.org/auth/"),
        ("referer", "https://elsewhere.example/", "https://elsewhere.example/"),
        ("cookie", "a=b; c=d", "a=b; c=d"),
        ("x-session-token", "ory_st_1", "ory_st_1"),
    ] {
        assert_eq!(asked(&view, &[(name, value)]), [(name.to_owned(), expected.to_owned())], "{value}");
    }
}

#[test]
fn what_concerns_one_connection_or_is_hearsay_goes_no_further() {
    let view = view("https://a", "https://a");
    let dropped = [
        ("host", "localhost:4000"),
        ("connection", "keep-alive, X-Hop"),
        ("x-hop", "1"),
        ("keep-alive", "timeout=5"),
        ("transfer-encoding", "chunked"),
        ("te", "trailers"),
        ("upgrade", "websocket"),
        ("proxy-authorization", "Basic eA=="),
        ("content-length", "7"),
        ("expect", "100-continue"),
        ("range", "bytes=0-1"),
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-anything", "x"),
        ("forwarded", "for=192.0.2.1"),
        ("x-real-ip", "192.0.2.1"),
        ("true-client-ip", "192.0.2.1"),
    ];
    assert_eq!(asked(&view, &dropped), []);
    let asked = with_here(|here| view.asked(&map(&[("accept-encoding", "gzip, br")]), here));
    assert_eq!(asked, [("accept-encoding".to_owned(), b"identity".to_vec())]);

    let dropped = [
        ("connection", "close, X-Hop"),
        ("x-hop", "1"),
        ("transfer-encoding", "chunked"),
        ("content-length", "7"),
        ("access-control-allow-origin", "*"),
        ("access-control-allow-credentials", "true"),
        ("strict-transport-security", "max-age=1"),
        ("alt-svc", "h3=\":443\""),
    ];
    assert_eq!(told(&view, "https://a/", &dropped), []);
}

#[test]
fn answers_name_the_tunnel() {
    let view = view("https://id.example.org", "https://id.example.org");
    for (name, value, expected) in [
        ("set-cookie", "a=b; Domain=example.org; Secure", "a=b"),
        ("content-security-policy", "form-action https://id.example.org", "form-action http://localhost:4000"),
        ("refresh", "1; url=https://id.example.org/ui", "1; url=http://localhost:4000/ui"),
        ("cache-control", "no-store", "no-store"),
    ] {
        let told = told(&view, "https://id.example.org/", &[(name, value)]);
        assert_eq!(told, [(name.to_owned(), expected.to_owned())]);
    }
    let two = told(&view, "https://id.example.org/", &[("set-cookie", "a=1; Secure"), ("set-cookie", "b=2")]);
    assert_eq!(two, [("set-cookie", "a=1"), ("set-cookie", "b=2")].map(|(n, v)| (n.to_owned(), v.to_owned())));
}

#[test]
fn queries_name_the_server_where_they_named_the_tunnel() {
    let view = view("http://127.0.0.1:4433", "https://id.example.org/auth");
    let locate = |query: &str| with_here(|here| view.locate("/x", Some(query), here)).map(String::from);
    for (query, expected) in [
        ("return_to=http%3A%2F%2Flocalhost%3A3000%2F", "return_to=http%3A%2F%2Flocalhost%3A3000%2F"),
        (
            "a=%2f&return_to=http%3A%2F%2Flocalhost%3A4000%2Fui%3Fa=b&b=+",
            "a=%2f&return_to=https%3A%2F%2Fid.example.org%2Fauth%2Fui%3Fa%3Db&b=+",
        ),
        ("return_to=http://localhost:4000", "return_to=https%3A%2F%2Fid.example.org%2Fauth%2F"),
        ("return_to=http://localhost:4000@evil/", "return_to=http://localhost:4000@evil/"),
        ("flow=1&&x", "flow=1&&x"),
    ] {
        assert_eq!(locate(query), Some(format!("http://127.0.0.1:4433/x?{expected}")));
    }
    assert_eq!(
        with_here(|here| view.locate("/../x", None, here)).map(String::from).as_deref(),
        Some("http://127.0.0.1:4433/x")
    );
    assert_eq!(with_here(|here| view.locate("*", None, here)), None);
}

#[test]
fn json_and_pages_are_rewritten_and_nothing_else() {
    let is = |kind| is_rewritten(&map(&[("content-type", kind)]));
    for kind in
        ["application/json", "Application/JSON; charset=utf-8", "text/html;charset=x", "application/problem+json"]
    {
        assert!(is(kind), "{kind}");
    }
    for kind in ["text/javascript", "image/svg+xml", "text/css", "application/octet-stream", "", "json"] {
        assert!(!is(kind), "{kind}");
    }
    assert!(!is_rewritten(&HeaderMap::new()));
    assert!(
        is_packed(&map(&[("content-encoding", "gzip")])) && is_packed(&map(&[("content-encoding", "identity, br")]))
    );
    assert!(!is_packed(&map(&[("content-encoding", "identity")])) && !is_packed(&HeaderMap::new()));
}

proptest! {
    #[test]
    fn a_redirect_leads_where_the_server_meant(value in "(https?:|/|\\\\|//|id|\\.|example|org|evil|auth|@|:|%2f|\\?|#|x){0,12}") {
        let view = view("https://id.example.org/auth/", "https://id.example.org/auth/");
        let asked: Url = "https://id.example.org/auth/self-service/logout?token=x".parse().expect("a URL");
        // As a browser would read it there, and as it reads what it gets here.
        let meant = asked.join(&value);
        let here: Url = "http://localhost:4000/self-service/logout?token=x".parse().expect("a URL");
        let got = here.join(&location(&view, &value));
        match meant {
            Ok(meant) => {
                let got = got.expect("a URL");
                match view.own.below(&meant) {
                    Some(_) => {
                        prop_assert_eq!(got.origin().ascii_serialization(), HERE);
                        let there = format!("/auth{}", got.path());
                        prop_assert_eq!(there.trim_end_matches('/'), meant.path().trim_end_matches('/'));
                        prop_assert_eq!(got.query(), meant.query());
                    }
                    None => prop_assert_eq!(got, meant),
                }
            }
            Err(_) => prop_assert!(location(&view, &value) == value),
        }
    }

    #[test]
    fn no_answer_breaks_a_header_or_names_the_server(value in "[ -~\t]{0,20}https://id\\.example\\.org[/\"' ,;][ -~]{0,20}") {
        let view = view("https://id.example.org", "https://id.example.org");
        for (name, value) in told(&view, "https://id.example.org/x", &[("x-link", value.trim())]) {
            prop_assert_eq!(&name, "x-link");
            prop_assert!(!value.contains("https://id.example.org/") && !value.contains(['\r', '\n']));
        }
    }
}
