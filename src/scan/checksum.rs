//! Checksums by which tokens and numbers prove to be what they look like.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::value;
use crate::rules::Checksum;

/// Whether `value` passes.
pub(super) fn passes(checksum: Checksum, value: &[u8]) -> bool {
    match checksum {
        Checksum::Crc32Base62 => crc32_base62(value),
        Checksum::Luhn => luhn(value),
        Checksum::Iban => iban(value),
        Checksum::Jwt => jwt(value),
        Checksum::BasicCredentials => basic_credentials(value),
    }
}

/// `prefix_` + random + 6 base-62 digits of the CRC-32 of the random part (GitHub 2021, npm 2021).
fn crc32_base62(token: &[u8]) -> bool {
    let random = token.iter().rposition(|&byte| byte == b'_').map_or(token, |at| &token[at + 1..]);
    let Some((random, digits)) = random.split_last_chunk::<6>() else { return false };
    let mut crc = flate2_crc(random);
    let mut wanted = [b'0'; 6];
    for digit in wanted.iter_mut().rev() {
        *digit = BASE62[(crc % 62) as usize];
        crc /= 62;
    }
    digits == &wanted
}

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// CRC-32 (ISO-HDLC), bit by bit: tokens are short and rare.
fn flate2_crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

/// Digits with spaces or hyphens between; 12 to 19 of them, not all alike (ISO/IEC 7812-1 annex B).
fn luhn(value: &[u8]) -> bool {
    let digits: Vec<u32> = value.iter().filter_map(|&byte| char::from(byte).to_digit(10)).collect();
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| if place % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { digit })
        .sum();
    (12..=19).contains(&digits.len()) && sum.is_multiple_of(10) && digits.iter().any(|digit| *digit != digits[0])
}

/// Mod-97 of the rearranged number is 1 (ISO 13616-1 section 5.3).
fn iban(value: &[u8]) -> bool {
    let compact: Vec<u8> = value.iter().copied().filter(u8::is_ascii_alphanumeric).collect();
    if !(15..=34).contains(&compact.len()) {
        return false;
    }
    let rearranged = compact[4..].iter().chain(&compact[..4]);
    let remainder = rearranged.fold(0, |remainder, &byte| match char::from(byte).to_digit(36) {
        Some(digit @ 0..=9) => (remainder * 10 + digit) % 97,
        Some(letter) => (remainder * 100 + letter) % 97,
        None => remainder,
    });
    remainder == 1
}

/// A header that names an algorithm, and claims of anything but the role that Supabase gives to any visitor.
fn jwt(token: &[u8]) -> bool {
    let mut parts = token.split(|&byte| byte == b'.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap_or_default());
    let (header, claims) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    header.first() == Some(&b'{')
        && memchr::memmem::find(&header, b"\"alg\"").is_some()
        && memchr::memmem::find(&claims, b"\"role\":\"anon\"").is_none()
}

fn basic_credentials(value: &[u8]) -> bool {
    let decoded = value::from_base64(value).unwrap_or_default();
    let colon = memchr::memchr(b':', &decoded).filter(|_| decoded.iter().all(|byte| !byte.is_ascii_control()));
    colon.is_some_and(|colon| colon > 0 && !value::is_placeholder(&decoded[colon + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_hold_a_user_and_a_password() {
        assert!(basic_credentials(b"c3ZjOmg3UWUya2Q5M21Yeg=="));
        assert!(!basic_credentials(b"dXNlcjpwYXNzd29yZA=="), "user:password");
        assert!(!basic_credentials(b"authentication"));
    }

    #[test]
    fn numbers_with_a_wrong_digit_fail() {
        assert!(luhn(b"4242 4242 4242 4242") && !luhn(b"4242 4242 4242 4241") && !luhn(b"0000 0000 0000 0000"));
        assert!(iban(b"GB82 WEST 1234 5698 7654 32") && !iban(b"GB82 WEST 1234 5698 7654 33"));
    }

    #[test]
    fn crc32_is_the_one_of_iso_hdlc() {
        assert_eq!(flate2_crc(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_token_is_told_from_a_jumble_of_the_same_shape() {
        let random = b"0123456789abcdefghijABCDEFGHIJ";
        let mut crc = flate2_crc(random);
        let mut digits = [b'0'; 6];
        for digit in digits.iter_mut().rev() {
            *digit = BASE62[(crc % 62) as usize];
            crc /= 62;
        }
        let token = [b"ghp_".as_slice(), random, &digits].concat();
        assert!(crc32_base62(&token));
        assert!(!crc32_base62(b"ghp_0123456789abcdefghijABCDEFGHIJ000000"));
    }

    #[test]
    fn a_jwt_has_a_json_header_with_an_algorithm() {
        assert!(jwt(b"eyJhbGciOiJIUzI1NiJ9.e30.x"));
        assert!(!jwt(b"eyJmb28iOiJiYXIifQ.e30.x"));
        assert!(jwt(b"eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.x"));
        assert!(!jwt(b"eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.x"), "made to be public");
    }
}
