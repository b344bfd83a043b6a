//! The files and secrets that the configuration names, read into memory. Everything below gets texts and bytes.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    config::{ConfigError, Loaded, SecretError, SecretRef},
    incident::FingerprintKey,
    response::{Format, Template, Templates},
};

/// The largest template and the largest rule pack, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// The shortest key of fingerprints, in bytes: what a hash of 256 bits can use.
const MIN_KEY: usize = 32;

/// How such a key is made.
const MAKE_KEY: &str = "openssl rand -base64 48";

/// One of the operator's rule packs.
#[derive(Debug)]
pub(super) struct PackFile {
    /// Its path, for errors.
    pub(super) path: String,
    /// Its text.
    pub(super) text: String,
}

/// The built-in pages, with the files of `[replies]` in place of those they name.
pub(super) fn templates(loaded: &Loaded) -> Result<Templates, ConfigError> {
    let replies = &loaded.config.replies;
    let files = [
        ("replies.html", Format::Html, &replies.html),
        ("replies.json", Format::Json, &replies.json),
        ("replies.problem", Format::ProblemJson, &replies.problem),
        ("replies.text", Format::Text, &replies.text),
    ];
    let mut templates = Templates::default();
    for (key, format, path) in files.into_iter().filter(|(_, _, path)| !path.as_os_str().is_empty()) {
        let path = loaded.base_directory(key).join(path);
        let text = read_text(loaded, key, &path)?;
        let hint = format!("the file is {}", path.display());
        let template = Template::parse(format, &text).map_err(|error| at(loaded, key, error.to_string(), &hint))?;
        templates.set(template);
    }
    Ok(templates)
}

/// Reads every `*.toml` of `rules.dir`, in the order of their names.
pub(super) fn rule_packs(loaded: &Loaded) -> Result<Vec<PackFile>, ConfigError> {
    const KEY: &str = "rules.dir";
    let directory = &loaded.config.rules.dir;
    if directory.as_os_str().is_empty() {
        return Ok(Vec::new());
    }
    let directory = loaded.base_directory(KEY).join(directory);
    let unreadable = |error: io::Error| unreadable(loaded, KEY, &directory, &error);
    let mut paths = Vec::new();
    for entry in fs::read_dir(&directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    let read = |path: &Path| Ok(PackFile { path: path.display().to_string(), text: read_text(loaded, KEY, path)? });
    paths.iter().map(|path| read(path)).collect()
}

/// The files of known keys that `key` names, each with its path for errors.
pub(super) fn weak_keys(loaded: &Loaded, key: &str, paths: &[PathBuf]) -> Result<Vec<(String, String)>, ConfigError> {
    let read = |path: &PathBuf| {
        let path = loaded.base_directory(key).join(path);
        Ok((path.display().to_string(), read_text(loaded, key, &path)?))
    };
    paths.iter().map(read).collect()
}

/// The key of fingerprints, if the configuration names one.
pub(super) fn fingerprint_key(loaded: &Loaded) -> Result<Option<FingerprintKey>, ConfigError> {
    const KEY: &str = "log.fingerprint_key";
    let Some(reference) = &loaded.config.log.fingerprint_key else { return Ok(None) };
    let secret = secret(loaded, KEY, reference, MAKE_KEY)?;
    if secret.len() < MIN_KEY {
        let what = format!("the key has {} bytes, expected {MIN_KEY} or more", secret.len());
        return Err(at(loaded, KEY, what, &format!("make one with: {MAKE_KEY}")));
    }
    Ok(Some(FingerprintKey::derive(&secret)))
}

/// What `reference` says; `make` is the command by which an operator makes such a secret.
pub(super) fn secret(loaded: &Loaded, key: &str, reference: &SecretRef, make: &str) -> Result<Vec<u8>, ConfigError> {
    reference.read(&loaded.base_directory(key), &loaded.environment).map_err(|error| {
        let hint = match &error {
            SecretError::File { .. } => "the file must exist and be readable for the user cofferdam runs as",
            SecretError::Unset(_) => "set the variable in the environment cofferdam is started in",
            SecretError::Empty => "put the secret into it",
        };
        at(loaded, key, error.to_string(), &format!("{hint}; make one with: {make}"))
    })
}

fn read_text(loaded: &Loaded, key: &str, path: &Path) -> Result<String, ConfigError> {
    let size = fs::metadata(path).map_err(|error| unreadable(loaded, key, path, &error))?.len();
    if size > MAX_FILE {
        let what = format!("{} has {size} bytes, expected {MAX_FILE} or fewer", path.display());
        return Err(at(loaded, key, what, "name the right file"));
    }
    fs::read_to_string(path).map_err(|error| unreadable(loaded, key, path, &error))
}

fn unreadable(loaded: &Loaded, key: &str, path: &Path, error: &io::Error) -> ConfigError {
    let hint = "relative paths start at the directory of the configuration file";
    at(loaded, key, format!("cannot read {}: {error}", path.display()), hint)
}

fn at(loaded: &Loaded, key: &str, what: String, hint: &str) -> ConfigError {
    let path: Vec<String> = key.split('.').map(str::to_owned).collect();
    ConfigError::at(&loaded.origin(&path), key, what, hint)
}
