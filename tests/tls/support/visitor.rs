//! A client of the proxy that says what it saw.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use cofferdam::app::Service;
use http::{HeaderMap, Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, ServerName},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{authority::Identity, proxy::tcp};

/// Anything that can go wrong on the way.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// An answer.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) trailers: Option<HeaderMap>,
    pub(crate) version: Version,
    /// What came of the body.
    pub(crate) body: Bytes,
    /// How the body broke off, if it did.
    pub(crate) broken: Option<hyper::Error>,
}

/// A client.
#[derive(Clone)]
pub(crate) struct Visitor {
    address: SocketAddr,
    /// None speaks no TLS.
    tls: Option<Arc<ClientConfig>>,
    /// The name it asks for.
    pub(crate) name: &'static str,
    http2: bool,
}

impl Visitor {
    pub(crate) fn plain(service: &Service) -> Self {
        Self { address: tcp(&service.listening[0]), tls: None, name: "localhost", http2: false }
    }

    pub(crate) fn redirected(service: &Service) -> Self {
        Self { address: tcp(service.redirecting.as_ref().unwrap()), ..Self::plain(service) }
    }

    /// By TLS, trusting `roots`.
    pub(crate) fn tls(service: &Service, roots: &Arc<RootCertStore>) -> Self {
        Self::with(service, roots, None, rustls::ALL_VERSIONS)
    }

    pub(crate) fn with(
        service: &Service,
        roots: &Arc<RootCertStore>,
        identity: Option<Identity>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Self {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots.clone());
        let config = match identity {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).unwrap(),
            None => builder.with_no_client_auth(),
        };
        let address = tcp(service.listening_tls.as_ref().unwrap());
        Self { address, tls: Some(Arc::new(config)), name: "localhost", http2: false }
    }

    /// Speaking HTTP/2: by ALPN where there is TLS, by prior knowledge where there is none.
    pub(crate) fn http2(mut self) -> Self {
        self.http2 = true;
        self
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Seen, Error> {
        self.ask(self.request(path, Bytes::new())).await
    }

    /// A request for `path`; in HTTP/1.1 the host is a field.
    pub(crate) fn request(&self, path: &str, body: Bytes) -> Request<Full<Bytes>> {
        let method = if body.is_empty() { "GET" } else { "POST" };
        let builder = Request::builder().method(method);
        let builder = match self.http2 {
            true => builder.uri(format!("https://{}{path}", self.name)),
            false => builder.uri(path).header("host", self.name),
        };
        builder.body(Full::new(body)).unwrap()
    }

    pub(crate) async fn ask(&self, request: Request<Full<Bytes>>) -> Result<Seen, Error> {
        match &self.tls {
            None => self.ask_on(TcpStream::connect(self.address).await?, request).await,
            Some(_) => self.ask_on(self.handshake().await?, request).await,
        }
    }

    /// The certificate that is shown.
    pub(crate) async fn certificate(&self) -> Result<CertificateDer<'static>, Error> {
        let stream = self.handshake().await?;
        let shown = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
        Ok(shown.into_owned())
    }

    pub(crate) async fn handshake(&self) -> Result<TlsStream<TcpStream>, Error> {
        let mut config = (**self.tls.as_ref().unwrap()).clone();
        config.alpn_protocols = vec![if self.http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from(self.name)?;
        Ok(TlsConnector::from(Arc::new(config)).connect(name, stream).await?)
    }

    async fn ask_on(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        request: Request<Full<Bytes>>,
    ) -> Result<Seen, Error> {
        let io = TokioIo::new(stream);
        let response = if self.http2 {
            let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
            tokio::spawn(connection);
            sender.send_request(request).await?
        } else {
            let (mut sender, connection) = http1::handshake(io).await?;
            tokio::spawn(connection);
            sender.send_request(request).await?
        };
        Ok(read(response).await)
    }
}

async fn read(response: Response<Incoming>) -> Seen {
    let (parts, mut incoming) = response.into_parts();
    let (mut body, mut trailers, mut broken) = (Vec::new(), None, None);
    while let Some(frame) = incoming.frame().await {
        match frame.map(|frame| frame.into_data()) {
            Ok(Ok(data)) => body.extend_from_slice(&data),
            Ok(Err(frame)) => trailers = frame.into_trailers().ok(),
            Err(error) => {
                broken = Some(error);
                break;
            }
        }
    }
    let (status, headers, version) = (parts.status.as_u16(), parts.headers, parts.version);
    Seen { status, headers, trailers, version, body: body.into(), broken }
}
