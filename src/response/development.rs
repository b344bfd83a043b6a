//! Development servers, known by what they say of themselves in response heads. The rows are data
//! (`config/guard/servers.toml`).

use http::{HeaderMap, HeaderName};
use serde::Deserialize;

/// A development server and how it is known.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DevelopmentServer {
    /// Its name in logs and metrics.
    pub id: Box<str>,
    /// Its name for people.
    pub name: Box<str>,
    /// The response field that names it, in lower case.
    pub field: Box<str>,
    /// The first product of the field (RFC 9110 section 10.2.4), compared without case.
    pub product: Box<str>,
    /// Further text that must stand in the field, compared with case.
    #[serde(default)]
    pub contains: Box<str>,
    /// What the operator should do about it.
    pub advice: Box<str>,
}

/// The development servers that are known, in order: the first row that fits wins. Rows of one field that follow each
/// other stand together.
#[derive(Clone, Debug, Default)]
pub struct DevelopmentServers(Vec<(HeaderName, Vec<DevelopmentServer>)>);

/// What is wrong with rows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DevelopmentServerError {
    /// Not TOML, or not of the shape of rows.
    #[error("{file}: {message}")]
    Syntax {
        /// The file.
        file: Box<str>,
        /// What the reader says, with the line.
        message: Box<str>,
    },
    /// A row that could never be recognised.
    #[error("{file}: server \"{id}\": expected the name of a field and a product without blanks or slash")]
    Row {
        /// The file.
        file: Box<str>,
        /// The row.
        id: Box<str>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    server: Vec<DevelopmentServer>,
}

impl DevelopmentServers {
    /// The rows that come with the program.
    ///
    /// # Errors
    /// Never: a test reads them. The result is there so that nothing has to panic.
    pub fn embedded() -> Result<Self, DevelopmentServerError> {
        Self::parse("config/guard/servers.toml", include_str!("../../config/guard/servers.toml"))
    }

    /// Reads rows from TOML text; `file` is its name for error messages.
    ///
    /// # Errors
    /// Text that is no TOML or has not the shape of rows, and rows that could never be recognised.
    pub fn parse(file: &str, text: &str) -> Result<Self, DevelopmentServerError> {
        let syntax = |error: toml::de::Error| DevelopmentServerError::Syntax {
            file: file.into(),
            message: error.to_string().into(),
        };
        let Rows { server } = toml::from_str(text).map_err(syntax)?;
        let mut groups: Vec<(HeaderName, Vec<DevelopmentServer>)> = Vec::new();
        for row in server {
            let (field, row) = with_field(file, row)?;
            match groups.last_mut() {
                Some((last, rows)) if *last == field => rows.push(row),
                _ => groups.push((field, vec![row])),
            }
        }
        Ok(Self(groups))
    }

    /// The development server that made a response with these fields. To be asked before hardening removes them.
    pub fn recognise(&self, fields: &HeaderMap) -> Option<&DevelopmentServer> {
        self.0.iter().find_map(|(field, rows)| {
            let values = fields.get_all(field).iter().filter_map(|value| value.to_str().ok());
            let first = values.filter_map(|value| rows.iter().position(|row| row.is_named_by(value))).min()?;
            rows.get(first)
        })
    }
}

impl DevelopmentServer {
    fn is_named_by(&self, value: &str) -> bool {
        let (said, product) = (value.trim_ascii_start().as_bytes(), self.product.as_bytes());
        let begins = said.get(..product.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(product));
        begins
            && matches!(said.get(product.len()), None | Some(b' ' | b'/'))
            && (self.contains.is_empty() || value.contains(&*self.contains))
    }
}

fn with_field(file: &str, row: DevelopmentServer) -> Result<(HeaderName, DevelopmentServer), DevelopmentServerError> {
    let unreadable = row.product.is_empty() || row.product.contains([' ', '/']);
    match HeaderName::from_bytes(row.field.as_bytes()) {
        Ok(field) if !unreadable => Ok((field, row)),
        _ => Err(DevelopmentServerError::Row { file: file.into(), id: row.id }),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn recognised(field: &'static str, value: &str) -> Option<String> {
        let fields = HeaderMap::from_iter([(HeaderName::from_static(field), HeaderValue::from_str(value).unwrap())]);
        DevelopmentServers::embedded().unwrap().recognise(&fields).map(|row| row.id.to_string())
    }

    #[test]
    fn development_servers_are_known_by_what_they_say() {
        for (field, value, id) in [
            ("server", "Werkzeug/3.1.3 Python/3.13.5", "werkzeug"),
            ("server", "WSGIServer/0.2 CPython/3.13.5", "django-runserver"),
            ("server", "WSGIServer/0.2 PyPy/7.3", "wsgiref"),
            ("server", "SimpleHTTP/0.6 Python/3.13.5", "http-server"),
            ("server", "BaseHTTP/0.6 Python/3.13.5", "python-base-http"),
            ("server", "WEBrick/1.9.1 (Ruby/3.3.8/2025-04-09)", "webrick"),
            ("server", "PHP 8.4.1 Development Server", "php-built-in"),
            ("x-powered-by", "webpack-dev-server", "webpack-dev-server"),
            ("server", "werkzeug", "werkzeug"),
        ] {
            assert_eq!(recognised(field, value).as_deref(), Some(id), "{value}");
        }
    }

    #[test]
    fn servers_for_production_are_not_development_servers() {
        let values = ["gunicorn", "nginx/1.29.3", "waitress", "Puma 6.4", "uvicorn", "PHP/8.4.1", "WerkzeugX/1", ""];
        for value in values {
            assert_eq!(recognised("server", value), None, "{value}");
            assert_eq!(recognised("x-powered-by", value), None, "{value}");
        }
        assert_eq!(recognised("x-powered-by", "Werkzeug/3.1.3"), None, "a row looks at its own field");
    }

    #[test]
    fn rows_that_could_never_be_recognised_are_refused() {
        let row = |field: &str, product: &str| {
            let text = format!("[[server]]\nid='a'\nname='A'\nfield='{field}'\nproduct='{product}'\nadvice='none'\n");
            DevelopmentServers::parse("rows.toml", &text).map(|_| ()).map_err(|error| error.to_string())
        };
        assert_eq!(row("server", "A"), Ok(()));
        for (field, product) in [("no field", "A"), ("server", ""), ("server", "A/1"), ("server", "A B")] {
            assert!(row(field, product).unwrap_err().starts_with("rows.toml: server \"a\": "), "{field} {product}");
        }
        let unknown = DevelopmentServers::parse("rows.toml", "[[server]]\nport = 1").unwrap_err().to_string();
        assert!(unknown.starts_with("rows.toml: ") && unknown.contains("line 2"), "{unknown}");
    }
}
