//! What of a page people read, and what it keeps for its own forms and scripts: tokens of its visitors among it. An
//! attribute of any other element is read as text is: servers and debug pages put settings there.

use std::ops::Range;

use memchr::{memchr_iter, memmem};

use super::tag;

/// Elements whose content is code, data or the value of a form's field.
const ELEMENTS: [&[u8]; 2] = [b"script", b"textarea"];

/// The places of a page that nobody reads.
pub(super) struct Unshown<'a> {
    bytes: &'a [u8],
    /// Contents of [`ELEMENTS`], ascending.
    elements: Vec<Range<usize>>,
}

impl<'a> Unshown<'a> {
    /// Of a page, or of a block of it; an element that begins before the block is not known.
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        let mut elements: Vec<Range<usize>> = Vec::new();
        for mark in memchr_iter(b'<', bytes) {
            if elements.last().is_some_and(|last| mark < last.end) {
                continue;
            }
            let Some(element) = ELEMENTS.into_iter().find(|name| names(&bytes[mark + 1..], name)) else { continue };
            if let Some(tag) = tag::at(bytes, mark) {
                elements.push(tag.end..end_of(element, bytes, tag.end));
            }
        }
        Self { bytes, elements }
    }

    /// Whether the byte at `at` stands in such an element or in an attribute of that kind.
    pub(super) fn covers(&self, at: usize) -> bool {
        let next = self.elements.partition_point(|element| element.end <= at);
        self.elements.get(next).is_some_and(|element| element.contains(&at))
            || tag::around(self.bytes, at).is_some_and(|tag| is_for_the_page(self.bytes, tag, at))
    }
}

/// Elements that are fields of forms, or tell a page's scripts something.
const FIELDS: [&[u8]; 4] = [b"input", b"button", b"option", b"meta"];

/// In names of attributes with tokens against requests of other sites.
const CSRF: [&[u8]; 2] = [b"csrf", b"xsrf"];

/// How names of attributes begin by which htmx is told what to send.
const HTMX: [&[u8]; 2] = [b"hx-", b"data-hx-"];

/// Whether a page's forms or scripts use the value in which `at` stands, of the tag at `mark`: a field's, one of an
/// element of the page's own (their names have a hyphen), or one in an attribute for them.
fn is_for_the_page(bytes: &[u8], mark: usize, at: usize) -> bool {
    let mut values = Vec::new();
    tag::read(bytes, mark, &mut values);
    let Some(value) = values.into_iter().find(|value| value.contains(&at)) else { return false };
    let before = &bytes[mark + 1..value.start];
    let name = &before[..before.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-').count()];
    let attribute = attribute(before).to_ascii_lowercase();
    name.contains(&b'-')
        || FIELDS.iter().any(|field| name.eq_ignore_ascii_case(field))
        || CSRF.iter().any(|word| memmem::find(&attribute, word).is_some())
        || HTMX.iter().any(|start| attribute.starts_with(start))
}

/// The name of the attribute whose value begins behind `before`.
fn attribute(before: &[u8]) -> &[u8] {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':' | b'.' | b'@');
    let end = before.iter().rposition(is_part).map_or(0, |last| last + 1);
    let start = before[..end].iter().rposition(|byte| !is_part(byte)).map_or(0, |blank| blank + 1);
    &before[start..end]
}

/// Where the element's closing tag stands, or the end of `bytes`.
fn end_of(element: &[u8], bytes: &[u8], start: usize) -> usize {
    let closes = |mark: &usize| bytes[start + mark + 1..].strip_prefix(b"/").is_some_and(|rest| names(rest, element));
    memchr_iter(b'<', &bytes[start..]).find(closes).map_or(bytes.len(), |mark| start + mark)
}

/// Whether `rest` begins with the name of this element, in any case.
fn names(rest: &[u8], element: &[u8]) -> bool {
    let goes_on = |byte: &u8| !byte.is_ascii_alphanumeric() && *byte != b'-';
    rest.get(..element.len()).is_some_and(|name| name.eq_ignore_ascii_case(element))
        && rest.get(element.len()).is_some_and(goes_on)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_shown(page: &str) -> bool {
        !Unshown::of(page.as_bytes()).covers(page.find("KEY-OF-THE-PAGE").unwrap())
    }

    #[test]
    fn what_forms_and_scripts_use_is_not_shown() {
        for page in [
            "<input type=hidden name=csrf value=KEY-OF-THE-PAGE>",
            "<p>a</p><meta name=\"csrf\"\n content='KEY-OF-THE-PAGE'>",
            "<SCRIPT>var token = \"KEY-OF-THE-PAGE\"</SCRIPT>",
            "<script>if (a < b) token = 'KEY-OF-THE-PAGE'",
            "<textarea name=t readonly>\nKEY-OF-THE-PAGE\n</textarea>",
            "<my-app user=1 token=\"KEY-OF-THE-PAGE\">",
            "<body class=a data-csrf-token='KEY-OF-THE-PAGE'>",
            "<div hx-headers='{\"X-Token\": \"KEY-OF-THE-PAGE\"}'>",
            "{\"html\":\"<input value=\\\"KEY-OF-THE-PAGE\\\">\"}",
        ] {
            assert!(!is_shown(page), "{page}");
        }
    }

    #[test]
    fn what_stands_in_text_is_shown() {
        for page in [
            "<p>KEY-OF-THE-PAGE</p>",
            "<script>1</script>KEY-OF-THE-PAGE",
            "<script src=a></script><pre>KEY-OF-THE-PAGE</pre><script>2</script>",
            "<scripts>KEY-OF-THE-PAGE",
            "<add key=\"access_token\" value=\"KEY-OF-THE-PAGE\" />",
            "<div data-csrf=\"1\" data-access-token=\"KEY-OF-THE-PAGE\">",
            "<div title=\"a csrf=KEY-OF-THE-PAGE\">",
            "&lt;input value=&quot;KEY-OF-THE-PAGE&quot;&gt;",
            "if a <b and KEY-OF-THE-PAGE",
            "</script>KEY-OF-THE-PAGE",
            "<script-list>KEY-OF-THE-PAGE</script-list>",
        ] {
            assert!(is_shown(page), "{page}");
        }
    }
}
