//! The guard on the way in and what is said to browsers on the way out, as the configuration has it.

use cofferdam::app::{Reload, Watched};

use crate::{
    configured::{configured, engine, rates},
    support::{
        client::{Client, Response},
        cofferdam::Cofferdam,
        origin::{Act, Origin, answer},
    },
};

pub(crate) fn ask(client: &mut Client, method: &str, target: &str, fields: &str) -> Response {
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
    proxy.service.renew(&mut Reload { load, watched: Watched::new(|| None) });
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

/// Script, style, and what looks like them to a careless reader.
const PAGE: &str = "<!doctype html><title><script></title><p title='<style>'>x</p><!-- <script> -->\
                    <script src=/a.js></script><style>p{}</style><script>let s = '<script>';</script>";

fn html(body: &str) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body.as_bytes()].concat()
}

#[test]
fn the_nonce_in_the_page_is_that_of_its_policy_and_all_else_is_as_it_was() {
    let origin = Origin::saying(html(PAGE));
    let text = "[headers.csp]\nnonces = true\n[headers.csp.directives]\nscript-src = [\"'self'\"]\nstyle-src = []";
    let proxy = configured(&origin, text, &rates());
    let mut nonces = Vec::new();
    for _ in 0..3 {
        let page = proxy.client().get("/");
        let policy = page.field("content-security-policy").unwrap();
        let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
        assert_eq!(policy, format!("script-src 'self' 'nonce-{nonce}'; style-src 'nonce-{nonce}'"));
        let attribute = format!(" nonce=\"{nonce}\"");
        assert_eq!(page.text().matches(&attribute).count(), 3);
        assert_eq!(page.text().replace(&attribute, ""), PAGE);
        assert!(page.text().contains(&format!("<script{attribute} src=/a.js>")));
        nonces.push(nonce);
    }
    nonces.dedup();
    assert_eq!(nonces.len(), 3);
}

#[test]
fn a_policy_on_trial_only_reports() {
    let origin = Origin::saying(html(PAGE));
    let text = "[headers.csp]\nmode = \"observe\"\ndirectives = { default-src = [\"'self'\"] }";
    let page = configured(&origin, text, &rates()).client().get("/");
    assert_eq!(page.field("content-security-policy-report-only"), Some("default-src 'self'"));
    assert_eq!((page.field("content-security-policy"), page.text()), (None, PAGE));
}

const CORS: &str = "[cors]\nmode = \"enforce\"\norigins = [\"https://app.example\"]\nanswer_preflights = true\n\
                    methods = [\"PUT\"]\nheaders = [\"x-token\"]\ncredentials = true\n";

#[test]
fn a_preflight_is_answered_and_the_application_does_not_see_it() {
    let origin = hello();
    let proxy = configured(&origin, CORS, &rates());
    let ask = |from: &str, method: &str| {
        let fields = format!(
            "Origin: {from}\r\nAccess-Control-Request-Method: {method}\r\nAccess-Control-Request-Headers: x-token\r\n"
        );
        ask(&mut proxy.client(), "OPTIONS", "/", &fields)
    };
    let allowed = ask("https://app.example", "PUT");
    assert_eq!(allowed.status, 204);
    for (name, value) in [
        ("access-control-allow-origin", "https://app.example"),
        ("access-control-allow-methods", "PUT"),
        ("access-control-allow-headers", "x-token"),
        ("access-control-allow-credentials", "true"),
        ("access-control-max-age", "600"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(allowed.field(name), Some(value), "{name}");
    }
    for refused in [ask("https://evil.example", "PUT"), ask("https://app.example", "DELETE")] {
        assert_eq!((refused.status, refused.field("access-control-allow-origin")), (204, None));
    }
    assert!(origin.asked().is_empty());
    let counted = proxy.stop();
    assert!(counted.contains("reason=\"preflight\",route=\"default\"} 3\n"), "{counted}");
}

#[test]
fn a_reflected_origin_is_taken_back_and_one_on_the_list_stays() {
    let origin = Origin::start(|asked| {
        let from = asked.head.lines().find_map(|line| line.strip_prefix("origin: ")).unwrap_or("*");
        let fields = format!("Access-Control-Allow-Origin: {from}\r\nAccess-Control-Allow-Credentials: true\r\n");
        vec![Act::Send(answer("200 OK", &fields, "mine"))]
    });
    let proxy = configured(&origin, CORS, &rates());
    let permission = |from: &str| {
        let answer = ask(&mut proxy.client(), "GET", "/", &format!("Origin: {from}\r\n"));
        answer.field("access-control-allow-origin").map(str::to_owned)
    };
    assert_eq!(permission("https://app.example").as_deref(), Some("https://app.example"));
    assert_eq!(permission("https://evil.example"), None);
    assert_eq!(permission("null"), None);
    let counted = proxy.stop();
    for permission in ["reflected", "null"] {
        let line = format!("cofferdam_cors_repairs_total{{permission=\"{permission}\",route=\"default\"}} 1\n");
        assert!(counted.contains(&line), "{counted}");
    }
}

#[test]
fn weak_and_contradictory_fields_of_the_application_stand_and_are_counted() {
    let fields = "X-Frame-Options: DENY\r\nX-Frame-Options: SAMEORIGIN\r\nReferrer-Policy: unsafe-url\r\n\
                  Content-Security-Policy: frame-ancestors 'self'\r\n";
    let page = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{fields}Content-Length: 5\r\n\r\nhello");
    let origin = Origin::saying(page);
    let proxy = configured(&origin, "server.behind_tls = true", &rates());
    for _ in 0..2 {
        assert_eq!(proxy.client().get("/").field("referrer-policy"), Some("unsafe-url"));
    }
    let counted = proxy.stop();
    for field in ["x-frame-options", "referrer-policy"] {
        let line = format!("cofferdam_weak_fields_total{{field=\"{field}\",route=\"default\"}} 2\n");
        assert!(counted.contains(&line), "{counted}");
    }
    assert!(!counted.contains("field=\"strict-transport-security\""), "what is missing is set, not weak");
}
