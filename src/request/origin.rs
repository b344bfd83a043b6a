//! Requests that another site makes a browser send (CSRF), by the algorithm of Go 1.25's `CrossOriginProtection`.

use http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};

use super::{CanonicalPath, Objection, RequestHead};
use crate::{
    cookies::NamePattern,
    incident::{Mode, Refusal},
};

/// Which cross-site requests are refused.
#[derive(Clone, Debug)]
pub struct CrossSitePolicy {
    /// Off, observe or enforce.
    pub mode: Mode,
    /// Origins whose requests are welcome.
    pub trusted: Vec<Origin>,
    /// Host names of the application besides the one asked for: where a proxy before this one changes `Host`.
    pub hosts: Vec<Box<str>>,
    /// Paths in canonical form that others may send to: callbacks of payment and sign-on providers. `*` stands for any
    /// run of characters.
    pub exempt: Vec<NamePattern>,
}

/// The origin of a page: scheme, host and port as a browser writes it (RFC 6454 section 6.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(Box<str>);

/// A text that is no origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an origin is a scheme, a host in lower case and perhaps a port, such as https://example.org:8443")]
pub struct OriginError;

/// Off: providers that send forms back (sign-on, payments) have to be named first.
impl Default for CrossSitePolicy {
    fn default() -> Self {
        Self { mode: Mode::Off, trusted: Vec::new(), hosts: Vec::new(), exempt: Vec::new() }
    }
}

impl Origin {
    /// Reads an origin of the configuration. A default port is left out, as browsers do.
    ///
    /// # Errors
    /// Anything but scheme, host and port.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let uri: Uri = text.parse().map_err(|_| OriginError)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(OriginError) };
        let bare = text.strip_prefix(scheme).and_then(|rest| rest.strip_prefix("://"));
        if bare != Some(authority.as_str()) || authority.as_str().contains('@') || text.to_ascii_lowercase() != text {
            return Err(OriginError);
        }
        Ok(Self(format!("{scheme}://{}", without_default_port(scheme, authority.as_str())).into()))
    }

    /// The origin as browsers write it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the value of an `Origin` field is this origin.
    pub fn is(&self, value: &[u8]) -> bool {
        value == self.0.as_bytes()
    }
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Requests that only read are never refused, nor is what comes from no browser, which carries no one's cookies.
pub(super) fn cross_site(head: &RequestHead, policy: &CrossSitePolicy) -> Result<(), Objection> {
    if matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let origin = head.headers.get(header::ORIGIN).map(HeaderValue::as_bytes).filter(|value| !value.is_empty());
    let own = match head.headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes).filter(|value| !value.is_empty()) {
        Some(site) => site == b"same-origin" || site == b"none",
        // Browsers of before 2023 send no Sec-Fetch-Site, but an origin.
        None => origin.is_none_or(|origin| policy.is_own(head, origin)),
    };
    if own || policy.is_exempt(head, origin) {
        return Ok(());
    }
    Err(Objection::new(Refusal::CrossSite, StatusCode::FORBIDDEN))
}

impl CrossSitePolicy {
    /// The scheme is left out of it: a proxy cannot always tell what the client spoke.
    fn is_own(&self, head: &RequestHead, origin: &[u8]) -> bool {
        let Some((scheme, authority)) = std::str::from_utf8(origin).ok().and_then(|text| text.split_once("://")) else {
            return false;
        };
        let asked = head.uri.authority().map(http::uri::Authority::as_str);
        let asked = asked.or_else(|| head.headers.get(header::HOST)?.to_str().ok());
        let names = asked.into_iter().chain(self.hosts.iter().map(|host| &**host));
        let mut names = names.map(|name| without_default_port(scheme, name));
        names.any(|name| name.eq_ignore_ascii_case(without_default_port(scheme, authority)))
    }

    fn is_exempt(&self, head: &RequestHead, origin: Option<&[u8]>) -> bool {
        let trusted = |origin: &[u8]| self.trusted.iter().any(|trusted| trusted.is(origin));
        origin.is_some_and(trusted) || (!self.exempt.is_empty() && self.is_exempt_path(head.uri.path()))
    }

    fn is_exempt_path(&self, path: &str) -> bool {
        let path = CanonicalPath::of(path);
        self.exempt.iter().any(|pattern| pattern.matches(path.as_bytes()))
    }
}

fn without_default_port<'a>(scheme: &str, authority: &'a str) -> &'a str {
    let port = if scheme == "https" { ":443" } else { ":80" };
    authority.strip_suffix(port).unwrap_or(authority)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, Version};

    fn head(method: Method, path: &'static str, fields: &[(&'static str, &'static str)]) -> RequestHead {
        let host = [("host", "shop.example")];
        let fields = host.iter().chain(fields);
        let headers: HeaderMap =
            fields.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect();
        RequestHead { method, uri: Uri::from_static(path), version: Version::HTTP_11, headers }
    }

    fn refused(policy: &CrossSitePolicy, path: &'static str, fields: &[(&'static str, &'static str)]) -> bool {
        cross_site(&head(Method::POST, path, fields), policy).is_err()
    }

    #[test]
    fn only_what_another_site_makes_a_browser_send_is_refused() {
        let policy = CrossSitePolicy::default();
        for (site, origin, wanted) in [
            ("", "", false),
            ("same-origin", "https://evil.example", false),
            ("none", "", false),
            ("cross-site", "", true),
            ("same-site", "https://blog.shop.example", true),
            ("cross-site", "https://shop.example", true),
            ("", "https://shop.example", false),
            ("", "http://shop.example", false),
            ("", "https://SHOP.example:443", false),
            ("", "https://shop.example:8443", true),
            ("", "https://evil.example", true),
            ("", "null", true),
        ] {
            assert_eq!(
                refused(&policy, "/", &[("sec-fetch-site", site), ("origin", origin)]),
                wanted,
                "{site} {origin}"
            );
        }
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            assert!(cross_site(&head(method, "/", &[("sec-fetch-site", "cross-site")]), &policy).is_ok());
        }
    }

    #[test]
    fn trusted_origins_own_hosts_and_exempt_paths_are_let_in() {
        let policy = CrossSitePolicy {
            trusted: vec![Origin::parse("https://pay.example:443").unwrap()],
            hosts: vec!["www.example".into()],
            exempt: vec![NamePattern::new("/callback/*")],
            ..CrossSitePolicy::default()
        };
        let cross = ("sec-fetch-site", "cross-site");
        assert!(!refused(&policy, "/", &[cross, ("origin", "https://pay.example")]));
        assert!(refused(&policy, "/", &[cross, ("origin", "http://pay.example")]));
        assert!(refused(&policy, "/", &[cross, ("origin", "https://pay.example.evil.example")]));
        assert!(!refused(&policy, "/", &[("origin", "https://www.example")]));
        assert!(!refused(&policy, "/Callback/%61", &[cross]));
        assert!(refused(&policy, "/callback/../transfer", &[cross]));
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        assert_eq!(Origin::parse("http://a.example:8080").unwrap().as_str(), "http://a.example:8080");
        for text in ["", "a.example", "https://", "https://a/", "https://a?x", "https://A", "https://u@a", "null", "*"]
        {
            assert_eq!(Origin::parse(text), Err(OriginError), "{text}");
        }
    }
}
