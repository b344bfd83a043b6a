//! Frames (RFC 9113 section 4) and header blocks (RFC 7541 section 6) as bytes, right or wrong.

/// What every client says first (RFC 9113 section 3.4).
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The largest frame that may be sent unasked.
pub(crate) const FRAME_MAX: usize = 16_384;

/// Types of frames (RFC 9113 section 6).
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;
/// A type that nobody has defined.
pub(crate) const UNKNOWN: u8 = 0xfe;

/// Flags; the same bit means another thing in another type.
pub(crate) const NONE: u8 = 0;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const PADDED: u8 = 8;
pub(crate) const PRIORITISED: u8 = 0x20;
/// A head without a body.
pub(crate) const WHOLE: u8 = END_STREAM | END_HEADERS;

/// Settings (RFC 9113 section 6.5.2).
pub(crate) const HEADER_TABLE_SIZE: u16 = 1;
pub(crate) const ENABLE_PUSH: u16 = 2;
pub(crate) const INITIAL_WINDOW_SIZE: u16 = 4;
pub(crate) const MAX_FRAME_SIZE: u16 = 5;

/// The largest window, in bytes.
pub(crate) const WINDOW_MAX: u32 = 0x7fff_ffff;

/// Bytes of a frame.
pub(crate) type Bytes = Vec<u8>;

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: impl AsRef<[u8]>) -> Bytes {
    let payload = payload.as_ref();
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

pub(crate) fn data(flags: u8, stream: u32, payload: impl AsRef<[u8]>) -> Bytes {
    frame(DATA, flags, stream, payload)
}

pub(crate) fn headers(flags: u8, stream: u32, block: impl AsRef<[u8]>) -> Bytes {
    frame(HEADERS, flags, stream, block)
}

pub(crate) fn continuation(flags: u8, stream: u32, block: impl AsRef<[u8]>) -> Bytes {
    frame(CONTINUATION, flags, stream, block)
}

/// `weight` is one less than what is meant.
pub(crate) fn priority(stream: u32, on: u32, exclusive: bool, weight: u8) -> Bytes {
    frame(PRIORITY, NONE, stream, dependency(on, exclusive, weight))
}

pub(crate) fn dependency(on: u32, exclusive: bool, weight: u8) -> Bytes {
    let on = on | u32::from(exclusive) << 31;
    [&on.to_be_bytes()[..], &[weight]].concat()
}

pub(crate) fn reset(stream: u32, code: u32) -> Bytes {
    frame(RST_STREAM, NONE, stream, code.to_be_bytes())
}

pub(crate) fn settings(values: &[(u16, u32)]) -> Bytes {
    let values = values.iter().map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat());
    frame(SETTINGS, NONE, 0, values.collect::<Vec<_>>().concat())
}

pub(crate) fn ping(payload: &[u8; 8]) -> Bytes {
    frame(PING, NONE, 0, payload)
}

pub(crate) fn goaway(code: u32) -> Bytes {
    frame(GOAWAY, NONE, 0, [[0; 4], code.to_be_bytes()].concat())
}

pub(crate) fn window_update(stream: u32, by: u32) -> Bytes {
    frame(WINDOW_UPDATE, NONE, stream, by.to_be_bytes())
}

/// Entries of the static table (RFC 7541 appendix A).
pub(crate) const AUTHORITY: usize = 1;
pub(crate) const GET: usize = 2;
pub(crate) const POST: usize = 3;
pub(crate) const PATH: usize = 4;
pub(crate) const HTTPS: usize = 7;
pub(crate) const ACCEPT_ENCODING: usize = 16;
pub(crate) const ACCEPT: usize = 19;

/// The first entry of the dynamic table.
pub(crate) const FIRST_ADDED: usize = 62;

/// A field of the static or dynamic table.
pub(crate) fn indexed(index: usize) -> Bytes {
    integer(0x80, 7, index)
}

/// How a literal treats the dynamic table: the bits before its index, and how many bits the index has.
#[derive(Clone, Copy)]
pub(crate) struct Literal(u8, u32);

pub(crate) const ADDED: Literal = Literal(0x40, 6);
pub(crate) const NOT_ADDED: Literal = Literal(0, 4);
pub(crate) const NEVER_ADDED: Literal = Literal(0x10, 4);

impl Literal {
    /// A value whose name stands in a table.
    pub(crate) fn of(self, index: usize, value: &[u8]) -> Bytes {
        [&integer(self.0, self.1, index), value].concat()
    }

    /// A name and a value.
    pub(crate) fn named(self, name: &[u8], value: &[u8]) -> Bytes {
        [&[self.0], name, value].concat()
    }
}

/// A string as it is.
pub(crate) fn plain(text: impl AsRef<[u8]>) -> Bytes {
    [integer(0, 7, text.as_ref().len()), text.as_ref().to_vec()].concat()
}

/// The characters that have a code of five bits, in the order of their codes (RFC 7541 appendix B).
const SHORTEST: &str = "012aceiost";

/// A string in Huffman's code, of its shortest characters only.
pub(crate) fn huffman(text: &str) -> Bytes {
    let codes = text.chars().map(|c| format!("{:05b}", SHORTEST.find(c).unwrap()));
    let bits = codes.collect::<String>();
    let padding = "1".repeat(bits.len().next_multiple_of(8) - bits.len());
    let bits = bits + &padding;
    let bytes = (0..bits.len() / 8).map(|at| u8::from_str_radix(&bits[at * 8..at * 8 + 8], 2).unwrap());
    let bytes: Vec<u8> = bytes.collect();
    [integer(0x80, 7, bytes.len()), bytes].concat()
}

/// An integer behind the mark in the first byte, which leaves `bits` to it (RFC 7541 section 5.1).
fn integer(mark: u8, bits: u32, value: usize) -> Bytes {
    let most = (1 << bits) - 1;
    if value < most {
        return vec![mark | u8::try_from(value).unwrap()];
    }
    let (mut bytes, mut rest) = (vec![mark | u8::try_from(most).unwrap()], value - most);
    while rest >= 128 {
        bytes.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    bytes.push(u8::try_from(rest).unwrap());
    bytes
}

/// A change of the dynamic table's size (RFC 7541 section 6.3).
pub(crate) fn table_size(size: usize) -> Bytes {
    integer(0x20, 5, size)
}

/// A field that is added to no table.
pub(crate) fn field(name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Bytes {
    NOT_ADDED.named(&plain(name), &plain(value))
}

/// Fields one by one.
pub(crate) fn fields(fields: &[(&str, &str)]) -> Bytes {
    fields.iter().flat_map(|(name, value)| field(name, value)).collect()
}

/// The head of a GET for `/`.
pub(crate) fn get() -> Bytes {
    request(GET)
}

/// The head of a POST to `/`.
pub(crate) fn post() -> Bytes {
    request(POST)
}

fn request(method: usize) -> Bytes {
    let authority = NOT_ADDED.of(AUTHORITY, &plain("cellar.example"));
    [indexed(method), indexed(HTTPS), indexed(PATH), authority].concat()
}

/// The head of a GET for `/` with fields behind.
pub(crate) fn get_with(more: &[(&str, &str)]) -> Bytes {
    [get(), fields(more)].concat()
}

/// The head of a POST to `/` with fields behind.
pub(crate) fn post_with(more: &[(&str, &str)]) -> Bytes {
    [post(), fields(more)].concat()
}

/// The status that a header block begins with, as encoders write it: from the table, or as a literal of its name.
pub(crate) fn status(block: &[u8]) -> Option<u16> {
    const STATUSES: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];
    let block = &block[block.iter().take_while(|&&byte| byte & 0xe0 == 0x20).count()..];
    let (&first, rest) = block.split_first()?;
    match first {
        0x88..=0x8e => Some(STATUSES[usize::from(first - 0x88)]),
        0x08 | 0x18 | 0x48 => digits(rest)?.parse().ok(),
        _ => None,
    }
}

/// Three digits as a string, in Huffman's code or not.
fn digits(string: &[u8]) -> Option<String> {
    let (&length, rest) = string.split_first()?;
    if length & 0x80 == 0 {
        return String::from_utf8(rest.get(..usize::from(length))?.to_vec()).ok();
    }
    let bits: String = rest.get(..usize::from(length & 0x7f))?.iter().map(|byte| format!("{byte:08b}")).collect();
    let (mut at, mut text) = (0, String::new());
    while text.len() < 3 {
        let short = u32::from_str_radix(bits.get(at..at + 5)?, 2).ok()?;
        let (digit, width) = match short {
            0..=2 => (short, 5),
            _ => (u32::from_str_radix(bits.get(at..at + 6)?, 2).ok()? - 22, 6),
        };
        text.push(char::from_digit(digit, 10)?);
        at += width;
    }
    Some(text)
}
