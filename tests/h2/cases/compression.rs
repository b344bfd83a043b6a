//! Header blocks: HPACK (RFC 7541).

use crate::{
    case::{COMPRESSION_ERROR, Case, ONE_CODE_OF_BLOCKS, Outcome, Outcome::*, PROTOCOL_ERROR, Section},
    peer::Peer,
    wire::*,
};

pub(crate) const GENERIC: Section = Section {
    title: "HPACK",
    h2spec: Some("generic/5"),
    cases: &[
        Case::new("a field of the table", &[Answered(200)], |peer| with(peer, indexed(ACCEPT_ENCODING))),
        Case::new("a literal to be added, its name in the table", &[Answered(200)], |peer| {
            twice(peer, ADDED.of(ACCEPT, &plain("text/html")))
        }),
        Case::new("the same in Huffman's code", &[Answered(200)], |peer| {
            twice(peer, ADDED.of(ACCEPT, &huffman("oats")))
        }),
        Case::new("a literal to be added, name and value", &[Answered(200)], |peer| {
            twice(peer, ADDED.named(&plain("note"), &plain("red")))
        }),
        Case::new("the same in Huffman's code", &[Answered(200)], |peer| {
            twice(peer, ADDED.named(&huffman("taste"), &huffman("oats")))
        }),
        Case::new("a literal not to be added, its name in the table", &[Answered(200)], |peer| {
            with(peer, NOT_ADDED.of(ACCEPT, &plain("text/html")))
        }),
        Case::new("the same in Huffman's code", &[Answered(200)], |peer| {
            with(peer, NOT_ADDED.of(ACCEPT, &huffman("oats")))
        }),
        Case::new("a literal not to be added, name and value", &[Answered(200)], |peer| {
            with(peer, NOT_ADDED.named(&plain("note"), &plain("red")))
        }),
        Case::new("the same in Huffman's code", &[Answered(200)], |peer| {
            with(peer, NOT_ADDED.named(&huffman("taste"), &huffman("oats")))
        }),
        Case::new("a literal never to be added, its name in the table", &[Answered(200)], |peer| {
            with(peer, NEVER_ADDED.of(ACCEPT, &plain("text/html")))
        }),
        Case::new("the same in Huffman's code", &[Answered(200)], |peer| {
            with(peer, NEVER_ADDED.of(ACCEPT, &huffman("oats")))
        }),
        Case::new("a literal never to be added, name and value", &[Answered(200)], |peer| {
            with(peer, NEVER_ADDED.named(&plain("note"), &plain("red")))
        }),
        Case::new("the same in Huffman's code", &[Answered(200)], |peer| {
            with(peer, NEVER_ADDED.named(&huffman("taste"), &huffman("oats")))
        }),
        Case::new("a change of the table's size", &[Answered(200)], |peer| behind(peer, table_size(128))),
        Case::new("two changes of the table's size", &[Answered(200)], |peer| {
            behind(peer, [table_size(0), table_size(4096)].concat())
        }),
    ],
};

pub(crate) const INDEX: Section = Section {
    title: "Index address space (RFC 7541, section 2.3.3)",
    h2spec: Some("hpack/2.3.3"),
    cases: &[
        Case::new("a field of no entry", &[GoneAway(COMPRESSION_ERROR)], |peer| with(peer, indexed(FIRST_ADDED + 8)))
            .differs(GoneAway(PROTOCOL_ERROR), ONE_CODE_OF_BLOCKS),
        Case::new("a literal whose name has no entry", &[GoneAway(COMPRESSION_ERROR)], |peer| {
            with(peer, ADDED.of(FIRST_ADDED + 8, &plain("red")))
        })
        .differs(GoneAway(PROTOCOL_ERROR), ONE_CODE_OF_BLOCKS),
    ],
};

pub(crate) const TABLE_SIZE_PLACE: Section = Section {
    title: "Maximum table size (RFC 7541, section 4.2)",
    h2spec: Some("hpack/4.2"),
    cases: &[Case::new("a change of the table's size behind fields", &[GoneAway(COMPRESSION_ERROR)], |peer| {
        with(peer, table_size(128))
    })
    .differs(GoneAway(PROTOCOL_ERROR), ONE_CODE_OF_BLOCKS)],
};

pub(crate) const STRINGS: Section = Section {
    title: "String literals (RFC 7541, section 5.2)",
    h2spec: Some("hpack/5.2"),
    cases: &[
        Case::new("Huffman's code with more than 7 bits of padding", &[GoneAway(COMPRESSION_ERROR)], |peer| {
            // 40 bits of characters in 6 bytes.
            let full = huffman("oatsoats");
            with(peer, NOT_ADDED.of(ACCEPT, &[&[full[0] + 1], &full[1..], &[0xff]].concat()))
        })
        .differs(GoneAway(PROTOCOL_ERROR), ONE_CODE_OF_BLOCKS),
        Case::new("Huffman's code padded with zeros", &[GoneAway(COMPRESSION_ERROR)], |peer| {
            with(peer, NOT_ADDED.of(ACCEPT, b"\x81\x18"))
        })
        .differs(GoneAway(PROTOCOL_ERROR), ONE_CODE_OF_BLOCKS),
        Case::new("Huffman's code with the end of the string in it", &[GoneAway(COMPRESSION_ERROR)], |peer| {
            with(peer, NOT_ADDED.of(ACCEPT, b"\x84\xff\xff\xff\xff"))
        })
        .differs(GoneAway(PROTOCOL_ERROR), ONE_CODE_OF_BLOCKS),
    ],
};

pub(crate) const INDEX_ZERO: Section = Section {
    title: "Indexed fields (RFC 7541, section 6.1)",
    h2spec: Some("hpack/6.1"),
    cases: &[Case::new("index 0", &[GoneAway(COMPRESSION_ERROR)], |peer| with(peer, indexed(0)))
        .differs(GoneAway(PROTOCOL_ERROR), ONE_CODE_OF_BLOCKS)],
};

pub(crate) const TABLE_SIZE: Section = Section {
    title: "Changes of the table's size (RFC 7541, section 6.3)",
    h2spec: Some("hpack/6.3"),
    cases: &[Case::new("a size larger than was settled on", &[GoneAway(COMPRESSION_ERROR)], |peer| {
        behind(peer, table_size(4097))
    })
    .differs(GoneAway(PROTOCOL_ERROR), ONE_CODE_OF_BLOCKS)],
};

/// A request that ends with `more`.
fn with(peer: &mut Peer, more: Bytes) -> Outcome {
    peer.say(&[headers(WHOLE, 1, [get(), more].concat())]).outcome()
}

/// A request that begins with `first`.
fn behind(peer: &mut Peer, first: Bytes) -> Outcome {
    peer.say(&[headers(WHOLE, 1, [first, get()].concat())]).outcome()
}

/// The field is there to be named once it has been added.
fn twice(peer: &mut Peer, added: Bytes) -> Outcome {
    match with(peer, added) {
        Answered(200) => peer.say(&[headers(WHOLE, 3, [get(), indexed(FIRST_ADDED)].concat())]).outcome(),
        other => other,
    }
}
