//! Fields of a response that belong to the connection with the upstream.

use http::{
    HeaderMap,
    header::{PROXY_AUTHENTICATE, TE},
};

use crate::request::{self, Upgrade};

/// Takes the fields away that are meant for the next hop alone (RFC 9110 section 7.6.1), those that `Connection`
/// names among them. A response that switches protocols (101) keeps `Upgrade` where the route permits it.
pub fn remove_hop_by_hop(fields: &mut HeaderMap, upgrade: Upgrade) {
    if fields.keys().any(|name| *name == TE || *name == PROXY_AUTHENTICATE) {
        // A request's field: kept on the way in, it has no meaning here.
        fields.remove(TE);
        fields.remove(PROXY_AUTHENTICATE);
    }
    request::remove_hop_by_hop(fields, upgrade);
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn the_hops_fields_end_here_and_the_clients_stay() {
        let mut fields = HeaderMap::new();
        for (name, value) in [
            ("connection", "keep-alive, x-hop, set-cookie"),
            ("keep-alive", "timeout=5"),
            ("x-hop", "1"),
            ("proxy-authenticate", "Basic"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("set-cookie", "a=1"),
            ("trailer", "digest"),
        ] {
            fields.insert(name, HeaderValue::from_static(value));
        }
        remove_hop_by_hop(&mut fields, Upgrade::Drop);
        let mut left: Vec<_> = fields.keys().map(|name| name.as_str()).collect();
        left.sort_unstable();
        assert_eq!(left, ["set-cookie", "trailer"]);
    }
}
