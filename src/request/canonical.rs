//! One spelling for every path that some server would take for the same.

use std::borrow::Cow;

/// A path in the one spelling that patterns are compared with: percent-decoded until nothing is left to decode,
/// lower case, without empty and dot segments, `/` in between. It only ever judges; what the upstream gets is the
/// path as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanonicalPath<'a> {
    /// Starts with `/`, ends with none unless it is the root. Borrowed where the path came so.
    bytes: Cow<'a, [u8]>,
    has_nul: bool,
}

impl<'a> CanonicalPath<'a> {
    /// Reads the path of a request target, without its query.
    pub fn of(path: &'a str) -> Self {
        if is_canonical(path.as_bytes()) {
            return Self { bytes: Cow::Borrowed(path.as_bytes()), has_nul: false };
        }
        Self::normalised(path)
    }

    fn normalised(path: &str) -> Self {
        let decoded = decode(path.as_bytes());
        let mut bytes = Vec::with_capacity(decoded.len() + 1);
        for segment in decoded.split(|byte| matches!(byte, b'/' | b'\\')).map(bare) {
            match segment {
                b"" | b"." => {}
                b".." => bytes.truncate(bytes.iter().rposition(|&byte| byte == b'/').unwrap_or(0)),
                _ => {
                    bytes.push(b'/');
                    bytes.extend(segment.iter().map(u8::to_ascii_lowercase));
                }
            }
        }
        if bytes.is_empty() {
            bytes.push(b'/');
        }
        Self { bytes: Cow::Owned(bytes), has_nul: decoded.contains(&0) }
    }

    /// The path.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether a NUL was in it, at which C programs end the path. No honest client sends one.
    pub fn has_nul(&self) -> bool {
        self.has_nul
    }

    /// The segments between the slashes; none for the root.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.bytes[1..].split(|&byte| byte == b'/').filter(|segment| !segment.is_empty())
    }
}

/// Whether the path is in that spelling as it came: most are. Only plain letters count as such, and a dot only where it
/// ends no segment.
fn is_canonical(path: &[u8]) -> bool {
    let mut before = 0;
    for &byte in path {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => {}
            b'.' if before != 0 => {}
            b'/' if !matches!(before, b'/' | b'.') => {}
            _ => return false,
        }
        before = byte;
    }
    path.starts_with(b"/") && (path.len() == 1 || !matches!(before, b'/' | b'.'))
}

/// Decodes until nothing is left to decode, so that `%252e`, `%%32e` and `.` are one. Each step shortens what is
/// there, and no two codes overlap, so one pass that looks back after every byte gives the same as many passes.
pub(super) fn decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        out.push(byte);
        while let Some((length, byte)) = code_at_end(&out) {
            out.truncate(out.len() - length);
            out.push(byte);
        }
    }
    out
}

/// A code at the end of `bytes`: how long it is, and what it stands for. Percent codes; the `%uXXXX` of IIS; and
/// ASCII in overlong UTF-8, which lenient decoders take.
fn code_at_end(bytes: &[u8]) -> Option<(usize, u8)> {
    match *bytes {
        [.., b'%', high, low] if let (Some(high), Some(low)) = (hex(high), hex(low)) => Some((3, high << 4 | low)),
        [.., b'%', b'u' | b'U', b'0', b'0', high, low] if let (Some(high @ ..8), Some(low)) = (hex(high), hex(low)) => {
            Some((6, high << 4 | low))
        }
        [.., lead @ (0xc0 | 0xc1), tail @ 0x80..=0xbf] => Some((2, (lead & 1) << 6 | (tail & 0x3f))),
        [.., 0xe0, middle @ (0x80 | 0x81), tail @ 0x80..=0xbf] => Some((3, (middle & 1) << 6 | (tail & 0x3f))),
        _ => None,
    }
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// A segment without what servers ignore at its end: parameters (`;jsessionid=1`), what a second decoder takes for
/// a query, what follows a NUL, NTFS stream names (`::$DATA`), and the dots and blanks that Windows drops.
fn bare(segment: &[u8]) -> &[u8] {
    let cut = segment.iter().position(|byte| matches!(byte, b';' | b'?' | b'#' | 0)).unwrap_or(segment.len());
    let segment = &segment[..cut];
    let stream = segment.windows(2).position(|pair| pair == b"::").unwrap_or(segment.len());
    let segment = trim_end(&segment[..stream], b" ");
    let named = trim_end(segment, b". ");
    if named.is_empty() { segment } else { named }
}

fn trim_end<'a>(bytes: &'a [u8], dropped: &[u8]) -> &'a [u8] {
    let end = bytes.iter().rposition(|byte| !dropped.contains(byte)).map_or(0, |last| last + 1);
    &bytes[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canonical(path: &str) -> String {
        String::from_utf8_lossy(CanonicalPath::of(path).as_bytes()).into_owned()
    }

    #[test]
    fn every_spelling_of_a_path_becomes_one() {
        for path in [
            "/console",
            "//console/",
            "/./console",
            "/x/../console",
            "/../../console",
            "/%63onsole",
            "/%2563onsole",
            "/%25%36%33onsole",
            "/%%36%33onsole",
            "/CONSOLE",
            "/%43ONSOLE",
            "\\console",
            "/x%5c..%5cconsole",
            "%2fconsole",
            "/x%252f..%252fconsole",
            "/console;a=b",
            "/x/..;y/console",
            "/console%00.html",
            "/console%3f__debugger__=yes",
            "/console%23",
            "/console%20",
            "/console.",
            "/console::$DATA",
            "/x%c0%ae./..%c0%afconsole/%c0%ae",
            "/%u0063onsole",
            "/x/%2e%2e/console",
        ] {
            assert_eq!(canonical(path), "/console", "{path}");
        }
    }

    #[test]
    fn different_paths_stay_different() {
        for (path, wanted) in [
            ("/", "/"),
            ("", "/"),
            ("/..", "/"),
            ("/a/b/", "/a/b"),
            ("/a/.../b", "/a/.../b"),
            ("/a%zz", "/a%zz"),
            ("/%", "/%"),
            ("/\u{e9}", "/\u{e9}"),
            ("/a.b", "/a.b"),
            ("/.env", "/.env"),
        ] {
            assert_eq!(canonical(path), wanted, "{path}");
        }
        assert!(CanonicalPath::of("/a%2500").has_nul());
        assert!(!CanonicalPath::of("/a%2").has_nul());
    }

    proptest! {
        #[test]
        fn a_path_that_is_taken_as_it_came_is_what_normalising_makes_of_it(path in "/?([a-c./%A-]{0,4}/?){0,4}") {
            let path: &str = &path;
            if is_canonical(path.as_bytes()) {
                prop_assert_eq!(CanonicalPath::normalised(path), CanonicalPath::of(path));
            }
        }

        #[test]
        fn any_path_is_the_same_after_decoding_as_decoding_again_and_again(
            path in proptest::collection::vec(prop_oneof![Just(b'%'), Just(b'2'), Just(b'5'), Just(b'u'), Just(b'0'), any::<u8>()], 0..60)
        ) {
            let once = decode(&path);
            prop_assert_eq!(decode(&once), once);
        }

        #[test]
        fn any_canonical_path_is_canonical(path in "[a-cA-C/.;%\\\\ 025eEfF:?#]{0,40}") {
            let once = canonical(&path);
            prop_assert!(once.starts_with('/') && !once.contains("//"));
            prop_assert!(once.split('/').all(|segment| segment != "." && segment != ".."));
            prop_assert_eq!(canonical(&once), once);
        }
    }
}
