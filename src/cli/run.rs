//! `cofferdam run`: the proxy in front of an application.

use std::io;

use super::{Exit, Failure, Terminal, arguments::Settings, service};
use crate::{
    app::{self, Reload, Service, Watched},
    config::{ConfigError, Environment, Loaded, Origin},
};

pub(super) fn run(settings: &Settings, environment: Environment, terminal: &mut Terminal<'_>) -> Result<Exit, Failure> {
    // Before anything is read, so that no change is missed.
    let (again, variables) = (settings.clone(), environment.clone());
    let list = move || Some(service::watched(again.files.file(&variables), &again.load(variables.clone()).ok()?));
    let watched = Watched::new(list);
    let loaded = settings.load(environment.clone())?;
    let Some(upstream) = &loaded.config.upstream.url else { return Err(no_upstream(&loaded).into()) };
    let compiled = service::settings(&loaded, upstream)?;
    let log = compiled.log.clone();
    let rates = service::rates(&loaded)?;
    let service = app::start(compiled, service::engine(&loaded, &rates)?, io::stderr())?;
    service.install_log(&log)?;
    announce(&service, terminal)?;
    let settings = settings.clone();
    let load = move || Ok(service::engine(&settings.load(environment.clone())?, &rates)?);
    service.run(Reload { load: Box::new(load), watched })?;
    Ok(Exit::Ok)
}

/// Says where clients and the operator can connect, one address a line.
fn announce(service: &Service, terminal: &mut Terminal<'_>) -> anyhow::Result<()> {
    for address in &service.listening {
        writeln!(terminal.out, "listening on {address}")?;
    }
    if let Some(address) = &service.listening_tls {
        writeln!(terminal.out, "listening for TLS on {address}")?;
    }
    if let Some(address) = &service.redirecting {
        writeln!(terminal.out, "sending to TLS from {address}")?;
    }
    if let Some(address) = &service.admin {
        writeln!(terminal.out, "metrics and health on {address}")?;
    }
    Ok(terminal.out.flush()?)
}

fn no_upstream(loaded: &Loaded) -> ConfigError {
    let origin = loaded.origin(&["upstream".to_owned(), "url".to_owned()]);
    ConfigError {
        what: "there is no application to put the proxy in front of".to_owned(),
        place: match origin {
            Origin::Default => "upstream.url".to_owned(),
            origin => format!("{origin}: upstream.url"),
        },
        hint: "say where it is: --upstream http://127.0.0.1:5000; or see `cofferdam demo`".to_owned(),
    }
}
