//! `[guard.cross_site]` → [`CrossSitePolicy`].

use super::Place;
use crate::{
    config::{ConfigError, CrossSite},
    cookies::NamePattern,
    request::{CanonicalPath, CrossSitePolicy, Origin},
};

pub(super) fn compile(place: &Place<'_>, cross_site: &CrossSite) -> Result<CrossSitePolicy, ConfigError> {
    Ok(CrossSitePolicy {
        mode: place.mode(cross_site.mode),
        trusted: origins(place, "guard.cross_site.trusted_origins", &cross_site.trusted_origins)?,
        hosts: hosts(place, cross_site)?,
        exempt: exempt(place, cross_site)?,
    })
}

/// Origins as browsers write them.
pub(super) fn origins(place: &Place<'_>, key: &str, texts: &[String]) -> Result<Vec<Origin>, ConfigError> {
    let origins = texts.iter().enumerate().map(|(position, text)| {
        let not_one = |_| {
            place.error(&format!("{key}.{position}"), "expected an origin", "e.g. \"https://example.org\", no path")
        };
        Origin::parse(text).map_err(not_one)
    });
    origins.collect()
}

fn hosts(place: &Place<'_>, cross_site: &CrossSite) -> Result<Vec<Box<str>>, ConfigError> {
    let hosts = cross_site.hosts.iter().enumerate().map(|(position, host)| {
        let valid = !host.is_empty() && !host.contains(['/', '*', '@', ' ', '?', '#']);
        let key = format!("guard.cross_site.hosts.{position}");
        let not_one = || place.error(&key, "expected a host and perhaps a port", "e.g. \"www.example.org\"");
        valid.then(|| host.to_ascii_lowercase().into()).ok_or_else(not_one)
    });
    hosts.collect()
}

fn exempt(place: &Place<'_>, cross_site: &CrossSite) -> Result<Vec<NamePattern>, ConfigError> {
    let patterns = cross_site.exempt_paths.iter().enumerate().map(|(position, path)| {
        if !path.starts_with('/') || path.contains(['?', '#', ' ']) {
            let key = format!("guard.cross_site.exempt_paths.{position}");
            return Err(place.error(&key, "expected a path", "e.g. \"/callback/*\"; * is any run of characters"));
        }
        Ok(NamePattern::new(&String::from_utf8_lossy(CanonicalPath::of(path).as_bytes())))
    });
    patterns.collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{bad_key, policy_for};
    use crate::incident::Mode;

    #[test]
    fn it_is_off_until_it_is_wanted_and_observes_in_profile_observe() {
        let mode = |text: &str| policy_for(text, "/").guard.cross_site.mode;
        assert_eq!(mode(""), Mode::Off);
        assert_eq!(mode("guard.cross_site.mode = \"enforce\""), Mode::Enforce);
        assert_eq!(mode("profile = \"observe\"\nguard.cross_site.mode = \"enforce\""), Mode::Observe);
    }

    #[test]
    fn exempt_paths_are_compared_in_canonical_form() {
        let policy = policy_for("guard.cross_site.exempt_paths = [\"/Pay/Callback/*\"]", "/");
        assert!(policy.guard.cross_site.exempt[0].matches(b"/pay/callback/1"));
    }

    #[test]
    fn what_is_no_origin_host_or_path_names_its_position() {
        for (key, text) in [
            ("trusted_origins.1", "trusted_origins = [\"https://a.example\", \"a.example\"]"),
            ("trusted_origins.0", "trusted_origins = [\"https://a.example/\"]"),
            ("hosts.0", "hosts = [\"https://a.example\"]"),
            ("exempt_paths.0", "exempt_paths = [\"callback\"]"),
        ] {
            assert_eq!(bad_key(&format!("[guard.cross_site]\n{text}")), format!("guard.cross_site.{key}"));
        }
    }
}
