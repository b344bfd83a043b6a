//! Rails, Sinatra, PHP, Symfony, Tomcat, Mojolicious and Go, from Debian's packages.

use super::support::Plant::{Customer, Password, Session, Source};
use super::support::{Deployment, Page, contained, unchanged};

const HOME: Page = Page::healthy("/");
const HEALTH: Page = Page::healthy("/api/health");
const SETTLE: Page = Page::leaking("/settle", &[Source, Password, Customer]);

const RAILS_DEVELOPMENT: Deployment = Deployment {
    sources: &["debian/rails.ru"],
    node_modules: None,
    command: &["puma", "--quiet", "--bind=tcp://127.0.0.1:{port}", "rails.ru"],
    environment: &[("RAILS_ENV", "development")],
};

const RAILS: Deployment = Deployment { environment: &[("RAILS_ENV", "production")], ..RAILS_DEVELOPMENT };

#[test]
#[ignore = "needs Debian's packages: tests/run --all"]
fn rails_in_development_is_contained() {
    let pages = [
        HOME,
        HEALTH,
        SETTLE,
        Page::leaking("/api/settle", &[Password, Customer]),
        Page::leaking("/no-such-page", &[Source]),
    ];
    contained(&RAILS_DEVELOPMENT, &pages);
}

#[test]
#[ignore = "needs Debian's packages: tests/run --all"]
fn rails_in_production_is_unchanged() {
    unchanged(&RAILS, &["/", "/api/health", "/settle", "/no-such-page"]);
}

const SINATRA_DEVELOPMENT: Deployment = Deployment {
    sources: &["debian/sinatra.ru"],
    command: &["puma", "--quiet", "--bind=tcp://127.0.0.1:{port}", "sinatra.ru"],
    environment: &[("RACK_ENV", "development"), ("APP_ENV", "development")],
    ..RAILS_DEVELOPMENT
};

const SINATRA: Deployment =
    Deployment { environment: &[("RACK_ENV", "production"), ("APP_ENV", "production")], ..SINATRA_DEVELOPMENT };

#[test]
#[ignore = "needs Debian's packages: tests/run --all"]
fn sinatra_in_development_is_contained() {
    contained(&SINATRA_DEVELOPMENT, &[HOME, HEALTH, SETTLE]);
}

#[test]
#[ignore = "needs Debian's packages: tests/run --all"]
fn sinatra_in_production_is_unchanged() {
    unchanged(&SINATRA, &["/", "/api/health", "/settle", "/no-such-page"]);
}

const PHP_DISPLAY_ERRORS: Deployment = Deployment {
    sources: &["debian/index.php"],
    command: &[
        "php",
        "-d",
        "display_errors=1",
        "-d",
        "html_errors=1",
        "-d",
        "session.save_path=.",
        "-S",
        "127.0.0.1:{port}",
        "index.php",
    ],
    environment: &[],
    ..RAILS_DEVELOPMENT
};

const PHP: Deployment = Deployment {
    command: &["php", "-d", "display_errors=0", "-d", "session.save_path=.", "-S", "127.0.0.1:{port}", "index.php"],
    ..PHP_DISPLAY_ERRORS
};

#[test]
#[ignore = "needs Debian's packages: tests/run --all"]
fn php_that_displays_errors_is_contained() {
    let pages = [
        HOME,
        HEALTH,
        Page::leaking("/settle", &[Password, Customer]),
        Page::leaking("/session", &[Password, Session, Customer]),
        Page::leaking("/info", &[Password, Session, Customer]),
    ];
    contained(&PHP_DISPLAY_ERRORS, &pages);
}

#[test]
#[ignore = "needs Debian's packages: tests/run --all"]
fn php_that_logs_errors_is_unchanged() {
    unchanged(&PHP, &["/", "/api/health", "/settle", "/no-such-page"]);
}

const SYMFONY_DEBUG: Deployment = Deployment {
    sources: &["debian/symfony.php"],
    command: &["php", "-S", "127.0.0.1:{port}", "symfony.php"],
    environment: &[("LEDGER_DEBUG", "1")],
    ..RAILS_DEVELOPMENT
};

const SYMFONY: Deployment = Deployment { environment: &[], ..SYMFONY_DEBUG };

#[test]
#[ignore = "needs Debian's packages: tests/run --all"]
fn symfonys_exception_page_is_contained() {
    contained(&SYMFONY_DEBUG, &[HOME, SETTLE]);
}

#[test]
#[ignore = "needs Debian's packages: tests/run --all"]
fn symfonys_error_page_is_unchanged() {
    unchanged(&SYMFONY, &["/", "/settle", "/no-such-page"]);
}

const TOMCAT_REPORTS: Deployment = Deployment {
    sources: &["debian/tomcat"],
    command: &["sh", "/usr/share/tomcat10/bin/catalina.sh", "run"],
    environment: &[
        ("CATALINA_HOME", "/usr/share/tomcat10"),
        ("CATALINA_BASE", "tomcat"),
        ("CATALINA_OPTS", "-Dledger.port={port} -Dledger.errors=true"),
    ],
    ..RAILS_DEVELOPMENT
};

const TOMCAT: Deployment = Deployment {
    environment: &[
        ("CATALINA_HOME", "/usr/share/tomcat10"),
        ("CATALINA_BASE", "tomcat"),
        ("CATALINA_OPTS", "-Dledger.port={port} -Dledger.errors=false"),
    ],
    ..TOMCAT_REPORTS
};

#[test]
#[ignore = "needs Debian's packages: tests/run --all"]
fn tomcats_error_report_is_contained() {
    let pages = [Page::healthy("/index.jsp"), Page::leaking("/settle.jsp", &[Source, Password, Customer])];
    contained(&TOMCAT_REPORTS, &pages);
}

#[test]
#[ignore = "needs Debian's packages: tests/run --all"]
fn tomcat_without_reports_is_unchanged() {
    unchanged(&TOMCAT, &["/index.jsp", "/settle.jsp", "/no-such-page.jsp"]);
}

const MOJOLICIOUS_DEVELOPMENT: Deployment = Deployment {
    sources: &["debian/mojolicious.pl"],
    command: &["perl", "mojolicious.pl", "daemon", "--listen=http://127.0.0.1:{port}"],
    environment: &[("MOJO_MODE", "development")],
    ..RAILS_DEVELOPMENT
};

const MOJOLICIOUS: Deployment = Deployment { environment: &[("MOJO_MODE", "production")], ..MOJOLICIOUS_DEVELOPMENT };

#[test]
#[ignore = "needs Debian's packages: tests/run --all"]
fn mojolicious_in_development_is_contained() {
    contained(&MOJOLICIOUS_DEVELOPMENT, &[HOME, HEALTH, SETTLE]);
}

#[test]
#[ignore = "needs Debian's packages: tests/run --all"]
fn mojolicious_in_production_is_unchanged() {
    unchanged(&MOJOLICIOUS, &["/", "/api/health", "/settle", "/no-such-page"]);
}

const GO_WITH_STACKS: Deployment = Deployment {
    sources: &["debian/go"],
    command: &["go", "run", "go/main.go"],
    environment: &[("LEDGER_DEBUG", "1"), ("GOCACHE", "{target}/go"), ("GOTOOLCHAIN", "local")],
    ..RAILS_DEVELOPMENT
};

const GO: Deployment =
    Deployment { environment: &[("GOCACHE", "{target}/go"), ("GOTOOLCHAIN", "local")], ..GO_WITH_STACKS };

#[test]
#[ignore = "needs Debian's packages: tests/run --all"]
fn a_go_panic_that_shows_its_stack_is_contained() {
    contained(&GO_WITH_STACKS, &[HOME, HEALTH, Page::leaking("/settle", &[Password, Customer])]);
}

#[test]
#[ignore = "needs Debian's packages: tests/run --all"]
fn a_go_panic_that_hides_its_stack_is_unchanged() {
    unchanged(&GO, &["/", "/api/health", "/settle", "/no-such-page"]);
}
