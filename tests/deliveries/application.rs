//! The application: it delivers what the path says, `/content/status/delivery`, numbers and all.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    case::{Case, Delivery},
    contents::CONTENTS,
    deliveries,
    numbered::application,
};

/// Starts it; it ends with the test's runtime.
pub(crate) async fn start() -> SocketAddr {
    application(serve).await
}

/// The path under which the application delivers it.
pub(crate) fn path(content: usize, status: u16, delivery: usize) -> String {
    format!("/{content}/{status}/{delivery}")
}

async fn serve(mut stream: TcpStream) {
    let all: Vec<&Delivery> = deliveries().collect();
    while let Some(head) = read_head(&mut stream).await {
        let asked = head.to_ascii_lowercase();
        let path = head.split(' ').nth(1).unwrap();
        let numbers: Vec<usize> = path.split('/').skip(1).map(|number| number.parse().unwrap()).collect();
        let status = u16::try_from(numbers[1]).unwrap();
        let answer = (all[numbers[2]].answer)(&Case { content: &CONTENTS[numbers[0]], status, asked: &asked });
        if stream.write_all(&answer.sent).await.is_err() || answer.closes {
            break;
        }
    }
    drop(stream.shutdown().await);
}

/// None where the connection ends.
async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(head).unwrap())
}
