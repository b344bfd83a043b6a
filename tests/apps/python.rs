//! Flask on two generations of Werkzeug, FastAPI and Django.

use super::support::Plant::{Config, Customer, Password, Session, Source};
use super::support::{
    Application, Canaries, Deployment, Form, Page, Proxy, Visitor, contained, hardened_session, unchanged,
    unchanged_while_observing,
};

const FLASK_2_DEBUGGER: Deployment = Deployment {
    sources: &["python/flask_app.py"],
    node_modules: None,
    command: &["{target}/venv/python-werkzeug-2/bin/python", "flask_app.py"],
    environment: &[("LEDGER_DEBUG", "1")],
};

const FLASK_3_DEBUGGER: Deployment =
    Deployment { command: &["{target}/venv/python/bin/python", "flask_app.py"], ..FLASK_2_DEBUGGER };

const FLASK_2: Deployment = Deployment { environment: &[], ..FLASK_2_DEBUGGER };

const FLASK_3_GUNICORN: Deployment = Deployment {
    command: &["{target}/venv/python/bin/gunicorn", "--bind=127.0.0.1:{port}", "--workers=1", "flask_app:app"],
    environment: &[],
    ..FLASK_2_DEBUGGER
};

const FLASK_PAGES: [Page; 10] = [
    Page::healthy("/"),
    Page::healthy("/api/health"),
    Page::healthy("/api/missing"),
    Page::healthy("/login"),
    Page::leaking("/settle", &[Source, Password, Config, Customer]),
    Page::leaking("/session", &[Session]),
    Page::leaking("/sql", &[Source]),
    Page::leaking("/environment", &[Password, Session, Customer]),
    Page::leaking("/api/settle", &[Password, Config, Customer]),
    Page::leaking("/api/settle?status=200", &[Password, Config, Customer]),
];

const FLASK_PRODUCTION_PATHS: [&str; 7] =
    ["/", "/api/health", "/api/missing", "/login", "/settle", "/sql", "/no-such-page"];

#[test]
fn flask_with_the_debugger_of_werkzeug_2_is_contained() {
    contained(&FLASK_2_DEBUGGER, &FLASK_PAGES);
}

#[test]
fn flask_with_the_debugger_of_werkzeug_3_is_contained() {
    contained(&FLASK_3_DEBUGGER, &FLASK_PAGES);
}

#[test]
fn flask_2_without_the_debugger_is_unchanged() {
    unchanged(&FLASK_2, &FLASK_PRODUCTION_PATHS);
}

#[test]
fn flask_3_under_gunicorn_is_unchanged() {
    unchanged(&FLASK_3_GUNICORN, &FLASK_PRODUCTION_PATHS);
}

#[test]
fn flask_with_its_debugger_is_unchanged_while_the_proxy_observes() {
    let paths = ["/", "/settle", "/sql", "/environment", "/api/settle", "/api/settle?status=200", "/console"];
    unchanged_while_observing(&FLASK_3_DEBUGGER, &paths);
}

#[test]
fn the_session_cookie_of_flask_is_hardened() {
    hardened_session(&FLASK_3_GUNICORN);
}

#[test]
fn the_console_of_werkzeug_is_out_of_reach() {
    for deployment in [FLASK_2_DEBUGGER, FLASK_3_DEBUGGER] {
        let application = Application::start(&deployment, &Canaries::random());
        let proxy = Proxy::start(application.address, &[]);
        let secret = debugger_secret(&Visitor::of(application.address));
        for form in Form::ALL {
            let answer = Visitor::of(proxy.address).get("/console", form).text();
            assert!(!answer.contains(&secret) && !answer.contains("Console"), "{form:?}: {answer}");
        }
        let command = format!("/?__debugger__=yes&cmd=printpin&s={secret}");
        let answer = Visitor::of(proxy.address).get(&command, Form::Page);
        assert!((400..500).contains(&answer.status), "a debugger command was answered {}", answer.status);
    }
}

/// The key of the debugger's commands, which the console page itself shows.
fn debugger_secret(visitor: &Visitor) -> String {
    let page = visitor.get("/console", Form::Page).text();
    let (_, rest) = page.split_once("SECRET = \"").expect("the console shows its secret");
    rest.split('"').next().expect("the secret ends").to_owned()
}

const FASTAPI_DEBUG: Deployment = Deployment {
    sources: &["python/fastapi_app.py"],
    command: &["{target}/venv/python/bin/python", "fastapi_app.py"],
    ..FLASK_2_DEBUGGER
};

const FASTAPI: Deployment = Deployment { environment: &[], ..FASTAPI_DEBUG };

#[test]
fn fastapi_in_debug_mode_is_contained() {
    let pages = [
        Page::healthy("/"),
        Page::healthy("/api/health"),
        Page::healthy("/api/account/seven"),
        Page::healthy("/openapi.json"),
        Page::leaking("/settle", &[Source, Password, Customer]),
        Page::leaking("/api/settle", &[Password, Customer]),
    ];
    contained(&FASTAPI_DEBUG, &pages);
}

#[test]
fn fastapi_in_production_is_unchanged() {
    unchanged(&FASTAPI, &["/", "/api/health", "/api/account/seven", "/docs", "/openapi.json", "/settle", "/none"]);
}

const DJANGO_DEBUG: Deployment = Deployment {
    sources: &["python/django_app.py"],
    command: &["{target}/venv/python/bin/python", "django_app.py"],
    ..FLASK_2_DEBUGGER
};

const DJANGO_GUNICORN: Deployment = Deployment {
    command: &["{target}/venv/python/bin/gunicorn", "--bind=127.0.0.1:{port}", "--workers=1", "django_app"],
    environment: &[],
    ..DJANGO_DEBUG
};

#[test]
fn django_in_debug_mode_is_contained() {
    let pages = [
        Page::healthy("/"),
        Page::healthy("/api/health"),
        Page::leaking("/settle", &[Source, Password, Config, Session, Customer]),
        Page::leaking("/sql", &[Source]),
        Page::leaking("/api/settle", &[Customer]),
        Page::leaking("/no-such-page", &[Source]),
    ];
    contained(&DJANGO_DEBUG, &pages);
}

#[test]
fn django_under_gunicorn_is_unchanged() {
    unchanged(&DJANGO_GUNICORN, &["/", "/api/health", "/settle", "/sql", "/no-such-page"]);
}
