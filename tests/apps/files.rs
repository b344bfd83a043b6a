//! A static server that was pointed at the application's own folder.

use super::support::Plant::{Config, Password};
use super::support::{Application, Canaries, Deployment, Form, Page, Proxy, Visitor, contained};

const STATIC_SERVER: Deployment = Deployment {
    sources: &["exposed_files.py"],
    node_modules: None,
    command: &["python3", "exposed_files.py"],
    environment: &[],
};

const fn configured(path: &'static str) -> Page {
    Page::leaking(path, &[Config])
}

const fn connected(path: &'static str) -> Page {
    Page::leaking(path, &[Password])
}

#[test]
fn exposed_files_are_contained_under_their_names() {
    let pages = [
        Page::healthy("/"),
        Page::healthy("/style.css"),
        Page::leaking("/.env", &[Config, Password]),
        configured("/.git/config"),
        connected("/config/database.yml"),
        configured("/config/secrets.yml"),
        Page::leaking("/wp-config.php", &[Config, Password]),
        configured("/kubeconfig"),
        connected("/terraform.tfstate"),
        configured("/.ssh/id_rsa"),
        configured("/dump.sql"),
        configured("/app.py"),
        configured("/server.js"),
        connected("/index.php.bak"),
        connected("/appsettings.json"),
        connected("/application.properties"),
        configured("/.aws/credentials"),
        configured("/.npmrc"),
        configured("/.htpasswd"),
    ];
    contained(&STATIC_SERVER, &pages);
}

#[test]
fn exposed_files_are_contained_under_any_name() {
    let pages = [
        Page::leaking("/numbered/0", &[Config, Password]),
        configured("/numbered/1"),
        connected("/numbered/2"),
        configured("/numbered/3"),
        Page::leaking("/numbered/4", &[Config, Password]),
        configured("/numbered/5"),
        connected("/numbered/6"),
        configured("/numbered/7"),
        configured("/numbered/8"),
        configured("/numbered/9"),
        configured("/numbered/10"),
        connected("/numbered/11"),
        connected("/numbered/12"),
        connected("/numbered/13"),
        configured("/numbered/14"),
        configured("/numbered/15"),
        configured("/numbered/16"),
    ];
    contained(&STATIC_SERVER, &pages);
}

#[test]
fn the_log_names_the_row_that_refuses_a_debug_endpoint_and_with_it_the_row_is_disabled() {
    let application = Application::start(&STATIC_SERVER, &Canaries::random());
    let ask = |proxy: &Proxy| Visitor::of(proxy.address).get("/?__debugger__=yes&cmd=hunter2", Form::Page).status;
    let proxy = Proxy::start(application.address, &[]);
    assert_eq!(ask(&proxy), 404);
    let line = proxy.logged("the guard objects to a request");
    assert!(line.contains("endpoint=\"werkzeug-debugger\"") && !line.contains("hunter2"), "{line}");
    let disabled = ["--set", "guard.endpoints.disabled=[\"werkzeug-debugger\"]"];
    assert_eq!(ask(&Proxy::start(application.address, &disabled)), 200);
}
