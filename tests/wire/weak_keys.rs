//! Cookies and tokens that anyone can make are told to the operator; the client notices nothing.

use cofferdam::app::{Reload, Watched};

use crate::{
    configured::{configured, engine, rates},
    support::{
        client::get,
        cofferdam::Cofferdam,
        origin::{Origin, answer},
    },
};

/// Made by Flask 3.1 with a key of the built-in list.
const FLASK: &str = "eyJhZG1pbiI6ZmFsc2UsInVzZXIiOiJhZGEifQ.awU2Fw.Kia3uTQHz9sb4gSAabOJevoAK7A";

/// `{"alg":"none","typ":"JWT"}`, `{"sub":"ada"}`, no signature.
const UNSIGNED: &str = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhZGEifQ.";

/// `{"alg":"HS256"}`, `{"iat":0,"exp":2592000}` (30 days), a signature by no known key.
const LONG_LIVED: &str =
    "eyJhbGciOiJIUzI1NiJ9.eyJpYXQiOjAsImV4cCI6MjU5MjAwMH0.c29tZSBzaWduYXR1cmUgb2YgMzIgYnl0ZXMgb3Igc28";

fn signed() -> Origin {
    Origin::saying(answer("200 OK", &format!("Set-Cookie: session={FLASK}; HttpOnly; Path=/\r\n"), "hello"))
}

/// What a client gets, but for the date.
fn bytes(proxy: &Cofferdam) -> Vec<String> {
    let mut client = proxy.client();
    client.send(get("/"));
    let mut all = client.read_until(b"\r\n\r\n");
    all.extend(client.read_until(b"hello"));
    let text = String::from_utf8(all).unwrap();
    text.lines().filter(|line| !line.starts_with("date:")).map(str::to_owned).collect()
}

fn finding(rule: &str, count: usize) -> String {
    format!("cofferdam_findings_total{{category=\"secret\",mode=\"observe\",rule=\"{rule}\"}} {count}\n")
}

#[test]
fn a_session_signed_with_a_known_key_is_an_incident_and_the_client_notices_nothing() {
    let origin = signed();
    let (off, on) =
        (configured(&origin, "cookies.weak_keys.mode = \"off\"", &rates()), configured(&origin, "", &rates()));
    assert_eq!(bytes(&off), bytes(&on));
    let (off, on) = (off.stop(), on.stop());
    assert!(on.contains(&finding("weak-key-flask", 1)), "{on}");
    assert!(on.contains("cofferdam_weak_key_tests_total{result=\"reported\"} 1\n"), "{on}");
    assert!(!off.contains("cofferdam_weak_key_tests_total{"), "{off}");
}

#[test]
fn unsigned_and_long_lived_tokens_of_clients_are_incidents() {
    let origin = Origin::saying(answer("200 OK", "", "hello"));
    let proxy = configured(&origin, "", &rates());
    let mut client = proxy.client();
    for field in [format!("Authorization: Bearer {UNSIGNED}"), format!("Cookie: token={LONG_LIVED}")] {
        client.send(format!("GET / HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n"));
        assert_eq!(client.response().status, 200);
    }
    let counts = proxy.stop();
    assert!(counts.contains(&finding("weak-unsigned-jwt", 1)), "{counts}");
    assert!(counts.contains(&finding("weak-lifetime-jwt", 1)), "{counts}");
}

#[test]
fn a_reload_brings_new_keys_into_force_and_repeats_no_incident() {
    let directory = tempfile::tempdir().unwrap();
    let keys = directory.path().join("own.txt");
    std::fs::write(&keys, "any a key of no cookie here\n").unwrap();
    let origin = signed();
    let proxy = configured(&origin, "", &rates());
    bytes(&proxy);
    let text = format!("cookies.weak_keys.key_files = [{:?}]", keys.display().to_string());
    let load = Box::new(move || Ok(engine(&text, &rates())));
    proxy.service.renew(&mut Reload { load, watched: Watched::new(|| None) });
    bytes(&proxy);
    let counts = proxy.stop();
    assert!(counts.contains(&finding("weak-key-flask", 1)), "{counts}");
    assert!(counts.contains("cofferdam_weak_key_tests_total{result=\"repeated\"} 1\n"), "{counts}");
}
