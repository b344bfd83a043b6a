//! The responses that the benches put through an exchange: heads as an ordinary application sends them, and bodies of
//! any length.

use bytes::Bytes;
use cofferdam::response::ResponseHead;
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// A head with the fields that a file server sends.
pub(crate) fn head(content_type: &'static str) -> ResponseHead {
    let fields = [
        (header::CONTENT_TYPE, content_type),
        (header::SERVER, "nginx/1.22.1"),
        (header::DATE, "Tue, 24 Nov 2026 06:00:00 GMT"),
        (header::ETAG, "\"67430a2c-2000\""),
        (header::LAST_MODIFIED, "Mon, 23 Nov 2026 06:00:00 GMT"),
        (header::ACCEPT_RANGES, "bytes"),
    ];
    let headers: HeaderMap = fields.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect();
    ResponseHead::new(StatusCode::OK, headers)
}

/// Ordinary mark-up: paragraphs, links, entities, a list.
pub(crate) fn html(length: usize) -> Bytes {
    let paragraph = "<p>The harbour office opens at <b>eight</b>; bring the <a href=\"/forms/17?lang=en&amp;v=2\">form</a> \
                     and the receipt of the last payment, please.</p>\n<li class=\"item\">Berth 12, &quot;Anna&quot;, 14:30</li>\n";
    let mut page = String::from("<!doctype html>\n<html lang=en><head><title>Harbour</title></head><body>\n");
    while page.len() + paragraph.len() < length {
        page.push_str(paragraph);
    }
    page.extend(std::iter::repeat_n(' ', length.saturating_sub(page.len())));
    Bytes::from(page)
}

/// Records of an API.
pub(crate) fn json(length: usize) -> Bytes {
    let row = r#"{"id":1734,"name":"Anna","berth":12,"paid":true,"note":"arrives 14:30, leaves Tuesday"},"#;
    Bytes::from(format!("[{}null]", row.repeat(length / row.len())))
}

/// A stack trace, bare.
pub(crate) fn trace(length: usize) -> Bytes {
    let frame = "  File \"/srv/harbour/views.py\", line 12, in index\n    return render(berth)\n";
    Bytes::from(format!(
        "Traceback (most recent call last):\n{}KeyError: 'berth'\n",
        frame.repeat(length / frame.len())
    ))
}
