//! Content codings, rightly and wrongly labelled.

use std::io::Write;

use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};

use crate::case::Delivery;

/// What asks for nothing coded.
const PLAIN: &[(&str, &str)] = &[("accept-encoding", "identity")];

pub(crate) const CODINGS: &[Delivery] = &[
    Delivery::new("gzip", |case| case.coded("gzip", gzip(case.bytes()))),
    Delivery::new("gzip unasked", |case| case.coded("gzip", gzip(case.bytes()))).asking(PLAIN),
    Delivery::new("x-gzip", |case| case.coded("x-gzip", gzip(case.bytes()))),
    Delivery::new("gzip in mixed case", |case| case.coded("GZip", gzip(case.bytes()))),
    Delivery::new("gzip of two members", |case| case.coded("gzip", case.halves().map(gzip).concat())),
    Delivery::new("gzip of stored blocks", |case| case.coded("gzip", gzip_at(case.bytes(), 0))),
    Delivery::new("gzip in chunks of one byte", |case| {
        let head = case.head(case.content.media, "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n");
        let body = crate::case::chunks(gzip(case.bytes()).chunks(1), "", "");
        crate::case::Answer { sent: [head, body].concat(), closes: false }
    }),
    Delivery::new("events in gzip", |case| {
        let lines: String = case.content.text.lines().map(|line| format!("data: {line}\n")).collect();
        let events = gzip(format!("data: one\n\n{lines}\ndata: two\n\n").as_bytes());
        case.sized("text/event-stream", "Content-Encoding: gzip\r\n", events)
    }),
    Delivery::new("deflate with zlib's frame", |case| case.coded("deflate", zlib(case.bytes()))),
    Delivery::new("deflate without a frame", |case| case.coded("deflate", deflate(case.bytes()))),
    Delivery::new("br", |case| case.coded("br", brotli(case.bytes()))),
    Delivery::new("zstd", |case| case.coded("zstd", zstd(case.bytes()))),
    Delivery::new("zstd of two frames", |case| case.coded("zstd", case.halves().map(zstd).concat())),
    Delivery::new("gzip of gzip", |case| case.coded("gzip, gzip", gzip(&gzip(case.bytes())))),
    Delivery::new("br of gzip in two fields", |case| {
        case.coded("gzip\r\nContent-Encoding: br", brotli(&gzip(case.bytes())))
    }),
    Delivery::new("four codings", |case| {
        case.coded("zstd, br, deflate, gzip", gzip(&zlib(&brotli(&zstd(case.bytes())))))
    }),
    Delivery::new("five codings", |case| {
        case.coded("gzip, zstd, br, deflate, gzip", gzip(&zlib(&brotli(&zstd(&gzip(case.bytes()))))))
    })
    .refused(),
    Delivery::new("identity and gzip", |case| case.coded("identity, gzip", gzip(case.bytes()))),
    Delivery::new("an empty coding", |case| case.coded("", case.bytes())),
    Delivery::new("plain labelled gzip", |case| case.coded("gzip", case.bytes())),
    Delivery::new("gzip labelled br", |case| case.coded("br", gzip(case.bytes()))).refused(),
    Delivery::new("gzip without a label", |case| case.sized("", "", gzip(case.bytes()))),
    Delivery::new("gzip labelled as text", |case| case.typed(gzip(case.bytes()))),
    Delivery::new("zstd without a label, in pieces", |case| {
        let head = case.head("application/octet-stream", "Transfer-Encoding: chunked\r\n");
        let body = crate::case::chunks(zstd(case.bytes()).chunks(2), "", "");
        crate::case::Answer { sent: [head, body].concat(), closes: false }
    }),
    Delivery::new("gzip of gzip labelled once", |case| case.coded("gzip", gzip(&gzip(case.bytes())))),
    Delivery::new("zlib without a label", |case| case.sized("application/octet-stream", "", zlib(case.bytes()))),
    Delivery::new("an unknown coding", |case| case.coded("rot13", case.bytes())).refused(),
    Delivery::new("gzip without its end", |case| {
        let whole = gzip(case.bytes());
        case.coded("gzip", &whole[..whole.len() - 8])
    }),
    Delivery::new("gzip with a wrong checksum", |case| {
        let mut body = gzip(case.bytes());
        let at = body.len() - 8;
        body[at] ^= 1;
        case.coded("gzip", body)
    })
    .refused(),
    Delivery::new("plain behind gzip", |case| case.coded("gzip", [&gzip(b"fine")[..], case.bytes()].concat()))
        .refused(),
    Delivery::new("in the file name of gzip", |case| {
        let page = gzip(b"All is well.");
        let head = [&page[..3], &[8], &page[4..10]].concat();
        case.coded("gzip", [&head[..], case.bytes(), b"\0", &page[10..]].concat())
    })
    .dropped(),
];

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    gzip_at(content, 6)
}

fn gzip_at(content: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zlib(content: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn deflate(content: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn brotli(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    brotli::CompressorWriter::new(&mut out, 4096, 5, 20).write_all(content).unwrap();
    out
}

pub(crate) fn zstd(content: &[u8]) -> Vec<u8> {
    zstd::encode_all(content, 3).unwrap()
}
