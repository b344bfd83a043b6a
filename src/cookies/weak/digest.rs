//! The hash functions by which cookies are signed.

use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digest {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Digest {
    /// The function that gives this many bytes.
    pub(super) fn of_length(length: usize) -> Option<Self> {
        match length {
            20 => Some(Self::Sha1),
            28 => Some(Self::Sha224),
            32 => Some(Self::Sha256),
            48 => Some(Self::Sha384),
            64 => Some(Self::Sha512),
            _ => None,
        }
    }

    pub(super) fn hmac(self, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Sha1 => hmac::<Hmac<Sha1>>(key, parts),
            Self::Sha224 => hmac::<Hmac<Sha224>>(key, parts),
            Self::Sha256 => hmac::<Hmac<Sha256>>(key, parts),
            Self::Sha384 => hmac::<Hmac<Sha384>>(key, parts),
            Self::Sha512 => hmac::<Hmac<Sha512>>(key, parts),
        }
    }

    pub(super) fn hash(self, parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Sha1 => hash::<Sha1>(parts),
            Self::Sha224 => hash::<Sha224>(parts),
            Self::Sha256 => hash::<Sha256>(parts),
            Self::Sha384 => hash::<Sha384>(parts),
            Self::Sha512 => hash::<Sha512>(parts),
        }
    }

    /// PBKDF2 (RFC 8018 section 5.2) with 1000 rounds, as Rails derives its keys.
    pub(super) fn pbkdf2(self, secret: &[u8], salt: &[u8], length: usize) -> Vec<u8> {
        let derive = match self {
            Self::Sha1 => pbkdf2::<Hmac<Sha1>>,
            _ => pbkdf2::<Hmac<Sha256>>,
        };
        derive(secret, salt, length)
    }
}

fn hmac<M: Mac + hmac::digest::KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let Ok(mut mac) = <M as Mac>::new_from_slice(key) else { return Vec::new() };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

fn hash<D: sha2::Digest>(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = D::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().to_vec()
}

const ROUNDS: usize = 1000;

fn pbkdf2<M: Mac + hmac::digest::KeyInit + Clone>(secret: &[u8], salt: &[u8], length: usize) -> Vec<u8> {
    let Ok(keyed) = <M as Mac>::new_from_slice(secret) else { return Vec::new() };
    let mut out = Vec::with_capacity(length + 64);
    let mut block = 0u32;
    while out.len() < length {
        block += 1;
        let mut last = keyed.clone().chain_update(salt).chain_update(block.to_be_bytes()).finalize().into_bytes();
        let mut sum = last.clone();
        for _ in 1..ROUNDS {
            last = keyed.clone().chain_update(&last).finalize().into_bytes();
            sum.iter_mut().zip(&last).for_each(|(sum, byte)| *sum ^= byte);
        }
        out.extend_from_slice(&sum);
    }
    out.truncate(length);
    out
}

/// MD5, by which egg turns a key into one of AES.
pub(super) fn md5(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = md5::Md5::new();
    parts.iter().for_each(|part| md5::Digest::update(&mut hash, part));
    md5::Digest::finalize(hash).into()
}
