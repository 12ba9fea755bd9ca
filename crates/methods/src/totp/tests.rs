//! What the method shows, and what it accepts, with no server around it.

use crypto::TotpSecret;
use flow::MethodOutcome;
use model::{Node, RawJson};
use serde_json::{Value, json};

use super::settings::{link, set_up_nodes};
use super::{TotpConfig, key, qr};
use crate::testing::{cx, input, settings_flow};

/// As Kratos wrote it.
const KRATOS_URI: &str = "otpauth://totp/Wirecheck:totp.a@example.org?algorithm=SHA1&digits=6&issuer=Wirecheck&period=30&secret=GM4OEQQXFDU4AS3A23LGKMKKP27AXEF6";

fn json_of(node: &Node) -> Value {
    serde_json::to_value(node).expect("JSON")
}

#[test]
fn key_uris_are_those_of_kratos() {
    let secret = TotpSecret::from_base32("GM4OEQQXFDU4AS3A23LGKMKKP27AXEF6").expect("base32");
    let uri = key::uri(&secret, "Wirecheck", "totp.a@example.org");
    assert_eq!(uri.replace("%40", "@"), KRATOS_URI);
    for uri in [KRATOS_URI, &uri] {
        let read = key::secret_of(uri).expect("a secret").to_base32();
        assert_eq!(read.expose(), secret.to_base32().expose());
    }
    for uri in ["", "otpauth://totp/x", "otpauth://totp/x?secret=", "otpauth://totp/x?secret=1", "nonsense"] {
        assert!(key::secret_of(uri).is_none(), "{uri}");
    }
}

#[test]
fn labels_cannot_add_to_a_key_uri() {
    let secret = TotpSecret::from_base32("GEZDGNBV").expect("base32");
    let uri = key::uri(&secret, "A & B", "a?secret=AAAA&b#c:d/é +%");
    assert_eq!(key::secret_of(&uri).expect("a secret").to_base32().expose(), "GEZDGNBV");
    assert!(uri.starts_with("otpauth://totp/A%20%26%20B:a%3Fsecret%3DAAAA%26b%23c%3Ad%2F%C3%A9%20%2B%25?"), "{uri}");
}

#[test]
fn the_picture_is_a_png_of_256_by_256() {
    use base64::Engine;
    let secret = TotpSecret::from_base32("GEZDGNBV").expect("base32");
    for account in ["a@example.org".to_owned(), "é".repeat(100_000)] {
        let url = qr::data_url(&key::uri(&secret, "Zelus", &account)).expect("a picture");
        let file = url.strip_prefix("data:image/png;base64,").expect("a PNG");
        let file = base64::prelude::BASE64_STANDARD.decode(file).expect("base64");
        let reader = png::Decoder::new(std::io::Cursor::new(file)).read_info();
        let mut reader = reader.expect("a header");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a small picture")];
        reader.next_frame(&mut pixels).expect("a picture");
        assert_eq!((reader.info().width, reader.info().height), (256, 256));
        assert!(pixels.contains(&0xff) && pixels.iter().any(|byte| *byte != 0xff));
        // Scanners need white around the code.
        assert!(pixels[..256 / 8 * 4].iter().all(|byte| *byte == 0xff));
    }
    assert!(qr::data_url(&"x".repeat(5000)).is_err());
}

#[test]
fn the_nodes_of_setting_up_have_the_shape_that_clients_know() {
    let secret = TotpSecret::from_base32("GEZDGNBV").expect("base32");
    let [text, picture, code] = set_up_nodes(&secret, "data:image/png;base64,".to_owned());
    let (text, picture, code) = (json_of(&text), json_of(&picture), json_of(&code));
    assert_eq!(text["attributes"]["id"], "totp_secret_key");
    assert_eq!(text["attributes"]["text"]["context"], json!({"secret": "GEZDGNBV"}));
    assert_eq!((&text["attributes"]["text"]["id"], &text["meta"]["label"]["id"]), (&json!(1050006), &json!(1050017)));
    assert_eq!(
        picture["attributes"],
        json!({"node_type": "img", "id": "totp_qr", "src": "data:image/png;base64,", "width": 256, "height": 256})
    );
    assert_eq!((&picture["type"], &picture["group"]), (&json!("img"), &json!("totp")));
    assert_eq!(
        code["attributes"],
        json!({"node_type": "input", "name": "totp_code", "type": "text", "required": true, "disabled": false})
    );
    assert_eq!(code["meta"]["label"]["id"], 1070006);
}

#[test]
fn a_form_that_shows_no_key_any_more_links_nothing() {
    let cx = cx();
    let (flow, person) = settings_flow(&cx);
    let code = TotpSecret::from_base32("GM4OEQQXFDU4AS3A23LGKMKKP27AXEF6").expect("base32").code_at(cx.now());
    let stale = link(&cx, &flow, person, &input(json!({"totp_code": code}))).expect("an outcome");
    assert!(matches!(stale, MethodOutcome::Rejected { .. }));
}

#[test]
fn configurations_of_kratos_are_read_and_theirs_is_kept() {
    let text = format!(r#"{{"totp_url":"{}","later":[1]}}"#, KRATOS_URI.replace('&', "\\u0026"));
    let mut config: TotpConfig = serde_json::from_str(&text).expect("a configuration");
    assert!(config.secret().is_some() && config.zelus_last_step.is_none());
    config.zelus_last_step = Some(7);
    let written = config.to_json().expect("JSON");
    let expected = json!({"totp_url": KRATOS_URI, "zelus_last_step": 7, "later": [1]});
    assert_eq!(written, RawJson::from_value(&expected));
}
