//! An application that switches protocols (RFC 9110 section 15.2.2).

use http::header;

use super::{
    Exchange, HeadVerdict,
    websocket::{self, Messages},
};
use crate::{
    incident::{Disposition, Exemption, Mode, Refusal},
    policy::UpgradePolicy,
    request::Upgrade,
    response::{self, ResponseHead},
};

impl Exchange {
    /// The upstream switched protocols: fine if the client asked for it, else not an answer.
    pub(super) fn on_switch(&mut self, mut head: ResponseHead) -> HeadVerdict {
        if self.request.upgrade == Upgrade::Drop {
            return HeadVerdict::Replace(self.refuse(Refusal::UpstreamMalformed));
        }
        response::remove_hop_by_hop(&mut head.headers, Upgrade::Keep);
        self.inspect_fields(&mut head.headers);
        self.inspect_reason(&mut head);
        match (self.route.upgrades, websocket::reading(&head.headers)) {
            _ if self.route.inspect.mode == Mode::Off => return self.tunnel(head, Exemption::RouteOff),
            (UpgradePolicy::Inspect, Some(reading)) => self.messages = Some(Box::new(Messages::new(reading))),
            (UpgradePolicy::Tunnel, _) => return self.tunnel(head, Exemption::Tunnel),
            _ if !self.enforces() => return self.tunnel(head, Exemption::Undecodable),
            _ => return HeadVerdict::Replace(self.refuse(Refusal::Upgrade)),
        }
        if self.enforces() {
            head.headers.remove(header::SEC_WEBSOCKET_EXTENSIONS);
        }
        HeadVerdict::Upgrade(self.harden(head), UpgradePolicy::Inspect)
    }

    fn tunnel(&mut self, head: ResponseHead, exemption: Exemption) -> HeadVerdict {
        self.end_as(Disposition::Exempt(exemption));
        HeadVerdict::Upgrade(self.harden(head), UpgradePolicy::Tunnel)
    }
}
