//! What a masked span is worth: its entropy, and whether it is only a placeholder.

/// Shannon entropy in bits per byte.
pub(super) fn entropy(value: &[u8]) -> f32 {
    let mut counts = [0_u32; 256];
    for &byte in value {
        counts[byte as usize] += 1;
    }
    let total = value.len() as f32;
    counts.iter().filter(|&&count| count > 0).map(|&count| count as f32 / total).map(|p| -p * p.log2()).sum()
}

/// Words that stand where a secret should, in documentation and templates.
const PLACEHOLDER_WORDS: &[&str] = &[
    "example",
    "your",
    "xxxx",
    "placeholder",
    "changeme",
    "change_me",
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
    "foobar",
    "lorem",
    "1234567890abcdef",
    "abcdefghij",
    "0123456789",
    "process.env",
    "os.environ",
    "getenv",
    "env.",
    "env[",
    "undefined",
    "todo",
];

/// Whether `value` is one of the things people write in place of a secret.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    let text = String::from_utf8_lossy(value).to_ascii_lowercase();
    let text = text.trim_matches(['"', '\'', '`', ' ']);
    text.is_empty()
        || one_character_over_and_over(text.as_bytes())
        || text.starts_with(['<', '{', '[', '$', '%', '*', '('])
        || text.ends_with("...")
        || text.contains('\u{2026}')
        || text.contains("***")
        || matches!(text, "none" | "null" | "nil" | "true" | "false" | "string" | "password" | "secret")
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
        for placeholder in
            ["YOUR_API_KEY", "AKIAIOSFODNN7EXAMPLE", "********", "${DB_PASSWORD}", "xxxxxxxx", "<token>", "abc..."]
        {
            assert!(is_placeholder(placeholder.as_bytes()), "{placeholder}");
        }
        for secret in ["h7Qe2kd93mXz", "correct horse battery", "9f86d081884c7d65"] {
            assert!(!is_placeholder(secret.as_bytes()), "{secret}");
        }
    }

    #[test]
    fn entropy_is_in_bits_per_byte() {
        assert_eq!(entropy(b"aaaa"), 0.0);
        assert_eq!(entropy(b"abcd"), 2.0);
    }
}
