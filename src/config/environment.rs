//! The variables of the environment as a source: `COFFERDAM_SERVER__LISTEN` sets `server.listen`.

use std::{collections::BTreeMap, fmt};

use super::{
    error::{ConfigError, Origin},
    hints,
    schema::Schema,
    source::Assignment,
};

/// The beginning of the names of variables.
const PREFIX: &str = "COFFERDAM_";

/// All variables of a process, taken as an argument so that nothing below `main` reads the real ones. Printing it
/// shows none: secrets live here.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// What the variables say about keys of the configuration.
    pub(super) fn assignments(&self, schema: &Schema) -> Result<Vec<Assignment<'_>>, ConfigError> {
        self.0
            .iter()
            .filter_map(|(name, value)| Some((name, name.strip_prefix(PREFIX)?, value)))
            .filter(|(_, rest, _)| !is_reserved(rest) && !is_service_link(rest))
            .map(|(name, rest, value)| {
                let key = key_of_variable(schema, name, rest)?;
                Ok(Assignment { origin: Origin::Environment(name.clone()), key, value })
            })
            .collect()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Environment({} variables)", self.0.len())
    }
}

/// Read by the command line, not keys.
fn is_reserved(rest: &str) -> bool {
    matches!(rest, "CONFIG" | "PRESET")
}

/// Kubernetes and Docker links set `COFFERDAM_PORT=tcp://…`, `COFFERDAM_SERVICE_HOST=…` and the like for a service
/// that is called `cofferdam`.
fn is_service_link(rest: &str) -> bool {
    let single = !rest.contains("__");
    single && (rest == "PORT" || rest == "NAME" || ["PORT_", "SERVICE_", "ENV_"].iter().any(|it| rest.starts_with(it)))
}

fn key_of_variable(schema: &Schema, name: &str, rest: &str) -> Result<Vec<String>, ConfigError> {
    rest.split("__").try_fold(Vec::new(), |mut path, segment| {
        match schema.name_of_variable(&path, segment) {
            Some(name) => path.push(name),
            None => return Err(unknown_variable(schema, name)),
        }
        Ok(path)
    })
}

fn unknown_variable(schema: &Schema, name: &str) -> ConfigError {
    ConfigError {
        what: "the variable names no key of the configuration".to_owned(),
        place: format!("env {name}"),
        hint: hints::for_variable(schema, PREFIX, name),
    }
}
