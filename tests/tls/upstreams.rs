//! The side of the application: TLS to it, and HTTP/2.

use bytes::Bytes;
use cofferdam::{
    app::{AppSettings, Service},
    server::CertificateFiles,
    upstream::{Protocol, UpstreamTls, UpstreamTlsFiles},
};

use crate::support::{Application, Authority, Speaks, Visitor, settings, start};

fn behind(application: &Application, protocol: Protocol, tls: Option<UpstreamTls>) -> Service {
    let mut settings: AppSettings = settings(application.address);
    (settings.upstream.protocol, settings.upstream.tls) = (protocol, tls);
    start(settings)
}

fn trusting(authority: &Authority, identity: Option<CertificateFiles>, protocol: Protocol) -> Option<UpstreamTls> {
    let files = UpstreamTlsFiles { authorities: Some(authority.file()), identity };
    Some(UpstreamTls::load(files, "localhost", protocol).unwrap())
}

/// What the application saw, or the status of the refusal.
async fn mirrored(service: &Service) -> Result<String, u16> {
    let visitor = Visitor::plain(service);
    let seen = visitor.ask(visitor.request("/mirror", Bytes::from_static(b"hello"))).await.unwrap();
    if seen.status == 200 { Ok(String::from_utf8(seen.body.to_vec()).unwrap()) } else { Err(seen.status) }
}

#[tokio::test]
async fn an_application_is_reached_by_tls_if_its_certificate_is_to_be_trusted() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let application = Application::start(Speaks::tls(&authority, &[b"http/1.1"], false)).await;
    let protocol = Protocol::Http1;
    let service = behind(&application, protocol, trusting(&authority, None, protocol));
    assert!(mirrored(&service).await.unwrap().starts_with("POST /mirror HTTP/1.1\n"));
    let service = behind(&application, protocol, trusting(&stranger, None, protocol));
    assert_eq!(mirrored(&service).await, Err(502));
    let files = UpstreamTlsFiles { authorities: Some(authority.file()), identity: None };
    let other_name = UpstreamTls::load(files, "other.example", protocol).unwrap();
    assert_eq!(mirrored(&behind(&application, protocol, Some(other_name))).await, Err(502));
    assert_eq!(mirrored(&behind(&application, protocol, None)).await, Err(502));
}

#[tokio::test]
async fn an_application_that_asks_for_a_certificate_is_shown_ours() {
    let authority = Authority::new();
    let application = Application::start(Speaks::tls(&authority, &[], true)).await;
    let protocol = Protocol::Http1;
    let service = behind(&application, protocol, trusting(&authority, None, protocol));
    assert_eq!(mirrored(&service).await, Err(502));
    let ours = authority.sign("ours", &["cofferdam"]);
    let service = behind(&application, protocol, trusting(&authority, Some(ours), protocol));
    assert!(mirrored(&service).await.is_ok());
}

#[tokio::test]
async fn http2_is_spoken_where_it_is_offered() {
    let authority = Authority::new();
    for (offered, protocol, wanted) in [
        (&[&b"h2"[..], b"http/1.1"][..], Protocol::Offered, Ok("POST https://localhost/mirror HTTP/2.0\n")),
        (&[b"http/1.1"], Protocol::Offered, Ok("POST /mirror HTTP/1.1\n")),
        (&[], Protocol::Offered, Ok("POST /mirror HTTP/1.1\n")),
        (&[b"h2", b"http/1.1"], Protocol::Http1, Ok("POST /mirror HTTP/1.1\n")),
        (&[b"http/1.1"], Protocol::Http2, Err(502)),
        (&[], Protocol::Http2, Err(502)),
    ] {
        let application = Application::start(Speaks::tls(&authority, offered, false)).await;
        let service = behind(&application, protocol, trusting(&authority, None, protocol));
        let said = mirrored(&service).await;
        match wanted {
            Ok(wanted) => assert!(said.as_ref().is_ok_and(|said| said.starts_with(wanted)), "{said:?}"),
            Err(status) => assert_eq!(said, Err(status)),
        }
    }
}

#[tokio::test]
async fn http2_without_tls_contains_what_http1_does() {
    let application = Application::start(Speaks::Http2).await;
    let service = behind(&application, Protocol::Http2, None);
    let said = mirrored(&service).await.unwrap();
    assert!(said.starts_with("POST http://localhost/mirror HTTP/2.0\n") && said.ends_with("\n5 bytes"), "{said}");
    assert!(!said.contains("transfer-encoding") && !said.contains("connection"), "{said}");
    let visitor = Visitor::plain(&service);
    let large = visitor.get("/large").await.unwrap();
    assert_eq!((large.body.len(), large.broken.is_none()), (1_300_000, true));
    assert!(visitor.get("/replaced").await.unwrap().headers.contains_key("incident-id"));
    assert!(visitor.get("/severed").await.unwrap().broken.is_some());
    assert_eq!(visitor.get("/").await.unwrap().status, 200);
}

#[tokio::test]
async fn new_authorities_are_trusted_without_a_restart() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let application = Application::start(Speaks::tls(&authority, &[], false)).await;
    let protocol = Protocol::Http1;
    let service = behind(&application, protocol, trusting(&stranger, None, protocol));
    assert_eq!(mirrored(&service).await, Err(502));
    stranger.write("authority.pem", &std::fs::read_to_string(authority.file()).unwrap());
    service.renew_tls();
    assert!(mirrored(&service).await.is_ok());
}
