//! Sessions that frameworks sign with keys from the web are told to the operator.

use std::time::Duration;

use super::support::{Application, Canaries, Deployment, Proxy, Visitor};

/// What finding one may cost the thread in the background, in an optimised build.
const BACKGROUND_MAX: Duration = Duration::from_millis(50);

/// The cookie reaches the visitor, and the log names it and its framework, and neither key nor value.
fn reported(deployment: &Deployment, cookie: &str, framework: &str) {
    let application = Application::start(deployment, &Canaries::random());
    let proxy = Proxy::measured(application.address);
    let answer = Visitor::of(proxy.address).log_in();
    let set = answer.all("set-cookie").find_map(|set| set.strip_prefix(cookie)?.strip_prefix('='));
    let value = set.expect("the login sets the cookie").split(';').next().unwrap_or_default();
    let line = proxy.logged(&format!("weak-key-{framework}"));
    assert!(line.contains(&format!("`{cookie}` (")) && line.contains("high") && line.contains("/login"), "{line}");
    let (_, key) = deployment.environment[0];
    assert!(!line.contains(value) && !line.contains(key), "the line shows what it must not");
    let spent = proxy.thread_time("weak-keys");
    println!("{cookie} of {framework}: {spent:?} of background work");
    assert!(spent < BACKGROUND_MAX, "{spent:?}");
}

const FLASK: Deployment = Deployment {
    sources: &["python/flask_app.py"],
    node_modules: None,
    command: &["{target}/venv/python/bin/python", "flask_app.py"],
    environment: &[("LEDGER_SIGNING_KEY", "my-super-secret-key")],
};

#[test]
fn a_session_of_flask_by_a_known_key_is_told_and_costs_less_than_50_ms() {
    reported(&FLASK, "session", "flask");
}

#[test]
fn a_session_of_django_by_a_known_key_is_told_and_costs_less_than_50_ms() {
    let command = &["{target}/venv/python/bin/python", "django_app.py"];
    reported(&Deployment { sources: &["python/django_app.py"], command, ..FLASK }, "sessionid", "django");
}

#[test]
fn a_cookie_of_express_by_a_known_key_is_told_and_costs_less_than_50_ms() {
    let deployment = Deployment {
        sources: &["express_app.js"],
        node_modules: Some("npm/node"),
        command: &["node", "express_app.js"],
        ..FLASK
    };
    reported(&deployment, "tenant", "express");
}

#[test]
fn a_session_of_egg_by_a_known_key_is_told_and_costs_less_than_50_ms() {
    let deployment = Deployment {
        sources: &["egg/package.json", "egg/server.js", "egg/app", "egg/config"],
        node_modules: Some("npm/egg-3"),
        command: &["node", "server.js"],
        environment: &[("LEDGER_SIGNING_KEY", "my-super-secret-key"), ("EGG_SERVER_ENV", "prod")],
    };
    reported(&deployment, "EGG_SESS", "egg");
}
