//! The side of the clients: handshakes, certificates, the way from HTTP to TLS.

use cofferdam::{
    app::{AppSettings, Service},
    server::{ClientCertificates, TlsFiles, TlsIdentity, TlsSettings},
};
use http::Version;

use crate::support::{Application, Authority, Speaks, Visitor, front, proxy::anywhere, settings, start};

async fn proxied(tls: TlsSettings) -> (Application, Service) {
    let application = Application::start(Speaks::Http1).await;
    let service = start(AppSettings { tls: Some(tls), ..settings(application.address) });
    (application, service)
}

fn identified(files: TlsFiles) -> TlsSettings {
    TlsSettings { listen: anywhere(), redirect_from: None, identity: TlsIdentity::load(files).unwrap() }
}

#[tokio::test]
async fn pages_come_by_every_version_of_http_and_tls_and_browsers_are_told_to_stay() {
    let authority = Authority::new();
    let (_application, service) = proxied(front(&authority)).await;
    for version in rustls::ALL_VERSIONS {
        let visitor = Visitor::with(&service, &authority.roots(), None, &[version]);
        for (visitor, http) in [(visitor.clone(), Version::HTTP_11), (visitor.http2(), Version::HTTP_2)] {
            let seen = visitor.get("/").await.unwrap();
            assert_eq!((seen.status, &seen.body[..], seen.version), (200, &b"All is well."[..], http));
            assert_eq!(seen.headers["strict-transport-security"], "max-age=31536000");
        }
    }
    let plain = Visitor::plain(&service).get("/").await.unwrap();
    assert!(!plain.headers.contains_key("strict-transport-security"));
}

#[tokio::test]
async fn the_application_is_told_that_clients_came_by_tls() {
    let authority = Authority::new();
    let (_application, service) = proxied(front(&authority)).await;
    let visitor = Visitor::tls(&service, &authority.roots());
    for visitor in [visitor.clone(), visitor.http2()] {
        let seen = visitor.get("/mirror").await.unwrap();
        let said = String::from_utf8(seen.body.to_vec()).unwrap();
        assert!(said.starts_with("GET /mirror HTTP/1.1\n"), "{said}");
        for line in ["host: localhost\n", "x-forwarded-proto: https\n", "x-forwarded-port: 443\n"] {
            assert!(said.contains(line), "{line} of {said}");
        }
    }
}

#[tokio::test]
async fn the_certificate_shown_covers_the_name_asked_for_or_is_the_first() {
    let authority = Authority::new();
    let first = authority.sign("first", &["localhost", "first.example"]);
    let second = authority.sign("second", &["*.second.example"]);
    let files = TlsFiles { certificates: vec![first, second], clients: ClientCertificates::Unasked };
    let (_application, service) = proxied(identified(files)).await;
    let mut visitor = Visitor::tls(&service, &authority.roots());
    let first = visitor.certificate().await.unwrap();
    visitor.name = "first.example";
    assert_eq!(visitor.certificate().await.unwrap(), first);
    visitor.name = "www.second.example";
    assert_ne!(visitor.certificate().await.unwrap(), first);
    visitor.name = "third.example";
    assert!(visitor.certificate().await.is_err(), "the first certificate is not one for it");
}

#[tokio::test]
async fn new_certificates_are_shown_without_a_restart_and_unusable_ones_never() {
    let authority = Authority::new();
    let (_application, service) = proxied(front(&authority)).await;
    let visitor = Visitor::tls(&service, &authority.roots());
    let before = visitor.certificate().await.unwrap();
    authority.sign("server", &["localhost"]);
    assert_eq!(visitor.certificate().await.unwrap(), before);
    service.renew_tls();
    let after = visitor.certificate().await.unwrap();
    assert_ne!(after, before);
    authority.write("server.key", "-----BEGIN PRIVATE KEY-----\nbroken\n");
    service.renew_tls();
    assert_eq!(visitor.certificate().await.unwrap(), after);
    let metrics = String::from_utf8(service.metrics().render().unwrap()).unwrap();
    assert!(metrics.contains("cofferdam_tls_reloads_total{result=\"refused\"} 1"));
}

#[tokio::test]
async fn where_certificates_are_required_nobody_comes_without() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    for (required, nobody_comes) in [(true, false), (false, true)] {
        let path = authority.file();
        let clients = if required { ClientCertificates::Required(path) } else { ClientCertificates::Optional(path) };
        let files = TlsFiles { certificates: vec![authority.sign("server", &["localhost"])], clients };
        let (_application, service) = proxied(identified(files)).await;
        let comes = async |identity| {
            let visitor = Visitor::with(&service, &authority.roots(), identity, rustls::ALL_VERSIONS);
            visitor.get("/").await.is_ok_and(|seen| seen.status == 200)
        };
        assert!(comes(Some(authority.identity(&["client"]))).await);
        assert!(!comes(Some(stranger.identity(&["client"]))).await);
        assert_eq!(comes(None).await, nobody_comes);
    }
}

#[tokio::test]
async fn who_comes_without_tls_is_sent_to_the_same_place_by_tls() {
    let authority = Authority::new();
    let (_application, service) = proxied(front(&authority)).await;
    let port = crate::support::proxy::tcp(service.listening_tls.as_ref().unwrap()).port();
    let seen = Visitor::redirected(&service).get("/a?b=c").await.unwrap();
    assert_eq!(seen.status, 308);
    assert_eq!(seen.headers["location"], format!("https://localhost:{port}/a?b=c"));
}

#[tokio::test]
async fn without_tls_http2_is_spoken_where_it_is_switched_on() {
    let application = Application::start(Speaks::Http1).await;
    let mut settings = settings(application.address);
    settings.connections.h2c = true;
    let service = start(settings.clone());
    let visitor = Visitor::plain(&service);
    assert_eq!(visitor.get("/").await.unwrap().version, Version::HTTP_11);
    assert_eq!(visitor.http2().get("/").await.unwrap().version, Version::HTTP_2);
    settings.connections.h2c = false;
    let service = start(settings);
    assert!(Visitor::plain(&service).http2().get("/").await.is_err());
}

#[tokio::test]
async fn a_client_that_does_not_come_to_terms_is_let_go() {
    let application = Application::start(Speaks::Http1).await;
    let authority = Authority::new();
    let mut settings = AppSettings { tls: Some(front(&authority)), ..settings(application.address) };
    settings.connections.handshake_timeout = std::time::Duration::from_millis(100);
    let service = start(settings);
    let address = crate::support::proxy::tcp(service.listening_tls.as_ref().unwrap());
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let mut read = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut read).await.unwrap();
    assert!(read.is_empty());
}
