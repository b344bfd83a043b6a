//! `cofferdam audit` over TLS.

use std::{ffi::OsString, path::PathBuf};

use cofferdam::{
    cli::{Exit, Terminal, main},
    config::Environment,
};
use serde_json::Value;

use crate::support::{Application, Authority, Speaks, front, proxy::tcp, settings, start};

/// Runs a runtime of its own, which the test's does not allow on its thread.
async fn audited(port: u16, authority: Option<PathBuf>) -> (Exit, String, String) {
    let audit = move || {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut arguments = vec!["cofferdam".into(), "audit".into(), format!("https://localhost:{port}/")];
        arguments.extend(["--no-probes".to_owned(), "--format=json".to_owned()]);
        arguments.extend(authority.map(|path| format!("--ca={}", path.display())));
        let terminal = Terminal { input: &mut std::io::empty(), out: &mut out, err: &mut err };
        let exit = main(arguments.into_iter().map(OsString::from), Environment::default(), terminal);
        (exit, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    };
    tokio::task::spawn_blocking(audit).await.unwrap()
}

fn lacks_transport_security(report: &str) -> bool {
    let report: Value = serde_json::from_str(report).unwrap();
    report["findings"].as_array().unwrap().iter().any(|finding| finding["id"] == "strict-transport-security")
}

#[tokio::test]
async fn strict_transport_security_is_looked_for_over_tls() {
    let authority = Authority::new();
    let bare = Application::start(Speaks::tls(&authority, &[b"http/1.1"], false)).await;
    let (_, report, err) = audited(bare.address.port(), Some(authority.file())).await;
    assert!(lacks_transport_security(&report), "{report}{err}");

    let application = Application::start(Speaks::Http1).await;
    let mut settings = settings(application.address);
    settings.tls = Some(front(&authority));
    let service = start(settings);
    let port = tcp(service.listening_tls.as_ref().unwrap()).port();
    let (_, report, err) = audited(port, Some(authority.file())).await;
    assert!(!lacks_transport_security(&report), "{report}{err}");
}

#[tokio::test]
async fn a_certificate_that_is_not_to_be_trusted_is_not_graded() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let application = Application::start(Speaks::tls(&authority, &[b"http/1.1"], false)).await;
    let (exit, out, err) = audited(application.address.port(), Some(stranger.file())).await;
    assert_eq!((exit, out.as_str()), (Exit::Usage, ""), "{err}");
    let (exit, _, err) = audited(application.address.port(), Some("/nowhere/ca.pem".into())).await;
    assert!(exit == Exit::Usage && err.contains("flag --ca"), "{err}");
}
