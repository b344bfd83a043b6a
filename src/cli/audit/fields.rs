//! What a response's head says, and does not say.

use http::{HeaderMap, header};

use super::{
    checks::{self, Check, Findings},
    fetch::Answer,
};
use crate::response::{CspWeakness, DevelopmentServers, Removal, review_csp, review_fields};

/// Fields of helmet's that weigh little, and Permissions-Policy.
const MINOR: [&str; 7] = [
    "cross-origin-resource-policy",
    "origin-agent-cluster",
    "permissions-policy",
    "x-dns-prefetch-control",
    "x-download-options",
    "x-permitted-cross-domain-policies",
    "x-xss-protection",
];

/// Reviews the fields of an answer from `path`. What matters for pages alone is asked of HTML alone.
pub(super) fn review(answer: &Answer, tls: bool, path: &str, findings: &mut Findings) {
    let fields = &answer.headers;
    let mut missing = |check: &Check, is_missing: bool| {
        if is_missing {
            findings.add(check, "", path);
        }
    };
    let lacks = |name: &str| !fields.contains_key(name);
    missing(&checks::NOSNIFF, lacks("x-content-type-options"));
    missing(&checks::HSTS, tls && lacks("strict-transport-security"));
    if is_html(fields) {
        missing(&checks::CSP, lacks("content-security-policy"));
        missing(&checks::FRAMES, lacks("x-frame-options") && !limits_frames(fields));
        missing(&checks::REFERRER, lacks("referrer-policy"));
        missing(&checks::OPENER, lacks("cross-origin-opener-policy"));
        let minor = MINOR.iter().filter(|name| lacks(name));
        minor.for_each(|name| findings.add(&checks::MINOR_FIELD, *name, path));
        review_csp(fields).into_iter().for_each(|weak| findings.add(&checks::WEAK_CSP, gap(weak), path));
    }
    for weak in review_fields(fields, tls) {
        findings.add(&checks::WEAK_FIELD, format!("{}: {}", weak.name, weak.problem), path);
    }
    disclosing(fields, path, findings);
}

fn disclosing(fields: &HeaderMap, path: &str, findings: &mut Findings) {
    let removal = Removal::default();
    let telling = fields.keys().filter(|name| removal.covers(name));
    telling.for_each(|name| findings.add(&checks::DISCLOSING, name.as_str(), path));
    let known = DevelopmentServers::embedded().unwrap_or_default();
    if let Some(server) = known.recognise(fields) {
        findings.add_cured(&checks::DEVELOPMENT_SERVER, &*server.name, path, &*server.advice);
    }
}

/// Without parameters, in any case.
pub(super) fn is_html(fields: &HeaderMap) -> bool {
    let text = fields.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("text/html") || essence.eq_ignore_ascii_case("application/xhtml+xml")
}

/// Whether a policy says which sites may frame the page (CSP level 2).
fn limits_frames(fields: &HeaderMap) -> bool {
    let policies = fields.get_all(header::CONTENT_SECURITY_POLICY).iter().filter_map(|value| value.to_str().ok());
    let mut directives = policies.flat_map(|policy| policy.split([';', ',']));
    directives.any(|directive| {
        let name = directive.split_ascii_whitespace().next().unwrap_or_default();
        name.eq_ignore_ascii_case("frame-ancestors")
    })
}

fn gap(weakness: CspWeakness) -> &'static str {
    match weakness {
        CspWeakness::InlineScripts => "scripts may stand in the page ('unsafe-inline')",
        CspWeakness::Eval => "scripts may be made of text ('unsafe-eval')",
        CspWeakness::ScriptsFromAnywhere => "scripts may come from anywhere",
        CspWeakness::NoScriptSource => "nothing says where scripts come from (script-src)",
        CspWeakness::NoBaseUri => "a base tag may move every URL (base-uri)",
        CspWeakness::NoObjectSource => "plug-ins may come from anywhere (object-src)",
    }
}
