//! The frames of a WebSocket's server.

use std::{net::IpAddr, time::Duration};

use cofferdam::{
    exchange::{Exchange, Facts, HeadVerdict, MessageStep, RequestVerdict},
    incident::{IncidentId, Seed},
    request::{Peer, RequestHead},
};
use http::{HeaderMap, HeaderValue, Method, Uri, Version, header};

use super::replay::{ENGINE, assert_sound, head};

/// The first byte chooses compression and the size of the pieces, the rest are frames.
///
/// The client gets the same whichever way the frames came; a connection that was not closed got only whole frames.
pub fn websocket(data: &[u8]) {
    let [choice, frames @ ..] = data else { return };
    let deflate = choice & 1 == 1;
    let whole = converse(frames, deflate, frames.len().max(1));
    let pieces = converse(frames, deflate, usize::from(choice >> 1) + 1);
    assert_eq!(pieces, whole, "the conversation depends on the delivery");
}

/// What the client gets, and whether the connection was closed.
fn converse(frames: &[u8], deflate: bool, size: usize) -> (Vec<u8>, bool) {
    let mut exchange = open(deflate);
    let (mut sent, mut closed) = (Vec::new(), false);
    for piece in frames.chunks(size) {
        let out = match exchange.on_message_bytes(piece) {
            MessageStep::Release(out) => out,
            MessageStep::Close(out) => {
                closed = true;
                out
            }
        };
        out.iter().for_each(|bytes| sent.extend_from_slice(bytes));
        if closed {
            break;
        }
    }
    assert_sound(&exchange.finish());
    (sent, closed)
}

/// An exchange whose protocols have been switched.
fn open(deflate: bool) -> Exchange {
    let mut exchange = Exchange::new(ENGINE.clone(), facts());
    assert!(matches!(exchange.on_request(&mut request()), RequestVerdict::Forward));
    let mut head = head(101, "");
    head.headers.extend(switch());
    if deflate {
        head.headers.insert(header::SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static("permessage-deflate"));
    }
    assert!(matches!(exchange.on_response_head(head), HeadVerdict::Upgrade(..)));
    exchange
}

fn request() -> RequestHead {
    let mut headers = switch();
    headers.insert(header::HOST, HeaderValue::from_static("localhost"));
    RequestHead { method: Method::GET, uri: Uri::from_static("/"), version: Version::HTTP_11, headers }
}

fn switch() -> HeaderMap {
    let fields = [(header::CONNECTION, "upgrade"), (header::UPGRADE, "websocket")];
    fields.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect()
}

fn facts() -> Facts {
    Facts {
        incident_id: IncidentId::from_random([0; 12]),
        peer: Peer { address: IpAddr::from([127, 0, 0, 1]), tls: false },
        now: 0,
        clock: Duration::ZERO,
        seed: Seed::from_random([0; 32]),
    }
}
