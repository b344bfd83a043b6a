//! The head of a response: any status and any fields.

use cofferdam::{exchange::replay, response::ResponseHead};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::replay::{ENGINE, assert_sound};

/// A key that no field may carry to a client.
const SECRET: &str = "-----BEGIN RSA PRIVATE KEY-----MIIEowIBAAKCAQEAx1yqJ8vT0bYkQ2mN5sR7uWzH3dLfGpXcV9aE6tBoKiPjMnSw-----END RSA PRIVATE KEY-----";

/// A piece of it, by which it is known again.
const PIECE: std::ops::Range<usize> = 40..60;

/// The first byte chooses the status, the lines behind it are the fields.
///
/// A secret in a field does not leave, whatever stands beside it; nothing panics.
pub fn head(data: &[u8]) {
    let [status, lines @ ..] = data else { return };
    let mut headers = fields(lines);
    // Alone the piece is no secret, and libFuzzer finds it by itself.
    if headers.values().any(carries) {
        return;
    }
    headers.append("x-note", HeaderValue::from_static(SECRET));
    let Ok(status) = StatusCode::from_u16(100 + u16::from(*status) * 2) else { return };
    let replayed = replay(&ENGINE, ResponseHead::new(status, headers), []);
    assert_sound(&replayed.outcome);
    let Some(head) = replayed.head else { return };
    assert!(!head.headers.values().any(carries), "a field has carried the secret out");
}

fn carries(value: &HeaderValue) -> bool {
    value.as_bytes().windows(PIECE.len()).any(|window| window == &SECRET.as_bytes()[PIECE])
}

/// The fields that these lines can be read as; the others are dropped.
fn fields(lines: &[u8]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for line in lines.split(|&byte| byte == b'\n').take(100) {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            fields.append(name, value);
        }
    }
    fields
}
