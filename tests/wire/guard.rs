//! The guard on the way in and what is said to browsers on the way out, as the configuration has it.

use std::io;

use cofferdam::{
    app::{AppSettings, Reload, start},
    config::{Sources, compile, load},
    engine::Engine,
    incident::{FingerprintKey, HashKey},
    request::rate::RateTables,
    server::ListenAddress,
    upstream::{UpstreamAddress, UpstreamSettings},
};

use crate::support::{
    client::{Client, Response},
    cofferdam::Cofferdam,
    origin::{Act, Origin, answer},
};

fn rates() -> RateTables {
    RateTables::new(1 << 16, HashKey::from_random([3; 16]))
}

fn engine(text: &str, rates: &RateTables) -> Engine {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let loaded = load(&Sources { file: Some(file.path().to_owned()), ..Sources::default() }).unwrap();
    compile::engine(&loaded, FingerprintKey::new([1; 32]), rates).unwrap()
}

/// In front of `origin`, as the configuration of this text says, with two workers.
fn configured(origin: &Origin, text: &str, rates: &RateTables) -> Cofferdam {
    let upstream = UpstreamAddress::Tcp { host: "127.0.0.1".into(), port: origin.address.port() };
    let listen = ListenAddress::Tcp(([127, 0, 0, 1], 0).into());
    let mut settings = AppSettings::new(vec![listen], UpstreamSettings::new(upstream));
    settings.workers = 2;
    Cofferdam { service: start(settings, engine(text, rates), io::sink()).unwrap() }
}

fn ask(client: &mut Client, method: &str, target: &str, fields: &str) -> Response {
    client.send(format!("{method} {target} HTTP/1.1\r\nHost: app.example\r\n{fields}\r\n"));
    client.response_to(method)
}

fn statuses(proxy: &Cofferdam, method: &str, target: &str, fields: &str, times: usize) -> Vec<u16> {
    (0..times).map(|_| ask(&mut proxy.client(), method, target, fields).status).collect()
}

fn hello() -> Origin {
    Origin::saying(answer("200 OK", "", "hello"))
}

#[test]
fn what_is_beyond_a_limit_is_told_when_to_come_back_whichever_worker_it_meets() {
    let origin = hello();
    let proxy = configured(&origin, "guard.rate = { mode = \"enforce\", anonymous = 3 }", &rates());
    assert_eq!(statuses(&proxy, "GET", "/", "", 5), [200, 200, 200, 429, 429]);
    assert_eq!(statuses(&proxy, "GET", "/", "Cookie: sessionid=a\r\n", 5), [200; 5]);
    let refused = proxy.client().get("/");
    let seconds: u32 = refused.field("retry-after").unwrap().parse().unwrap();
    assert!((1..=20).contains(&seconds), "{seconds}");
    assert_eq!(refused.field("ratelimit-policy"), Some("\"anonymous\";q=3;w=60"));
    assert_eq!(refused.field("ratelimit").unwrap(), format!("\"anonymous\";r=0;t={seconds}"));
    let counted = proxy.stop();
    assert!(counted.contains("cofferdam_rate_limited_total{limit=\"anonymous\",route=\"default\"} 3\n"), "{counted}");
    assert_eq!(origin.asked().len(), 8);
}

#[test]
fn who_fails_to_sign_in_is_locked_out_and_a_reload_forgets_nothing() {
    let origin = Origin::saying(answer("401 Unauthorized", "", "no"));
    let (text, rates) = ("guard.rate.login = { mode = \"enforce\", free_failures = 2 }", rates());
    let proxy = configured(&origin, text, &rates);
    assert_eq!(statuses(&proxy, "POST", "/LOGIN/", "Content-Length: 0\r\n", 4), [401, 401, 401, 429]);
    let load = Box::new({
        let rates = rates.clone();
        move || Ok(engine(text, &rates))
    });
    proxy.service.renew(&mut Reload { load, watched: Vec::new() });
    let refused = ask(&mut proxy.client(), "POST", "/login", "Content-Length: 0\r\n");
    let seconds: u32 = refused.field("retry-after").unwrap().parse().unwrap();
    assert!(refused.status == 429 && (1..=30).contains(&seconds), "{refused:?}");
    assert_eq!(ask(&mut proxy.client(), "GET", "/login", "").status, 401);
    assert!(proxy.stop().contains("cofferdam_rate_limited_total{limit=\"lockout\",route=\"default\"} 2\n"));
}

#[test]
fn without_a_word_sign_ins_are_counted_and_none_refused() {
    let origin = Origin::start(|_| vec![Act::Send(answer("401 Unauthorized", "", "no"))]);
    let proxy = configured(&origin, "", &rates());
    assert_eq!(statuses(&proxy, "POST", "/login", "Content-Length: 0\r\n", 12), [401; 12]);
    let counted = proxy.stop();
    assert!(counted.contains("cofferdam_rate_limited_total{limit=\"lockout\",route=\"default\"} 6\n"), "{counted}");
}
