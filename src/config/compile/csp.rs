//! `[headers.csp]` → [`CspPolicy`].

use std::sync::Arc;

use super::Place;
use crate::{
    config::{ConfigError, Headers, Inspect},
    incident::Mode,
    response::{CspError, CspPolicy, When},
};

/// None where nothing is sent: observing, by the profile or `headers.mode`, changes no response, and a policy that
/// browsers only report on is a change. That one is asked for with `headers.csp.mode`.
pub(super) fn compile(
    place: &Place<'_>,
    headers: &Headers,
    inspect: &Inspect,
) -> Result<Option<Arc<CspPolicy>>, ConfigError> {
    let csp = &headers.csp;
    let directives: Vec<(&str, Vec<Box<str>>)> = csp
        .directives
        .iter()
        .map(|(name, sources)| (name.as_str(), sources.iter().map(|source| source.as_str().into()).collect()))
        .collect();
    let when = if csp.force { When::Forced } else { When::Absent };
    let parts = directives.iter().map(|(name, sources)| (*name, &sources[..]));
    let policy =
        CspPolicy::build(csp.mode, when, csp.nonces, parts).map_err(|error| explained(place, headers, &error))?;
    if csp.directives.is_empty() || csp.mode == Mode::Off || place.mode(headers.mode) != Mode::Enforce {
        return Ok(None);
    }
    if csp.nonces && !policy.names_nonce() {
        let hint = "name script-src or style-src in headers.csp.directives";
        return Err(place.error("headers.csp.nonces", "no directive takes a nonce", hint));
    }
    if csp.nonces && inspect.mode == Mode::Off {
        let hint = "set inspect.mode, or headers.csp.mode = \"off\" here";
        return Err(place.error("headers.csp.nonces", "where nothing is inspected no page gets a nonce", hint));
    }
    if csp.mode == Mode::Enforce && !headers.content_security_policy.is_empty() {
        let hint = "leave one out: headers.content_security_policy, or the directives by headers.csp.mode = \"off\"";
        return Err(place.error("headers.csp.directives", "there is another policy already", hint));
    }
    Ok(Some(Arc::new(policy)))
}

/// Sources are not repeated: whatever was pasted there.
fn explained(place: &Place<'_>, headers: &Headers, error: &CspError) -> ConfigError {
    let at = |directive: &str| format!("headers.csp.directives.{directive}");
    let hint = "e.g. script-src = [\"'self'\", \"https://cdn.example\"]";
    match error {
        CspError::Source { directive, source_text } => {
            let sources = headers.csp.directives.get(&**directive);
            let position = sources.and_then(|sources| sources.iter().position(|source| **source == **source_text));
            let key = format!("{}.{}", at(directive), position.unwrap_or_default());
            let what = "expected a keyword or hash in single quotes, a host, or a scheme such as https:";
            place.error(&key, what, hint)
        }
        CspError::Directive(name)
        | CspError::None(name)
        | CspError::Twice(name)
        | CspError::InlineBesideNonce(name) => place.error(&at(name), error.to_string(), hint),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{bad_key, policy_for};

    const CSP: &str = "[headers.csp.directives]\nscript-src = [\"'self'\"]\n";

    #[test]
    fn it_is_sent_only_where_fields_are_set() {
        let has = |text: &str| policy_for(text, "/").csp.is_some();
        assert!(!has(""));
        assert!(has(CSP));
        assert!(has(&format!("headers.csp.mode = \"observe\"\n{CSP}")));
        for off in ["headers.csp.mode = \"off\"", "headers.mode = \"observe\"", "profile = \"observe\""] {
            assert!(!has(&format!("{off}\n{CSP}")), "{off}");
        }
    }

    #[test]
    fn what_browsers_would_ignore_names_its_place() {
        for (key, text) in [
            ("directives.script-scr", "directives = { script-scr = [\"'self'\"] }"),
            ("directives.img-src.1", "directives = { img-src = [\"data:\", \"self\"] }"),
            ("directives.img-src", "directives = { img-src = [\"'none'\", \"data:\"] }"),
            ("directives.script-src", "nonces = true\ndirectives = { script-src = [\"'unsafe-inline'\"] }"),
            ("nonces", "nonces = true\ndirectives = { img-src = [\"data:\"] }"),
        ] {
            assert_eq!(bad_key(&format!("[headers.csp]\n{text}")), format!("headers.csp.{key}"));
        }
        let nonces = "[headers.csp]\nnonces = true\ndirectives = { script-src-elem = [] }";
        assert!(policy_for(nonces, "/").csp.as_ref().is_some_and(|csp| csp.nonces));
        assert_eq!(bad_key(&format!("inspect.mode = \"off\"\n{nonces}")), "headers.csp.nonces");
        let two = format!("headers.content_security_policy = \"sandbox\"\n{CSP}");
        assert_eq!(bad_key(&two), "headers.csp.directives");
    }
}
