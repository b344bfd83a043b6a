//! Text in armour in header fields. A field's value is short, and so is what hides in it: a key of twenty bytes is a
//! run of 27 characters in base64, and most runs of that length are session ids, which decode to no text.

use memchr::memmem;

use super::armour::{self, Armoured};

/// Shorter runs of base64 hold no secret that rules know, ...
const RUN_MIN: usize = 20;

/// ... nor do shorter ones of hexadecimal.
const HEX_MIN: usize = 32;

/// The most that is decoded of one run, in bytes.
const DECODED_MAX: usize = 16 * 1024;

/// A prefix that is written without a separator shifts the groups of four characters.
const SHIFTS: usize = 4;

/// The runs of `text` that decode to text, wherever in them that begins.
pub(super) fn find(text: &[u8]) -> Vec<Armoured> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(last) = text.get(at..at + RUN_MIN) {
        // A run that is long enough and begins before the last gap ends with it.
        if let Some(gap) = last.iter().rposition(|&byte| !is_body(byte)) {
            at += gap + 1;
            continue;
        }
        let end = at + text[at..].iter().take_while(|&&byte| is_body(byte)).count();
        found.extend(decode(&text[at..end]).map(|text| Armoured { range: at..end, text }));
        at = end;
    }
    found
}

/// What an encoded word begins with (RFC 2047 section 2), ...
const WORD: &[u8] = b"=?";

/// ... and the furthest that one goes.
const WORD_MAX: usize = 4096;

/// The words that are encoded as quoted-printable is. Those in base64 are found as runs.
pub(super) fn encoded_words(text: &[u8]) -> Vec<Armoured> {
    let mut found = Vec::new();
    for start in memmem::find_iter(text, WORD) {
        let word = &text[start..text.len().min(start + WORD_MAX)];
        let mut parts = word[WORD.len()..].splitn(3, |&byte| byte == b'?');
        if let (Some(charset), Some(b"q" | b"Q"), Some(rest)) = (parts.next(), parts.next(), parts.next())
            && let Some(length) = memmem::find(rest, b"?=")
        {
            let end = start + WORD.len() + charset.len() + 3 + length + 2;
            found.push(Armoured { range: start..end, text: unquoted(&rest[..length]) });
        }
    }
    found
}

/// Underscores are spaces, and `=41` is what the number says.
fn unquoted(mut rest: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(rest.len());
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    while let [first, behind @ ..] = rest {
        rest = behind;
        match (first, behind) {
            (b'_', _) => text.push(b' '),
            (b'=', [high, low, behind @ ..]) if let (Some(high), Some(low)) = (digit(high), digit(low)) => {
                text.push((high << 4 | low) as u8);
                rest = behind;
            }
            _ => text.push(*first),
        }
    }
    text
}

/// Padding ends a run: what stands before it may be the name of a cookie.
fn is_body(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

fn decode(run: &[u8]) -> Option<Vec<u8>> {
    let prefix = run.iter().rposition(|byte| !byte.is_ascii_hexdigit()).map_or(0, |last| last + 1);
    if run.len() - prefix >= HEX_MIN {
        return armour::hex(&run[prefix..], DECODED_MAX);
    }
    let is_base32 = run.len() >= HEX_MIN && run.iter().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'));
    if is_base32 {
        return armour::base32(run, DECODED_MAX);
    }
    let mixes_cases = run.iter().any(u8::is_ascii_uppercase) && run.iter().any(u8::is_ascii_lowercase);
    (0..SHIFTS).filter(|_| mixes_cases).find_map(|shift| armour::base64(&run[shift..], DECODED_MAX))
}

#[cfg(test)]
mod tests {
    use base64::{
        Engine as _,
        engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
    };

    use super::*;

    const TEXT: &str = "a secret?>of some";

    fn texts(value: &str) -> Vec<String> {
        find(value.as_bytes()).into_iter().map(|it| String::from_utf8_lossy(&it.text).into_owned()).collect()
    }

    #[test]
    fn short_text_is_read_behind_a_name_or_a_prefix() {
        for armoured in [STANDARD.encode(TEXT), URL_SAFE_NO_PAD.encode(TEXT)] {
            for value in [
                format!("set-cookie: note={armoured}; Path=/"),
                format!("x-a: {armoured}"),
                format!("x-a: \"{armoured}\", b"),
                format!("set-cookie: n={{\"k\":\"{armoured}\"}}"),
            ] {
                assert_eq!(texts(&value), [TEXT], "{value}");
            }
            assert!(texts(&format!("x-a: v1.2_{armoured}"))[0].ends_with(TEXT));
        }
        let digits: String = TEXT.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(texts(&format!("x-a: {digits}")), [TEXT]);
    }

    #[test]
    fn encoded_words_are_read() {
        let found = encoded_words(b"x-a: =?utf-8?Q?a_secret=3F=3Eof?= and =?utf-8?b?YQ==?= and =? = ?Q?x");
        assert_eq!(found.iter().map(|it| &it.text[..]).collect::<Vec<_>>(), [b"a secret?>of"]);
        assert_eq!(found[0].range, 5..33);
    }

    #[test]
    fn names_ids_and_digests_are_no_text_in_armour() {
        for value in [
            "strict-transport-security: max-age=31536000; includeSubDomains",
            "connect.sid=s%3AqX3vZk9w2mPfLr7sYcN5dJ1gTb8hEa0u.Kp9x2mW3zR7sYcN5dJ1gQvT8hEa0uLr7sYcN5dJ1gQw",
            "etag: \"33a64df551425fcc55e4d42a148795d9f25f89d4\"",
            "x-request-id: 9f86d081-884c-7d65-9a2f-eaa0c55ad015",
            "content-security-policy: script-src 'sha256-oqVuAfXRKap7fdgcCY5uykM6R9GqQ8Kuxy9rx7HNQlE='",
        ] {
            assert_eq!(texts(value), [""; 0], "{value}");
        }
    }
}
