//! Audits of real frameworks in their careless configuration, by themselves and behind the preset of helmet.

use std::{net::SocketAddr, process::Command};

use serde_json::Value;

use super::support::{Application, Canaries, Deployment, Proxy};

/// The exit code of an audit of the first page, and the report.
fn audited(address: SocketAddr) -> (Option<i32>, Value) {
    let url = format!("http://{address}/");
    let audit = Command::new(env!("CARGO_BIN_EXE_cofferdam"))
        .args(["audit", &url, "--format", "json", "--fail-under", "A"])
        .output()
        .expect("the binary starts");
    let report = serde_json::from_slice(&audit.stdout);
    (audit.status.code(), report.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&audit.stderr))))
}

/// By itself it fails, among others for these findings; behind the preset it gets an A.
fn fails_alone_and_passes_behind(deployment: &Deployment, wanted: &[(&str, &str)]) {
    let application = Application::start(deployment, &Canaries::random());
    let (exit, report) = audited(application.address);
    assert_eq!((exit, &report["grade"]), (Some(1), &"F".into()), "{report:#}");
    let findings = report["findings"].as_array().expect("there are findings");
    for (id, subject) in wanted {
        assert!(findings.iter().any(|it| it["id"] == *id && it["subject"] == *subject), "{id} {subject}: {report:#}");
    }
    let proxy = Proxy::start(application.address, &["--preset", "helmet"]);
    let (exit, report) = audited(proxy.address);
    assert_eq!((exit, &report["grade"]), (Some(0), &"A".into()), "{report:#}");
}

const FLASK: Deployment = Deployment {
    sources: &["python/flask_app.py"],
    node_modules: None,
    command: &["{target}/venv/python/bin/python", "flask_app.py"],
    environment: &[("LEDGER_DEBUG", "1")],
};

#[test]
fn flask_with_its_debugger_gets_an_f_and_an_a_behind_the_preset() {
    let wanted = [
        ("debug-endpoint", "werkzeug-console"),
        ("debug-endpoint", "werkzeug-debugger"),
        ("development-server", "Werkzeug's development server"),
    ];
    fails_alone_and_passes_behind(&FLASK, &wanted);
    let older = Deployment { command: &["{target}/venv/python-werkzeug-2/bin/python", "flask_app.py"], ..FLASK };
    fails_alone_and_passes_behind(&older, &wanted);
}

#[test]
fn django_in_debug_mode_leaks_and_gets_an_a_behind_the_preset() {
    let django = Deployment {
        sources: &["python/django_app.py"],
        command: &["{target}/venv/python/bin/python", "django_app.py"],
        ..FLASK
    };
    let application = Application::start(&django, &Canaries::random());
    let (_, report) = audited(application.address);
    let leak = report["findings"].as_array().and_then(|found| found.iter().find(|finding| finding["id"] == "leak"));
    let on = leak.map(|leak| leak["on"].to_string()).unwrap_or_default();
    assert!(on.contains("/cofferdam-audit-"), "its page for what does not exist lists its URLs: {report:#}");
    let proxy = Proxy::start(application.address, &["--preset", "helmet"]);
    assert_eq!(audited(proxy.address).1["grade"], "A");
}
