//! `cofferdam audit` against real servers: the same application by itself and behind cofferdam.

use std::{ffi::OsString, net::SocketAddr};

use cofferdam::{
    cli::{Exit, Terminal, main},
    config::Environment,
};
use serde_json::Value;

use crate::{
    configured::{configured, rates},
    support::origin::{Act, Asked, Origin, answer},
};

const HELMET: &str = include_str!("../../config/presets/helmet.toml");

const PAGE: &str = "<!doctype html><title>shop</title><p>Welcome.</p>";

const TRACE: &str = "<!doctype html><pre>Traceback (most recent call last):\n  File \"/srv/ledger/app.py\", line 12, in \
                     show\n    row = rows[key]\n  File \"/srv/ledger/rows.py\", line 7, in __getitem__\n    raise \
                     KeyError(key)\nKeyError: 'total'\n</pre>";

const COOKIE: &str = "Set-Cookie: sid=v4lue-of-the-cookie; Path=/\r\n";

/// Made by Flask 3.1 with a key that anyone can look up.
const SIGNED: &str =
    "Set-Cookie: session=eyJhZG1pbiI6ZmFsc2UsInVzZXIiOiJhZGEifQ.awU2Fw.Kia3uTQHz9sb4gSAabOJevoAK7A\r\n";

/// An application in which everything is wrong that an audit looks for.
fn careless(asked: &Asked) -> Vec<u8> {
    let origin = asked.head.lines().find_map(|line| line.strip_prefix("origin: ")).unwrap_or("*");
    let cors = format!("Access-Control-Allow-Origin: {origin}\r\nAccess-Control-Allow-Credentials: true\r\n");
    let fields = format!("Content-Type: text/html\r\nServer: Werkzeug/3.0.1 Python/3.12\r\n{COOKIE}{cors}");
    let (status, body) = match asked.path().split('?').next().unwrap() {
        "/" => ("200 OK", PAGE),
        "/.env" => ("200 OK", "APP_DEBUG=1\nDB_PASSWORD=hunter2hunter2\n"),
        "/console" => ("200 OK", "<title>Console</title><script>var EVALEX = true;</script>"),
        path if path.starts_with("/cofferdam-audit-") => ("404 NOT FOUND", TRACE),
        _ => ("404 NOT FOUND", "<p>nothing here"),
    };
    html(status, &fields, body)
}

fn html(status: &str, fields: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{fields}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}

fn application(say: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static) -> Origin {
    Origin::start(move |asked| vec![Act::Send(say(asked))])
}

fn audited(address: SocketAddr, target: &str, more: &[&str]) -> (Exit, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let url = format!("http://{address}{target}");
    let arguments = ["cofferdam", "audit", &url].into_iter().chain(more.iter().copied()).map(OsString::from);
    let terminal = Terminal { input: &mut std::io::empty(), out: &mut out, err: &mut err };
    let exit = main(arguments, Environment::default(), terminal);
    (exit, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn report(address: SocketAddr, target: &str, more: &[&str]) -> (Exit, Value) {
    let (exit, out, err) = audited(address, target, &[&["--format", "json"], more].concat());
    (exit, serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}")))
}

fn found(report: &Value) -> Vec<&str> {
    report["findings"].as_array().unwrap().iter().map(|finding| finding["id"].as_str().unwrap()).collect()
}

#[test]
fn a_careless_application_fails_and_each_finding_has_its_cure() {
    let origin = application(careless);
    let (exit, report) = report(origin.address, "/?token=s3cret-in-the-query", &[]);
    assert_eq!((exit, &report["grade"]), (Exit::Findings, &"F".into()), "{report:#}");
    let found = found(&report);
    for id in [
        "leak",
        "debug-endpoint",
        "cors-credentials",
        "development-server",
        "content-security-policy",
        "x-frame-options",
        "x-content-type-options",
        "referrer-policy",
        "cross-origin-opener-policy",
        "minor-field",
        "disclosing-field",
        "cookie-http-only",
        "cookie-same-site",
    ] {
        assert!(found.contains(&id), "{id}: {found:?}");
    }
    for not_over_plain_http in ["strict-transport-security", "cookie-secure", "plain-http"] {
        assert!(!found.contains(&not_over_plain_http), "{not_over_plain_http}: this machine alone hears it");
    }
    let findings = report["findings"].as_array().unwrap();
    let subjects = |id: &str| -> Vec<&str> {
        findings.iter().filter(|it| it["id"] == id).map(|it| it["subject"].as_str().unwrap()).collect()
    };
    assert_eq!(subjects("debug-endpoint"), ["werkzeug-console", "environment-files"]);
    assert_eq!(subjects("cors-credentials"), ["reflected", "null"]);
    for finding in findings {
        assert!(finding["why"].as_str().unwrap().len() > 10 && finding["cure"].as_str().unwrap().len() > 4);
    }
    for secret in ["s3cret", "v4lue", "hunter2", "rows[key]"] {
        assert!(!report.to_string().contains(secret), "{secret}");
    }
}

#[test]
fn behind_the_helmet_preset_the_same_application_gets_an_a() {
    let origin = application(careless);
    let cors = "\n[cors]\nmode = \"enforce\"\n[cookies]\nsame_site = \"lax\"\n";
    let proxy = configured(&origin, &format!("{HELMET}{cors}"), &rates());
    let (exit, report) = report(proxy.address(), "/", &["--fail-under", "a"]);
    assert_eq!((exit, &report["grade"]), (Exit::Ok, &"A".into()), "{report:#}");
    assert_eq!(found(&report), ["minor-field"], "Permissions-Policy, which helmet does not set: {report:#}");
}

#[test]
fn by_itself_cofferdam_makes_it_a_b() {
    let origin = application(careless);
    let proxy = configured(&origin, "cors.mode = \"enforce\"", &rates());
    let (exit, out, _) = audited(proxy.address(), "/", &[]);
    assert_eq!(exit, Exit::Ok, "{out}");
    assert!(out.contains(": grade B, ") && out.contains("cure  headers.csp"), "{out}");
}

#[test]
fn it_asks_by_get_alone_and_a_few_dozen_times() {
    let origin = application(careless);
    let (_, report) = report(origin.address, "/", &[]);
    let asked = origin.asked();
    assert_eq!(report["requests"], asked.len());
    assert!(asked.len() <= 40 && asked.iter().all(|asked| asked.head.starts_with("GET /") && asked.body.is_empty()));
    let (_, report) = self::report(origin.address, "/", &["--no-probes"]);
    assert_eq!(report["requests"], 4);
}

#[test]
fn redirects_are_followed_on_the_same_origin_and_no_further() {
    let elsewhere = Origin::saying(answer("200 OK", "", "hello"));
    let away = format!("Location: http://{}/\r\n", elsewhere.address);
    let origin = application(move |asked| match asked.path() {
        "/" => html("302 Found", "Location: /a\r\n", ""),
        "/a" => html("301 Moved Permanently", "Location: b\r\n", ""),
        "/b" => html("302 Found", &away, ""),
        "/loop" => html("302 Found", "Location: /loop\r\n", ""),
        _ => html("404 Not Found", "", ""),
    });
    let (_, report) = report(origin.address, "/", &["--no-probes"]);
    assert_eq!((&report["pages"][0]["path"], &report["pages"][0]["status"]), (&"/b".into(), &302.into()));
    assert_eq!((&report["leads_elsewhere"], elsewhere.asked().len()), (&true.into(), 0));
    let (_, report) = self::report(origin.address, "/loop", &["--no-probes"]);
    assert_eq!(report["requests"], 1 + 5 + 1 + 2);
}

#[test]
fn a_cookie_that_anyone_can_forge_is_told_by_its_name() {
    let origin = application(|_| html("200 OK", SIGNED, "hello"));
    let (_, report) = report(origin.address, "/", &["--no-probes"]);
    let forged = report["findings"].as_array().unwrap().iter().find(|finding| finding["id"] == "weak-key").unwrap();
    assert_eq!(forged["subject"], "session: weak-key-flask");
    assert!(!report.to_string().contains("awU2Fw"), "{report:#}");
}

#[test]
fn one_page_for_everything_is_no_debug_endpoint() {
    let origin = application(|_| html("200 OK", "Content-Type: text/html\r\n", "<script>_KEY= EVALEX PHP Version"));
    let (_, report) = report(origin.address, "/", &[]);
    assert!(!found(&report).contains(&"debug-endpoint"), "{report:#}");
}

#[test]
fn a_body_without_end_and_an_answer_that_is_none_are_borne() {
    let origin = Origin::start(|asked| match asked.path() {
        "/" => vec![
            Act::Send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n".to_vec()),
            Act::Flood(vec![b'a'; 1 << 16]),
        ],
        path if path.starts_with("/cofferdam-audit-") => vec![Act::Send(answer("404 Not Found", "", "no"))],
        _ => vec![Act::Send(b"nonsense\r\n\r\n".to_vec()), Act::Close],
    });
    let (exit, report) = report(origin.address, "/", &[]);
    assert_eq!(exit, Exit::Findings);
    assert_eq!(report["requests"], 1 + 1 + 2 + 3, "after three failures no more probes: {report:#}");
}

#[test]
fn who_does_not_answer_and_what_is_no_url_is_wrong_usage() {
    let closed = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let (exit, out, err) = audited(closed, "/?token=s3cret", &[]);
    assert_eq!((exit, out.as_str()), (Exit::Usage, ""));
    assert!(err.contains("there is no answer to grade") && !err.contains("s3cret"), "{err}");
    for wrong in [["--fail-under", "Z"], ["--ca", "ca.pem"]] {
        let (exit, out, err) = audited(closed, "/", &wrong);
        assert_eq!((exit, out.as_str()), (Exit::Usage, ""), "{wrong:?}");
        assert!(err.contains(wrong[0]), "{err}");
    }
}
