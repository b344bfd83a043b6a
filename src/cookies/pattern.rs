//! Patterns over cookie names.

/// A cookie name, or a pattern in which `*` stands for any run of bytes. Cookie names are case-sensitive
/// (RFC 6265bis section 5.6), and so are patterns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern(Box<str>);

impl NamePattern {
    /// A pattern; every text is one.
    pub fn new(pattern: &str) -> Self {
        Self(pattern.into())
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the pattern covers the whole of `name`.
    pub fn matches(&self, name: &[u8]) -> bool {
        // Most names differ in the first byte.
        if self.0.as_bytes().first().is_some_and(|&first| first != b'*' && name.first() != Some(&first)) {
            return false;
        }
        let mut pieces = self.0.as_bytes().split(|&byte| byte == b'*');
        let first = pieces.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(first) else { return false };
        let Some(last) = pieces.next_back() else { return rest.is_empty() };
        for piece in pieces {
            let Some(at) = find(rest, piece) else { return false };
            rest = &rest[at + piece.len()..];
        }
        rest.ends_with(last)
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    if needle.is_empty() {
        return Some(0);
    }
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run_and_everything_else_for_itself() {
        for (pattern, name, wanted) in [
            ("session", "session", true),
            ("session", "Session", false),
            ("session", "session2", false),
            ("*", "", true),
            ("*", "anything", true),
            ("app_*", "app_", true),
            ("app_*", "xapp_1", false),
            ("*_id", "user_id", true),
            ("a*b*c", "a12b34c", true),
            ("a*b*c", "ac", false),
            ("a*a", "a", false),
            ("**", "x", true),
        ] {
            assert_eq!(NamePattern::new(pattern).matches(name.as_bytes()), wanted, "{pattern} {name}");
        }
    }
}
