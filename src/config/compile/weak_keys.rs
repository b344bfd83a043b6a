//! `[cookies.weak_keys]` → [`Watch`].

use std::{path::PathBuf, sync::Arc};

use super::{Place, files};
use crate::{
    config::{ConfigError, Loaded, Origin, WeakKeys},
    cookies::weak::{KeyList, Seen, Watch},
    incident::{HashKey, Mode},
};

/// Values that are remembered as tested, 8 bytes each. What is forgotten is tested again.
const SEEN: usize = 4096;

const KEY_FILES: &str = "cookies.weak_keys.key_files";

/// What was compiled so far: routes with the same settings share their lists and what they have seen.
pub(super) struct Watches {
    key: HashKey,
    compiled: Vec<(WeakKeys, Option<Arc<Watch>>)>,
}

impl Watches {
    /// `key` is random, so that no client can aim at what is remembered.
    pub(super) fn new(key: HashKey) -> Self {
        Self { key, compiled: Vec::new() }
    }

    /// None where nothing is to be tested.
    pub(super) fn compile(
        &mut self,
        place: &Place<'_>,
        settings: &WeakKeys,
    ) -> Result<Option<Arc<Watch>>, ConfigError> {
        if let Some((_, watch)) = self.compiled.iter().find(|(known, _)| known == settings) {
            return Ok(watch.clone());
        }
        let watch = match settings.mode {
            Mode::Off => None,
            Mode::Observe => Some(Arc::new(self.watch(place, settings)?)),
            Mode::Enforce => {
                let hint = "no proxy can repair a weak key: put a random one in its place, or seal the cookie";
                return Err(place.error("cookies.weak_keys.mode", "expected off or observe", hint));
            }
        };
        self.compiled.push((settings.clone(), watch.clone()));
        Ok(watch)
    }

    fn watch(&self, place: &Place<'_>, settings: &WeakKeys) -> Result<Watch, ConfigError> {
        let mut keys = keys(place, settings)?;
        keys.lifetime_days = lifetime_days(place, settings)?;
        Ok(Watch { seen: Seen::new(SEEN, self.key.clone()), keys: Arc::new(keys) })
    }
}

/// The files of keys that any route names, for whoever watches them.
pub fn weak_key_files(loaded: &Loaded) -> Vec<PathBuf> {
    let routes = loaded.config.route.iter().enumerate();
    let routes = routes.map(|(position, route)| (format!("route.{position}."), &route.cookies));
    let everywhere = std::iter::once((String::new(), &loaded.config.cookies)).chain(routes);
    everywhere
        .flat_map(|(prefix, cookies)| {
            let directory = loaded.base_directory(&key_in_force(loaded, &prefix));
            cookies.weak_keys.key_files.iter().map(move |file| directory.join(file))
        })
        .collect()
}

/// The key by which the files in force were written: a route's own, or the general one that it took over.
fn key_in_force(loaded: &Loaded, prefix: &str) -> String {
    let own = format!("{prefix}{KEY_FILES}");
    let path: Vec<String> = own.split('.').map(str::to_owned).collect();
    if loaded.origin(&path) == Origin::Default { KEY_FILES.to_owned() } else { own }
}

fn keys(place: &Place<'_>, settings: &WeakKeys) -> Result<KeyList, ConfigError> {
    let error = |error: &dyn std::fmt::Display| {
        let hint = "a line is a framework (or any), a blank and a key; see config/keys/known-keys.txt";
        place.error(KEY_FILES, error.to_string(), hint)
    };
    let mut lists = vec![KeyList::EMBEDDED];
    let own = files::weak_keys(place.loaded, &key_in_force(place.loaded, &place.prefix), &settings.key_files)?;
    lists.extend(own.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    KeyList::parse(&lists).map_err(|problem| error(&problem))
}

fn lifetime_days(place: &Place<'_>, settings: &WeakKeys) -> Result<Option<u64>, ConfigError> {
    const DAY: u64 = 86_400;
    let lifetime = settings.token_lifetime.get();
    if lifetime.subsec_nanos() > 0 || !lifetime.as_secs().is_multiple_of(DAY) {
        let hint = "e.g. \"7d\"; 0 reports no token for its lifetime";
        return Err(place.error("cookies.weak_keys.token_lifetime", "expected whole days", hint));
    }
    Ok(Some(lifetime.as_secs() / DAY).filter(|days| *days > 0))
}

#[cfg(test)]
mod tests {
    use crate::{
        config::{ConfigError, Loaded, Sources, compile, load},
        incident::{FingerprintKey, HashKey},
        policy::RoutePolicy,
        request::rate::RateTables,
    };
    use std::sync::Arc;

    /// In a directory with the file `own.txt`.
    fn loaded(text: &str, keys: &str) -> (tempfile::TempDir, Loaded) {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("own.txt"), keys).unwrap();
        let file = directory.path().join("cofferdam.toml");
        std::fs::write(&file, text).unwrap();
        let loaded = load(&Sources { file: Some(file), ..Sources::default() }).unwrap();
        (directory, loaded)
    }

    fn policies(text: &str, keys: &str, paths: &[&str]) -> Result<Vec<Arc<RoutePolicy>>, ConfigError> {
        let (_directory, loaded) = loaded(text, keys);
        let rates = RateTables::new(1 << 10, HashKey::from_random([1; 16]));
        let engine = compile::engine(&loaded, FingerprintKey::new([1; 32]), &rates)?;
        Ok(paths.iter().map(|path| engine.routes.find("", path, &http::Method::GET).clone()).collect())
    }

    fn days_and_keys(text: &str, keys: &str) -> Option<(Option<u64>, usize)> {
        let watch = policies(text, keys, &["/"]).unwrap()[0].weak_keys.clone()?;
        Some((watch.keys.lifetime_days, watch.keys.len()))
    }

    #[test]
    fn it_is_on_by_itself_and_its_list_can_be_extended() {
        let (days, built_in) = days_and_keys("", "").unwrap();
        assert_eq!(days, Some(7));
        let own = "[cookies.weak_keys]\nkey_files = [\"own.txt\"]\ntoken_lifetime = \"30d\"";
        let keys = "# ours\nflask the-key-of-our-staging\n";
        assert_eq!(days_and_keys(own, keys), Some((Some(30), built_in + 1)));
        assert_eq!(days_and_keys("cookies.weak_keys.token_lifetime = \"0\"", ""), Some((None, built_in)));
        assert_eq!(days_and_keys("cookies.weak_keys.mode = \"off\"", ""), None);
        let (directory, loaded) = loaded(own, keys);
        assert_eq!(compile::weak_key_files(&loaded), [directory.path().join("own.txt")]);
    }

    #[test]
    fn routes_share_what_was_seen_unless_they_differ() {
        let text = "[[route]]\nname = \"a\"\npaths = [\"/a\"]\n[[route]]\nname = \"b\"\npaths = [\"/b\"]\n\
                    cookies.weak_keys.mode = \"off\"";
        let policies = policies(text, "", &["/", "/a", "/b"]).unwrap();
        let watches: Vec<_> = policies.iter().map(|policy| policy.weak_keys.as_ref()).collect();
        assert!(Arc::ptr_eq(watches[0].unwrap(), watches[1].unwrap()));
        assert!(watches[2].is_none());
    }

    #[test]
    fn the_list_of_a_route_is_read_from_beside_the_file_that_names_it() {
        let text = "[[route]]\nname = \"a\"\npaths = [\"/a\"]\ncookies.weak_keys.key_files = [\"own.txt\"]";
        let policies = policies(text, "any the-key-of-our-staging", &["/", "/a"]).unwrap();
        let keys = |at: usize| policies[at].weak_keys.as_ref().unwrap().keys.len();
        assert_eq!(keys(1), keys(0) + 1);
        let (directory, loaded) = loaded(text, "");
        assert_eq!(compile::weak_key_files(&loaded), [directory.path().join("own.txt")]);
    }

    #[test]
    fn what_cannot_be_used_names_its_key_and_prints_no_key() {
        let own = "key_files = [\"own.txt\"]";
        for (text, keys, wanted) in [
            ("mode = \"enforce\"", "", "mode"),
            ("token_lifetime = \"90m\"", "", "token_lifetime"),
            ("key_files = [\"nowhere.txt\"]", "", "key_files"),
            (own, "any fine\nflusk unheard-of\n", "key_files"),
        ] {
            let error = policies(&format!("[cookies.weak_keys]\n{text}"), keys, &["/"]).unwrap_err();
            assert!(error.place.contains(&format!(": cookies.weak_keys.{wanted}")), "{error:?}");
            assert!(!format!("{error:?}").contains("unheard-of"), "{error:?}");
        }
        let error = policies(&format!("[cookies.weak_keys]\n{own}"), "any fine\nflusk x\n", &["/"]).unwrap_err();
        assert!(error.what.contains("own.txt:2: "), "{error:?}");
    }
}
