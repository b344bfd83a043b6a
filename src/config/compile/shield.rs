//! `[shield]` → [`policy::Shield`]; `server.spool_dir` and `server.max_disk`.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use super::Place;
use crate::{
    config::{ByteSize, ConfigError, Duration, Loaded, Profile, Shield, ShieldMode},
    policy::{self, WholeBody},
    response::DevelopmentServers,
};

/// The shields of one engine: what is recognised behind one route raises all of them.
#[derive(Debug, Default)]
pub(super) struct Shields {
    recognised: Arc<OnceLock<()>>,
}

impl Shields {
    pub(super) fn compile(
        &self,
        place: &Place<'_>,
        shield: &Shield,
    ) -> Result<Option<Arc<policy::Shield>>, ConfigError> {
        let (mode, body) = (mode(place, shield.mode), body(place, shield)?);
        let known = DevelopmentServers::embedded().ok();
        Ok(known.map(|known| Arc::new(policy::Shield::new(known, mode, body, self.recognised.clone()))))
    }
}

/// In profile `observe` nothing acts.
fn mode(place: &Place<'_>, mode: ShieldMode) -> policy::ShieldMode {
    match (place.loaded.config.profile, mode) {
        (_, ShieldMode::Off) => policy::ShieldMode::Off,
        (Profile::Observe, _) | (_, ShieldMode::Observe) => policy::ShieldMode::Observe,
        (_, ShieldMode::Enforce) => policy::ShieldMode::Enforce,
        (_, ShieldMode::ByServer) => policy::ShieldMode::ByServer,
    }
}

fn body(place: &Place<'_>, shield: &Shield) -> Result<WholeBody, ConfigError> {
    if !(ByteSize::kib(4)..=ByteSize::mib(1)).contains(&shield.memory) {
        return Err(place.error(
            "shield.memory",
            "expected 4KiB to 1MiB",
            "the default, 64KiB, is more than forms have",
        ));
    }
    if shield.body_time == Duration::default() {
        return Err(place.error("shield.body_time", "expected more than 0", "the default is 20s"));
    }
    let limited = shield.body_size != ByteSize::default();
    Ok(WholeBody {
        memory: super::guard::bytes(shield.memory),
        most: if limited { shield.body_size.get() } else { u64::MAX },
        time: shield.body_time.get(),
        rate: shield.body_rate.get(),
    })
}

/// The folder of the files in which bodies wait; none is the system's.
///
/// # Errors
/// When what is named is no folder.
pub fn spool_dir(loaded: &Loaded) -> Result<Option<PathBuf>, ConfigError> {
    let named = &loaded.config.server.spool_dir;
    if named.as_os_str().is_empty() {
        return Ok(None);
    }
    let folder = loaded.base_directory("server.spool_dir").join(named);
    if folder.is_dir() {
        return Ok(Some(folder));
    }
    let place = Place { loaded, prefix: String::new() };
    let what = format!("there is no folder {}", folder.display());
    Err(place.error("server.spool_dir", what, "make it, or name none for the system's"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::loaded;
    use super::*;

    fn compiled(text: &str) -> Result<policy::Shield, ConfigError> {
        let loaded = loaded(text);
        let place = Place { loaded: &loaded, prefix: String::new() };
        let shield = Shields::default().compile(&place, &loaded.config.shield)?;
        Ok(Arc::into_inner(shield.unwrap()).unwrap())
    }

    #[test]
    fn the_shield_is_up_by_word_and_never_in_profile_observe() {
        let up = |text| compiled(text).unwrap().up().is_some();
        assert!(up("shield.mode = \"enforce\"") && !up(""));
        assert!(!up("profile = \"observe\"\nshield.mode = \"enforce\"") && !up("shield.mode = \"off\""));
        let observed = compiled("profile = \"observe\"").unwrap();
        assert_eq!(observed.observed_size(), Some(256 << 20));
    }

    #[test]
    fn a_size_of_0_is_no_limit() {
        let shield = compiled("[shield]\nmode = \"enforce\"\nbody_size = \"0\"\nbody_rate = \"0\"").unwrap();
        assert_eq!(shield.up().map(|body| (body.most, body.rate)), Some((u64::MAX, 0)));
    }

    #[test]
    fn what_cannot_be_meant_names_its_key() {
        for (text, key) in [
            ("shield.memory = \"1KiB\"", "shield.memory"),
            ("shield.memory = \"2MiB\"", "shield.memory"),
            ("shield.body_time = \"0\"", "shield.body_time"),
        ] {
            let place = compiled(text).unwrap_err().place;
            assert!(place.ends_with(key), "{place}");
        }
        let missing = loaded("server.spool_dir = \"nowhere\"");
        assert!(spool_dir(&missing).unwrap_err().what.ends_with("/nowhere"));
        assert_eq!(spool_dir(&loaded("")).unwrap(), None);
    }
}
