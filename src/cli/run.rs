//! `cofferdam run`: the proxy in front of an application.

use super::{Exit, Failure, Terminal, arguments::Settings};
use crate::config::{ConfigError, Environment, Loaded, Origin};

pub(super) fn run(settings: &Settings, environment: Environment, terminal: &mut Terminal<'_>) -> Result<Exit, Failure> {
    let loaded = settings.load(environment)?;
    if loaded.config.upstream.url.is_none() {
        return Err(no_upstream(&loaded).into());
    }
    serve(settings, loaded, terminal)
}

/// Serves until told to stop. `settings` loads the configuration again when it is to be read anew.
fn serve(_settings: &Settings, _loaded: Loaded, _terminal: &mut Terminal<'_>) -> Result<Exit, Failure> {
    Err(anyhow::anyhow!("this build has no server").into())
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
