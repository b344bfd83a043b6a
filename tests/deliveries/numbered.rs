//! Applications that are told by numbers in the path what to say.

use std::{future::Future, net::SocketAddr};

use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
};

/// One that serves each connection so.
pub(crate) async fn application<F>(serve: fn(TcpStream) -> F) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// The numbers of the path that is asked for; none if the connection ends before.
pub(crate) async fn asked(stream: &mut TcpStream) -> Option<Vec<usize>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap();
    Some(path.split('/').skip(1).map(|number| number.parse().unwrap()).collect())
}
