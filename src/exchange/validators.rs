//! "Not modified" (RFC 9110 section 15.4.5) says that a copy is still good, which only the application knows, and that it
//! is clean, which only we know. So the application hears of no copy that we have not seen to be clean: then it sends the
//! page once more, which is judged, and whether the client has it is for us to say.

use std::hash::{DefaultHasher, Hasher};

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::{Exchange, Released};
use crate::{incident::Disposition, policy::StoredCopy, request::RequestHead, response::ResponseHead};

impl Exchange {
    /// Takes the conditions off a request that names copies of which not all are known.
    pub(super) fn judge_conditions(&mut self, head: &mut RequestHead) {
        let fields = &mut head.headers;
        if self.request.is_conditional && self.enforces() && is_safe(&head.method) && !self.knows_all(fields) {
            self.condition = fields.remove(header::IF_NONE_MATCH);
            fields.remove(header::IF_MODIFIED_SINCE);
        }
    }

    /// Whether the client's condition, of which the application did not hear, says that it has this page.
    pub(super) fn client_has(&self, page: &ResponseHead) -> bool {
        let (Some(condition), Some(tag)) = (&self.condition, page.headers.get(header::ETAG)) else { return false };
        let target = self.request.target();
        let copy = target.copy(tag.as_bytes());
        let mut held = condition.as_bytes().split(|&byte| byte == b',');
        page.status == StatusCode::OK && held.any(|validator| target.copy(validator) == copy)
    }

    fn knows_all(&self, fields: &HeaderMap) -> bool {
        let target = self.request.target();
        let knows = |validator: &[u8]| self.engine.clean.know(target.copy(validator));
        let tags = fields.get_all(header::IF_NONE_MATCH).iter();
        let mut tags = tags.flat_map(|list| list.as_bytes().split(|&byte| byte == b','));
        let mut dates = fields.get_all(header::IF_MODIFIED_SINCE).iter();
        tags.all(knows) && dates.all(|date| knows(date.as_bytes()))
    }

    /// Notes by what the page will be known, if it turns out to be clean.
    pub(super) fn note_validators(&mut self, head: &ResponseHead) {
        let [tag, date] = [header::ETAG, header::LAST_MODIFIED].map(|name| head.headers.get(name));
        let is_page = head.status == StatusCode::OK && is_safe(&self.request.method) && !self.is_bodiless(head.status);
        if is_page && self.enforces() && (tag.is_some() || date.is_some()) {
            let target = self.request.target();
            self.copies = [tag, date].map(|value| Some(target.copy(value?.as_bytes())));
        }
    }

    /// The page has left as it came.
    pub(super) fn settle_validators(&mut self, disposition: Disposition) {
        let copies: [Option<StoredCopy>; 2] = std::mem::take(&mut self.copies);
        if matches!(disposition, Disposition::InspectedClean | Disposition::Exempt(_)) {
            copies.into_iter().flatten().for_each(|copy| self.engine.clean.note(copy));
        }
    }
}

/// The entity tag of a page that is not what the application sent. It is weak, since it is short.
pub(super) fn tag(body: &Released) -> HeaderValue {
    let mut hasher = DefaultHasher::new();
    body.iter().for_each(|piece| hasher.write(piece));
    let tag = format!("W/\"{:016x}\"", hasher.finish());
    HeaderValue::from_str(&tag).unwrap_or_else(|_| HeaderValue::from_static("W/\"\""))
}

/// The head that says that this page has not changed.
pub(super) fn not_modified(mut head: ResponseHead) -> ResponseHead {
    for name in [header::CONTENT_LENGTH, header::CONTENT_TYPE, header::CONTENT_ENCODING] {
        head.headers.remove(name);
    }
    ResponseHead::new(StatusCode::NOT_MODIFIED, head.headers)
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}
