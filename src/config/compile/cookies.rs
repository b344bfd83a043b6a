//! `[cookies]` → [`CookiePolicy`].

use super::Place;
use crate::{
    config::{ByteSize, ConfigError, CookieRule, Cookies, Duration, SameSiteSetting},
    cookies::{Domain, NamePattern, SameSite, SameSiteRule},
    response::{CookiePolicy, CookieRules},
};

pub(super) fn compile(place: &Place<'_>, cookies: &Cookies) -> Result<CookiePolicy, ConfigError> {
    let overrides = cookies.rule.iter().enumerate().map(|(position, rule)| {
        let key = format!("cookies.rule.{position}");
        Ok((name_pattern(place, &format!("{key}.name"), &rule.name)?, rules_of(place, &key, rule, cookies)?))
    });
    let readable = cookies
        .script_readable
        .iter()
        .enumerate()
        .map(|(position, name)| name_pattern(place, &format!("cookies.script_readable.{position}"), name));
    Ok(CookiePolicy {
        mode: place.mode(cookies.mode),
        script_readable: readable.collect::<Result<_, _>>()?,
        overrides: overrides.collect::<Result<_, _>>()?,
        rules: general_rules(cookies),
        max_bytes: max_bytes(cookies.max_size),
    })
}

fn general_rules(cookies: &Cookies) -> CookieRules {
    CookieRules {
        secure: cookies.secure,
        http_only: cookies.http_only,
        same_site: same_site(cookies.same_site),
        partitioned: cookies.partitioned,
        prefix: None,
        domain: Domain::Keep,
        path: None,
        lifetime_cap: lifetime_cap(cookies.max_lifetime),
        remove: false,
    }
}

fn rules_of(place: &Place<'_>, key: &str, rule: &CookieRule, cookies: &Cookies) -> Result<CookieRules, ConfigError> {
    let domain = rule.domain.as_deref().map(|text| domain(place, &format!("{key}.domain"), text)).transpose()?;
    let path = rule.path.as_deref().map(|text| path(place, &format!("{key}.path"), text)).transpose()?;
    Ok(CookieRules {
        secure: rule.secure.unwrap_or(cookies.secure),
        http_only: rule.http_only.unwrap_or(cookies.http_only),
        same_site: same_site(rule.same_site.unwrap_or(cookies.same_site)),
        partitioned: rule.partitioned.unwrap_or(cookies.partitioned),
        prefix: rule.prefix,
        domain: domain.unwrap_or(Domain::Keep),
        path: path.flatten(),
        lifetime_cap: lifetime_cap(rule.max_lifetime.unwrap_or(cookies.max_lifetime)),
        remove: rule.remove.unwrap_or(false),
    })
}

/// A name is a token (RFC 6265bis section 4.1.1); `*` is one of its characters, and here the pattern's.
pub(super) fn name_pattern(place: &Place<'_>, key: &str, name: &str) -> Result<NamePattern, ConfigError> {
    if super::is_token(name) {
        return Ok(NamePattern::new(name));
    }
    Err(place.error(key, "expected the name of a cookie", "e.g. \"session\" or \"app_*\""))
}

fn domain(place: &Place<'_>, key: &str, text: &str) -> Result<Domain, ConfigError> {
    match text {
        "" | "keep" => Ok(Domain::Keep),
        "remove" => Ok(Domain::Remove),
        _ => {
            let name = text.strip_prefix('.').unwrap_or(text).to_ascii_lowercase();
            let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
            if name.contains('.') && name.bytes().all(valid) && !name.starts_with('.') && !name.ends_with('.') {
                return Ok(Domain::Narrow(name.into()));
            }
            Err(place.error(key, "expected keep, remove or a domain", "e.g. \"app.example.org\""))
        }
    }
}

fn path(place: &Place<'_>, key: &str, text: &str) -> Result<Option<Box<str>>, ConfigError> {
    let valid = text.starts_with('/') && text.bytes().all(|byte| matches!(byte, b'!'..=b'~') && byte != b';');
    match text {
        "" => Ok(None),
        _ if valid => Ok(Some(text.into())),
        _ => Err(place.error(key, "expected a path", "it starts with / and holds no blank and no ;")),
    }
}

fn same_site(setting: SameSiteSetting) -> SameSiteRule {
    match setting {
        SameSiteSetting::Keep => SameSiteRule::Keep,
        SameSiteSetting::Strict => SameSiteRule::Default(SameSite::Strict),
        SameSiteSetting::Lax => SameSiteRule::Default(SameSite::Lax),
        SameSiteSetting::None => SameSiteRule::Default(SameSite::None),
        SameSiteSetting::ForceStrict => SameSiteRule::Force(SameSite::Strict),
        SameSiteSetting::ForceLax => SameSiteRule::Force(SameSite::Lax),
        SameSiteSetting::ForceNone => SameSiteRule::Force(SameSite::None),
    }
}

/// Cookies count in seconds. A cap below one second is one second: zero would remove the cookie.
fn lifetime_cap(lifetime: Duration) -> Option<u64> {
    (!lifetime.get().is_zero()).then(|| lifetime.get().as_secs().max(1))
}

fn max_bytes(size: ByteSize) -> usize {
    usize::try_from(size.get()).unwrap_or(usize::MAX)
}
