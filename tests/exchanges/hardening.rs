//! Policies for pages and other origins through whole exchanges, and what is handed to the test for weak keys.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use cofferdam::{
    cookies::weak::{KeyList, Seen, Watch},
    engine::Engine,
    exchange::{HeadVerdict, Outcome, RequestVerdict, Step},
    incident::{Disposition, Exemption, HashKey, Mode, Refusal},
    policy::RoutePolicy,
    request::{Origin, RequestHead},
    response::{
        CorsPolicy, CorsRepair, CspPolicy, Format, HeaderPolicy, Preflight, ResponseHead, Setting, Template, When,
    },
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::stage::{engine, exchange, fields, request};

/// The head and body that leave.
fn page(
    engine: &Arc<Engine>,
    pairs: &[(&'static str, &'static str)],
    body: &'static str,
    piece: usize,
) -> (HeaderMap, String) {
    let mut exchange = exchange(engine, Duration::ZERO);
    assert!(matches!(exchange.on_request(&mut request(Method::GET, "/", &[])), RequestVerdict::Forward));
    let head = ResponseHead::new(StatusCode::OK, fields(pairs));
    assert!(matches!(exchange.on_response_head(head), HeadVerdict::Inspect));
    let (mut headers, mut out) = (HeaderMap::new(), Vec::new());
    let mut take = |step| match step {
        Step::Commit { head, body, .. } => {
            headers = head.headers;
            body.iter().for_each(|bytes| out.extend_from_slice(bytes));
        }
        Step::Release(body) => body.iter().for_each(|bytes| out.extend_from_slice(bytes)),
        Step::Hold => {}
        other => panic!("{other:?}"),
    };
    body.as_bytes().chunks(piece).for_each(|bytes| take(exchange.on_chunk(Bytes::from_static(bytes))));
    take(exchange.on_end(None).0);
    (headers, String::from_utf8(out).unwrap())
}

fn with_nonces() -> Arc<Engine> {
    let own: [Box<str>; 1] = ["'self'".into()];
    let directives = [("script-src", &own[..])];
    let csp = CspPolicy::build(Mode::Enforce, When::Absent, true, directives.into_iter()).unwrap();
    Arc::new(engine(RoutePolicy { csp: Some(Arc::new(csp)), ..RoutePolicy::default() }))
}

const PAGE: &str = "<html><script>a()</script><p title='<script>'>x</p><style>p{}</style></html>";

#[test]
fn a_page_gets_the_nonce_that_its_policy_names() {
    let engine = with_nonces();
    let html = [("content-type", "text/html; charset=utf-8"), ("content-length", "78"), ("etag", "\"1\"")];
    let (headers, body) = page(&engine, &html, PAGE, 1000);
    let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    let nonce = policy.strip_prefix("script-src 'self' 'nonce-").unwrap().strip_suffix('\'').unwrap();
    let wanted = PAGE.replace("<script>a", &format!("<script nonce=\"{nonce}\">a"));
    assert_eq!(body, wanted.replace("<style>", &format!("<style nonce=\"{nonce}\">")));
    assert!(!headers.contains_key(header::ETAG) && !headers.contains_key(header::CONTENT_LENGTH));
    assert_eq!(page(&engine, &html, PAGE, 1).1, body);
}

#[test]
fn what_gets_no_nonces_gets_no_policy_of_them_and_stays_as_it_is() {
    let engine = with_nonces();
    for pairs in [
        &[("content-type", "text/plain"), ("etag", "\"1\"")][..],
        &[("content-type", "text/html"), ("content-security-policy", "default-src *"), ("etag", "\"1\"")],
    ] {
        let (headers, body) = page(&engine, pairs, PAGE, 9);
        assert_eq!(body, PAGE);
        assert_eq!(headers[header::ETAG], "\"1\"");
        assert!(headers.get(header::CONTENT_SECURITY_POLICY).is_none_or(|policy| policy == "default-src *"));
    }
}

/// What left, and how it ended, for a request and a response without a body.
fn head(
    engine: &Arc<Engine>,
    request: &mut RequestHead,
    answer: &[(&'static str, &'static str)],
) -> (HeaderMap, Outcome) {
    let mut exchange = exchange(engine, Duration::ZERO);
    if let RequestVerdict::Refuse(reply) = exchange.on_request(request) {
        return (reply.headers, exchange.finish());
    }
    let answer = ResponseHead::new(StatusCode::NO_CONTENT, fields(answer));
    let HeadVerdict::Pass(head) = exchange.on_response_head(answer) else { panic!() };
    (head.headers, exchange.finish())
}

#[test]
fn a_reflected_origin_is_taken_back_and_a_preflight_answered() {
    let preflight = Preflight { methods: vec![Method::PUT], headers: Vec::new(), credentials: true, max_age: 60 };
    let origins = vec![Origin::parse("https://app.example").unwrap()];
    let cors = CorsPolicy { mode: Mode::Enforce, origins, preflight: Some(preflight) };
    let engine = Arc::new(engine(RoutePolicy { cors: Arc::new(cors), ..RoutePolicy::default() }));
    let given = [("access-control-allow-origin", "https://evil.example"), ("access-control-allow-credentials", "true")];
    let mut asked = request(Method::GET, "/", &[("origin", "https://evil.example")]);
    let (headers, outcome) = head(&engine, &mut asked, &given);
    assert_eq!(outcome.cors, Some(CorsRepair::Reflected));
    assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
    let ask = [("origin", "https://app.example"), ("access-control-request-method", "PUT")];
    let (headers, outcome) = head(&engine, &mut request(Method::OPTIONS, "/", &ask), &[]);
    assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_METHODS], "PUT");
    assert_eq!(outcome.disposition, Disposition::Exempt(Exemption::Preflight));
}

#[test]
fn an_operators_error_page_keeps_its_style_under_the_policy_of_the_application() {
    let policy = Setting::absent(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'self'"));
    let headers = HeaderPolicy { set: vec![policy], ..HeaderPolicy::default() };
    let mut engine = engine(RoutePolicy { headers: Arc::new(headers), ..RoutePolicy::default() });
    engine
        .templates
        .set(Template::parse(Format::Html, "<style>a{}</style><script>show('{incident}')</script>").unwrap());
    let engine = Arc::new(engine);
    let policy = |method| {
        let mut exchange = exchange(&engine, Duration::ZERO);
        let mut head = request(method, "/", &[("accept", "text/html")]);
        assert!(matches!(exchange.on_request(&mut head), RequestVerdict::Forward));
        let reply = exchange.refuse(Refusal::UpstreamUnreachable);
        reply.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned()
    };
    let found = policy(Method::GET);
    let wanted = "default-src 'self'; style-src 'self' 'sha256-X1RutGBrXCt9KkSaXMK7tHftWiRscFHOhxsS8tv8hBk='; script-src 'self' 'sha256-";
    assert!(found.starts_with(wanted), "{found}");
    assert_eq!(found, policy(Method::HEAD), "HEAD gets the fields of GET");
}

#[test]
fn what_is_met_in_cookies_is_told_with_the_end_of_the_exchange() {
    let engine = Arc::new(engine(RoutePolicy::default()));
    let mut sent = request(Method::GET, "/", &[("cookie", "sid=planted; a=1; sid=2")]);
    let (_, outcome) = head(&engine, &mut sent, &[("set-cookie", "sid=1"), ("set-cookie", "=")]);
    let met: Vec<_> = outcome.hardening.cookies.outcomes().collect();
    assert_eq!(met, [("changed", 1), ("malformed", 1), ("duplicate", 1)]);
    assert_eq!(sent.headers[header::COOKIE], "sid=planted; a=1; sid=2");
}

#[test]
fn signed_cookies_are_handed_to_the_test_for_weak_keys_once() {
    let seen = Seen::new(64, HashKey::from_random([1; 16]));
    let watch = Watch { seen, keys: Arc::new(KeyList::embedded().unwrap()) };
    let engine = Arc::new(engine(RoutePolicy { weak_keys: Some(Arc::new(watch)), ..RoutePolicy::default() }));
    let set = [("set-cookie", "session=eyJhZG1pbiI6ZmFsc2UsInVzZXIiOiJhZGEifQ.awU2Fw.Kia3uTQHz9sb4gSAabOJevoAK7A")];
    let (_, outcome) = head(&engine, &mut request(Method::GET, "/", &[("cookie", "theme=dark")]), &set);
    let signed = outcome.signed.unwrap();
    let weak = signed.candidates[0].test(&signed.keys, 0).unwrap();
    assert_eq!((signed.candidates.len(), weak.framework, signed.incident.mode), (1, "flask", Mode::Observe));
    let (_, outcome) = head(&engine, &mut request(Method::GET, "/", &[]), &set);
    assert!(outcome.signed.is_none());
}
