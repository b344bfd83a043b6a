//! `[guard.rate]` → [`RatePolicy`].

use std::sync::Arc;

use http::StatusCode;

use super::Place;
use crate::{
    config::{ConfigError, Duration, Login, Profile, Rate, RateMode},
    cookies::NamePattern,
    incident::Mode,
    request::{
        CanonicalPath,
        rate::{Control, Lockout, Quota, RatePolicy, RateTables},
    },
};

/// None where nothing is to be counted.
pub(super) fn compile(
    place: &Place<'_>,
    route: &str,
    rate: &Rate,
    tables: &RateTables,
) -> Result<Option<Arc<RatePolicy>>, ConfigError> {
    let policy = RatePolicy {
        scope: scope(place, route, rate, tables),
        anonymous: quota(place, "anonymous", rate.anonymous, general_mode(place, rate.mode))?,
        session: quota(place, "session", rate.session, general_mode(place, rate.mode))?,
        address: quota(place, "address", rate.address, general_mode(place, rate.mode))?,
        login: quota(place, "login.per_minute", rate.login.per_minute, place.mode(rate.login.mode))?,
        lockout: lockout(place, &rate.login)?,
        session_cookies: rate.session_cookies.iter().map(|name| NamePattern::new(name)).collect(),
        login_paths: login_paths(place, &rate.login)?,
        failed: failed(place, &rate.login)?,
        exempt: rate.exempt.clone(),
        ..RatePolicy::new(tables)
    };
    Ok(policy.counts().then(|| Arc::new(policy)))
}

/// What is limited as everywhere counts together with it; a route with limits of its own counts by itself.
fn scope(place: &Place<'_>, route: &str, rate: &Rate, tables: &RateTables) -> u64 {
    let general = *rate == place.loaded.config.guard.rate;
    if general { 0 } else { tables.scope(route) }
}

fn general_mode(place: &Place<'_>, mode: RateMode) -> Mode {
    match mode {
        RateMode::ByProfile if place.loaded.config.profile == Profile::Lockdown => Mode::Observe,
        RateMode::ByProfile | RateMode::Off => Mode::Off,
        RateMode::Observe => Mode::Observe,
        RateMode::Enforce => place.mode(Mode::Enforce),
    }
}

fn quota(place: &Place<'_>, key: &str, per_minute: u32, mode: Mode) -> Result<Control<Quota>, ConfigError> {
    if per_minute > Quota::PER_MINUTE_MAX {
        let key = format!("guard.rate.{key}");
        return Err(place.error(&key, "expected at most 60000 requests a minute", "0 is no limit"));
    }
    let mode = if per_minute == 0 { Mode::Off } else { mode };
    Ok(Control { mode, rule: Quota { per_minute: per_minute.max(1), burst: per_minute.max(1) } })
}

fn lockout(place: &Place<'_>, login: &Login) -> Result<Control<Lockout>, ConfigError> {
    let free = u8::try_from(login.free_failures).ok().filter(|free| *free <= Lockout::FREE_MAX);
    let free = free.ok_or_else(|| {
        place.error("guard.rate.login.free_failures", "expected at most 32", "the default, 5, is a few mistakes")
    })?;
    let seconds = |key: &str, time: Duration| {
        let key = format!("guard.rate.login.{key}");
        let seconds = u32::try_from(time.get().as_secs()).ok().filter(|seconds| *seconds > 0);
        seconds.ok_or_else(|| place.error(&key, "expected 1s or more", "e.g. \"30s\""))
    };
    let never = login.first_lockout == Duration::default();
    let first = if never { 1 } else { seconds("first_lockout", login.first_lockout)? };
    let longest = seconds("longest_lockout", login.longest_lockout)?;
    if longest < first {
        return Err(place.error("guard.rate.login.longest_lockout", "it is shorter than the first", "e.g. \"1h\""));
    }
    let rule = Lockout { free, first, longest, forget: seconds("forget_after", login.forget_after)? };
    Ok(Control { mode: if never { Mode::Off } else { place.mode(login.mode) }, rule })
}

fn login_paths(place: &Place<'_>, login: &Login) -> Result<Vec<Box<[u8]>>, ConfigError> {
    let paths = login.paths.iter().enumerate().map(|(position, path)| {
        if path.starts_with('/') && !path.contains(['?', '#', '*', ' ']) {
            return Ok(CanonicalPath::of(path).as_bytes().into());
        }
        let key = format!("guard.rate.login.paths.{position}");
        Err(place.error(&key, "expected a path", "e.g. \"/login\", without pattern or query"))
    });
    paths.collect()
}

fn failed(place: &Place<'_>, login: &Login) -> Result<Vec<StatusCode>, ConfigError> {
    let statuses = login.failed.iter().enumerate().map(|(position, status)| {
        let key = format!("guard.rate.login.failed.{position}");
        status.parse().map_err(|_| place.error(&key, "expected a status", "e.g. \"401\""))
    });
    statuses.collect()
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            routes,
            tests::{bad_key, loaded, policy_for, rates},
        },
        *,
    };

    #[test]
    fn sign_ins_are_observed_by_default_and_all_requests_in_lockdown() {
        let rate = |text: &str| policy_for(text, "/").guard.rate.clone();
        let standard = rate("").unwrap();
        assert_eq!((standard.login.mode, standard.lockout.mode), (Mode::Observe, Mode::Observe));
        assert_eq!((standard.anonymous.mode, standard.session.mode), (Mode::Off, Mode::Off));
        let lockdown = rate("profile = \"lockdown\"").unwrap();
        assert_eq!((lockdown.anonymous.mode, lockdown.session.mode), (Mode::Observe, Mode::Observe));
        assert_eq!((lockdown.anonymous.rule.per_minute, lockdown.session.rule.per_minute), (20, 100));
        assert!(rate("guard.rate.login.mode = \"off\"").is_none());
        let enforced = rate("profile = \"observe\"\nguard.rate.mode = \"enforce\"\nguard.rate.anonymous = 0").unwrap();
        assert_eq!((enforced.anonymous.mode, enforced.session.mode), (Mode::Off, Mode::Observe));
    }

    #[test]
    fn a_route_with_limits_of_its_own_counts_by_itself_in_the_same_tables() {
        let text = "[[route]]\nname = \"api\"\npaths = [\"/api\"]\nguard.rate.mode = \"enforce\"\n[[route]]\nname = \"b\"\npaths = [\"/b\"]";
        let routes = routes(&loaded(text), &rates()).unwrap();
        let rate = |path| routes.find("example.org", path, &http::Method::GET).guard.rate.clone().unwrap();
        assert_eq!((rate("/").scope, rate("/b").scope), (0, 0));
        assert_ne!(rate("/api").scope, 0);
        assert!(Arc::ptr_eq(&rate("/").table, &rate("/api").table));
    }

    #[test]
    fn limits_that_make_no_sense_name_their_key() {
        for (key, value) in [
            ("guard.rate.session", "60001"),
            ("guard.rate.login.free_failures", "33"),
            ("guard.rate.login.first_lockout", "\"1ms\""),
            ("guard.rate.login.longest_lockout", "\"1s\""),
            ("guard.rate.login.forget_after", "\"0\""),
        ] {
            assert_eq!(bad_key(&format!("{key} = {value}")), key);
        }
        assert_eq!(bad_key("guard.rate.login.paths = [\"/login\", \"login\"]"), "guard.rate.login.paths.1");
        assert_eq!(bad_key("guard.rate.login.failed = [\"4xx\"]"), "guard.rate.login.failed.0");
    }
}
