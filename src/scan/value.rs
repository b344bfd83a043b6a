//! What a masked span is worth: its entropy, whether it looks like a secret at all, and whether it is only a
//! placeholder.

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use crate::rules::ValueShape;

/// Shannon entropy in bits per byte.
pub(super) fn entropy(value: &[u8]) -> f32 {
    let mut counts = [0_u32; 256];
    for &byte in value {
        counts[byte as usize] += 1;
    }
    let total = value.len() as f32;
    counts.iter().filter(|&&count| count > 0).map(|&count| count as f32 / total).map(|p| -p * p.log2()).sum()
}

/// Whether `value` looks like a secret of this kind, and not like a word, a name, a path, a URL or code.
pub(super) fn has_shape(shape: ValueShape, value: &[u8]) -> bool {
    let classes = Classes::of(value);
    if classes.blank || is_reference(value) || is_encoded_placeholder(value) {
        return false;
    }
    match shape {
        ValueShape::Password => {
            value.len() >= 6
                && classes.letters()
                && (classes.digit || classes.symbol || classes.mixed_inside && !is_name(value, Camel::Plain))
                && !names_a_place(value)
        }
        ValueShape::Key => {
            value.len() >= 12
                && classes.letters()
                && (classes.digit || (value.len() >= 24 && classes.mixed_inside))
                && entropy(value) >= 2.6
                && value.is_ascii()
                && !is_name(value, Camel::WithAcronyms)
                && !names_a_place(value)
        }
    }
}

/// Which kinds of bytes a value is made of.
#[derive(Default)]
struct Classes {
    lower: bool,
    upper: bool,
    digit: bool,
    /// Punctuation that names, paths and sentences do not use.
    symbol: bool,
    blank: bool,
    /// Capitals and small letters, with capitals behind the first letter.
    mixed_inside: bool,
}

impl Classes {
    fn of(value: &[u8]) -> Self {
        let any = |test: fn(&u8) -> bool| value.iter().any(test);
        let lower = any(u8::is_ascii_lowercase);
        Self {
            lower,
            upper: any(u8::is_ascii_uppercase),
            digit: any(u8::is_ascii_digit),
            symbol: value
                .iter()
                .rev()
                .skip_while(|byte| b"?!".contains(byte))
                .any(|byte| b"!@#$%^&*+=?~|".contains(byte)),
            blank: any(u8::is_ascii_whitespace),
            mixed_inside: lower && value.iter().skip(1).any(u8::is_ascii_uppercase),
        }
    }

    fn letters(&self) -> bool {
        self.lower || self.upper || self.symbol
    }
}

/// Code that yields the value instead of the value: `os.getenv(…)`, `ENV[…]`, `settings.SECRET_KEY`,
/// `Type::name`.
fn is_reference(value: &[u8]) -> bool {
    let path = value.iter().take_while(|byte| byte.is_ascii_alphabetic() || b"_.:$>-".contains(byte)).count();
    let plain = !value[..path].iter().any(u8::is_ascii_digit) && value.first().is_some_and(u8::is_ascii_alphabetic);
    match value.get(path) {
        _ if !plain => false,
        None => value[..path].iter().any(|byte| b".:".contains(byte)),
        Some(b'(' | b'[') => path >= 3,
        Some(_) => false,
    }
}

/// A name of another variable, of a file or of an action: words in capitals, small letters or camel case, joined by
/// underscores, hyphens, dots or slashes, with few digits behind each.
fn is_name(value: &[u8], camel: Camel) -> bool {
    value.split(|byte| b"_-./ ".contains(byte)).filter(|word| !word.is_empty()).all(|word| is_word(word, camel))
}

/// Which camel case is read as words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Camel {
    /// `resetPassword`.
    Plain,
    /// `RSAPrivateKey` too; short random values can look like it.
    WithAcronyms,
}

fn is_word(word: &[u8], camel: Camel) -> bool {
    let letters = word.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (letters, digits) = word.split_at(letters);
    let capitals = letters.iter().all(u8::is_ascii_uppercase) && letters.len() <= 14;
    digits.len() <= 4 && digits.iter().all(u8::is_ascii_digit) && (capitals || is_camel_case(letters, camel))
}

/// Words of 2 to 14 letters, each but the first behind a capital.
fn is_camel_case(letters: &[u8], camel: Camel) -> bool {
    let mut length = 0;
    let mut in_acronym = false;
    let whole_words = letters.iter().all(|letter| {
        let capital = letter.is_ascii_uppercase();
        let starts = capital && !(in_acronym && camel == Camel::WithAcronyms);
        let whole = !starts || length == 0 || length >= 2;
        length = if starts { 1 } else { length + 1 };
        in_acronym = capital;
        whole && length <= 14
    });
    whole_words && (length >= 2 || letters.iter().all(u8::is_ascii_lowercase))
}

/// Paths and URLs say where a secret is, not what it is. URLs with a password in them have rules of their own.
fn names_a_place(value: &[u8]) -> bool {
    let starts = |prefix: &[u8]| value.starts_with(prefix);
    let words = || {
        value
            .split(|byte| b"_-./#: ".contains(byte))
            .filter(|word| !word.is_empty())
            .all(|word| is_word(word, Camel::WithAcronyms))
    };
    starts(b"./")
        || starts(b"../")
        || starts(b"C:\\")
        || starts(b"arn:")
        || memchr::memmem::find(value, b"://").is_some()
        || (starts(b"#") || value.contains(&b'/') || memchr::memmem::find(value, b".html").is_some()) && words()
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The bytes that `text`, base64 with or without padding, stands for.
pub(super) fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

/// Kubernetes manifests hold their values in base64, the placeholders too.
fn is_encoded_placeholder(value: &[u8]) -> bool {
    value.len() >= 8
        && from_base64(value).is_some_and(|text| {
            text.iter().all(|byte| byte.is_ascii_graphic() || *byte == b'\n') && is_placeholder(&text)
        })
}

/// Words that stand where a secret should, in documentation and templates.
const PLACEHOLDER_WORDS: &[&str] = &[
    "example",
    "your",
    "xxxx",
    "placeholder",
    "changeme",
    "change_me",
    "change-me",
    "change-this",
    "change_this",
    "redacted",
    "filtered",
    "hidden",
    "masked",
    "dummy",
    "sample",
    "insert",
    "replace",
    "secret_here",
    "key_here",
    "token_here",
    "goes_here",
    "goes-here",
    "not-a-real",
    "not_a_real",
    "foobar",
    "lorem",
    "abababab",
    "process.env",
    "import.meta",
    "os.environ",
    "getenv",
    "environ[",
    "env.",
    "env[",
    "undefined",
    "todo",
    "django-insecure-example",
    // Tokens, keys and passwords of the documentation of GitHub, jwt.io, Flask and Django: printed everywhere.
    "16c7e42f292c6912e7710c838347ae178b4a",
    "1b4a2e77838347a7e420ce178f2e7c6912e169246c34e1ccbf66c46812d16d5b1a9dc86a1498",
    "eyjzdwiioiixmjm0nty3odkwi",
    "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
    "5f352379324c22463451387a0aec5d2f",
    "vo0vlmnkr4bk",
    "s3krit",
    "priv4te",
    "supers3cret",
    "verypriv@ate",
];

/// Values that are words of the trade themselves.
const PLACEHOLDERS: &[&str] =
    &["none", "null", "nil", "true", "false", "string", "password", "passwd", "secret", "token", "test", "default"];

/// Whether `value` is one of the things people write in place of a secret.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    let text = String::from_utf8_lossy(value).to_ascii_lowercase();
    let text = text.trim_matches(['"', '\'', '`', ' ', '\n']);
    text.is_empty()
        || one_character_over_and_over(text.as_bytes())
        || text.starts_with(['<', '{', '[', '%', '*', '('])
        || text.starts_with('$') && !text[1..].starts_with(|char: char| char.is_ascii_digit())
        || text.starts_with("enc(")
        || text.starts_with("enc[")
        || text.ends_with("...")
        || text.contains("....")
        || text.contains('\u{2026}')
        || text.contains("***")
        || text.contains("${")
        || text.contains("{{")
        || PLACEHOLDERS.contains(&text)
        || PLACEHOLDER_WORDS.iter().any(|word| text.contains(word))
}

fn one_character_over_and_over(value: &[u8]) -> bool {
    let mut letters = value.iter().filter(|byte| !b"-_ .:".contains(byte));
    letters.next().is_none_or(|first| letters.all(|other| other == first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_told_from_secrets() {
        for placeholder in [
            "YOUR_API_KEY",
            "AKIAIOSFODNN7EXAMPLE",
            "********",
            "${DB_PASSWORD}",
            "xxxxxxxx",
            "<token>",
            "abc...",
            "ENC(tUf83Ex0oSbDGa8vaU1h)",
            "$password",
            "{{ vault_password }}",
        ] {
            assert!(is_placeholder(placeholder.as_bytes()), "{placeholder}");
        }
        for secret in ["h7Qe2kd93mXz", "correct horse battery", "9f86d081884c7d65", "$2y$10$KQvRmXcBh2Lt0"] {
            assert!(!is_placeholder(secret.as_bytes()), "{secret}");
        }
    }

    #[test]
    fn a_key_is_told_from_names_words_places_and_code() {
        for key in [
            "kP3vT9xLq2mWzR7s",
            "304f000f6d46906e66f9d8bb55817e78",
            "base64:8vK2mQ0xT5bYw3nR7pLzD1cFhJ4sGaUe6iOtXkVqNyM=",
            "D8wP=m*O(tAb)Vc+)#Zk5emY",
            "mysite_1502345678901_2764",
        ] {
            assert!(has_shape(ValueShape::Key, key.as_bytes()), "{key}");
        }
        for other in [
            "A secret key for signing",
            "os.environ.get('SECRET_KEY')",
            "ENV[\"SECRET_KEY_BASE\"]",
            "settings.SECRET_KEY",
            "X-Api-Key-Identifier",
            "MEMBER_CLUSTER_PROD_01",
            "/etc/ssl/private/key.pem",
            "https://vault.internal/v1/kv",
            "pbkdf2_sha256",
            "RSAMultiPrimePrivateCrtKey",
            "Context.html#SECURITY_PRINCIPAL",
            "string",
            "Y2hhbmdlbWUtY2hhbmdlbWU=",
        ] {
            assert!(!has_shape(ValueShape::Key, other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn a_password_is_told_from_a_word() {
        for password in ["hunter2", "CLiOL6!mTldp", "s3cr3t", "tr0ub4dor&3", "geheimXYzz"] {
            assert!(has_shape(ValueShape::Password, password.as_bytes()), "{password}");
        }
        for other in ["Passwort", "passwort", "mot de passe oublie", "config.password", "getpass()", "abc1"] {
            assert!(!has_shape(ValueShape::Password, other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn entropy_is_in_bits_per_byte() {
        assert_eq!(entropy(b"aaaa"), 0.0);
        assert_eq!(entropy(b"abcd"), 2.0);
    }
}
