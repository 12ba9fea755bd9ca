//! Addresses of databases and mail servers with any user name and password: both come out as they went in.

#![no_main]

use courier::account;
use libfuzzer_sys::fuzz_target;
use store::Dsn;
use url::Url;

fuzz_target!(|input: (&str, &str, &str)| {
    let (user, password, anything) = input;
    let _ = Dsn::parse(anything);
    let _ = Dsn::parse(&format!("postgres://{user}:{password}@h1,h2:5433/db?{anything}"));
    let _ = Url::parse(&format!("smtp://{user}:{password}@{anything}")).as_ref().map(account);

    // What stands for itself in an address.
    let is_plain =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=@".contains(&byte));
    if user.is_empty() || !is_plain(user) || !is_plain(password) {
        return;
    }
    let uri = Url::parse(&format!("smtp://{user}:{password}@mail.example.org/")).expect("this is a URL");
    assert_eq!(account(&uri), Ok(Some((user.to_owned(), password.to_owned()))));
    let Ok(Dsn::Postgres(options)) = Dsn::parse(&format!("postgres://{user}:{password}@h1:5432,h2:5433/db")) else {
        panic!("{user:?}, {password:?} make no address");
    };
    assert_eq!(options.account(), (Some(user), Some(password.as_bytes())));
});
