//! `[guard]` → [`GuardPolicy`].

use std::sync::Arc;

use super::{Place, cross_site, methods, patch, rate};
use crate::{
    config::{ByteSize, ConfigError, Endpoints, Guard, Limits},
    request::{
        EndpointError, EndpointPolicy, EndpointSelection, EndpointTable, GuardPolicy, LimitPolicy, MethodPolicy,
        embedded_rows, rate::RateTables,
    },
};

pub(super) fn compile(
    place: &Place<'_>,
    route: &str,
    guard: &Guard,
    rates: &RateTables,
) -> Result<GuardPolicy, ConfigError> {
    let allowed = methods(place, "guard.methods.allowed", &guard.methods.allowed)?;
    Ok(GuardPolicy {
        methods: MethodPolicy { mode: place.mode(guard.methods.mode), allowed },
        limits: limits(place, &guard.limits),
        endpoints: EndpointPolicy {
            mode: place.mode(guard.endpoints.mode),
            table: Arc::new(endpoints(place, &guard.endpoints)?),
        },
        cross_site: cross_site::compile(place, &guard.cross_site)?,
        patches: patch::compile(place, guard)?,
        rate: rate::compile(place, route, &guard.rate, rates)?,
    })
}

fn limits(place: &Place<'_>, limits: &Limits) -> LimitPolicy {
    LimitPolicy {
        mode: place.mode(limits.mode),
        header_count: limits.header_count,
        header_bytes: bytes(limits.header_size),
        target_bytes: bytes(limits.target_size),
        body_bytes: (limits.body_size != ByteSize::default()).then(|| limits.body_size.get()),
    }
}

fn endpoints(place: &Place<'_>, endpoints: &Endpoints) -> Result<EndpointTable, ConfigError> {
    let ids = |ids: &[String]| ids.iter().map(|id| id.as_str().into()).collect();
    let selection = EndpointSelection { enable: ids(&endpoints.enabled), disable: ids(&endpoints.disabled) };
    let rows = embedded_rows();
    rows.and_then(|rows| EndpointTable::build(&rows, &selection)).map_err(|error| {
        let list = if unknown_is_in(&error, &selection.enable) { "enabled" } else { "disabled" };
        let hint = "config/guard/endpoints.toml lists the rows";
        place.error(&format!("guard.endpoints.{list}"), error.to_string(), hint)
    })
}

fn unknown_is_in(error: &EndpointError, ids: &[Box<str>]) -> bool {
    matches!(error, EndpointError::UnknownId(id) if ids.contains(id))
}

pub(super) fn bytes(size: ByteSize) -> usize {
    usize::try_from(size.get()).unwrap_or(usize::MAX)
}
