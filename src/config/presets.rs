//! The built-in presets, `config/presets/*.toml`.

use super::{error::ConfigError, hints};

/// Name and text of each, in alphabetical order.
pub const PRESETS: [(&str, &str); 6] = [
    ("egg", include_str!("../../config/presets/egg.toml")),
    ("flask", include_str!("../../config/presets/flask.toml")),
    ("helmet", include_str!("../../config/presets/helmet.toml")),
    ("lockdown", include_str!("../../config/presets/lockdown.toml")),
    ("observe", include_str!("../../config/presets/observe.toml")),
    ("rails", include_str!("../../config/presets/rails.toml")),
];

/// The text of the preset called `name`.
pub(super) fn find(name: &str) -> Result<&'static str, ConfigError> {
    PRESETS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text).ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> ConfigError {
    let names = PRESETS.map(|(known, _)| known);
    let hint = match hints::nearest(name, &names) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("there are: {}", names.join(", ")),
    };
    ConfigError { what: "unknown preset".to_owned(), place: format!("preset {name}"), hint }
}
