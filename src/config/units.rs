//! The values of the configuration that have a spelling of their own: sizes, durations, networks, secrets.
//!
//! Every type here is written as a string and read by [`FromStr`]. An error says what is expected and never
//! repeats what was found, so that a secret pasted into the wrong key is not printed.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    time,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::environment::Environment;
use crate::request::Cidr;

/// What a value should have been, e.g. `a size such as "64KiB"`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {0}")]
pub struct Expected(pub &'static str);

/// A number of bytes, written with a unit: `512B`, `64KiB`, `1MiB`, `2GiB`. `0` needs no unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(u64);

/// A span of time, written with a unit: `250ms`, `10s`, `5m`, `1h`, `30d`. `0` needs no unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(time::Duration);

/// Where a secret is kept: `file:/run/secrets/key` or `env:NAME`. A secret itself is never written into the
/// configuration, and neither form of printing tells where it is.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// The content of a file, without one line end at its end.
    File(PathBuf),
    /// The value of an environment variable, as it is.
    Environment(String),
}

/// Why a secret could not be read. Tells the place, never the content.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The file is missing or not readable.
    #[error("cannot read the secret file {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The variable is not set.
    #[error("the environment variable {0} is not set")]
    Unset(String),
    /// The file or variable is there and empty.
    #[error("the secret is empty")]
    Empty,
}

impl ByteSize {
    /// So many bytes.
    pub const fn bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// So many times 1024 bytes.
    pub const fn kib(kib: u64) -> Self {
        Self(kib << 10)
    }

    /// So many times 1024² bytes.
    pub const fn mib(mib: u64) -> Self {
        Self(mib << 20)
    }

    /// The number of bytes.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl FromStr for ByteSize {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        const EXPECTED: Expected = Expected(r#"a size such as "64KiB": a whole number and B, KiB, MiB or GiB"#);
        let (number, unit) = split_unit(text).ok_or(EXPECTED)?;
        let factor = match unit {
            "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "" if number == 0 => 1,
            _ => return Err(EXPECTED),
        };
        number.checked_mul(factor).map(Self).ok_or(EXPECTED)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print_with_unit(f, self.0, &[(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")])
    }
}

impl Duration {
    /// So many milliseconds.
    pub const fn millis(millis: u64) -> Self {
        Self(time::Duration::from_millis(millis))
    }

    /// So many seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self(time::Duration::from_secs(seconds))
    }

    /// The duration. Whole milliseconds.
    pub const fn get(self) -> time::Duration {
        self.0
    }
}

impl FromStr for Duration {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        const EXPECTED: Expected = Expected(r#"a duration such as "10s": a whole number and ms, s, m, h or d"#);
        let (number, unit) = split_unit(text).ok_or(EXPECTED)?;
        let factor = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "" if number == 0 => 1,
            _ => return Err(EXPECTED),
        };
        number.checked_mul(factor).map(Self::millis).ok_or(EXPECTED)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        print_with_unit(f, millis, &[(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")])
    }
}

impl SecretRef {
    /// Reads the secret. A relative file is looked for in `base`.
    pub fn read(&self, base: &Path, environment: &Environment) -> Result<Vec<u8>, SecretError> {
        let secret = match self {
            Self::File(path) => read_secret_file(&base.join(path))?,
            Self::Environment(name) => {
                environment.get(name).ok_or_else(|| SecretError::Unset(name.clone()))?.as_bytes().to_vec()
            }
        };
        if secret.is_empty() { Err(SecretError::Empty) } else { Ok(secret) }
    }
}

impl FromStr for SecretRef {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        match text.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            Some(("env", name)) if !name.is_empty() && !name.contains(['=', '\0']) => {
                Ok(Self::Environment(name.to_owned()))
            }
            _ => Err(Expected(r#"a reference to a secret, "file:/path" or "env:NAME", never the secret itself"#)),
        }
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File(_) => "[secret from a file]",
            Self::Environment(_) => "[secret from the environment]",
        })
    }
}

impl fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads and writes a type by its `FromStr` and `Display`.
macro_rules! written_as_string {
    ($($type:ty),+) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )+};
}
pub(super) use written_as_string;

written_as_string!(ByteSize, Duration, Cidr, SecretRef);

/// An `Option` that is written as a string, empty for `None`: TOML has no null, and a key that can be set
/// must also be one that can be shown and unset.
pub(super) mod empty_is_none {
    use super::{Deserialize, Deserializer, FromStr, Serializer, de, fmt};

    pub(in crate::config) fn serialize<T: fmt::Display, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_str(""),
        }
    }

    pub(in crate::config) fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: fmt::Display>,
        D: Deserializer<'de>,
    {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(de::Error::custom) }
    }
}

/// Splits `64KiB` into 64 and `KiB`. Only ASCII digits make a number: no sign, no fraction, no blank.
fn split_unit(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit))
}

/// Prints the number in the largest unit that divides it. `units` is in falling order and ends with 1.
fn print_with_unit(f: &mut fmt::Formatter<'_>, number: u64, units: &[(u64, &str)]) -> fmt::Result {
    if number == 0 {
        return f.write_str("0");
    }
    units
        .iter()
        .find(|(factor, _)| number.is_multiple_of(*factor))
        .map_or(Ok(()), |(factor, unit)| write!(f, "{}{unit}", number / factor))
}

/// An editor's line end at the end of the file is not part of the secret.
fn read_secret_file(path: &Path) -> Result<Vec<u8>, SecretError> {
    let mut secret = std::fs::read(path).map_err(|source| SecretError::File { path: path.to_owned(), source })?;
    if secret.ends_with(b"\n") {
        secret.pop();
        if secret.ends_with(b"\r") {
            secret.pop();
        }
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_size_is_a_whole_number_and_a_binary_unit() {
        assert_eq!("64KiB".parse(), Ok(ByteSize::kib(64)));
        assert_eq!("0".parse(), Ok(ByteSize::bytes(0)));
        for bad in ["", "64", "64KB", "64kib", "-1B", "+1B", "1.5MiB", "64 KiB", "99999999999GiB", "١KiB"] {
            assert!(bad.parse::<ByteSize>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_duration_is_a_whole_number_and_a_unit() {
        assert_eq!("250ms".parse(), Ok(Duration::millis(250)));
        assert_eq!("1h".parse(), Ok(Duration::seconds(3600)));
        for bad in ["", "10", "10 s", "-1s", "1w", "1.5s", "99999999999999999999s"] {
            assert!(bad.parse::<Duration>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_secret_is_a_reference_and_never_the_secret() {
        for bad in ["hunter2", "", "file:", "env:", "vault:x"] {
            assert!(bad.parse::<SecretRef>().is_err(), "{bad}");
        }
        let error = "hunter2".parse::<SecretRef>().unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_secret_reference_prints_neither_secret_nor_place() {
        let secret: SecretRef = "file:/run/secrets/key".parse().unwrap();
        let printed = format!("{secret} {secret:?} {}", serde_json::to_string(&secret).unwrap());
        assert!(!printed.contains("/run"), "{printed}");
    }

    #[test]
    fn a_secret_is_read_without_the_line_end_of_its_file() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("key"), "s3cret\r\n").unwrap();
        std::fs::write(directory.path().join("empty"), "\n").unwrap();
        let environment = Environment::from_iter([("KEY", "0123")]);
        let read = |text: &str| text.parse::<SecretRef>().unwrap().read(directory.path(), &environment);
        assert_eq!(read("file:key").unwrap(), b"s3cret");
        assert_eq!(read("env:KEY").unwrap(), b"0123");
        assert!(matches!(read("file:empty"), Err(SecretError::Empty)));
        assert!(matches!(read("file:missing"), Err(SecretError::File { .. })));
        assert!(matches!(read("env:MISSING"), Err(SecretError::Unset(_))));
    }

    proptest! {
        #[test]
        fn every_size_and_duration_reads_back_as_printed(number in 0..=u64::MAX / 100_000_000) {
            prop_assert_eq!(ByteSize::bytes(number).to_string().parse(), Ok(ByteSize::bytes(number)));
            prop_assert_eq!(Duration::millis(number).to_string().parse(), Ok(Duration::millis(number)));
        }
    }
}
