//! What a client is answered that does not speak acceptable HTTP/1.1, and how connections are closed that way.

use std::{
    io,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{Response, header};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{connection::Connection, listener::Duplex};

/// What is read from a client that has been refused, so that its system does not throw the answer away.
const LINGER_BYTES: usize = 256 * 1024;

/// How long, after the answer, such a client may go on sending.
const LINGER: Duration = Duration::from_secs(1);

/// Sends a page and closes.
pub(super) async fn refuse(duplex: &mut impl Duplex, connection: &Connection, page: &Response<Bytes>) {
    connection.say_goodbye();
    let say = async {
        duplex.write_all(&written(page)).await?;
        duplex.shutdown().await?;
        drop(tokio::time::timeout(LINGER, linger(duplex)).await);
        io::Result::Ok(())
    };
    // Whether the client has heard it makes no difference any more.
    drop(connection.bound(say).await);
}

/// Closes behind an answer. `unread` is whether the client has sent more than was read.
pub(super) async fn close(duplex: &mut impl Duplex, connection: &Connection, unread: bool) {
    connection.say_goodbye();
    let close = async {
        duplex.shutdown().await?;
        if unread {
            drop(tokio::time::timeout(LINGER, linger(duplex)).await);
        }
        io::Result::Ok(())
    };
    drop(connection.bound(close).await);
}

/// A close with unread bytes is a reset, and a reset may overtake the answer.
async fn linger(duplex: &mut impl Duplex) {
    let mut piece = [0; 4096];
    let mut left = LINGER_BYTES;
    while let Ok(read @ 1..) = duplex.read(&mut piece).await
        && left > 0
    {
        left = left.saturating_sub(read);
    }
}

/// The message as it is sent. The client may have asked with any method, so the body is always there.
fn written(page: &Response<Bytes>) -> Vec<u8> {
    let status = page.status();
    let phrase = status.canonical_reason().unwrap_or_default();
    let mut out = format!("HTTP/1.1 {} {phrase}\r\n", status.as_str()).into_bytes();
    for (name, value) in page.headers() {
        if *name != header::CONTENT_LENGTH {
            out.extend_from_slice(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
    }
    let date = httpdate::fmt_http_date(SystemTime::now());
    out.extend_from_slice(
        format!("content-length: {}\r\nconnection: close\r\ndate: {date}\r\n\r\n", page.body().len()).as_bytes(),
    );
    out.extend_from_slice(page.body());
    out
}
