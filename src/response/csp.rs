//! The Content-Security-Policy, built from settings.

use http::{
    HeaderMap, HeaderValue,
    header::{CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY_REPORT_ONLY},
};

use super::{Nonce, When};
use crate::incident::Mode;

/// A content security policy (CSP level 3) for the responses of a route.
#[derive(Clone, Debug)]
pub struct CspPolicy {
    /// Off; observe: sent as `Content-Security-Policy-Report-Only`, so that browsers report and stop nothing; enforce.
    pub mode: Mode,
    /// Whether it takes the place of the application's own.
    pub when: When,
    /// Whether scripts and styles get nonces; see [`super::NonceInjector`].
    pub nonces: bool,
    /// The directives, joined; where a nonce comes, the text is cut.
    pieces: Vec<Box<str>>,
}

/// Why a policy is of no use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CspError {
    /// See the text.
    #[error("\"{0}\" is no directive of a content security policy")]
    Directive(Box<str>),
    /// See the text.
    #[error(
        "\"{directive}\": \"{source_text}\" is no source: keywords and hashes stand in single quotes, the rest is a host or a scheme such as https:"
    )]
    Source {
        /// The directive.
        directive: Box<str>,
        /// What is no source.
        source_text: Box<str>,
    },
    /// See the text.
    #[error("\"{0}\": 'none' stands alone")]
    None(Box<str>),
    /// See the text.
    #[error("\"{0}\" is there twice; browsers read the first alone")]
    Twice(Box<str>),
    /// See the text.
    #[error("\"{0}\": browsers ignore 'unsafe-inline' beside a nonce or hash")]
    InlineBesideNonce(Box<str>),
}

const DIRECTIVES: [(&str, Value); 24] = [
    ("default-src", Value::Sources),
    ("script-src", Value::Sources),
    ("script-src-elem", Value::Sources),
    ("script-src-attr", Value::Sources),
    ("style-src", Value::Sources),
    ("style-src-elem", Value::Sources),
    ("style-src-attr", Value::Sources),
    ("img-src", Value::Sources),
    ("font-src", Value::Sources),
    ("connect-src", Value::Sources),
    ("media-src", Value::Sources),
    ("object-src", Value::Sources),
    ("frame-src", Value::Sources),
    ("child-src", Value::Sources),
    ("worker-src", Value::Sources),
    ("manifest-src", Value::Sources),
    ("base-uri", Value::Sources),
    ("form-action", Value::Sources),
    ("frame-ancestors", Value::Sources),
    ("sandbox", Value::Tokens),
    ("report-uri", Value::Tokens),
    ("report-to", Value::Tokens),
    ("require-trusted-types-for", Value::Tokens),
    ("upgrade-insecure-requests", Value::Nothing),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    Sources,
    Tokens,
    Nothing,
}

const KEYWORDS: [&str; 8] = [
    "'self'",
    "'none'",
    "'unsafe-inline'",
    "'unsafe-eval'",
    "'wasm-unsafe-eval'",
    "'unsafe-hashes'",
    "'strict-dynamic'",
    "'report-sample'",
];

const NONCED: [&str; 4] = ["script-src", "script-src-elem", "style-src", "style-src-elem"];

impl CspPolicy {
    /// Builds a policy of directives and their sources. With `nonces`, `script-src` and `style-src` (and their `-elem`)
    /// get the nonce of each response.
    ///
    /// # Errors
    /// The first thing that browsers would ignore.
    pub fn build<'a>(
        mode: Mode,
        when: When,
        nonces: bool,
        directives: impl Iterator<Item = (&'a str, &'a [Box<str>])>,
    ) -> Result<Self, CspError> {
        let (mut pieces, mut text, mut seen) = (Vec::new(), String::new(), Vec::new());
        for (name, sources) in directives {
            if seen.contains(&name) {
                return Err(CspError::Twice(name.into()));
            }
            let nonced = nonces && NONCED.contains(&name);
            check(name, sources, nonced)?;
            seen.push(name);
            text += if text.is_empty() && pieces.is_empty() { "" } else { "; " };
            text += name;
            let kept = sources.iter().filter(|source| !(nonced && ***source == *"'none'"));
            kept.for_each(|source| text.extend([" ", source]));
            if nonced {
                text += " 'nonce-";
                pieces.push(std::mem::take(&mut text).into());
                text += "'";
            }
        }
        pieces.push(text.into());
        Ok(Self { mode, when, nonces, pieces })
    }

    /// What helmet 8 sends by default.
    pub fn helmet() -> Self {
        const TEXT: &str = "default-src 'self'; base-uri 'self'; font-src 'self' https: data:; form-action 'self'; \
                            frame-ancestors 'self'; img-src 'self' data:; object-src 'none'; script-src 'self'; \
                            script-src-attr 'none'; style-src 'self' https: 'unsafe-inline'; upgrade-insecure-requests";
        Self { mode: Mode::Enforce, when: When::Absent, nonces: false, pieces: vec![TEXT.into()] }
    }

    /// Whether any directive names the nonce of the response.
    pub fn names_nonce(&self) -> bool {
        self.pieces.len() > 1
    }

    /// Whether the policy would be set on a response with these fields if its body got nonces.
    pub fn wants_nonces(&self, fields: &HeaderMap) -> bool {
        let stays = self.when == When::Absent && fields.contains_key(CONTENT_SECURITY_POLICY);
        self.nonces && self.mode != Mode::Off && !stays
    }

    /// Sets the policy; whether it was due. A policy that wants nonces is set with one alone: without them it would
    /// stop every script of a page that nobody rewrote.
    pub fn apply(&self, fields: &mut HeaderMap, nonce: Option<&Nonce>) -> bool {
        let name = match self.mode {
            Mode::Off => return false,
            Mode::Observe => CONTENT_SECURITY_POLICY_REPORT_ONLY,
            Mode::Enforce => CONTENT_SECURITY_POLICY,
        };
        let lacks_nonce = self.nonces && nonce.is_none();
        if lacks_nonce || (self.when == When::Absent && fields.contains_key(CONTENT_SECURITY_POLICY)) {
            return false;
        }
        HeaderValue::try_from(self.text(nonce)).map(|value| fields.insert(name, value)).is_ok()
    }

    fn text(&self, nonce: Option<&Nonce>) -> String {
        let nonce = nonce.map_or("", Nonce::as_str);
        self.pieces.join(nonce)
    }
}

/// Directives that say nothing of what a page loads, and so can stand beside any policy without breaking its page.
const BESIDE: [&str; 6] =
    ["frame-ancestors", "report-to", "report-uri", "require-trusted-types-for", "sandbox", "upgrade-insecure-requests"];

/// Gives a page of our own the policy under which it renders, whatever policy it was hardened with. Of that one stays
/// what cannot break the page and the page's own does not say. A policy that browsers only report on goes: they would
/// report our own page.
pub fn keep_page_policy(fields: &mut HeaderMap, page: &HeaderValue) {
    fields.remove(CONTENT_SECURITY_POLICY_REPORT_ONLY);
    let mut text = String::from_utf8_lossy(page.as_bytes()).into_owned();
    let theirs = fields.get(CONTENT_SECURITY_POLICY).and_then(|value| value.to_str().ok()).unwrap_or_default();
    for directive in theirs.split([';', ',']).map(str::trim) {
        let name = name_of(directive);
        if BESIDE.contains(&&*name) && !text.split(';').any(|own| name_of(own) == name) {
            text += "; ";
            text += directive;
        }
    }
    fields.insert(CONTENT_SECURITY_POLICY, HeaderValue::try_from(text).unwrap_or_else(|_| page.clone()));
}

fn name_of(directive: &str) -> String {
    directive.split_ascii_whitespace().next().unwrap_or_default().to_ascii_lowercase()
}

fn check(name: &str, sources: &[Box<str>], nonced: bool) -> Result<(), CspError> {
    let kind = DIRECTIVES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    let kind = kind.ok_or_else(|| CspError::Directive(name.into()))?;
    let fits = |source: &str| match kind {
        Value::Sources => is_source(source),
        Value::Tokens => is_text(source),
        Value::Nothing => false,
    };
    if let Some(wrong) = sources.iter().find(|source| !fits(source)) {
        return Err(CspError::Source { directive: name.into(), source_text: wrong.clone() });
    }
    let has = |wanted: &str| sources.iter().any(|source| **source == *wanted);
    if has("'none'") && sources.len() > 1 {
        return Err(CspError::None(name.into()));
    }
    if has("'unsafe-inline'") && (nonced || sources.iter().any(|source| is_hash(source))) {
        return Err(CspError::InlineBesideNonce(name.into()));
    }
    Ok(())
}

fn is_text(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b';' | b','))
}

fn is_source(text: &str) -> bool {
    let quoted = text.starts_with('\'') || text.ends_with('\'');
    // A bare keyword would be read as the name of a host.
    let bare = KEYWORDS.iter().any(|keyword| keyword.trim_matches('\'') == text);
    is_text(text)
        && if quoted { KEYWORDS.contains(&text) || is_hash(text) } else { !bare && !text.contains(['"', '<']) }
}

pub(super) fn is_hash(text: &str) -> bool {
    ["'sha256-", "'sha384-", "'sha512-"].iter().any(|start| text.starts_with(start)) && text.ends_with('\'')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::Seed;
    use http::HeaderName;

    fn build(nonces: bool, directives: &[(&str, &[&str])]) -> Result<CspPolicy, CspError> {
        let boxed: Vec<(&str, Vec<Box<str>>)> = directives
            .iter()
            .map(|(name, sources)| (*name, sources.iter().map(|&source| source.into()).collect()))
            .collect();
        CspPolicy::build(Mode::Enforce, When::Absent, nonces, boxed.iter().map(|(name, sources)| (*name, &**sources)))
    }

    fn fields(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_policy_is_printed_as_built_with_the_nonce_of_the_response() {
        let plain =
            build(false, &[("default-src", &["'self'", "https:"]), ("upgrade-insecure-requests", &[])]).unwrap();
        let mut out = HeaderMap::new();
        assert!(plain.apply(&mut out, None));
        assert_eq!(out[CONTENT_SECURITY_POLICY], "default-src 'self' https:; upgrade-insecure-requests");
        let nonced =
            build(true, &[("script-src", &["'self'"]), ("img-src", &["*"]), ("style-src", &["'none'"])]).unwrap();
        let nonce = Nonce::of(&Seed::from_random([1; 32]));
        let mut out = HeaderMap::new();
        assert!(!nonced.apply(&mut out, None) && out.is_empty());
        assert!(nonced.apply(&mut out, Some(&nonce)));
        let n = nonce.as_str();
        let wanted = format!("script-src 'self' 'nonce-{n}'; img-src *; style-src 'nonce-{n}'");
        assert_eq!(out[CONTENT_SECURITY_POLICY], wanted);
    }

    #[test]
    fn the_applications_own_stays_and_observe_only_asks_for_reports() {
        let mut policy = CspPolicy::helmet();
        let mut own = fields(&[("content-security-policy", "default-src *")]);
        assert!(!policy.apply(&mut own, None));
        policy.when = When::Forced;
        assert!(policy.apply(&mut own, None));
        policy.mode = Mode::Observe;
        let mut out = HeaderMap::new();
        assert!(policy.apply(&mut out, None));
        assert!(out.contains_key(CONTENT_SECURITY_POLICY_REPORT_ONLY) && out.len() == 1);
    }

    #[test]
    fn a_page_of_our_own_keeps_its_policy_and_takes_over_what_does_not_break_it() {
        let page = HeaderValue::from_static("default-src 'none'; style-src 'sha256-x'; frame-ancestors 'none'");
        for (hardened, wanted) in [
            ("script-src 'self'; style-src 'self'", ""),
            ("img-src *; Report-To csp, UPGRADE-insecure-requests", "; Report-To csp; UPGRADE-insecure-requests"),
            ("frame-ancestors *; sandbox; sandbox allow-scripts", "; sandbox"),
        ] {
            let mut out =
                fields(&[("content-security-policy", hardened), ("content-security-policy-report-only", "x")]);
            keep_page_policy(&mut out, &page);
            assert_eq!(out[CONTENT_SECURITY_POLICY].to_str().unwrap(), format!("{}{wanted}", page.to_str().unwrap()));
            assert_eq!(out.len(), 1);
        }
        let mut out = HeaderMap::new();
        keep_page_policy(&mut out, &page);
        assert_eq!(out[CONTENT_SECURITY_POLICY], page);
    }

    #[test]
    fn what_browsers_would_ignore_is_an_error() {
        for (nonces, name, sources) in [
            (false, "script", &["'self'"][..]),
            (false, "script-src", &["self"]),
            (false, "script-src", &["'slef'"]),
            (false, "script-src", &["a;b"]),
            (false, "script-src", &["a, b"]),
            (false, "script-src", &["'none'", "'self'"]),
            (false, "script-src", &["'unsafe-inline'", "'sha256-x'"]),
            (true, "script-src", &["'unsafe-inline'"]),
            (false, "upgrade-insecure-requests", &["x"]),
            (false, "report-to", &["a b"]),
        ] {
            assert!(build(nonces, &[(name, sources)]).is_err(), "{name} {sources:?}");
        }
        assert!(matches!(build(false, &[("img-src", &[]), ("img-src", &[])]), Err(CspError::Twice(_))));
    }
}
