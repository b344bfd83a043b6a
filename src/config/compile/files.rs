//! The files and secrets that the configuration names, read into memory. Everything below gets texts and bytes.

use std::{fs, io, path::Path};

use crate::{
    config::{ConfigError, Loaded, SecretError, SecretRef},
    incident::FingerprintKey,
};

/// The largest template and the largest rule pack, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// The shortest key of fingerprints, in bytes: what a hash of 256 bits can use.
const MIN_KEY: usize = 32;

/// The operator's pages in place of the built-in ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Templates {
    /// For browsers.
    pub html: Option<String>,
    /// For scripts.
    pub json: Option<String>,
    /// For everything else.
    pub text: Option<String>,
}

/// One of the operator's rule packs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackFile {
    /// Its path, for errors.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Reads the files of `[replies]`.
///
/// # Errors
/// A file that cannot be read, is not UTF-8 or is larger than 1 MiB.
pub fn templates(loaded: &Loaded) -> Result<Templates, ConfigError> {
    let replies = &loaded.config.replies;
    Ok(Templates {
        html: template(loaded, "replies.html", &replies.html)?,
        json: template(loaded, "replies.json", &replies.json)?,
        text: template(loaded, "replies.text", &replies.text)?,
    })
}

/// Reads every `*.toml` of `rules.dir`, in the order of their names.
///
/// # Errors
/// A directory or file that cannot be read; a file that is not UTF-8 or is larger than 1 MiB.
pub fn rule_packs(loaded: &Loaded) -> Result<Vec<PackFile>, ConfigError> {
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

/// The key of fingerprints, if the configuration names one.
///
/// # Errors
/// A secret that cannot be read or is shorter than 32 bytes.
pub fn fingerprint_key(loaded: &Loaded) -> Result<Option<FingerprintKey>, ConfigError> {
    const KEY: &str = "log.fingerprint_key";
    let Some(reference) = &loaded.config.log.fingerprint_key else { return Ok(None) };
    let secret = secret(loaded, KEY, reference)?;
    if secret.len() < MIN_KEY {
        let what = format!("the key has {} bytes, expected {MIN_KEY} or more", secret.len());
        return Err(at(loaded, KEY, what, "make one with: openssl rand -base64 48"));
    }
    Ok(Some(FingerprintKey::derive(&secret)))
}

fn secret(loaded: &Loaded, key: &str, reference: &SecretRef) -> Result<Vec<u8>, ConfigError> {
    reference.read(&loaded.base_directory(key), &loaded.environment).map_err(|error| {
        let hint = match &error {
            SecretError::File { .. } => "the file must exist and be readable for the user cofferdam runs as",
            SecretError::Unset(_) => "set the variable in the environment cofferdam is started in",
            SecretError::Empty => "put the secret into it",
        };
        at(loaded, key, error.to_string(), hint)
    })
}

fn template(loaded: &Loaded, key: &str, path: &Path) -> Result<Option<String>, ConfigError> {
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    read_text(loaded, key, &loaded.base_directory(key).join(path)).map(Some)
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
