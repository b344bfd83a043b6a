//! How a message is framed, cut and numbered.

use crate::case::{Answer, Delivery, PAGE, chunks};

pub(crate) const FRAMING: &[Delivery] = &[
    Delivery::new("plain", |case| case.typed(case.bytes())),
    Delivery::new("in one chunk", |case| case.chunks([case.bytes()])),
    Delivery::new("in two chunks", |case| case.chunks(case.halves())),
    Delivery::new("in chunks of one byte", |case| case.chunks(case.bytes().chunks(1))),
    Delivery::new("in chunks of 7 bytes", |case| case.chunks(case.bytes().chunks(7))),
    Delivery::new("in chunks with extensions", |case| {
        let head = case.head(case.content.media, "Transfer-Encoding: chunked\r\n");
        Answer { sent: [head, chunks(case.halves(), ";a=\"b;c\"", "")].concat(), closes: false }
    }),
    Delivery::new("in chunks of padded sizes", |case| {
        let [first, second] = case.halves();
        let head = case.head(case.content.media, "Transfer-Encoding: chunked\r\n");
        let sizes = [first, second].map(|half| format!("000{:X}\r\n", half.len()));
        let body = [sizes[0].as_bytes(), first, b"\r\n", sizes[1].as_bytes(), second, b"\r\n000\r\n\r\n"];
        Answer { sent: [head, body.concat()].concat(), closes: false }
    }),
    Delivery::new("to the end of the connection", |case| {
        case.raw(&[&case.head(case.content.media, "Connection: close\r\n"), case.bytes()])
    }),
    Delivery::new("in HTTP/1.0", |case| {
        let head = format!("HTTP/1.0 {} Said\r\nContent-Type: {}\r\n\r\n", case.status, case.content.media);
        case.raw(&[head.as_bytes(), case.bytes()])
    }),
    Delivery::new("behind 103 and 102", |case| {
        let interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n";
        Answer { sent: [&interim[..], &case.typed(case.bytes()).sent].concat(), closes: false }
    }),
    Delivery::new("behind a page of 100 KiB", |case| {
        let filler = "All is well in the cellar, and the wine is resting.\n".repeat(2000);
        case.chunks([filler.as_bytes(), case.bytes()])
    }),
    Delivery::new("behind beginnings that never end", |case| {
        let misses = "Traceback (most recent ca\n-----BEGIN RSA PRIV\npostgres://cellar\n\tat com.exam\n".repeat(200);
        case.chunks([misses.as_bytes(), case.bytes()])
    })
    .dropped(),
    Delivery::new("cut off before its length", |case| {
        let head = case.head(case.content.media, &format!("Content-Length: {}\r\n", case.bytes().len() + 500));
        case.raw(&[&head, case.bytes()])
    }),
    Delivery::new("cut off within a chunk", |case| {
        let head = case.head(case.content.media, "Transfer-Encoding: chunked\r\n");
        case.raw(&[&head, format!("{:x}\r\n", case.bytes().len() + 500).as_bytes(), case.bytes()])
    }),
    Delivery::new("with chunks and a length", |case| {
        let head = case.head(case.content.media, "Transfer-Encoding: chunked\r\nContent-Length: 9\r\n");
        case.raw(&[&head, &chunks([case.bytes()], "", "")])
    })
    .refused(),
    Delivery::new("with two lengths", |case| {
        let fields = format!("Content-Length: 9\r\nContent-Length: {}\r\n", case.bytes().len());
        case.raw(&[&case.head(case.content.media, &fields), case.bytes()])
    })
    .refused(),
    Delivery::new("in an unknown transfer coding", |case| {
        case.raw(&[&case.head(case.content.media, "Transfer-Encoding: xchunked\r\n"), &chunks([case.bytes()], "", "")])
    })
    .refused(),
    Delivery::new("in chunks of no size", |case| {
        case.raw(&[&case.head(case.content.media, "Transfer-Encoding: chunked\r\n"), b"zz\r\n", case.bytes()])
    })
    .refused(),
    Delivery::new("without a head", |case| case.raw(&[case.bytes()])).refused(),
    Delivery::new("behind the end of a body", |case| {
        case.raw(&[&case.sized("text/html", "", PAGE).sent, case.bytes()])
    })
    .dropped(),
    Delivery::new("as a second answer", |case| {
        case.raw(&[&case.sized("text/html", "", PAGE).sent, &case.typed(case.bytes()).sent])
    })
    .dropped(),
    Delivery::new("behind 204", |case| case.raw(&[b"HTTP/1.1 204 No Content\r\n\r\n", case.bytes()])).dropped(),
    Delivery::new("behind 304", |case| {
        case.raw(&[b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 50\r\n\r\n", case.bytes()])
    })
    .dropped()
    .asking(&[("if-none-match", "\"a\"")]),
    Delivery::new("as the body of an answer to HEAD", |case| case.raw(&[&case.typed(case.bytes()).sent]))
        .dropped()
        .by("HEAD"),
    Delivery::new("as a part nobody asked for", |case| {
        let fields = format!("Content-Range: bytes 0-9/{}\r\nContent-Length: {}\r\n", 10, case.bytes().len());
        let head = format!("HTTP/1.1 206 Partial Content\r\nContent-Type: text/plain\r\n{fields}\r\n");
        case.raw(&[head.as_bytes(), case.bytes()])
    })
    .refused(),
    Delivery::new("behind an unasked switch of protocols", |case| {
        case.raw(&[b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", case.bytes()])
    })
    .refused(),
    Delivery::new("in the part that was asked for", |case| match case.asked.contains("range: bytes=") {
        true => {
            let fields = "Content-Range: bytes 10-29/500\r\nContent-Length: 20\r\n";
            let head = format!("HTTP/1.1 206 Partial Content\r\nContent-Type: text/plain\r\n{fields}\r\n");
            case.raw(&[head.as_bytes(), &case.halves()[1][..20]])
        }
        false => case.sized(case.content.media, "Accept-Ranges: bytes\r\nETag: \"a\"\r\n", case.bytes()),
    })
    .asking(&[("range", "bytes=10-29"), ("if-range", "\"a\"")]),
];
