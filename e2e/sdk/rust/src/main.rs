//! Takes the crate `ory-kratos-client` through whoami and logout, and prints one line for each way.

use std::error::Error;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use ory_kratos_client::apis::Error as ApiError;
use ory_kratos_client::apis::configuration::Configuration;
use ory_kratos_client::apis::frontend_api::{
    create_browser_logout_flow, perform_native_logout, to_session, update_logout_flow,
};
use ory_kratos_client::models::PerformNativeLogoutBody;
use reqwest::header::{ACCEPT, COOKIE, SET_COOKIE};
use serde_json::{Value, json};

const NAME: &str = "crate ory-kratos-client 26.2.0";

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// A new person's session: a token for `api` flows, the `Cookie` header for `browser` flows.
async fn register(server: &str, kind: &str) -> Outcome<(String, String)> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    let email = format!("{now}@example.org");
    let http = reqwest::Client::new();
    let url = format!("{server}/self-service/registration/{kind}");
    let opened = http.get(url).header(ACCEPT, "application/json").send().await?;
    let csrf_cookie = cookies(&opened);
    let flow: Value = opened.json().await?;
    let nodes = flow["ui"]["nodes"].as_array().ok_or("a flow without nodes")?;
    let csrf_token = nodes.iter().find(|node| node["attributes"]["name"] == "csrf_token");

    let action = flow["ui"]["action"].as_str().ok_or("a flow without an action")?;
    let body = json!({
        "method": "password",
        "password": format!("Zq-{}", now.rotate_left(64)),
        "traits": { "email": email },
        "csrf_token": csrf_token.map(|node| &node["attributes"]["value"]),
    });
    let mut submission = http.post(action).header(ACCEPT, "application/json").json(&body);
    if !csrf_cookie.is_empty() {
        submission = submission.header(COOKIE, csrf_cookie);
    }
    let done = submission.send().await?.error_for_status()?;
    let cookie = cookies(&done);
    let answer: Value = done.json().await?;
    Ok((email, answer["session_token"].as_str().map_or(cookie, str::to_owned)))
}

/// The cookies that an answer sets, as a `Cookie` header.
fn cookies(answer: &reqwest::Response) -> String {
    let set = answer.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    set.filter_map(|value| value.split(';').next()).collect::<Vec<_>>().join("; ")
}

async fn check_signed_in(sdk: &Configuration, token: Option<&str>, cookie: Option<&str>, email: &str) -> Outcome {
    let session = to_session(sdk, token, cookie, None).await?;
    let traits = session.identity.and_then(|identity| identity.traits).unwrap_or_default();
    if traits["email"] == email { Ok(()) } else { Err(format!("whoami tells of {traits}").into()) }
}

async fn check_signed_out(sdk: &Configuration, token: Option<&str>, cookie: Option<&str>) -> Outcome {
    match to_session(sdk, token, cookie, None).await {
        Err(ApiError::ResponseError(answer)) if answer.status.as_u16() == 401 => Ok(()),
        Err(other) => Err(other.into()),
        Ok(_) => Err("still signed in".into()),
    }
}

async fn native_token(server: &str, sdk: &Configuration) -> Outcome {
    let (email, token) = register(server, "api").await?;
    check_signed_in(sdk, Some(&token), None, &email).await?;
    perform_native_logout(sdk, PerformNativeLogoutBody::new(token.clone())).await?;
    check_signed_out(sdk, Some(&token), None).await
}

/// What a Rust web app does for its visitor.
async fn forwarded_cookie(server: &str, sdk: &Configuration) -> Outcome {
    let (email, cookie) = register(server, "browser").await?;
    check_signed_in(sdk, None, Some(&cookie), &email).await?;
    let logout = create_browser_logout_flow(sdk, Some(&cookie), None).await?;
    update_logout_flow(sdk, Some(&logout.logout_token), None, Some(&cookie)).await?;
    check_signed_out(sdk, None, Some(&cookie)).await
}

/// Prints a way's line, and tells whether it went well.
fn report(way: &str, outcome: Outcome) -> bool {
    match &outcome {
        Ok(()) => println!("ok - {NAME}, {way}"),
        Err(error) => println!("not ok - {NAME}, {way}: {error}"),
    }
    outcome.is_ok()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let server = std::env::var("ZELUS_PUBLIC_URL").expect("ZELUS_PUBLIC_URL names the server");
    // The crate does not ask for JSON, so a logout answers with a redirect, which is the visitor's to follow.
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
    let client = client.expect("a client without TLS always builds");
    let sdk = Configuration { base_path: server.clone(), client, ..Configuration::default() };
    let native = report("native token", native_token(&server, &sdk).await);
    let forwarded = report("forwarded cookie", forwarded_cookie(&server, &sdk).await);
    if native && forwarded { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
