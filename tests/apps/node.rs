//! Egg in two major versions, Express, Koa and Next.js.

use super::support::Plant::{Customer, Password, Session, Source};
use super::support::{Deployment, Page, contained, hardened_session, unchanged, unchanged_while_observing};

const EGG_3_LOCAL: Deployment = Deployment {
    sources: &["egg/package.json", "egg/server.js", "egg/app", "egg/config"],
    node_modules: Some("npm/egg-3"),
    command: &["node", "server.js"],
    environment: &[("EGG_SERVER_ENV", "local")],
};

const EGG_2_LOCAL: Deployment = Deployment { node_modules: Some("npm/egg-2"), ..EGG_3_LOCAL };

const EGG_3: Deployment =
    Deployment { environment: &[("EGG_SERVER_ENV", "prod"), ("NODE_ENV", "production")], ..EGG_3_LOCAL };

const EGG_2: Deployment = Deployment { node_modules: Some("npm/egg-2"), ..EGG_3 };

const EGG_PAGES: [Page; 7] = [
    Page::healthy("/"),
    Page::healthy("/api/health"),
    Page::healthy("/api/missing"),
    Page::leaking("/settle", &[Source, Password, Customer]),
    Page::leaking("/session", &[Session]),
    Page::leaking("/environment", &[Password, Session, Customer]),
    Page::leaking("/api/settle", &[Password, Customer]),
];

const EGG_PRODUCTION_PATHS: [&str; 6] = ["/", "/api/health", "/api/missing", "/settle", "/session", "/no-such-page"];

#[test]
fn egg_3_in_the_local_environment_is_contained() {
    contained(&EGG_3_LOCAL, &EGG_PAGES);
}

#[test]
fn egg_2_in_the_local_environment_is_contained() {
    contained(&EGG_2_LOCAL, &EGG_PAGES);
}

#[test]
fn egg_3_in_production_is_unchanged() {
    unchanged(&EGG_3, &EGG_PRODUCTION_PATHS);
}

#[test]
fn egg_2_in_production_is_unchanged() {
    unchanged(&EGG_2, &EGG_PRODUCTION_PATHS);
}

#[test]
fn egg_3_in_the_local_environment_is_unchanged_while_the_proxy_observes() {
    // Not the error page itself: it shows the fields of the request, and those of a proxy's differ.
    unchanged_while_observing(&EGG_3_LOCAL, &["/", "/environment", "/api/settle"]);
}

#[test]
fn the_session_cookie_of_egg_is_hardened() {
    hardened_session(&EGG_3);
}

const EXPRESS_DEVELOPMENT: Deployment = Deployment {
    sources: &["express_app.js"],
    node_modules: Some("npm/node"),
    command: &["node", "express_app.js"],
    environment: &[],
};

const EXPRESS: Deployment = Deployment { environment: &[("NODE_ENV", "production")], ..EXPRESS_DEVELOPMENT };

#[test]
fn express_in_development_is_contained() {
    let pages = [
        Page::healthy("/"),
        Page::healthy("/api/health"),
        Page::healthy("/api/missing"),
        Page::leaking("/settle", &[Password, Customer]),
        Page::leaking("/api/settle", &[Password, Customer]),
        Page::leaking("/environment", &[Password, Session, Customer]),
    ];
    contained(&EXPRESS_DEVELOPMENT, &pages);
}

#[test]
fn express_in_production_is_unchanged() {
    unchanged(&EXPRESS, &["/", "/api/health", "/api/missing", "/settle", "/no-such-page"]);
}

const KOA_DEVELOPMENT: Deployment =
    Deployment { sources: &["koa_app.js"], command: &["node", "koa_app.js"], ..EXPRESS_DEVELOPMENT };

const KOA: Deployment = Deployment { environment: &[("NODE_ENV", "production")], ..KOA_DEVELOPMENT };

#[test]
fn koa_with_its_error_page_is_contained() {
    let pages = [
        Page::healthy("/"),
        Page::healthy("/api/health"),
        Page::leaking("/settle", &[Password]),
        Page::leaking("/environment", &[Password, Session, Customer]),
    ];
    contained(&KOA_DEVELOPMENT, &pages);
}

#[test]
fn koa_in_production_is_unchanged() {
    unchanged(&KOA, &["/", "/api/health", "/settle", "/no-such-page"]);
}

const NEXT_DEVELOPMENT: Deployment = Deployment {
    sources: &["next/package.json", "next/next.config.js", "next/pages"],
    node_modules: Some("npm/next"),
    command: &["sh", "-c", "exec node_modules/.bin/next dev --hostname 127.0.0.1 --port {port}"],
    environment: &[("NEXT_TELEMETRY_DISABLED", "1")],
};

const NEXT: Deployment = Deployment {
    command: &[
        "sh",
        "-c",
        "node_modules/.bin/next build && exec node_modules/.bin/next start --hostname 127.0.0.1 --port {port}",
    ],
    ..NEXT_DEVELOPMENT
};

#[test]
#[ignore = "needs a third of a gigabyte of packages: tests/run --all"]
fn next_in_development_is_contained() {
    let pages = [
        Page::healthy("/"),
        Page::healthy("/api/health"),
        Page::leaking("/settle", &[Password, Customer]),
        Page::leaking("/api/settle", &[Password, Customer]),
    ];
    contained(&NEXT_DEVELOPMENT, &pages);
}

#[test]
#[ignore = "needs a third of a gigabyte of packages: tests/run --all"]
fn next_in_production_is_unchanged() {
    unchanged(&NEXT, &["/", "/api/health", "/settle", "/no-such-page"]);
}
