//! From the configuration as written to what judges exchanges. What comes out is valid by construction; whatever
//! cannot be compiled is an error that names its key.

mod cookies;
mod cors;
mod cross_site;
mod csp;
mod files;
mod guard;
mod headers;
mod patch;
mod rate;
mod rules;
mod sealing;
mod shield;
mod tls;
mod weak_keys;
mod workers;

pub use rules::{RuleInForce, all_rules, ruleset, untested_ruleset};
pub use sealing::key_files;
pub use shield::spool_dir;
pub use tls::{protocol, tls_identity, upstream_tls};
pub use weak_keys::weak_key_files;
pub use workers::{Workers, workers};

use std::{collections::HashSet, sync::Arc, time::Duration};

use http::HeaderValue;

use super::{
    AcceptEncoding, Config, ConfigError, Cookies, Cors, Guard, Headers, Host, Inspect, Loaded, OnHead, OnRange, Origin,
    Profile, Route, UpstreamUrl,
};
use crate::{
    config,
    engine::Engine,
    incident::{FingerprintKey, Mode},
    policy::{Breaker, BreakerSettings, CleanCopies, InspectPolicy, RouteMatch, RoutePolicy, RouteTable, Unreadable},
    request::{ForwardPolicy, HostRule, rate::RateTables},
};

/// The name of the policy of everything that no route matches.
pub const DEFAULT_ROUTE: &str = "default";

/// What an exchange is judged by. Fingerprints are made with `random` unless the configuration names a key. Clients are
/// counted in `rates`, which outlive the engine.
///
/// # Errors
/// A value that has the right type and still makes no sense, such as a hold that is not a power of two; a rule pack,
/// template, key file or secret that cannot be used.
pub fn engine(loaded: &Loaded, random: FingerprintKey, rates: &RateTables) -> Result<Engine, ConfigError> {
    Ok(Engine {
        rules: ruleset(loaded)?,
        routes: routes(loaded, rates)?,
        templates: files::templates(loaded)?,
        tls_before_us: loaded.config.server.behind_tls,
        compress: workers::compresses(loaded),
        fingerprints: files::fingerprint_key(loaded)?.unwrap_or(random),
        clean: CleanCopies::default(),
    })
}

/// Sections that a route can change, as one.
struct Sections<'a> {
    inspect: &'a Inspect,
    headers: &'a Headers,
    cookies: &'a Cookies,
    cors: &'a Cors,
    guard: &'a Guard,
}

/// Where in the configuration a value stands, for errors; and the stance that bounds every mode.
struct Place<'a> {
    loaded: &'a Loaded,
    /// Empty, or `route.0.` and so on.
    prefix: String,
}

impl Place<'_> {
    fn error(&self, key: &str, what: impl Into<String>, hint: impl Into<String>) -> ConfigError {
        let key = format!("{}{key}", self.prefix);
        let path: Vec<String> = key.split('.').map(str::to_owned).collect();
        ConfigError::at(&self.loaded.origin(&path), &key, what, hint)
    }

    /// The key by which the value in force was written: a route's own, or the general one that it took over.
    fn key_in_force(&self, key: &str) -> String {
        let own = format!("{}{key}", self.prefix);
        let path: Vec<String> = own.split('.').map(str::to_owned).collect();
        if self.loaded.origin(&path) == Origin::Default { key.to_owned() } else { own }
    }

    /// In profile `observe` nothing acts.
    fn mode(&self, mode: Mode) -> Mode {
        match (self.loaded.config.profile, mode) {
            (Profile::Observe, Mode::Enforce) => Mode::Observe,
            _ => mode,
        }
    }
}

fn routes(loaded: &Loaded, rates: &RateTables) -> Result<RouteTable, ConfigError> {
    let Config { inspect, headers, cookies, cors, guard, route, .. } = &loaded.config;
    let place = Place { loaded, prefix: String::new() };
    let shields = shield::Shields::default();
    let mut watches = weak_keys::Watches::new(rates.key.clone());
    let mut fallback = policy(&place, DEFAULT_ROUTE, &Sections { inspect, headers, cookies, cors, guard }, rates)?;
    fallback.weak_keys = watches.compile(&place, &cookies.weak_keys)?;
    fallback.shield = shields.compile(&place, &loaded.config.shield)?;
    let mut names = HashSet::from([DEFAULT_ROUTE]);
    let mut routes = Vec::new();
    for (position, route) in route.iter().enumerate() {
        let place = Place { loaded, prefix: format!("route.{position}.") };
        check_name(&place, &route.name, &mut names)?;
        let Route { inspect, headers, cookies, cors, guard, .. } = route;
        let mut policy = policy(&place, &route.name, &Sections { inspect, headers, cookies, cors, guard }, rates)?;
        policy.weak_keys = watches.compile(&place, &cookies.weak_keys)?;
        policy.shield = shields.compile(&place, &route.shield)?;
        routes.push((conditions(&place, route)?, Arc::new(policy)));
    }
    Ok(RouteTable::new(routes, Arc::new(fallback)))
}

fn policy(
    place: &Place<'_>,
    name: &str,
    sections: &Sections<'_>,
    rates: &RateTables,
) -> Result<RoutePolicy, ConfigError> {
    Ok(RoutePolicy {
        name: name.into(),
        inspect: inspection(place, sections.inspect)?,
        breaker: breaker(place, &sections.inspect.breaker)?.map(Arc::new),
        upgrades: sections.inspect.upgrades,
        forward: Arc::new(forward(place, sections.inspect)?),
        guard: Arc::new(guard::compile(place, name, sections.guard, rates)?),
        headers: Arc::new(headers::compile(place, sections.headers)?),
        cookies: Arc::new(cookies::compile(place, sections.cookies)?),
        csp: csp::compile(place, sections.headers, sections.inspect)?,
        cors: Arc::new(cors::compile(place, sections.cors)?),
        sealing: sealing::compile(place, sections.cookies)?.map(Arc::new),
        ..RoutePolicy::default()
    })
}

fn inspection(place: &Place<'_>, inspect: &Inspect) -> Result<InspectPolicy, ConfigError> {
    let config = &place.loaded.config;
    Ok(InspectPolicy {
        mode: place.mode(inspect.mode),
        categories: rules::category_modes(&config.rules, inspect.personal_data),
        hold: hold(place, inspect)?,
        quiet: quiet(place, inspect)?,
        pause: inspect.pause.get(),
        exempt_types: exempt_types(place, inspect)?,
        unreadable: inspect.on_undecodable,
        unasked_partial: match inspect.on_range {
            OnRange::Whole => Unreadable::Replace,
            OnRange::Forward => Unreadable::Pass,
        },
        whole_heads: inspect.on_head == OnHead::Whole,
        replace_server_errors: inspect.replace_server_errors || config.profile == Profile::Lockdown,
    })
}

fn breaker(place: &Place<'_>, breaker: &config::Breaker) -> Result<Option<Breaker>, ConfigError> {
    let config::Breaker { replacements, within, calm } = breaker;
    for (key, time, default) in [("within", within, "1m"), ("calm", calm, "5m")] {
        if time.get().is_zero() {
            let key = format!("inspect.breaker.{key}");
            return Err(place.error(&key, "expected more than 0", format!("the default is {default}")));
        }
    }
    let settings = BreakerSettings { replacements: *replacements, within: within.get(), calm: calm.get() };
    Ok((*replacements > 0).then(|| Breaker::new(settings)))
}

fn hold(place: &Place<'_>, inspect: &Inspect) -> Result<usize, ConfigError> {
    const BOUNDS: std::ops::RangeInclusive<usize> = 4 << 10..=1 << 20;
    match usize::try_from(inspect.hold.get()) {
        Ok(hold) if hold.is_power_of_two() && BOUNDS.contains(&hold) => Ok(hold),
        _ => {
            let hint = "e.g. 64KiB, which covers the known debug pages";
            Err(place.error("inspect.hold", "expected a power of two from 4KiB to 1MiB", hint))
        }
    }
}

fn quiet(place: &Place<'_>, inspect: &Inspect) -> Result<Duration, ConfigError> {
    let quiet = inspect.quiet.get();
    if quiet.is_zero() {
        return Err(place.error("inspect.quiet", "expected more than 0", "the default is 1s"));
    }
    Ok(quiet)
}

fn exempt_types(place: &Place<'_>, inspect: &Inspect) -> Result<Vec<Box<str>>, ConfigError> {
    let types = inspect.exempt_types.iter().enumerate().map(|(position, text)| {
        let valid = text.split_once('/').is_some_and(|(kind, name)| is_token(kind) && is_token(name) && kind != "*");
        if valid {
            return Ok(text.to_ascii_lowercase().into());
        }
        let hint = "e.g. \"video/*\" or \"application/zip\"; to exempt everything, set inspect.mode for a route";
        Err(place.error(&format!("inspect.exempt_types.{position}"), "expected a media type", hint))
    });
    types.collect()
}

fn forward(place: &Place<'_>, inspect: &Inspect) -> Result<ForwardPolicy, ConfigError> {
    let Config { server, upstream, .. } = &place.loaded.config;
    // Observing must not be noticed: the application is asked for what the client asked for.
    let inspected = place.mode(inspect.mode) == Mode::Enforce;
    Ok(ForwardPolicy {
        trusted: server.trusted_proxies.clone(),
        host: host(place.loaded)?,
        x_forwarded: upstream.x_forwarded,
        forwarded: upstream.forwarded,
        identity: inspected && upstream.accept_encoding == AcceptEncoding::Identity,
        whole_bodies: inspected && inspect.on_range == OnRange::Whole,
        via: via(place.loaded)?,
    })
}

fn host(loaded: &Loaded) -> Result<HostRule, ConfigError> {
    let upstream = &loaded.config.upstream;
    let place = Place { loaded, prefix: String::new() };
    match (upstream.host, &upstream.url) {
        (Host::Preserve, _) | (Host::Upstream, None) => Ok(HostRule::Preserve),
        (Host::Upstream, Some(UpstreamUrl::Http { host, port, tls })) => {
            let usual = if *tls { 443 } else { 80 };
            let authority = if *port == usual { host.clone() } else { format!("{host}:{port}") };
            let invalid = |_| place.error("upstream.url", "the host is not a valid Host", "use its ASCII form");
            HeaderValue::try_from(authority).map(HostRule::Set).map_err(invalid)
        }
        (Host::Upstream, Some(UpstreamUrl::Unix(_))) => {
            Err(place.error("upstream.host", "a Unix socket has no host", "set upstream.host to \"preserve\""))
        }
    }
}

fn via(loaded: &Loaded) -> Result<Option<Box<str>>, ConfigError> {
    let via = &loaded.config.upstream.via;
    if via.is_empty() || is_token(via) {
        return Ok((!via.is_empty()).then(|| via.as_str().into()));
    }
    let place = Place { loaded, prefix: String::new() };
    Err(place.error("upstream.via", "expected one word", "letters, digits and - . _ ~, or nothing for no Via"))
}

/// Names become metric labels.
fn check_name<'a>(place: &Place<'_>, name: &'a str, names: &mut HashSet<&'a str>) -> Result<(), ConfigError> {
    let hint = "letters, digits, blanks, - _ . and /, at most 40, each name once";
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b" -_./".contains(&byte);
    if name.is_empty() || name.len() > 40 || !name.bytes().all(valid) {
        return Err(place.error("name", "expected a name", hint));
    }
    if !names.insert(name) {
        return Err(place.error("name", "the name is taken", hint));
    }
    Ok(())
}

fn conditions(place: &Place<'_>, route: &Route) -> Result<RouteMatch, ConfigError> {
    let hosts = each(place, "hosts", &route.hosts, |host| {
        let name = host.strip_prefix("*.").unwrap_or(host);
        let valid = !name.is_empty() && !name.contains(['*', '/', ' ']) && (!name.contains(':') || name.ends_with(']'));
        valid.then(|| host.to_ascii_lowercase().into())
    });
    let paths = each(place, "paths", &route.paths, |path| {
        (path.starts_with('/') && !path.contains(['?', '#', '*', ' '])).then(|| path.into())
    });
    Ok(RouteMatch { hosts: hosts?, paths: paths?, methods: methods(place, "methods", &route.methods)? })
}

fn methods(place: &Place<'_>, key: &str, names: &[String]) -> Result<Vec<http::Method>, ConfigError> {
    each(place, key, names, |name| {
        let written_as_sent = !name.contains(|c: char| c.is_ascii_lowercase());
        written_as_sent.then(|| name.parse().ok()).flatten()
    })
}

/// Reads every entry of a list.
fn each<T>(
    place: &Place<'_>,
    key: &str,
    entries: &[String],
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, ConfigError> {
    let entries = entries.iter().enumerate().map(|(position, entry)| {
        let (what, hint) = match key.rsplit('.').next() {
            Some("hosts") => ("expected a host name without port", "e.g. \"example.org\" or \"*.example.org\""),
            Some("paths") => ("expected the beginning of a path", "e.g. \"/files\", without pattern or query"),
            Some("methods" | "allowed") => ("expected a method", "methods are written in capitals, e.g. \"GET\""),
            _ => ("expected the name of a header field", "e.g. \"X-Frame-Options\""),
        };
        read(entry).ok_or_else(|| place.error(&format!("{key}.{position}"), what, hint))
    });
    entries.collect()
}

/// A token of RFC 9110 section 5.6.2.
fn is_token(text: &str) -> bool {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(valid)
}

#[cfg(test)]
mod tests;
