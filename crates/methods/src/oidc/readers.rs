//! Providers that say who signs in in a form of their own: where they are asked, and what becomes of the answer.

use serde_json::{Map, Value};

use super::claims::Claims;

/// How a provider is asked, and its answer read.
#[derive(Clone, Copy)]
pub struct Reader {
    pub address: Address,
    pub access: Access,
    pub read: fn(&Answer<'_>) -> Claims,
    /// A second question, whose answer adds to the claims of the first.
    pub more: Option<More>,
}

#[derive(Clone, Copy)]
pub enum Address {
    At(&'static str),
    /// Below the address that the provider is configured with, or its kind's own.
    Below(&'static str),
    /// At the second address if this scope is configured.
    ByScope(&'static str, &'static str, &'static str),
}

/// How the access token is shown.
#[derive(Clone, Copy)]
pub enum Access {
    Bearer,
    Header(&'static str),
    Query(&'static str),
    /// As `Bearer`, with a proof that whoever asks knows the client's secret.
    WithProof,
    /// By a signature with the token's secret.
    Signed,
}

#[derive(Clone, Copy)]
pub struct More {
    pub address: &'static str,
    /// The scope without which there is nothing to ask for.
    pub scope: Option<&'static str>,
    pub read: fn(Claims, &Value) -> Claims,
}

/// What a provider answered.
pub struct Answer<'a> {
    pub body: Value,
    /// What came with the access token.
    pub tokens: &'a Map<String, Value>,
    /// Where it was asked.
    pub url: &'a str,
    /// Below which its pages are.
    pub base: String,
}

impl Answer<'_> {
    /// Text at a path of names, or an empty one.
    fn text(&self, path: &[&str]) -> &str {
        text_at(&self.body, path)
    }

    fn flag(&self, name: &str) -> bool {
        self.body[name] == true
    }

    /// A standard userinfo answer, whose issuer is the provider's address unless it says otherwise.
    fn standard(&self) -> Claims {
        Claims::read(self.body.as_object().cloned().unwrap_or_default()).with_default("iss", &self.base)
    }
}

fn text_at<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    path.iter().fold(value, |value, name| &value[*name]).as_str().unwrap_or_default()
}

const fn at(address: &'static str, read: fn(&Answer<'_>) -> Claims) -> Reader {
    Reader { address: Address::At(address), access: Access::Bearer, read, more: None }
}

const fn below(path: &'static str, read: fn(&Answer<'_>) -> Claims) -> Reader {
    Reader { address: Address::Below(path), access: Access::Bearer, read, more: None }
}

pub const GITLAB: Reader = below("/oauth/userinfo", |answer| answer.standard());
pub const AUTH0: Reader = below("/userinfo", |answer| answer.standard());
pub const SALESFORCE: Reader = below("/services/oauth2/userinfo", |answer| answer.standard());

pub const UAEPASS: Reader = below("/idshub/userinfo", |answer| {
    Claims::read(answer.body.as_object().cloned().unwrap_or_default())
        .only(&["sub", "email", "raw_claims"])
        .with("iss", &answer.base)
        .with("name", answer.text(&["fullnameEN"]))
        .with("given_name", answer.text(&["firstnameEN"]))
        .with("last_name", answer.text(&["lastnameEN"]))
});

const GITHUB_EMAILS: More =
    More { address: "https://api.github.com/user/emails", scope: Some("user:email"), read: primary_email };

pub const GITHUB: Reader = Reader { more: Some(GITHUB_EMAILS), ..at("https://api.github.com/user", github_user) };
pub const GITHUB_APP: Reader =
    Reader { more: Some(More { scope: None, ..GITHUB_EMAILS }), ..at("https://api.github.com/user", github_user) };

fn github_user(answer: &Answer<'_>) -> Claims {
    let updated_at = answer.text(&["updated_at"]).parse::<model::Timestamp>();
    let claims = Claims::default()
        .with("iss", "https://github.com/login/oauth/access_token")
        .with("sub", &number(&answer.body["id"]))
        .with("name", answer.text(&["name"]))
        .with("nickname", answer.text(&["login"]))
        .with("website", answer.text(&["blog"]))
        .with("picture", answer.text(&["avatar_url"]))
        .with("profile", answer.text(&["html_url"]));
    match updated_at {
        Ok(time) => claims.with_time("updated_at", time.as_second()),
        Err(_) => claims,
    }
}

/// The primary address, or the last one.
fn primary_email(claims: Claims, emails: &Value) -> Claims {
    let emails = emails.as_array().map(Vec::as_slice).unwrap_or_default();
    match emails.iter().find(|email| email["primary"] == true).or(emails.last()) {
        Some(email) => {
            claims.with("email", text_at(email, &["email"])).with_flag("email_verified", email["verified"] == true)
        }
        None => claims,
    }
}

/// A number that identifies somebody. `0` is nobody.
fn number(value: &Value) -> String {
    value.as_i64().filter(|number| *number != 0).map(|number| number.to_string()).unwrap_or_default()
}

pub const DISCORD: Reader = at("https://discord.com/api/v9/users/@me", |answer| {
    let (user, name) = (answer.text(&["id"]), answer.text(&["username"]));
    let picture = match answer.text(&["avatar"]) {
        "" => String::new(),
        avatar => {
            let kind = if avatar.starts_with("a_") { "gif" } else { "png" };
            format!("https://cdn.discordapp.com/avatars/{user}/{avatar}.{kind}")
        }
    };
    Claims::default()
        .with("iss", "https://discord.com/api/v9/oauth2/")
        .with("sub", user)
        .with("name", &format!("{name}#{}", answer.text(&["discriminator"])))
        .with("nickname", name)
        .with("preferred_username", name)
        .with("picture", &picture)
        .with("email", answer.text(&["email"]))
        .with_flag("email_verified", answer.flag("verified"))
        .with("locale", answer.text(&["locale"]))
});

pub const SLACK: Reader = at("https://slack.com/api/users.identity", |answer| {
    let name = answer.text(&["user", "name"]);
    Claims::default()
        .with("iss", "https://slack.com/oauth/")
        .with("sub", answer.text(&["user", "id"]))
        .with("name", name)
        .with("preferred_username", name)
        .with("nickname", name)
        .with("email", answer.text(&["user", "email"]))
        .with_flag("email_verified", true)
        .with("picture", answer.text(&["user", "image_512"]))
        .with("team", answer.text(&["team", "id"]))
});

const FACEBOOK_FIELDS: &str =
    "https://graph.facebook.com/me?fields=id,name,first_name,last_name,middle_name,email,picture,birthday,gender";

pub const FACEBOOK: Reader = Reader {
    access: Access::WithProof,
    ..at(FACEBOOK_FIELDS, |answer| {
        let (name, email) = (answer.text(&["name"]), answer.text(&["email"]));
        Claims::default()
            .with("iss", answer.url)
            .with("sub", answer.text(&["id"]))
            .with("name", name)
            .with("given_name", answer.text(&["first_name"]))
            .with("family_name", answer.text(&["last_name"]))
            .with("middle_name", answer.text(&["middle_name"]))
            .with("nickname", name)
            .with("preferred_username", name)
            .with("picture", answer.text(&["picture", "data", "url"]))
            .with("email", email)
            .with_flag("email_verified", !email.is_empty())
            .with("gender", answer.text(&["gender"]))
            .with("birthdate", answer.text(&["birthday"]))
    })
};

pub const VK: Reader = Reader {
    access: Access::Query("access_token"),
    ..at("https://api.vk.com/method/users.get?fields=photo_200,nickname,bdate,sex&v=5.103", |answer| {
        let user = &answer.body["response"][0];
        let gender = match user["sex"].as_i64() {
            Some(1) => "female",
            Some(2) => "male",
            _ => "",
        };
        Claims::default()
            .with("iss", "https://api.vk.com/method/users.get")
            .with("sub", &number(&user["id"]))
            .with("given_name", text_at(user, &["first_name"]))
            .with("family_name", text_at(user, &["last_name"]))
            .with("nickname", text_at(user, &["nickname"]))
            .with("picture", text_at(user, &["photo_200"]))
            .with("email", answer.tokens.get("email").and_then(Value::as_str).unwrap_or_default())
            .with("gender", gender)
            .with("birthdate", text_at(user, &["bdate"]))
    })
};

pub const YANDEX: Reader = Reader {
    access: Access::Query("oauth_token"),
    ..at("https://login.yandex.ru/info?format=json", |answer| {
        let picture = match (answer.text(&["default_avatar_id"]), answer.flag("is_avatar_empty")) {
            (avatar, false) => format!("https://avatars.yandex.net/get-yapic/{avatar}/islands-200"),
            _ => String::new(),
        };
        Claims::default()
            .with("iss", "https://login.yandex.ru/info")
            .with("sub", answer.text(&["id"]))
            .with("given_name", answer.text(&["first_name"]))
            .with("family_name", answer.text(&["last_name"]))
            .with("picture", &picture)
            .with("email", answer.text(&["default_email"]))
            .with("gender", answer.text(&["sex"]))
            .with("birthdate", answer.text(&["birthday"]))
    })
};

pub const SPOTIFY: Reader = at("https://api.spotify.com/v1/me", |answer| {
    let name = answer.text(&["display_name"]);
    Claims::default()
        .with("iss", "https://accounts.spotify.com/api/token")
        .with("sub", answer.text(&["id"]))
        .with("name", name)
        .with("nickname", name)
        .with("email", answer.text(&["email"]))
        .with("picture", text_at(&answer.body["images"][0], &["url"]))
        .with("profile", answer.text(&["external_urls", "spotify"]))
        .with("birthdate", answer.text(&["birthdate"]))
});

pub const DINGTALK: Reader = Reader {
    access: Access::Header("x-acs-dingtalk-access-token"),
    ..at("https://api.dingtalk.com/v1.0/contact/users/me", |answer| {
        let name = answer.text(&["nick"]);
        Claims::default()
            .with("iss", answer.url)
            .with("sub", answer.text(&["openId"]))
            .with("nickname", name)
            .with("name", name)
            .with("picture", answer.text(&["avatarUrl"]))
            .with("email", answer.text(&["email"]))
    })
};

const LINKEDIN_PROFILE: &str = "https://api.linkedin.com/v2/me?projection=(id,localizedFirstName,localizedLastName,profilePicture(displayImage~digitalmediaAsset:playableStreams))";
const LINKEDIN_EMAIL: &str = "https://api.linkedin.com/v2/emailAddress?q=members&projection=(elements*(handle~))";

pub const LINKEDIN: Reader = Reader {
    more: Some(More {
        address: LINKEDIN_EMAIL,
        scope: None,
        read: |claims, email| claims.with("email", text_at(&email["elements"][0], &["handle~", "emailAddress"])),
    }),
    ..at(LINKEDIN_PROFILE, |answer| {
        // The pictures come in four sizes; the third is large enough.
        let pictures = answer.body["profilePicture"]["displayImage~"]["elements"].as_array();
        let picture = pictures.and_then(|pictures| pictures.iter().take(3).next_back());
        Claims::default()
            .with("iss", "https://login.linkedin.com/")
            .with("sub", answer.text(&["id"]))
            .with("given_name", answer.text(&["localizedFirstName"]))
            .with("last_name", answer.text(&["localizedLastName"]))
            .with(
                "picture",
                picture.map(|picture| text_at(&picture["identifiers"][0], &["identifier"])).unwrap_or_default(),
            )
    })
};

const PATREON_IDENTITY: &str = "https://www.patreon.com/api/oauth2/v2/identity?fields%5Buser%5D=first_name,last_name,url,full_name,email,image_url";

pub const PATREON: Reader = at(PATREON_IDENTITY, |answer| {
    let of_user = |name| answer.text(&["data", "attributes", name]);
    Claims::default()
        .with("iss", "https://www.patreon.com/")
        .with("sub", answer.text(&["data", "id"]))
        .with("name", of_user("full_name"))
        .with("email", of_user("email"))
        .with("given_name", of_user("first_name"))
        .with("family_name", of_user("last_name"))
        .with("last_name", of_user("last_name"))
        .with("picture", of_user("image_url"))
});

pub const LARK: Reader = at("https://passport.feishu.cn/suite/passport/oauth/userinfo", |answer| {
    let name = answer.text(&["name"]);
    Claims::default()
        .with("iss", answer.url)
        .with("sub", answer.text(&["open_id"]))
        .with("name", name)
        .with("nickname", name)
        .with("picture", answer.text(&["avatar_url"]))
        .with("email", answer.text(&["email"]))
        .with("phone_number", answer.text(&["mobile"]))
});

pub const AMAZON: Reader = Reader {
    access: Access::Header("x-amz-access-token"),
    ..at("https://api.amazon.com/user/profile", |answer| {
        Claims::default()
            .with("iss", "https://api.amazon.com/auth/o2/token")
            .with("sub", answer.text(&["user_id"]))
            .with("name", answer.text(&["name"]))
            .with("email", answer.text(&["email"]))
            .with("zoneinfo", answer.text(&["postal_code"]))
    })
};

const X_USER: &str = "https://api.twitter.com/1.1/account/verify_credentials.json";
const X_USER_WITH_EMAIL: &str = "https://api.twitter.com/1.1/account/verify_credentials.json?include_email=true";

pub const X: Reader = Reader {
    address: Address::ByScope("email", X_USER_WITH_EMAIL, X_USER),
    access: Access::Signed,
    ..at(X_USER, |answer| {
        Claims::default()
            .with("iss", answer.url)
            .with("sub", answer.text(&["id_str"]))
            .with("name", answer.text(&["name"]))
            .with("preferred_username", answer.text(&["screen_name"]))
            .with("website", answer.text(&["url"]))
            .with("picture", answer.text(&["profile_image_url_https"]))
            .with("email", answer.text(&["email"]))
    })
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What becomes of an answer, as these providers document theirs.
    fn claims(reader: Reader, body: Value) -> Value {
        let tokens = json!({ "email": "vk@example.org" });
        let url = match reader.address {
            Address::At(address) | Address::Below(address) | Address::ByScope(_, address, _) => address,
        };
        let tokens = tokens.as_object().expect("an object");
        (reader.read)(&Answer { body, tokens, url, base: "https://base.example.org".to_owned() }).to_value()
    }

    #[test]
    fn answers_become_claims() {
        let x = claims(X, json!({ "id": 12, "id_str": "12", "name": "Nia", "screen_name": "nia", "email": "" }));
        let expected = json!({ "iss": X_USER_WITH_EMAIL, "sub": "12", "name": "Nia", "preferred_username": "nia" });
        assert_eq!(x, expected);

        let github = claims(GITHUB, json!({ "id": 7, "login": "nia", "html_url": "https://h", "name": null }));
        assert_eq!(
            (&github["sub"], &github["nickname"], &github["profile"]),
            (&json!("7"), &json!("nia"), &json!("https://h"))
        );
        assert_eq!(claims(GITHUB, json!({ "id": 0 })).get("sub"), None, "0 is nobody");

        let discord = claims(
            DISCORD,
            json!({ "id": "1", "username": "n", "discriminator": "2", "avatar": "a_b", "verified": true }),
        );
        assert_eq!(discord["picture"], "https://cdn.discordapp.com/avatars/1/a_b.gif");
        assert_eq!((&discord["name"], &discord["email_verified"]), (&json!("n#2"), &json!(true)));

        let vk = claims(VK, json!({ "response": [{ "id": 3, "sex": 1, "first_name": "N" }] }));
        let expected = json!({
            "iss": "https://api.vk.com/method/users.get", "sub": "3", "given_name": "N", "gender": "female",
            "email": "vk@example.org",
        });
        assert_eq!(vk, expected);
    }

    #[test]
    fn the_primary_address_counts_and_is_verified_if_it_says_so() {
        let one = json!({ "email": "a@example.org", "primary": false, "verified": true });
        let two = json!({ "email": "b@example.org", "primary": true, "verified": false });
        let read = |emails: Value| primary_email(Claims::default(), &emails).to_value();
        assert_eq!(read(json!([two, one])), json!({ "email": "b@example.org" }));
        assert_eq!(read(json!([one])), json!({ "email": "a@example.org", "email_verified": true }));
        assert_eq!(read(json!({})), json!({}));
    }
}
