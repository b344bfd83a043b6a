//! `Strict-Transport-Security`, read as browsers read it (RFC 6797 section 6.1).

/// What a field says that browsers obey.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StrictTransport {
    /// In seconds; 0 takes back what was said before.
    pub max_age: u64,
    /// Whether every name below the host is meant, too.
    pub subdomains: bool,
    /// Whether the makers of browsers may build the name in. No part of the RFC; hstspreload.org demands it.
    pub preload: bool,
}

/// Why browsers ignore a whole field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.as_str())]
pub enum StrictTransportError {
    /// It is needed.
    NoMaxAge,
    /// None may be.
    Twice,
    /// Not of the form of directives.
    Syntax,
}

impl StrictTransportError {
    /// For people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoMaxAge => "without max-age browsers ignore it",
            Self::Twice => "a directive is there twice, so browsers ignore all of it",
            Self::Syntax => "browsers cannot read it and ignore it",
        }
    }
}

impl StrictTransport {
    /// Reads a field's value. Unknown directives mean nothing, but not twice either.
    ///
    /// # Errors
    /// Why browsers ignore it.
    pub fn parse(value: &str) -> Result<Self, StrictTransportError> {
        let (mut read, mut max_age, mut seen) = (Self::default(), None, Vec::new());
        for directive in directives(value).map(str::trim).filter(|directive| !directive.is_empty()) {
            let (name, value) = match directive.split_once('=') {
                Some((name, value)) => (name.trim_end(), Some(unquoted(value.trim_start())?)),
                None => (directive, None),
            };
            let name = name.to_ascii_lowercase();
            if name.is_empty() || !name.bytes().all(is_token) {
                return Err(StrictTransportError::Syntax);
            }
            match (&*name, value) {
                ("max-age", Some(seconds)) => max_age = Some(delta_seconds(seconds)?),
                ("includesubdomains", None) => read.subdomains = true,
                ("preload", None) => read.preload = true,
                ("max-age" | "includesubdomains", _) => return Err(StrictTransportError::Syntax),
                _ => {}
            }
            if seen.contains(&name) {
                return Err(StrictTransportError::Twice);
            }
            seen.push(name);
        }
        Ok(Self { max_age: max_age.ok_or(StrictTransportError::NoMaxAge)?, ..read })
    }
}

/// The pieces between semicolons that stand in no quotes.
fn directives(value: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    value.split(move |letter| {
        quoted ^= letter == '"';
        letter == ';' && !quoted
    })
}

/// A token, or what stands between quotes; a backslash in it has no use here.
fn unquoted(value: &str) -> Result<&str, StrictTransportError> {
    let inner = value.strip_prefix('"').map(|rest| rest.strip_suffix('"').unwrap_or("\""));
    let (text, fits) = match inner {
        Some(inner) => (inner, !inner.contains(['"', '\\'])),
        None => (value, !value.is_empty() && value.bytes().all(is_token)),
    };
    if fits { Ok(text) } else { Err(StrictTransportError::Syntax) }
}

fn delta_seconds(text: &str) -> Result<u64, StrictTransportError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(StrictTransportError::Syntax);
    }
    Ok(text.parse().unwrap_or(u64::MAX))
}

/// A character of a token (RFC 9110 section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_browsers_obey_is_read_whatever_its_spelling() {
        let read = |max_age, subdomains, preload| Ok(StrictTransport { max_age, subdomains, preload });
        for (value, wanted) in [
            ("max-age=60", read(60, false, false)),
            (" MAX-AGE = \"60\" ;; IncludeSubdomains ; preload;", read(60, true, true)),
            ("max-age=0; other; another=\"a;b\"", read(0, false, false)),
            ("max-age=99999999999999999999999", read(u64::MAX, false, false)),
            ("includeSubDomains", Err(StrictTransportError::NoMaxAge)),
            ("", Err(StrictTransportError::NoMaxAge)),
            ("max-age=60; max-age=60", Err(StrictTransportError::Twice)),
            ("max-age=60; includeSubDomains; INCLUDESUBDOMAINS", Err(StrictTransportError::Twice)),
            ("max-age=60; x; X=1", Err(StrictTransportError::Twice)),
            ("max-age=", Err(StrictTransportError::Syntax)),
            ("max-age", Err(StrictTransportError::Syntax)),
            ("max-age=1y", Err(StrictTransportError::Syntax)),
            ("max-age=60, max-age=60", Err(StrictTransportError::Syntax)),
            ("max-age=60; includeSubDomains=1", Err(StrictTransportError::Syntax)),
            ("max-age=\"60", Err(StrictTransportError::Syntax)),
            ("max-age=60; =", Err(StrictTransportError::Syntax)),
        ] {
            assert_eq!(StrictTransport::parse(value), wanted, "{value}");
        }
    }

    proptest! {
        #[test]
        fn any_field_that_says_a_directive_twice_says_nothing(
            age in 0u64.., flag in "[a-z]{1,6}", before in "[ ;]{0,3}", upper: bool
        ) {
            let once = format!("{before}{flag}; max-age={age}");
            let again = if upper { flag.to_ascii_uppercase() } else { flag };
            prop_assert!(StrictTransport::parse(&once).is_ok());
            prop_assert_eq!(StrictTransport::parse(&format!("{once}; {again}")), Err(StrictTransportError::Twice));
        }

        #[test]
        fn any_text_without_a_max_age_is_refused(value in "(max-ag=1|[ -~]|\\PC){0,60}") {
            if StrictTransport::parse(&value).is_ok() {
                prop_assert!(value.to_ascii_lowercase().contains("max-age"));
            }
        }
    }
}
