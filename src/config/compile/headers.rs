//! `[headers]` → [`HeaderPolicy`].

use http::{HeaderName, HeaderValue, header};

use super::{Place, each};
use crate::{
    config::{ConfigError, Headers},
    response::{HeaderPolicy, Removal, Setting, StrictTransport, StrictTransportError, When},
};

/// Fields that frame the message or belong to one connection (RFC 9110 section 7.6.1, RFC 9112 section 6): setting or
/// removing one would break it.
const FRAMING: [HeaderName; 8] = [
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::SET_COOKIE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

pub(super) fn compile(place: &Place<'_>, headers: &Headers) -> Result<HeaderPolicy, ConfigError> {
    check_transport(place, &headers.strict_transport_security)?;
    check_permissions(place, &headers.permissions_policy)?;
    let forced = each(place, "headers.force", &headers.force, field_name)?;
    let mut set = named(place, headers)?;
    set.extend(others(place, headers)?);
    for setting in &mut set {
        setting.when = if forced.contains(&setting.name) { When::Forced } else { When::Absent };
    }
    if let Some(position) = forced.iter().position(|name| set.iter().all(|setting| setting.name != *name)) {
        let key = format!("headers.force.{position}");
        return Err(place.error(&key, "no value is set for this field", "set one in headers or headers.set"));
    }
    Ok(HeaderPolicy { mode: place.mode(headers.mode), set, remove: removal(place, headers)? })
}

/// RFC 6797 section 6.1. Browsers build the names of the preload list in, and taking one out again takes months: whoever
/// asks for that must mean what the list demands.
fn check_transport(place: &Place<'_>, value: &str) -> Result<(), ConfigError> {
    let fail = |what: &str, hint| Err(place.error("headers.strict_transport_security", what, hint));
    match StrictTransport::parse(value) {
        _ if value.is_empty() => Ok(()),
        Err(StrictTransportError::NoMaxAge) => {
            fail("expected max-age and seconds", "e.g. \"max-age=31536000\"; without it browsers ignore the field")
        }
        Err(error) => fail(error.as_str(), "e.g. \"max-age=31536000; includeSubDomains\""),
        Ok(StrictTransport { max_age, subdomains, preload: true }) if max_age < YEAR || !subdomains => fail(
            "preload is refused without includeSubDomains and a year",
            "\"max-age=31536000; includeSubDomains; preload\", if every subdomain has TLS for good; else leave preload out",
        ),
        Ok(_) => Ok(()),
    }
}

/// In seconds.
const YEAR: u64 = 31_536_000;

/// A dictionary of features, each with `*` or a list in parentheses: browsers ignore the whole field where one is not.
fn check_permissions(place: &Place<'_>, value: &str) -> Result<(), ConfigError> {
    let is_feature =
        |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') && !name.is_empty();
    let fits =
        |member: &str| member.trim().split_once('=').is_some_and(|(name, list)| is_feature(name) && is_allowlist(list));
    if value.is_empty() || value.split(',').all(fits) {
        return Ok(());
    }
    let hint = "e.g. \"camera=(), geolocation=(self \\\"https://maps.example\\\")\"";
    Err(place.error("headers.permissions_policy", "expected features, each with * or origins in parentheses", hint))
}

fn is_allowlist(text: &str) -> bool {
    match text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(list) => list.split(' ').filter(|one| !one.is_empty()).all(is_allowed),
        None => is_allowed(text),
    }
}

/// Everyone, a keyword without quotes, or an origin within double quotes.
fn is_allowed(text: &str) -> bool {
    let origin = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    matches!(text, "*" | "self" | "src") || origin.is_some_and(|origin| origin.contains("://") && !origin.contains('"'))
}

/// The fields that have a key of their own.
fn named(place: &Place<'_>, headers: &Headers) -> Result<Vec<Setting>, ConfigError> {
    let fields = [
        ("x_content_type_options", header::X_CONTENT_TYPE_OPTIONS, &headers.x_content_type_options),
        ("x_frame_options", header::X_FRAME_OPTIONS, &headers.x_frame_options),
        ("referrer_policy", header::REFERRER_POLICY, &headers.referrer_policy),
        ("strict_transport_security", header::STRICT_TRANSPORT_SECURITY, &headers.strict_transport_security),
        ("content_security_policy", header::CONTENT_SECURITY_POLICY, &headers.content_security_policy),
        (
            "cross_origin_opener_policy",
            HeaderName::from_static("cross-origin-opener-policy"),
            &headers.cross_origin_opener_policy,
        ),
        (
            "cross_origin_resource_policy",
            HeaderName::from_static("cross-origin-resource-policy"),
            &headers.cross_origin_resource_policy,
        ),
        ("permissions_policy", HeaderName::from_static("permissions-policy"), &headers.permissions_policy),
    ];
    fields
        .into_iter()
        .filter(|(_, _, value)| !value.is_empty())
        .map(|(key, name, value)| setting(place, &format!("headers.{key}"), name, value))
        .collect()
}

/// The fields of `[headers.set]`.
fn others(place: &Place<'_>, headers: &Headers) -> Result<Vec<Setting>, ConfigError> {
    headers
        .set
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| {
            let key = format!("headers.set.{name}");
            let invalid = || place.error(&key, "not the name of a field that can be set", "e.g. \"x-robots-tag\"");
            let field = field_name(name).ok_or_else(invalid)?;
            if has_own_key(&field) {
                let hint = format!("set headers.{}", field.as_str().replace('-', "_"));
                return Err(place.error(&key, "this field has a key of its own", hint));
            }
            setting(place, &key, field, value)
        })
        .collect()
}

fn has_own_key(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "x-content-type-options"
            | "x-frame-options"
            | "referrer-policy"
            | "strict-transport-security"
            | "content-security-policy"
            | "cross-origin-opener-policy"
            | "cross-origin-resource-policy"
            | "permissions-policy"
    )
}

fn setting(place: &Place<'_>, key: &str, name: HeaderName, value: &str) -> Result<Setting, ConfigError> {
    let printable = value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let value = HeaderValue::from_str(value.trim()).ok().filter(|value| printable && !value.is_empty());
    let value = value.ok_or_else(|| {
        place.error(key, "not a value that a field can have", "printable ASCII on one line; empty sets no field")
    })?;
    let tls_only = name == header::STRICT_TRANSPORT_SECURITY;
    Ok(Setting { name, value, when: When::Absent, tls_only })
}

fn removal(place: &Place<'_>, headers: &Headers) -> Result<Removal, ConfigError> {
    let (prefixes, names): (Vec<_>, Vec<_>) =
        each(place, "headers.remove", &headers.remove, pattern)?.into_iter().partition(|(_, is_prefix)| *is_prefix);
    let except = each(place, "headers.keep", &headers.keep, field_name)?;
    let names = names.into_iter().map(|(name, _)| name).filter(|name| !except.contains(name)).collect();
    let prefixes = prefixes.into_iter().map(|(name, _)| name.as_str().into()).collect();
    Ok(Removal::new(names, prefixes, except))
}

/// A name, or the beginning of names and a `*`.
fn pattern(text: &str) -> Option<(HeaderName, bool)> {
    match text.strip_suffix('*') {
        Some(prefix) if !prefix.contains('*') => Some((prefix.parse().ok()?, true)),
        Some(_) => None,
        None => Some((field_name(text)?, false)),
    }
}

fn field_name(text: &str) -> Option<HeaderName> {
    text.parse().ok().filter(|name: &HeaderName| !FRAMING.contains(name) && !name.as_str().contains('*'))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{bad_key, policy_for};

    #[test]
    fn preload_is_taken_only_with_what_the_list_demands() {
        for value in [
            "max-age=60; preload",
            "max-age=31536000; preload",
            "includeSubDomains",
            "max-age=x",
            "max-age=1; max-age=1",
        ] {
            let text = format!("headers.strict_transport_security = \"{value}\"");
            assert_eq!(bad_key(&text), "headers.strict_transport_security", "{value}");
        }
        for value in ["", "max-age=0", "max-age=31536000; includeSubDomains; preload"] {
            policy_for(&format!("headers.strict_transport_security = \"{value}\""), "/");
        }
    }

    #[test]
    fn a_permissions_policy_that_browsers_would_ignore_is_an_error() {
        for value in [
            "camera 'none'",
            "camera=none",
            "camera=(), geolocation",
            "Camera=()",
            "camera=('self')",
            "camera=(https://a.example)",
        ] {
            assert_eq!(bad_key(&format!("headers.permissions_policy = \"{value}\"")), "headers.permissions_policy");
        }
        policy_for(
            "headers.permissions_policy = 'camera=(), geolocation=(self \"https://a.example\"), fullscreen=*'",
            "/",
        );
    }
}
