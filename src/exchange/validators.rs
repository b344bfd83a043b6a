//! "Not modified" (RFC 9110 section 15.4.5) says that a copy is still good, which only the application knows, and that it
//! is clean, which only we know. So the application hears of no copy that we have not seen to be clean: then it sends the
//! page once more, which is judged.

use http::{HeaderMap, Method, StatusCode, header};

use super::Exchange;
use crate::{incident::Disposition, policy::StoredCopy, request::RequestHead, response::ResponseHead};

impl Exchange {
    /// Takes the conditions off a request that names copies of which not all are known.
    pub(super) fn judge_conditions(&self, head: &mut RequestHead) {
        let fields = &mut head.headers;
        let is_conditional =
            fields.contains_key(header::IF_NONE_MATCH) || fields.contains_key(header::IF_MODIFIED_SINCE);
        if is_conditional && self.enforces() && is_safe(&head.method) && !self.knows_all(fields) {
            fields.remove(header::IF_NONE_MATCH);
            fields.remove(header::IF_MODIFIED_SINCE);
        }
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

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}
