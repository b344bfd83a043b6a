//! What of the upstream's head may stand beside a body that is not the upstream's.

use http::{HeaderMap, HeaderName, StatusCode, header};

/// Fields that say something of the client's session or origin, not of the body that is gone.
const CARRIED: [HeaderName; 9] = [
    header::SET_COOKIE,
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
    header::ACCESS_CONTROL_ALLOW_HEADERS,
    header::ACCESS_CONTROL_ALLOW_METHODS,
    header::ACCESS_CONTROL_EXPOSE_HEADERS,
    header::ACCESS_CONTROL_MAX_AGE,
    header::VARY,
    header::DATE,
];

/// Claims about the exact bytes of a body: its length, its validators, its digests (RFC 9530 and before), its ranges.
const BODY_CLAIMS: [HeaderName; 11] = [
    header::CONTENT_LENGTH,
    header::ETAG,
    header::LAST_MODIFIED,
    header::ACCEPT_RANGES,
    header::CONTENT_RANGE,
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("signature"),
    HeaderName::from_static("signature-input"),
];

/// Copies into the `reply` of `status` what survives of the `upstream`'s fields: an allow list, everything else is
/// gone. What the reply says already stands.
pub fn carry_over(upstream: &HeaderMap, status: StatusCode, reply: &mut HeaderMap) {
    let own = match status {
        StatusCode::UNAUTHORIZED => Some(header::WWW_AUTHENTICATE),
        StatusCode::METHOD_NOT_ALLOWED => Some(header::ALLOW),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Some(header::RETRY_AFTER),
        _ => None,
    };
    for name in CARRIED.iter().chain(&own).filter(|name| upstream.contains_key(*name)) {
        if !reply.contains_key(name) {
            copy(upstream, name, reply);
        }
    }
}

fn copy(upstream: &HeaderMap, name: &HeaderName, reply: &mut HeaderMap) {
    for value in upstream.get_all(name) {
        reply.append(name.clone(), value.clone());
    }
}

/// Takes away what is no longer true of a body in which spans were masked, from a head or from trailers.
/// `Content-Encoding` is the caller's business: only it knows whether the masked body is coded again.
pub fn remove_body_claims(fields: &mut HeaderMap) {
    for name in &BODY_CLAIMS {
        fields.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn upstream() -> HeaderMap {
        let mut fields = HeaderMap::new();
        for name in [
            "set-cookie",
            "access-control-allow-origin",
            "vary",
            "www-authenticate",
            "retry-after",
            "allow",
            "date",
            "content-type",
            "content-length",
            "content-encoding",
            "content-range",
            "etag",
            "last-modified",
            "digest",
            "repr-digest",
            "content-digest",
            "content-md5",
            "accept-ranges",
            "link",
            "location",
            "x-debug-exception",
            "server-timing",
            "sourcemap",
            "refresh",
            "content-disposition",
            "incident-id",
        ] {
            fields.append(name, HeaderValue::from_static("1"));
            fields.append(name, HeaderValue::from_static("2"));
        }
        fields
    }

    fn names(fields: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<_> = fields.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn beside_a_replaced_body_the_allow_list_alone_survives() {
        for (status, own) in
            [(500, None), (401, Some("www-authenticate")), (405, Some("allow")), (429, Some("retry-after"))]
        {
            let mut reply = HeaderMap::new();
            carry_over(&upstream(), StatusCode::from_u16(status).unwrap(), &mut reply);
            let mut wanted = vec!["access-control-allow-origin", "date", "set-cookie", "vary"];
            wanted.extend(own);
            wanted.sort_unstable();
            assert_eq!(names(&reply), wanted);
            assert_eq!(reply.get_all("set-cookie").iter().collect::<Vec<_>>(), ["1", "2"]);
        }
    }

    #[test]
    fn what_the_reply_says_itself_stands() {
        let mut reply = HeaderMap::new();
        reply.insert("retry-after", HeaderValue::from_static("9"));
        carry_over(&upstream(), StatusCode::SERVICE_UNAVAILABLE, &mut reply);
        assert_eq!(reply.get_all("retry-after").iter().collect::<Vec<_>>(), ["9"]);
    }

    #[test]
    fn beside_a_masked_body_no_claim_about_its_bytes_survives() {
        let mut fields = upstream();
        remove_body_claims(&mut fields);
        assert_eq!(names(&fields).len(), names(&upstream()).len() - 9);
        assert!(fields.contains_key("content-type") && fields.contains_key("location"));
    }
}
