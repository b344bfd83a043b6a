//! `[guard]` → [`GuardPolicy`].

use std::sync::Arc;

use super::{Place, methods};
use crate::{
    config::{ByteSize, ConfigError, Guard, Limits},
    request::{EndpointPolicy, EndpointTable, GuardPolicy, LimitPolicy, MethodPolicy},
};

pub(super) fn compile(place: &Place<'_>, guard: &Guard) -> Result<GuardPolicy, ConfigError> {
    let allowed = methods(place, "guard.methods.allowed", &guard.methods.allowed)?;
    Ok(GuardPolicy {
        methods: MethodPolicy { mode: place.mode(guard.methods.mode), allowed },
        limits: limits(place, &guard.limits),
        endpoints: EndpointPolicy { mode: place.mode(guard.endpoints.mode), table: Arc::new(EndpointTable::default()) },
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

fn bytes(size: ByteSize) -> usize {
    usize::try_from(size.get()).unwrap_or(usize::MAX)
}
