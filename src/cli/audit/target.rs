//! What is audited: one URL, and what counts as the same origin.

use http::{HeaderValue, Uri, uri::PathAndQuery};

use crate::cli::Failure;

/// The origin of a URL, and where on it the page is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) tls: bool,
    /// A name or an address, IPv6 in brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// Path and query. The query may hold secrets and is never shown.
    pub(super) page: String,
}

impl Target {
    /// Reads `http://…` or `https://…`, without a user.
    pub(super) fn parse(url: &str) -> Result<Self, Failure> {
        let unusable = || {
            let hint = "e.g. http://127.0.0.1:8080/ or https://app.example/, without a user and a password".to_owned();
            Failure::Usage("expected a URL of http or https".to_owned(), "argument URL".to_owned(), hint)
        };
        let url: Uri = url.parse().map_err(|_| unusable())?;
        let tls = match url.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(unusable()),
        };
        let authority = url.authority().filter(|it| !it.as_str().contains('@')).ok_or_else(unusable)?;
        let port = match authority.as_str().get(authority.host().len()..).unwrap_or_default() {
            "" | ":" if tls => 443,
            "" | ":" => 80,
            port => port.trim_start_matches(':').parse().map_err(|_| unusable())?,
        };
        let page = url.path_and_query().map_or("/", PathAndQuery::as_str).to_owned();
        Ok(Self { tls, host: authority.host().to_ascii_lowercase(), port, page })
    }

    /// The origin (RFC 6454), as in `Origin`.
    pub(super) fn origin(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.authority())
    }

    pub(super) fn host_field(&self) -> Option<HeaderValue> {
        HeaderValue::try_from(self.authority()).ok()
    }

    /// Whether only this machine can be meant, where plain HTTP is no fault.
    pub(super) fn is_loopback(&self) -> bool {
        let address = self.host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }

    /// Where a redirect leads to on this origin; none for another one.
    pub(super) fn follow(&self, from: &str, location: &str) -> Option<String> {
        let location = location.split('#').next().unwrap_or_default();
        if let Ok(there) = Self::parse(location) {
            return (there.origin() == self.origin()).then_some(there.page);
        }
        let path = from.split('?').next().unwrap_or_default();
        let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        let target = match location.bytes().next() {
            _ if location.starts_with("//") || location.contains("://") => return None,
            Some(b'/') => location.to_owned(),
            Some(b'?') => format!("{path}{location}"),
            Some(_) => format!("{directory}/{location}"),
            None => return None,
        };
        target.parse::<PathAndQuery>().is_ok().then_some(target)
    }

    fn authority(&self) -> String {
        let usual = if self.tls { 443 } else { 80 };
        if self.port == usual { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }
}

/// A target without its query.
pub(super) fn path(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_users_refused() {
        for (url, origin, page) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "/"),
            ("https://App.Example:443/a?b=c", "https://app.example", "/a?b=c"),
            ("http://[::1]/x#y", "http://[::1]", "/x"),
            ("http://[::1]:81/", "http://[::1]:81", "/"),
        ] {
            let target = Target::parse(url).unwrap();
            assert_eq!((target.origin().as_str(), target.page.as_str()), (origin, page), "{url}");
        }
        for url in
            ["", "/", "app.example", "ftp://a/", "http://", "http://user:secret@a/", "http://a:99999/", "http://a:x/"]
        {
            let failure = Target::parse(url).unwrap_err();
            assert!(!failure.to_string().contains("secret"), "{url}");
        }
    }

    #[test]
    fn redirects_are_followed_on_the_same_origin_alone() {
        let target = Target::parse("https://app.example/a/b").unwrap();
        for (location, wanted) in [
            ("/c?d=e#f", Some("/c?d=e")),
            ("c", Some("/a/c")),
            ("?x", Some("/a/b?x")),
            ("https://app.example/z", Some("/z")),
            ("https://APP.example:443/z", Some("/z")),
            ("http://app.example/", None),
            ("https://other.example/", None),
            ("//other.example/", None),
            ("javascript://x", None),
            ("", None),
        ] {
            assert_eq!(target.follow("/a/b?q", location).as_deref(), wanted, "{location}");
        }
    }

    #[test]
    fn this_machine_is_known() {
        let is_loopback = |url| Target::parse(url).unwrap().is_loopback();
        assert!(is_loopback("http://127.0.0.1:1/") && is_loopback("http://[::1]/") && is_loopback("http://localhost"));
        assert!(!is_loopback("http://app.example/") && !is_loopback("http://10.0.0.1/"));
    }
}
