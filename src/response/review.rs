//! The security fields that an application sends itself, reviewed: what is weak in them, and what contradicts.

use http::{HeaderMap, header::CONTENT_SECURITY_POLICY};

use super::{StrictTransport, csp::is_hash};

/// What is weak in a policy of the application's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CspWeakness {
    /// Scripts may stand in the page, and neither nonce nor hash says which.
    InlineScripts,
    /// Scripts may be made of text.
    Eval,
    /// Scripts may come from anywhere, or from `data:` URLs.
    ScriptsFromAnywhere,
    /// Nothing says where scripts come from.
    NoScriptSource,
    /// Nothing keeps a `base` tag from moving every relative URL.
    NoBaseUri,
    /// Nothing keeps plug-ins out.
    NoObjectSource,
}

/// What is weak in the application's own policy; empty where it sends none. Several fields are several policies, of
/// which each must allow: a weakness counts when all have it.
pub fn review_csp(fields: &HeaderMap) -> Vec<CspWeakness> {
    let mut policies = policies(fields).map(|policy| weaknesses(&policy));
    let first = policies.next().unwrap_or_default();
    policies.fold(first, |common, other| common.into_iter().filter(|weakness| other.contains(weakness)).collect())
}

fn weaknesses(policy: &str) -> Vec<CspWeakness> {
    let directive = |name: &str| {
        let found = directives(policy).find(|words| words.first() == Some(&name));
        found.map(|words| words[1..].to_vec())
    };
    let default = directive("default-src");
    let fallback = |name: &str| directive(name).or_else(|| default.clone());
    let mut found = fallback("script-src").map_or(vec![CspWeakness::NoScriptSource], |sources| scripts(&sources));
    found.extend(directive("base-uri").is_none().then_some(CspWeakness::NoBaseUri));
    found.extend(fallback("object-src").is_none().then_some(CspWeakness::NoObjectSource));
    found
}

fn scripts(sources: &[&str]) -> Vec<CspWeakness> {
    let has = |wanted: &str| sources.contains(&wanted);
    let chosen = sources.iter().any(|source| source.starts_with("'nonce-") || is_hash(source));
    let anywhere = ["*", "http:", "https:", "data:"].iter().any(|source| has(source)) && !has("'strict-dynamic'");
    let found = [
        (has("'unsafe-inline'") && !chosen && !has("'strict-dynamic'"), CspWeakness::InlineScripts),
        (has("'unsafe-eval'"), CspWeakness::Eval),
        (anywhere, CspWeakness::ScriptsFromAnywhere),
    ];
    found.into_iter().filter(|(is_weak, _)| *is_weak).map(|(_, weakness)| weakness).collect()
}

/// What is weaker in a field of the application's than what browsers and this proxy would do without it, or what
/// contradicts another field.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct WeakField {
    /// The field.
    pub name: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// Reviews the security fields that the application sent. `tls` is whether the client's side is TLS.
pub fn review_fields(fields: &HeaderMap, tls: bool) -> Vec<WeakField> {
    if !fields.keys().any(|name| REVIEWED.contains(&name.as_str())) {
        return Vec::new();
    }
    let text =
        |name: &str| fields.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase());
    let mut found = Vec::new();
    // One word about a field is enough: it is counted by its name.
    let mut note = |name, problem: Option<&'static str>| {
        let is_new = found.iter().all(|known: &WeakField| known.name != name);
        found.extend(problem.filter(|_| is_new).map(|problem| WeakField { name, problem }));
    };
    for name in SINGLE {
        let mut values = fields.get_all(name).iter();
        let first = values.next();
        let differ = values.any(|value| Some(value) != first);
        note(name, differ.then_some("there are several that differ"));
    }
    note(
        "x-content-type-options",
        text("x-content-type-options")
            .and_then(|value| (value.trim() != "nosniff").then_some("browsers know nosniff alone")),
    );
    note("x-frame-options", text("x-frame-options").and_then(|value| frame_options(&value, fields)));
    note(
        "content-security-policy",
        policies(fields)
            .any(|policy| contradicts_itself(&policy))
            .then_some("a directive is there twice and browsers read the first alone"),
    );
    note("strict-transport-security", text("strict-transport-security").and_then(|value| transport(&value, tls)));
    note(
        "referrer-policy",
        text("referrer-policy").and_then(|value| {
            let last = value.rsplit(',').next().unwrap_or_default().trim();
            matches!(last, "unsafe-url" | "no-referrer-when-downgrade").then_some("it tells other sites the whole URL")
        }),
    );
    found
}

/// What a review is about; without any of them there is nothing to find.
const REVIEWED: [&str; 5] = [
    "x-content-type-options",
    "x-frame-options",
    "strict-transport-security",
    "cross-origin-opener-policy",
    "referrer-policy",
];

const SINGLE: [&str; 4] =
    ["x-content-type-options", "x-frame-options", "strict-transport-security", "cross-origin-opener-policy"];

/// Browsers obey `frame-ancestors` where there is one, and read the other field in its absence alone (CSP level 3,
/// section 7.6.1).
fn frame_options(value: &str, fields: &HeaderMap) -> Option<&'static str> {
    let allowed: &[&str] = match value.trim() {
        "deny" => &["'none'"],
        "sameorigin" => &["'none'", "'self'"],
        _ => return Some("browsers know DENY and SAMEORIGIN alone"),
    };
    let ancestors = policies(fields).filter_map(|policy| {
        let mut directives = directives(&policy);
        directives
            .find(|directive| directive.first() == Some(&"frame-ancestors"))
            .map(|directive| directive[1..].iter().all(|source| allowed.contains(source)))
    });
    // Each policy must allow, so the strictest counts.
    let widest = ancestors.reduce(|one, other| one || other);
    (widest == Some(false)).then_some("frame-ancestors of the content security policy allows more and overrules it")
}

/// More than there are kinds; each is compared with each.
const MOST_DIRECTIVES: usize = 64;

/// Whether a policy says a directive twice and not the same: browsers read the first alone.
fn contradicts_itself(policy: &str) -> bool {
    let all: Vec<_> = directives(policy).take(MOST_DIRECTIVES).collect();
    let differs = |at: usize| all[..at].iter().any(|first| first.first() == all[at].first() && *first != all[at]);
    (0..all.len()).any(differs)
}

/// The policies of all fields, in lower case.
fn policies(fields: &HeaderMap) -> impl Iterator<Item = String> {
    let fields = fields.get_all(CONTENT_SECURITY_POLICY).iter();
    let policies = fields.flat_map(|field| field.as_bytes().split(|&byte| byte == b','));
    policies.map(|text| String::from_utf8_lossy(text).to_ascii_lowercase())
}

/// Each directive with its words; never an empty one.
fn directives(policy: &str) -> impl Iterator<Item = Vec<&str>> {
    let pieces = policy.split(';').map(|piece| piece.split_ascii_whitespace().collect::<Vec<_>>());
    pieces.filter(|words| !words.is_empty())
}

fn transport(value: &str, tls: bool) -> Option<&'static str> {
    match StrictTransport::parse(value) {
        Err(error) => Some(error.as_str()),
        Ok(_) if !tls => Some("browsers ignore it over plain HTTP"),
        Ok(StrictTransport { max_age: 0, subdomains, preload }) if subdomains || preload => {
            Some("max-age=0 takes back what its other directives ask for")
        }
        Ok(StrictTransport { max_age, preload: true, subdomains }) if max_age < YEAR || !subdomains => {
            Some("preload wants a year and includeSubDomains")
        }
        Ok(StrictTransport { max_age, .. }) if max_age < YEAR / 2 => Some("it lasts for less than half a year"),
        Ok(_) => None,
    }
}

/// In seconds.
const YEAR: u64 = 31_536_000;

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn fields(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn weaknesses_of_the_applications_policy_are_told() {
        use CspWeakness::*;
        for (policy, wanted) in [
            ("default-src 'self'; base-uri 'none'", &[][..]),
            ("script-src 'self' 'unsafe-inline'", &[InlineScripts, NoBaseUri, NoObjectSource]),
            ("default-src *; base-uri 'self'; script-src 'unsafe-eval' data:", &[Eval, ScriptsFromAnywhere]),
            ("default-src 'self'; script-src 'unsafe-inline' https: 'nonce-a' 'strict-dynamic'; base-uri 'self'", &[]),
            ("img-src *", &[NoScriptSource, NoBaseUri, NoObjectSource]),
            ("img-src *, default-src 'self'; base-uri 'self'", &[]),
        ] {
            assert_eq!(review_csp(&fields(&[("content-security-policy", policy)])), wanted, "{policy}");
        }
        assert_eq!(review_csp(&HeaderMap::new()), []);
    }

    #[test]
    fn weaker_and_contradictory_fields_are_told() {
        for (name, value, weak) in [
            ("x-content-type-options", "nosniff", false),
            ("x-content-type-options", "sniff", true),
            ("x-frame-options", "DENY", false),
            ("x-frame-options", "ALLOW-FROM https://a", true),
            ("strict-transport-security", "max-age=31536000; includeSubDomains; preload", false),
            ("strict-transport-security", "max-age=31536000; preload", true),
            ("strict-transport-security", "max-age=60", true),
            ("strict-transport-security", "includeSubDomains", true),
            ("strict-transport-security", "max-age=31536000; max-age=31536000", true),
            ("strict-transport-security", "max-age=0; includeSubDomains", true),
            ("referrer-policy", "no-referrer, unsafe-url", true),
            ("referrer-policy", "strict-origin", false),
        ] {
            assert_eq!(review_fields(&fields(&[(name, value)]), true).len(), usize::from(weak), "{name}: {value}");
        }
        let both = [("x-frame-options", "DENY"), ("content-security-policy", "frame-ancestors 'self' *; img-src *")];
        assert_eq!(review_fields(&fields(&both), true)[0].name, "x-frame-options");
        for (options, policy, weak) in [
            ("DENY", "frame-ancestors 'none'", false),
            ("DENY", "frame-ancestors 'self'", true),
            ("SAMEORIGIN", "FRAME-ANCESTORS 'Self'", false),
            ("SAMEORIGIN", "img-src *; frame-ancestors https://a.example", true),
            ("SAMEORIGIN", "frame-ancestors *, frame-ancestors 'self'", false),
            ("DENY", "report-uri /frame-ancestors", false),
            ("DENY", "img-src a; IMG-SRC b", true),
            ("DENY", "img-src a; img-src a;;", false),
        ] {
            let both = fields(&[("x-frame-options", options), ("content-security-policy", policy)]);
            assert_eq!(review_fields(&both, true).len(), usize::from(weak), "{options} {policy}");
        }
        let twice = fields(&[("x-frame-options", "DENY"), ("x-frame-options", "SAMEORIGIN")]);
        assert_eq!(review_fields(&twice, true).len(), 1);
    }
}
