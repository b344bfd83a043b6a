//! The first bytes of a body that no field calls coded: some are coded all the same.

use std::borrow::Cow;

use bytes::Bytes;

use super::{Form, Inspection};
use crate::{
    coding::{Coding, Decoder, Limits, Plan, SNIFF_LEN, sniff},
    exchange::media,
};

/// What is known of a body's beginning.
#[derive(Debug)]
pub(super) enum Start {
    /// Bytes with which a coded body could begin, fewer than [`SNIFF_LEN`].
    Open(Vec<u8>),
    /// It has shown what it is, or its fields say so.
    Known,
}

impl Start {
    /// Of a body whose fields name a coding, or none.
    pub(super) fn of(labelled: bool) -> Self {
        if labelled { Self::Known } else { Self::Open(Vec::new()) }
    }

    /// The body's first bytes, as long as they are held here.
    pub(super) fn begun(&self) -> &[u8] {
        if let Self::Open(bytes) = self { bytes } else { &[] }
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        self.begun().len()
    }

    /// What can be read now that `chunk` has arrived, from the body's first byte on if it was held; `None` while that
    /// shows nothing.
    pub(super) fn push(&mut self, chunk: &Bytes) -> Option<(Bytes, Option<Coding>)> {
        let Self::Open(held) = self else { return Some((chunk.clone(), None)) };
        let begun = if held.is_empty() { chunk.clone() } else { [held, &chunk[..]].concat().into() };
        if begun.len() < SNIFF_LEN && may_become_coded(&begun) {
            *held = begun.into();
            return None;
        }
        *self = Self::Known;
        let coding = sniff(&begun);
        Some((begun, coding))
    }

    /// What was held, where the body ends before it has shown what it is.
    pub(super) fn end(&mut self) -> Option<Bytes> {
        match std::mem::replace(self, Self::Known) {
            Self::Open(held) if !held.is_empty() => Some(held.into()),
            _ => None,
        }
    }
}

impl Inspection {
    /// Whether the body starts as the binary format of its type, in however many pieces the start comes.
    pub(super) fn is_what_it_says(&self, chunk: &[u8]) -> bool {
        let coded = self.decoder.is_some() || self.form != Form::AsItCame;
        if coded || self.window.received() >= media::MAGIC_MAX {
            return false;
        }
        let held = match self.start.begun() {
            [] => self.window.since(0).0,
            begun => begun,
        };
        let start = if held.is_empty() { Cow::Borrowed(chunk) } else { Cow::Owned([held, chunk].concat()) };
        media::is_what_it_says(&self.media_type, &start)
    }
}

/// The decoder for a coding that was found, and how many bytes it can come to hold.
pub(super) fn decoder(coding: Coding) -> Option<(Decoder, usize)> {
    let (plan, limits) = (Plan::Decode(vec![coding]), Limits::default());
    let decoder = Decoder::new(&plan, limits).ok()?;
    Some((decoder, plan.memory(&limits)))
}

/// Whether some bytes behind `begun`, which are fewer than it wants, would make [`sniff`] find a coding.
fn may_become_coded(begun: &[u8]) -> bool {
    let marks: [&[u8]; 2] = [&[0x1f, 0x8b, 8], &[0x28, 0xb5, 0x2f, 0xfd]];
    let skippable = |begun: &[u8]| match begun {
        [0x50..=0x5f, rest @ ..] => [0x2a, 0x4d, 0x18].starts_with(rest),
        _ => begun.is_empty(),
    };
    marks.iter().any(|mark| mark.starts_with(begun)) || skippable(begun)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_coding_is_found_however_its_mark_is_cut() {
        for (mark, coding) in [
            (&[0x1f, 0x8b, 8, 0, 1, 2][..], Coding::Gzip),
            (&[0x28, 0xb5, 0x2f, 0xfd, 1, 2], Coding::Zstd),
            (&[0x55, 0x2a, 0x4d, 0x18, 1, 2], Coding::Zstd),
        ] {
            for size in 1..=mark.len() {
                let mut start = Start::of(false);
                let found = mark.chunks(size).find_map(|piece| start.push(&Bytes::copy_from_slice(piece)));
                assert_eq!(found.unwrap().1, Some(coding), "{mark:?} in pieces of {size}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_byte_is_lost(body: Vec<u8>, size in 1_usize..5, marked: bool) {
            let body = if marked { [&[0x1f, 0x8b][..], &body].concat() } else { body };
            let (mut start, mut read) = (Start::of(false), Vec::new());
            for piece in body.chunks(size) {
                read.extend(start.push(&Bytes::copy_from_slice(piece)).into_iter().flat_map(|(bytes, _)| bytes));
                prop_assert!(start.held() < SNIFF_LEN);
            }
            read.extend(start.end().into_iter().flatten());
            prop_assert_eq!(read, body);
        }
    }
}
