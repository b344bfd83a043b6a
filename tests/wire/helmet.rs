//! The security headers of every kind of answer, key by key, against what helmet 8.1 documents as its defaults.

use std::collections::BTreeSet;

use crate::{
    configured::{configured, rates},
    guard::ask,
    support::{
        client::Response,
        origin::{Act, Origin, answer},
    },
};

const PRESET: &str = include_str!("../../config/presets/helmet.toml");

/// But for the content security policy, whose directives may stand in any order.
const HELMET: [(&str, &str); 11] = [
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("origin-agent-cluster", "?1"),
    ("referrer-policy", "no-referrer"),
    ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    ("x-content-type-options", "nosniff"),
    ("x-dns-prefetch-control", "off"),
    ("x-download-options", "noopen"),
    ("x-frame-options", "SAMEORIGIN"),
    ("x-permitted-cross-domain-policies", "none"),
    ("x-xss-protection", "0"),
];

const POLICY: &str = "default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';\
                      frame-ancestors 'self';img-src 'self' data:;object-src 'none';script-src 'self';\
                      script-src-attr 'none';style-src 'self' https: 'unsafe-inline';upgrade-insecure-requests";

/// By themselves, for any application. What is not there changes what pages can do and is a setting.
const DEFAULTS: [(&str, &str); 4] = [
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("strict-transport-security", "max-age=31536000"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "SAMEORIGIN"),
];

const TRACE: &str = "Traceback (most recent call last):\n  File \"/srv/ledger/app.py\", line 12, in show\n    \
                     row = rows[key]\n  File \"/srv/ledger/rows.py\", line 7, in __getitem__\n    raise KeyError(key)\n\
                     KeyError: 'total'\n";

fn application() -> Origin {
    Origin::start(|asked| {
        let fields = "X-Powered-By: Express\r\nServer: gunicorn\r\n";
        vec![Act::Send(match asked.path() {
            "/302" => answer("302 Found", &format!("{fields}Location: /\r\n"), ""),
            "/304" => format!("HTTP/1.1 304 Not Modified\r\n{fields}ETag: \"1\"\r\n\r\n").into_bytes(),
            "/404" => answer("404 Not Found", fields, "no such page"),
            "/500" => answer("500 Internal Server Error", fields, "sorry"),
            "/trace" => answer("500 Internal Server Error", fields, TRACE),
            _ => answer("200 OK", fields, "hello"),
        })]
    })
}

/// Each path, its status, and whether the answer is cofferdam's own.
const ANSWERS: [(&str, u16, bool); 7] = [
    ("/", 200, false),
    ("/302", 302, false),
    ("/304", 304, false),
    ("/404", 404, false),
    ("/500", 500, false),
    ("/trace", 500, true),
    ("/.env", 404, true),
];

fn each_answer(text: &str, check: impl Fn(&str, &Response, bool)) {
    let origin = application();
    let proxy = configured(&origin, &format!("server.behind_tls = true\n{text}"), &rates());
    for (path, status, own) in ANSWERS {
        let got = ask(&mut proxy.client(), "GET", path, "Accept: text/html\r\n");
        assert_eq!((got.status, got.field("incident-id").is_some()), (status, own), "{path}");
        assert_eq!((got.field("x-powered-by"), got.field("server")), (None, None), "{path}");
        check(path, &got, own);
    }
}

fn directives(policy: &str) -> BTreeSet<&str> {
    policy.split(';').map(str::trim).collect()
}

#[test]
fn with_its_preset_every_answer_has_what_helmet_sets() {
    each_answer(PRESET, |path, got, own| {
        for (name, value) in HELMET {
            assert_eq!(got.field(name), Some(value), "{path}: {name}");
        }
        let policy = directives(got.field("content-security-policy").unwrap());
        if own {
            assert!(policy.contains("default-src 'none'"), "{path}: a page of our own needs nothing");
        } else {
            assert_eq!(policy, directives(POLICY), "{path}");
        }
    });
}

#[test]
fn by_itself_every_answer_has_what_suits_any_application() {
    each_answer("", |path, got, own| {
        for (name, value) in DEFAULTS {
            assert_eq!(got.field(name), Some(value), "{path}: {name}");
        }
        let others = HELMET.iter().filter(|(name, _)| DEFAULTS.iter().all(|(set, _)| set != name));
        for (name, _) in others {
            assert_eq!(got.field(name), None, "{path}: {name}");
        }
        assert_eq!(got.field("content-security-policy").is_some(), own, "{path}");
    });
}

#[test]
fn what_the_application_says_itself_stays() {
    let fields = "X-Frame-Options: DENY\r\nContent-Security-Policy: default-src 'none'\r\nReferrer-Policy: origin\r\n";
    let origin = Origin::saying(answer("200 OK", fields, "hello"));
    let got = configured(&origin, PRESET, &rates()).client().get("/");
    let field = |name| got.field(name).unwrap();
    assert_eq!((field("x-frame-options"), field("referrer-policy")), ("DENY", "origin"));
    assert_eq!(field("content-security-policy"), "default-src 'none'");
    assert_eq!(got.field("strict-transport-security"), None, "nor is it said over plain HTTP");
}

/// Its one style is named by its digest, and nothing else may load.
#[test]
fn no_policy_of_the_operators_breaks_a_page_of_our_own() {
    let forced =
        "[headers.csp]\nforce = true\ndirectives = { style-src = [\"'self'\"], frame-ancestors = [\"'none'\"] }";
    let text = "[headers]\ncontent_security_policy = \"style-src 'none'; frame-ancestors 'none'\"\n\
                force = [\"content-security-policy\"]";
    let nonces = "[headers.csp]\nforce = true\nnonces = true\n\
                  directives = { style-src = [\"'self'\"], frame-ancestors = [\"'none'\"] }";
    for (text, keeps) in
        [(forced, true), (text, true), (nonces, true), (&*format!("{forced}\nmode = \"observe\""), false)]
    {
        each_answer(text, |path, got, own| {
            let policy = got.field("content-security-policy").map(directives).unwrap_or_default();
            let renders = policy.iter().any(|directive| directive.starts_with("style-src 'sha256-"));
            assert_eq!(renders && policy.contains("default-src 'none'"), own, "{path}: {policy:?} {text}");
            let reported = got.field("content-security-policy-report-only").is_some();
            if own {
                assert_eq!((policy.contains("frame-ancestors 'none'"), reported), (keeps, false), "{path}: {text}");
            }
        });
    }
}

#[test]
fn a_transport_security_that_browsers_ignore_is_replaced() {
    let fields = "Strict-Transport-Security: max-age=31536000; max-age=60\r\n";
    let origin = Origin::saying(answer("200 OK", fields, "hello"));
    let got = configured(&origin, "server.behind_tls = true", &rates()).client().get("/");
    assert_eq!(got.field("strict-transport-security"), Some("max-age=31536000"));
}
