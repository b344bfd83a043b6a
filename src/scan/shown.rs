//! What of a page people read, and what it keeps for its own forms and scripts: tokens of its visitors among it.

use std::ops::Range;

use memchr::memchr_iter;

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

    /// Whether the byte at `at` stands in a tag, as the values of attributes do, or in such an element.
    pub(super) fn covers(&self, at: usize) -> bool {
        let next = self.elements.partition_point(|element| element.end <= at);
        self.elements.get(next).is_some_and(|element| element.contains(&at)) || tag::around(self.bytes, at).is_some()
    }
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
        !Unshown::of(page.as_bytes()).covers(page.find("KEY").unwrap())
    }

    #[test]
    fn what_stands_in_tags_scripts_and_fields_of_forms_is_not_shown() {
        for page in [
            "<input type=hidden name=csrf value=KEY>",
            "<p>a</p><meta name=\"csrf\"\n content='KEY'>",
            "<SCRIPT>var token = \"KEY\"</SCRIPT>",
            "<script>if (a < b) token = 'KEY'",
            "<textarea name=t readonly>\nKEY\n</textarea>",
            "{\"html\":\"<input value=\\\"KEY\\\">\"}",
        ] {
            assert!(!is_shown(page), "{page}");
        }
    }

    #[test]
    fn what_stands_in_text_is_shown() {
        for page in [
            "<p>KEY</p>",
            "<script>1</script>KEY",
            "<script src=a></script><pre>KEY</pre><script>2</script>",
            "<scripts>KEY",
            "&lt;input value=&quot;KEY&quot;&gt;",
            "if a <b and KEY",
            "</script>KEY",
            "<script-list>KEY</script-list>",
        ] {
            assert!(is_shown(page), "{page}");
        }
    }
}
