//! `[[route]]`: exceptions.

use serde::{Deserialize, Serialize};

use super::{Cookies, Cors, Guard, Headers, Inspect, Shield};

/// Exceptions for a part of the application. An empty list matches everything. The sections hold the keys of the
/// sections of the same name; [`super::load()`] has filled in from those what the route leaves out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Shown in logs and metrics.
    pub name: String,
    /// Host names without port; `*.example.org` is every name below it.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Path prefixes that end at a segment's end.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Methods.
    #[serde(default)]
    pub methods: Vec<String>,
    /// As `[inspect]`.
    #[serde(default)]
    pub inspect: Inspect,
    /// As `[headers]`.
    #[serde(default)]
    pub headers: Headers,
    /// As `[cookies]`.
    #[serde(default)]
    pub cookies: Cookies,
    /// As `[cors]`.
    #[serde(default)]
    pub cors: Cors,
    /// As `[guard]`.
    #[serde(default)]
    pub guard: Guard,
    /// As `[shield]`.
    #[serde(default)]
    pub shield: Shield,
}
