//! A cache in front of the proxy, as a content delivery network is: what it stores is what may be seen, and an error of
//! ours never takes the place of a healthy page.
//!
//! Ignored by itself, since it needs nginx; `tests/run --all` installs and runs it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set up its case has failed")]

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "the wire tests need more of it")]
mod support;

use std::{
    fs,
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use self::support::{
    PATIENCE,
    client::{Client, Response, get},
    cofferdam::Cofferdam,
    origin::{Act, Asked, Origin},
};

/// nginx, which stores whatever it may for a second at least.
struct Cache {
    process: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Cache {
    fn before(upstream: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
        let place = folder.path().display();
        let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|name| format!("{name}_temp_path {place}/{name};\n"))
            .collect();
        let configuration = format!(
            "daemon off; pid {place}/pid; error_log {place}/error.log;\n\
             events {{}}\n\
             http {{ access_log off; {paths} proxy_cache_path {place}/cache keys_zone=pages:1m;\n\
             server {{ listen {address}; location / {{ proxy_pass http://{upstream}; proxy_http_version 1.1;\n\
             proxy_cache pages; proxy_cache_valid any 1h; proxy_cache_revalidate on;\n\
             add_header X-Cache $upstream_cache_status always; }} }} }}\n"
        );
        fs::write(folder.path().join("nginx.conf"), configuration).unwrap();
        let process = Command::new("nginx")
            .arg("-c")
            .arg(folder.path().join("nginx.conf"))
            .args(["-g", "master_process off;"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{error}: nginx is missing; tests/run --all installs it"));
        let cache = Self { process, address, _folder: folder };
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(started.elapsed() < PATIENCE, "nginx does not start");
            thread::sleep(Duration::from_millis(10));
        }
        cache
    }

    fn get(&self, path: &str) -> Response {
        Client::connect(self.address).get(path)
    }

    /// Asks again until the cache has asked again, too.
    fn get_afresh(&self, path: &str) -> Response {
        let started = Instant::now();
        loop {
            let response = self.get(path);
            if response.field("X-Cache") != Some("HIT") {
                return response;
            }
            assert!(started.elapsed() < PATIENCE, "the copy does not expire");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

const TRACE: &str = "Traceback (most recent call last):\n  File \"/srv/shop/venv/lib/python3.11/site-packages/flask/app.py\", line 1511, in wsgi_app\n    response = self.full_dispatch_request()\n  File \"/srv/shop/app.py\", line 12, in index\n    return 1 / 0\nZeroDivisionError: division by zero\n";
const KEY: &str = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAx1yqJ8vT0bYkQ2mN5sR7uWzH3dLfGpXcV9aE6tBoKiPjMnSw\n-----END RSA PRIVATE KEY-----\n";

/// A page with validators that may be stored for a second; 304 to whom has it.
fn page(asked: &Asked, body: &str) -> Vec<Act> {
    let validators = "ETag: \"v1\"\r\nLast-Modified: Mon, 02 Mar 2026 10:00:00 GMT\r\nCache-Control: max-age=1\r\n";
    let has_it = asked.head.to_ascii_lowercase().contains("if-none-match: \"v1\"");
    let (status, fields, body) = if has_it {
        ("304 Not Modified", String::new(), "")
    } else {
        ("200 OK", format!("Content-Type: text/plain\r\nContent-Length: {}\r\n", body.len()), body)
    };
    vec![Act::Send(format!("HTTP/1.1 {status}\r\n{validators}{fields}\r\n{body}").into_bytes())]
}

#[test]
#[ignore = "needs nginx; tests/run --all"]
fn the_error_is_never_served_for_the_healthy_page() {
    let broken = Arc::new(AtomicBool::new(true));
    let state = broken.clone();
    let origin = Origin::start(move |asked| {
        page(asked, if state.load(Ordering::SeqCst) { TRACE } else { "The market opens at nine.\n" })
    });
    let proxy = Cofferdam::before(&origin);
    let cache = Cache::before(proxy.address());
    for _ in 0..2 {
        let error = cache.get("/");
        assert_eq!((error.status, error.field("X-Cache")), (500, Some("MISS")), "{}", error.head);
        assert!(error.field("etag").is_none() && !error.text().contains("/srv/"));
    }
    broken.store(false, Ordering::SeqCst);
    let healthy = cache.get("/");
    assert_eq!((healthy.status, healthy.text()), (200, "The market opens at nine.\n"));
    assert_eq!(cache.get("/").field("X-Cache"), Some("HIT"));
    broken.store(true, Ordering::SeqCst);
    let revalidated = cache.get_afresh("/");
    assert_eq!((revalidated.status, revalidated.field("X-Cache")), (200, Some("REVALIDATED")));
    assert_eq!(revalidated.text(), "The market opens at nine.\n", "a healthy page keeps its validators");
}

#[test]
#[ignore = "needs nginx; tests/run --all"]
fn a_masked_page_has_no_validator_by_which_the_original_could_come_back() {
    let origin = Origin::start(|asked| page(asked, &format!("The market opens at nine.\n{KEY}")));
    let proxy = Cofferdam::before(&origin);
    let cache = Cache::before(proxy.address());
    for _ in 0..2 {
        let masked = cache.get_afresh("/");
        assert_eq!(masked.status, 200);
        assert!(masked.text().contains("[redacted:private-key]") && !masked.text().contains("MIIE"));
        assert!(masked.field("ETag").is_some_and(|tag| tag != "\"v1\""), "{}", masked.head);
        assert!(masked.field("Last-Modified").is_none(), "{}", masked.head);
        let stored = cache.get("/");
        assert_eq!((stored.field("X-Cache"), stored.text()), (Some("HIT"), masked.text()));
    }
    let mut client = Client::connect(cache.address);
    client.send(get("/").replace("\r\n\r\n", "\r\nIf-None-Match: \"v1\"\r\n\r\n"));
    assert_eq!(client.response().status, 200, "nobody is told that the original is still good");
    assert!(origin.asked().iter().all(|asked| !asked.head.to_ascii_lowercase().contains("if-none-match")));
}
