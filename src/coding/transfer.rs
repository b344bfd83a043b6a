//! Transfer encodings of the parts of a multipart body (RFC 2045 section 6), undone piece by piece.

/// How the content of a part is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferEncoding {
    /// As it is: `7bit`, `8bit`, `binary`.
    Identity,
    /// RFC 2045 section 6.8.
    Base64,
    /// RFC 2045 section 6.7.
    QuotedPrintable,
}

impl TransferEncoding {
    /// The encoding that the value of a `Content-Transfer-Encoding` field names, in any case.
    pub fn from_token(token: &[u8]) -> Option<Self> {
        const NAMES: [(&[u8], TransferEncoding); 6] = [
            (b"7bit", TransferEncoding::Identity),
            (b"8bit", TransferEncoding::Identity),
            (b"binary", TransferEncoding::Identity),
            (b"", TransferEncoding::Identity),
            (b"base64", TransferEncoding::Base64),
            (b"quoted-printable", TransferEncoding::QuotedPrintable),
        ];
        let token = token.trim_ascii();
        NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(token)).map(|(_, encoding)| *encoding)
    }
}

/// Undoes the encoding of one part. Like every reader of mail it passes over what it does not understand; its output
/// is never longer than its input by more than two bytes.
#[derive(Debug)]
pub struct TransferDecoder {
    encoding: TransferEncoding,
    /// Base64: the bits of an unfinished group.
    bits: u32,
    /// Base64: how many characters of it there are, 0 to 3.
    characters: u8,
    /// Quoted-printable: an escape that is not complete, from its equals sign on.
    escape: Vec<u8>,
}

/// White space between a soft line break's equals sign and the end of its line, in bytes.
const BREAK_MAX: usize = 80;

impl TransferDecoder {
    /// A decoder before the first byte.
    pub fn new(encoding: TransferEncoding) -> Self {
        Self { encoding, bits: 0, characters: 0, escape: Vec::new() }
    }

    /// Appends the content of the next piece to `out`.
    pub fn decode(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        match self.encoding {
            TransferEncoding::Identity => out.extend_from_slice(piece),
            TransferEncoding::Base64 => piece.iter().for_each(|&byte| self.base64(byte, out)),
            TransferEncoding::QuotedPrintable => piece.iter().for_each(|&byte| self.quoted(byte, out)),
        }
    }

    /// The part is over: appends what is still undecided.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.escape);
    }

    fn base64(&mut self, byte: u8, out: &mut Vec<u8>) {
        let Some(value) = base64_value(byte) else {
            if byte == b'=' {
                // Padding ends a group; its whole bytes are out already.
                (self.bits, self.characters) = (0, 0);
            }
            return;
        };
        self.bits = self.bits << 6 | u32::from(value);
        self.characters = (self.characters + 1) % 4;
        match self.characters {
            2 => out.push((self.bits >> 4) as u8),
            3 => out.push((self.bits >> 2) as u8),
            0 => out.push(self.bits as u8),
            _ => {}
        }
    }

    fn quoted(&mut self, byte: u8, out: &mut Vec<u8>) {
        if self.escape.is_empty() {
            if byte == b'=' {
                self.escape.push(byte);
            } else {
                out.push(byte);
            }
            return;
        }
        self.escape.push(byte);
        match *self.escape.as_slice() {
            [_, b'\n'] | [_, b'\r', b'\n'] => self.escape.clear(),
            [_, .., b'\n'] if self.escape.trim_ascii_end().len() == 1 => self.escape.clear(),
            [_, high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                out.push(hex_value(high) << 4 | hex_value(low));
                self.escape.clear();
            }
            [_, first] if first.is_ascii_hexdigit() => {}
            [_, .., last] if last.is_ascii_whitespace() && self.escape.len() < BREAK_MAX => {}
            _ => self.give_up(out),
        }
    }

    /// What began like an escape is none; its last byte may begin another.
    fn give_up(&mut self, out: &mut Vec<u8>) {
        let ends_in_sign = self.escape.last() == Some(&b'=');
        out.append(&mut self.escape);
        if ends_in_sign {
            self.escape.extend(out.pop());
        }
    }
}

fn base64_value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

fn hex_value(digit: u8) -> u8 {
    char::from(digit).to_digit(16).unwrap_or(0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The content, however the text is cut.
    fn content(encoding: TransferEncoding, text: &str) -> String {
        let mut contents = [1, 2, 3, 7, 1000].map(|size| {
            let (mut decoder, mut out) = (TransferDecoder::new(encoding), Vec::new());
            text.as_bytes().chunks(size).for_each(|piece| decoder.decode(piece, &mut out));
            decoder.finish(&mut out);
            String::from_utf8(out).unwrap()
        });
        contents.sort();
        assert_eq!(contents[0], contents[4], "{text:?}");
        contents[0].clone()
    }

    #[test]
    fn base64_is_read_over_lines_and_noise() {
        for text in ["SGVsbG8gdGhlcmU=", "SGVs\r\nbG8g\r\ndGhlcmU=\r\n", "S G.V*s-bG8gdGhlcmU", "SGVsbG8=IHRoZXJl"] {
            assert_eq!(content(TransferEncoding::Base64, text), "Hello there", "{text}");
        }
    }

    #[test]
    fn quoted_printable_is_read_and_what_is_no_escape_stands_for_itself() {
        for (text, wanted) in [
            ("a=3Db", "a=b"),
            ("a=3db", "a=b"),
            ("soft=\r\nbreak=\nit= \t\r\nis", "softbreakitis"),
            ("=48=65=6C=6c=6F", "Hello"),
            ("1 = 2, a==3D, =zz, =4z, =", "1 = 2, a==, =zz, =4z, ="),
        ] {
            assert_eq!(content(TransferEncoding::QuotedPrintable, text), wanted, "{text:?}");
        }
    }

    #[test]
    fn encodings_are_known_by_name() {
        for (name, wanted) in [
            ("BASE64", Some(TransferEncoding::Base64)),
            (" Quoted-Printable ", Some(TransferEncoding::QuotedPrintable)),
            ("8bit", Some(TransferEncoding::Identity)),
            ("x-uuencode", None),
        ] {
            assert_eq!(TransferEncoding::from_token(name.as_bytes()), wanted);
        }
    }
}
