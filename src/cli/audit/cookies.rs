//! The cookies that a response sets.

use http::header::SET_COOKIE;

use super::{
    checks::{self, Findings},
    fetch::Answer,
};
use crate::{
    cookies::{Prefix, SameSite, SetCookie},
    response::CookiePolicy,
};

/// Browsers keep no more of name and value together (RFC 6265bis section 5.6).
const MAX_SIZE: usize = 4096;

/// Reviews the cookies set by an answer from `path`. `policy` knows which ones scripts must read; `now` in seconds
/// since the Unix epoch.
pub(super) fn review(
    answer: &Answer,
    policy: &CookiePolicy,
    (tls, now): (bool, u64),
    path: &str,
    findings: &mut Findings,
) {
    for field in answer.headers.get_all(SET_COOKIE) {
        let Some(cookie) = SetCookie::parse(field.as_bytes()) else {
            findings.add(&checks::COOKIE_REFUSED, "malformed", path);
            continue;
        };
        if cookie.is_deletion(now) {
            continue;
        }
        let name = String::from_utf8_lossy(cookie.name()).into_owned();
        if let Some(reason) = refused(&cookie) {
            findings.add(&checks::COOKIE_REFUSED, format!("{name}: {reason}"), path);
        }
        let lacking = [
            (tls && !cookie.secure(), &checks::COOKIE_SECURE),
            (!cookie.http_only() && !policy.is_script_readable(cookie.name()), &checks::COOKIE_HTTP_ONLY),
            (cookie.same_site().is_none(), &checks::COOKIE_SAME_SITE),
        ];
        let lacking = lacking.into_iter().filter(|(lacks, _)| *lacks);
        lacking.for_each(|(_, check)| findings.add(check, &*name, path));
    }
}

/// Why browsers do not take it (RFC 6265bis sections 4.1.3 and 5.7; CHIPS for `Partitioned`).
fn refused(cookie: &SetCookie<'_>) -> Option<&'static str> {
    let prefix = Prefix::of(cookie.name());
    let host_bound = cookie.domain().is_none() && cookie.path() == Some(b"/");
    match () {
        () if cookie.size() > MAX_SIZE => Some("more than 4096 bytes"),
        () if prefix.is_some() && !cookie.secure() => Some("its prefix demands Secure"),
        () if prefix == Some(Prefix::Host) && !host_bound => Some("its prefix demands Path=/ and no Domain"),
        () if cookie.same_site() == Some(SameSite::None) && !cookie.secure() => Some("SameSite=None demands Secure"),
        () if cookie.partitioned() && !cookie.secure() => Some("Partitioned demands Secure"),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, StatusCode};

    fn found(cookie: &'static str, tls: bool) -> Vec<String> {
        let headers: HeaderMap = [(SET_COOKIE, HeaderValue::from_static(cookie))].into_iter().collect();
        let answer = Answer { status: StatusCode::OK, headers, reason: None, body: Bytes::new(), whole: true };
        let mut findings = Findings::default();
        review(&answer, &CookiePolicy::default(), (tls, 1_700_000_000), "/", &mut findings);
        findings.weigh().1.into_iter().map(|finding| format!("{} {}", finding.id, finding.subject)).collect()
    }

    #[test]
    fn what_a_cookie_lacks_is_told_by_its_name() {
        assert_eq!(found("sid=s3cret", false), ["cookie-http-only sid", "cookie-same-site sid"]);
        assert_eq!(found("csrftoken=1; SameSite=Lax", true), ["cookie-secure csrftoken"]);
        for fine in [
            "sid=1; Secure; HttpOnly; SameSite=Lax",
            "sid=; Max-Age=0",
            "sid=; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "__Host-sid=1; Path=/; Secure; HttpOnly; SameSite=Lax",
        ] {
            assert_eq!(found(fine, true), Vec::<String>::new(), "{fine}");
        }
    }

    #[test]
    fn what_browsers_refuse_is_told() {
        for cookie in [
            "__Host-sid=1; Secure; HttpOnly; SameSite=Lax; Path=/a",
            "__Host-sid=1; Secure; HttpOnly; SameSite=Lax; Path=/; Domain=a.example",
            "__Secure-sid=1; HttpOnly; SameSite=Lax",
            "sid=1; HttpOnly; SameSite=None",
            "sid=1; HttpOnly; SameSite=Lax; Partitioned",
            "=",
        ] {
            assert!(found(cookie, false).iter().any(|finding| finding.starts_with("cookie-refused")), "{cookie}");
        }
    }
}
