//! Development servers behind the proxy.

use std::sync::Arc;

use cofferdam::{policy::Shield, response::DevelopmentServers};

use crate::support::{
    cofferdam::Cofferdam,
    origin::{Origin, answer},
};

fn counted(server_field: &str) -> String {
    let origin = Origin::saying(answer("200 OK", server_field, "hello"));
    let proxy = Cofferdam::with(&origin, |_, route| {
        route.shield = Some(Arc::new(Shield::new(DevelopmentServers::embedded().unwrap())));
    });
    let mut client = proxy.client();
    for _ in 0..3 {
        assert_eq!(client.get("/").text(), "hello");
    }
    proxy.stop()
}

#[test]
fn a_development_server_is_reported_once_per_route() {
    let counts = counted("Server: Werkzeug/3.1.3 Python/3.13.5\r\n");
    let line = r#"cofferdam_development_servers_total{route="default",server="werkzeug"} 1"#;
    assert!(counts.contains(line), "{counts}");
}

#[test]
fn a_server_for_production_is_not_reported() {
    assert!(!counted("Server: gunicorn\r\n").contains("cofferdam_development_servers_total{"));
}
