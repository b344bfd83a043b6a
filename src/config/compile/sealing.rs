//! `[cookies.seal]` → [`SealPolicy`].

use std::{path::PathBuf, sync::Arc};

use super::{Place, cookies::name_pattern, files};
use crate::{
    config::{ByteSize, ConfigError, Cookies, Loaded, SecretRef},
    cookies::{NamePattern, seal::KeyRing},
    incident::Mode,
    response::SealPolicy,
};

/// The key of the keys.
const KEYS: &str = "cookies.seal.keys";

pub(super) fn compile(place: &Place<'_>, cookies: &Cookies) -> Result<Option<SealPolicy>, ConfigError> {
    let seal = &cookies.seal;
    let names = patterns(place, "cookies.seal.names", &seal.names)?;
    let mut except = patterns(place, "cookies.seal.except", &seal.except)?;
    except.extend(cookies.script_readable.iter().map(|name| NamePattern::new(name)));
    check_names(place, &names, &except)?;
    let max_bytes = max_bytes(place, seal.max_size)?;
    if names.is_empty() || seal.mode == Mode::Off {
        return Ok(None);
    }
    Ok(Some(SealPolicy {
        mode: place.mode(seal.mode),
        cookies: names,
        except,
        audience: seal.audience.as_str().into(),
        accept_unsealed_until: seal.accept_unsealed_until.map(|moment| moment.seconds()),
        keys: Arc::new(key_ring(place, cookies)?),
        max_bytes,
    }))
}

/// The files that hold the keys of cookies, of all routes.
pub fn key_files(loaded: &Loaded) -> Vec<PathBuf> {
    let routes = loaded.config.route.iter().enumerate();
    let routes = routes.map(|(position, route)| (format!("route.{position}."), &route.cookies));
    let all = [(String::new(), &loaded.config.cookies)].into_iter().chain(routes);
    let files = all.filter_map(|(prefix, cookies)| match &cookies.seal.keys {
        Some(SecretRef::File(file)) => {
            Some(loaded.base_directory(&Place { loaded, prefix }.key_in_force(KEYS)).join(file))
        }
        _ => None,
    });
    files.collect()
}

fn patterns(place: &Place<'_>, key: &str, names: &[String]) -> Result<Vec<NamePattern>, ConfigError> {
    let names = names.iter().enumerate();
    names.map(|(position, name)| name_pattern(place, &format!("{key}.{position}"), name)).collect()
}

/// A name that is sealed and not sealed is a mistake; a pattern with exceptions is none.
fn check_names(place: &Place<'_>, names: &[NamePattern], except: &[NamePattern]) -> Result<(), ConfigError> {
    let Some(position) = names.iter().position(|name| except.contains(name)) else { return Ok(()) };
    let hint = "scripts must read what cookies.script_readable and cookies.seal.except name: take it out there or here";
    Err(place.error(&format!("cookies.seal.names.{position}"), "this cookie is also to stay readable", hint))
}

/// What sealing adds alone takes about a hundred bytes; browsers keep 4096 (RFC 6265bis section 5.6).
fn max_bytes(place: &Place<'_>, size: ByteSize) -> Result<usize, ConfigError> {
    match usize::try_from(size.get()) {
        Ok(bytes) if (256..=4096).contains(&bytes) => Ok(bytes),
        _ => {
            let hint = "browsers ignore what is larger than 4KiB";
            Err(place.error("cookies.seal.max_size", "expected a size from 256B to 4KiB", hint))
        }
    }
}

fn key_ring(place: &Place<'_>, cookies: &Cookies) -> Result<KeyRing, ConfigError> {
    const MAKE: &str = "cofferdam keys generate FILE";
    const HINT: &str = "write a key file with: cofferdam keys generate FILE";
    let Some(reference) = &cookies.seal.keys else {
        return Err(place.error(KEYS, "cookies are to be sealed and there is no key", HINT));
    };
    let text = files::secret(place.loaded, &place.key_in_force(KEYS), reference, MAKE)?;
    let text = String::from_utf8(text).map_err(|_| place.error(KEYS, "the key file is no text", HINT))?;
    KeyRing::parse("key file", &text).map_err(|error| {
        place.error(
            KEYS,
            error.to_string(),
            "a line is `<id> <key>`; write a key file with: cofferdam keys generate FILE",
        )
    })
}

#[cfg(test)]
mod tests {
    use crate::{
        config::{ConfigError, Environment, Loaded, Sources, compile, load},
        cookies::seal::generate,
        incident::{FingerprintKey, HashKey, Mode},
        policy::RoutePolicy,
        request::rate::RateTables,
    };

    fn key_file(fill: u8) -> String {
        generate(&std::array::from_fn(|at| fill ^ u8::try_from(at).unwrap()))
    }

    /// With the file `keys` beside the configuration, and the variable KEYS.
    fn loaded(text: &str, keys: &str) -> (tempfile::TempDir, Loaded) {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("cofferdam.toml"), text).unwrap();
        std::fs::write(directory.path().join("keys"), keys).unwrap();
        let file = Some(directory.path().join("cofferdam.toml"));
        let environment: Environment = [("KEYS".to_owned(), key_file(99))].into_iter().collect();
        let loaded = load(&Sources { file, environment, ..Sources::default() }).unwrap();
        (directory, loaded)
    }

    fn policy(text: &str, keys: &str, path: &str) -> Result<RoutePolicy, ConfigError> {
        let (_directory, loaded) = loaded(text, keys);
        let rates = RateTables::new(1 << 10, HashKey::from_random([1; 16]));
        let engine = compile::engine(&loaded, FingerprintKey::new([0; 32]), &rates)?;
        Ok(engine.routes.find("localhost", path, &http::Method::GET).as_ref().clone())
    }

    const SEALED: &str = "[cookies.seal]\nkeys = \"file:keys\"\n";

    #[test]
    fn everything_that_is_said_of_sealing_is_in_the_policy() {
        let text = format!(
            "{SEALED}names = [\"sid\", \"app_*\"]\nexcept = [\"app_x\"]\naudience = \"shop\"\nmax_size = \"2KiB\"\n\
             accept_unsealed_until = \"1970-01-02\""
        );
        let sealing = policy(&text, &key_file(1), "/").unwrap().sealing.unwrap();
        assert_eq!((sealing.mode, &*sealing.audience, sealing.max_bytes), (Mode::Enforce, "shop", 2048));
        assert_eq!(sealing.accept_unsealed_until, Some(86_400));
        for (name, sealed) in [("sid", true), ("app_a", true), ("app_x", false), ("csrftoken", false), ("x", false)] {
            assert_eq!(sealing.covers(name.as_bytes()), sealed, "{name}");
        }
        assert_eq!(sealing.keys.ids().count(), 1);
    }

    #[test]
    fn nothing_is_sealed_where_nothing_is_named_or_the_mode_is_off() {
        assert!(policy("", "", "/").unwrap().sealing.is_none());
        assert!(policy(&format!("{SEALED}names = [\"sid\"]\nmode = \"off\""), "", "/").unwrap().sealing.is_none());
        let observing = policy(&format!("profile = \"observe\"\n{SEALED}names = [\"sid\"]"), &key_file(1), "/");
        assert_eq!(observing.unwrap().sealing.unwrap().mode, Mode::Observe);
    }

    #[test]
    fn a_route_takes_the_keys_over_or_has_its_own() {
        let text = format!(
            "{SEALED}names = [\"sid\"]\n[[route]]\nname = \"a\"\npaths = [\"/a\"]\ncookies.seal.audience = \"a\"\n\
             [[route]]\nname = \"b\"\npaths = [\"/b\"]\ncookies.seal.keys = \"env:KEYS\""
        );
        let ids = |path| {
            let sealing = policy(&text, &key_file(1), path).unwrap().sealing.unwrap();
            sealing.keys.ids().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(ids("/a"), ids("/"));
        assert_ne!(ids("/b"), ids("/"));
        let (directory, loaded) = loaded(&text, "");
        assert_eq!(compile::key_files(&loaded), vec![directory.path().join("keys"); 2]);
    }

    #[test]
    fn what_cannot_be_used_names_its_key_and_prints_none() {
        let key = key_file(1).lines().last().unwrap().split_once(' ').unwrap().1.to_owned();
        for (rest, keys, wanted) in [
            ("names = [\"sid\"]", "", "cookies.seal.keys"),
            ("names = [\"sid\"]", "# nothing\n", "cookies.seal.keys"),
            ("names = [\"sid\"]", &format!("a {key}x"), "cookies.seal.keys"),
            ("names = [\"sid\"]", &format!("{key}\n"), "cookies.seal.keys"),
            ("names = [\"a b\"]", &key, "cookies.seal.names.0"),
            ("names = [\"a\", \"csrftoken\"]", &key, "cookies.seal.names.1"),
            ("except = [\"\"]", &key, "cookies.seal.except.0"),
            ("max_size = \"8KiB\"", &key, "cookies.seal.max_size"),
            ("max_size = \"0\"", &key, "cookies.seal.max_size"),
        ] {
            let error = policy(&format!("{SEALED}{rest}"), keys, "/").err().unwrap();
            assert!(error.place.ends_with(&format!(": {wanted}")), "{error:?}");
            assert!(!format!("{error:?}").contains(&key), "{error:?}");
        }
        for keys in ["file:nowhere", "env:NOWHERE"] {
            let text = format!("[cookies.seal]\nnames = [\"sid\"]\nkeys = \"{keys}\"");
            assert!(policy(&text, "", "/").err().unwrap().place.ends_with(": cookies.seal.keys"));
        }
        assert!(policy("[cookies.seal]\nnames = [\"sid\"]", "", "/").is_err());
    }
}
