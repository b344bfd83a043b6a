//! What scanners of TLS servers say. Ignored by itself, since it needs sslscan and sslyze; `tests/run --all` installs and
//! runs them.

use std::process::Command;

use cofferdam::app::{AppSettings, Service};

use crate::support::{Application, Authority, Speaks, front, proxy::tcp, settings, start};

/// Its Python, with sslyze, as `tests/run --all` installs it.
const SSLYZE: &str = "target/venv/tls/bin/sslyze";

/// Versions that sslscan tries, and whether they are spoken.
const VERSIONS: [(&str, bool); 6] =
    [("SSLv2", false), ("SSLv3", false), ("TLSv1.0", false), ("TLSv1.1", false), ("TLSv1.2", true), ("TLSv1.3", true)];

async fn served() -> (Application, Service) {
    let authority = Authority::new();
    let application = Application::start(Speaks::Http1).await;
    let service = start(AppSettings { tls: Some(front(&authority)), ..settings(application.address) });
    (application, service)
}

/// What a scanner writes about the service.
fn scanned(service: &Service, program: &str, arguments: &[&str]) -> String {
    let address = tcp(service.listening_tls.as_ref().unwrap()).to_string();
    let output = Command::new(program)
        .args(arguments)
        .arg(address)
        .output()
        .unwrap_or_else(|error| panic!("{error}: {program} is missing; tests/run --all installs it"));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
#[ignore = "needs sslscan: tests/run --all"]
async fn sslscan_finds_nothing_but_tls_1_2_and_1_3_with_forward_secrecy() {
    let (_application, service) = served().await;
    let said = scanned(&service, "sslscan", &["--no-colour"]);
    for (version, spoken) in VERSIONS {
        let line = format!("{version:9} {}\n", if spoken { "enabled" } else { "disabled" });
        assert!(said.contains(&line), "{line} is not in\n{said}");
    }
    let suites = said.lines().filter(|line| line.starts_with("Accepted") || line.starts_with("Preferred"));
    let suites: Vec<&str> = suites.collect();
    assert!(suites.len() >= 6, "{said}");
    assert!(suites.iter().all(|line| line.contains("TLS_") || line.contains("ECDHE-")), "{suites:?}");
    assert!(!said.lines().any(|line| line.contains("vulnerable") && !line.contains("not vulnerable")), "{said}");
}

/// What it says of the certificate, which was made for the test: nobody vouches for it, and it is valid for too long.
const OF_THE_CERTIFICATE: [&str; 2] = ["* certificate_path_validation", "* maximum_certificate_lifespan"];

#[tokio::test]
#[ignore = "needs sslyze: tests/run --all"]
async fn sslyze_finds_the_intermediate_profile_of_mozilla_kept() {
    let (_application, service) = served().await;
    let said = scanned(&service, SSLYZE, &["--mozilla_config=intermediate"]);
    assert!(!said.contains("Error when running"), "{said}");
    let (_, compliance) = said.split_once("COMPLIANCE AGAINST TLS CONFIGURATION").unwrap();
    let faults = compliance.lines().map(str::trim).filter(|line| line.starts_with('*'));
    let (expected, faults): (Vec<&str>, Vec<&str>) =
        faults.partition(|fault| OF_THE_CERTIFICATE.iter().any(|name| fault.starts_with(name)));
    assert_eq!(expected.len(), OF_THE_CERTIFICATE.len(), "{said}");
    assert!(faults.is_empty(), "{compliance}");
}
