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

#[test]
fn what_another_site_makes_a_browser_send_is_refused() {
    let origin = hello();
    let text = "[guard.cross_site]\nmode = \"enforce\"\ntrusted_origins = [\"https://pay.example\"]\nexempt_paths = [\"/hook\"]";
    let proxy = configured(&origin, text, &rates());
    let status = |method: &str, target: &str, fields: &str| {
        ask(&mut proxy.client(), method, target, &format!("Content-Length: 0\r\n{fields}")).status
    };
    let cross = "Sec-Fetch-Site: cross-site\r\nOrigin: https://evil.example\r\n";
    assert_eq!(status("POST", "/transfer", cross), 403);
    assert_eq!(status("POST", "/x/../transfer", "Origin: https://evil.example\r\n"), 403);
    assert_eq!(status("GET", "/transfer", cross), 200);
    assert_eq!(status("POST", "/hook", cross), 200);
    assert_eq!(status("POST", "/transfer", "Sec-Fetch-Site: cross-site\r\nOrigin: https://pay.example\r\n"), 200);
    assert_eq!(status("POST", "/transfer", "Origin: http://app.example\r\n"), 200);
    assert_eq!(status("POST", "/transfer", ""), 200);
    assert!(proxy.stop().contains("cofferdam_objections_total{reason=\"cross-site\",route=\"default\"} 2\n"));
    assert_eq!(origin.asked().len(), 5, "what is refused is not forwarded");
}

#[test]
fn a_patch_lets_in_what_suits_it_and_the_application_sees_nothing_else() {
    let origin = hello();
    let text = "[[guard.patch]]\npath = \"/user/{id:int}\"\nmethods = [\"GET\", \"POST\"]\n\
                content_types = [\"application/json\"]\nquery = { page = \"int\" }\n";
    let proxy = configured(&origin, text, &rates());
    let status = |method: &str, target: &str, fields: &str| {
        ask(&mut proxy.client(), method, target, &format!("Content-Length: 0\r\n{fields}")).status
    };
    for (method, target, fields, wanted) in [
        ("GET", "/user/7", "", 200),
        ("GET", "/user/7?page=2&x=y", "", 200),
        ("POST", "/user/7", "Content-Type: application/json; charset=utf-8\r\n", 200),
        ("GET", "/other/a'b", "", 200),
        ("GET", "/user/1%27--", "", 404),
        ("GET", "/User/me", "", 404),
        ("GET", "/x/../user/me", "", 404),
        ("DELETE", "/user/7", "", 405),
        ("POST", "/user/7", "Content-Type: text/xml\r\n", 415),
        ("GET", "/user/7?page=1%20or%201", "", 400),
    ] {
        assert_eq!(status(method, target, fields), wanted, "{method} {target}");
    }
    let refused = ask(&mut proxy.client(), "DELETE", "/user/7", "");
    assert_eq!(refused.field("allow"), Some("GET, POST"));
    assert_eq!(origin.asked().len(), 4);
    assert!(proxy.stop().contains("cofferdam_objections_total{reason=\"patch\",route=\"default\"} 7\n"));
}
