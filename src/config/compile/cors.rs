//! `[cors]` → [`CorsPolicy`].

use super::{Place, cross_site::origins, each, methods};
use crate::{
    config::{ConfigError, Cors},
    incident::Mode,
    response::{CorsPolicy, Preflight},
};

pub(super) fn compile(place: &Place<'_>, cors: &Cors) -> Result<CorsPolicy, ConfigError> {
    let preflight = preflight(place, cors)?;
    if cors.mode != Mode::Off && cors.answer_preflights && cors.origins.is_empty() {
        let hint = "name origins in cors.origins, or leave preflights to the application";
        return Err(place.error("cors.answer_preflights", "every preflight would be refused", hint));
    }
    Ok(CorsPolicy {
        mode: place.mode(cors.mode),
        origins: origins(place, "cors.origins", &cors.origins)?,
        preflight: cors.answer_preflights.then_some(preflight),
    })
}

fn preflight(place: &Place<'_>, cors: &Cors) -> Result<Preflight, ConfigError> {
    let max_age = u32::try_from(cors.max_age.get().as_secs())
        .map_err(|_| place.error("cors.max_age", "longer than can be said", "browsers remember for 1d at most"))?;
    Ok(Preflight {
        methods: methods(place, "cors.methods", &cors.methods)?,
        headers: each(place, "cors.headers", &cors.headers, |name| name.parse().ok().filter(|_| name != "*"))?,
        credentials: cors.credentials,
        max_age,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{bad_key, policy_for};
    use super::Mode;

    #[test]
    fn it_is_off_until_origins_are_named_and_a_route_may_have_its_own() {
        let text = "[cors]\nmode = \"enforce\"\norigins = [\"https://app.example\"]\n\
                    [[route]]\nname = \"api\"\npaths = [\"/api\"]\ncors = { answer_preflights = true, methods = [\"PUT\"] }\n";
        assert_eq!(policy_for("", "/").cors.mode, Mode::Off);
        assert!(policy_for(text, "/").cors.preflight.is_none());
        let api = policy_for(text, "/api").cors.clone();
        assert_eq!((api.mode, api.origins.len()), (Mode::Enforce, 1));
        assert_eq!(api.preflight.as_ref().map(|preflight| preflight.max_age), Some(600));
    }

    #[test]
    fn what_makes_no_sense_names_its_position() {
        for (key, text) in [
            ("origins.0", "origins = [\"*\"]"),
            ("origins.0", "origins = [\"null\"]"),
            ("methods.0", "methods = [\"put\"]"),
            ("headers.1", "headers = [\"x-a\", \"x b\"]"),
            ("headers.0", "headers = [\"*\"]"),
            ("answer_preflights", "mode = \"enforce\"\nanswer_preflights = true"),
            ("max_age", "max_age = \"60000d\""),
        ] {
            assert_eq!(bad_key(&format!("[cors]\n{text}")), format!("cors.{key}"));
        }
    }
}
