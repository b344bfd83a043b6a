//! Styles and scripts within an operator's error page, allowed by their digests whatever content security policy the
//! page leaves with (CSP Level 3, section 6.7.3.3).

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY_REPORT_ONLY},
};
use sha2::{Digest, Sha256};

/// The digests of the `style` and `script` elements that stand in a page. Attributes (`style`, `onclick`) have none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InlineSources {
    styles: Vec<String>,
    scripts: Vec<String>,
}

/// Where browsers look for the sources of an element: the first directive that there is.
const STYLE: [&str; 3] = ["style-src-elem", "style-src", "default-src"];
const SCRIPT: [&str; 3] = ["script-src-elem", "script-src", "default-src"];

impl InlineSources {
    /// Of a page of HTML.
    pub(super) fn of(page: &str) -> Self {
        let mut found = Self::default();
        let mut rest = page;
        while let Some(mark) = rest.find('<') {
            rest = &rest[mark..];
            if let Some(comment) = rest.strip_prefix("<!--") {
                rest = comment.split_once("-->").map_or("", |(_, behind)| behind);
            } else if let Some((content, behind)) = element(rest, "style") {
                found.styles.extend(content.map(digest));
                rest = behind;
            } else if let Some((content, behind)) = element(rest, "script") {
                found.scripts.extend(content.map(digest));
                rest = behind;
            } else {
                rest = &rest[1..];
            }
        }
        found
    }

    /// Adds the digests to each policy in `fields` that would stop the elements.
    pub fn admit(&self, fields: &mut HeaderMap) {
        for name in [CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY_REPORT_ONLY] {
            if !(self.styles.is_empty() && self.scripts.is_empty()) && fields.contains_key(&name) {
                self.admit_in(fields, &name);
            }
        }
    }

    fn admit_in(&self, fields: &mut HeaderMap, name: &HeaderName) {
        let before: Vec<HeaderValue> = fields.get_all(name).iter().cloned().collect();
        fields.remove(name);
        for field in before {
            let admitted = field.to_str().ok().map(|text| text.split(',').map(|policy| self.widened(policy)));
            let admitted = admitted.map(|policies| policies.collect::<Vec<_>>().join(","));
            fields.append(name, admitted.and_then(|text| HeaderValue::try_from(text).ok()).unwrap_or(field));
        }
    }

    fn widened(&self, policy: &str) -> String {
        let mut directives: Vec<String> = policy.split(';').map(str::to_owned).collect();
        for (names, digests) in [(STYLE, &self.styles), (SCRIPT, &self.scripts)] {
            if !digests.is_empty() {
                widen(&mut directives, names, digests);
            }
        }
        directives.join(";")
    }
}

/// Adds `digests` to the directive by which browsers judge. Of `default-src`, which is about more than that, a
/// directive of the element's own is made.
fn widen(directives: &mut Vec<String>, names: [&str; 3], digests: &[String]) {
    let at = |name: &str| directives.iter().position(|directive| name_of(directive).eq_ignore_ascii_case(name));
    let Some((name, at)) = names.into_iter().find_map(|name| Some((name, at(name)?))) else { return };
    let sources: Vec<&str> = directives[at].split_ascii_whitespace().skip(1).collect();
    if allows_inline(&sources) {
        return;
    }
    let kept = sources.iter().copied().filter(|source| !source.eq_ignore_ascii_case("'none'"));
    let sources: Vec<&str> = kept.chain(digests.iter().map(String::as_str)).collect();
    let own = if name == "default-src" { names[1] } else { name };
    let directive = format!(" {own} {}", sources.join(" "));
    if own == name {
        directives[at] = if at == 0 { directive.trim_start().to_owned() } else { directive };
    } else {
        directives.push(directive);
    }
}

/// `'unsafe-inline'` counts where no nonce and no digest stands beside it.
fn allows_inline(sources: &[&str]) -> bool {
    let any = |starts: &[&str]| {
        let is = |source: &str, start: &str| source.get(..start.len()).is_some_and(|it| it.eq_ignore_ascii_case(start));
        sources.iter().any(|source| starts.iter().any(|start| is(source, start)))
    };
    any(&["'unsafe-inline'"]) && !any(&["'nonce-", "'sha256-", "'sha384-", "'sha512-", "'strict-dynamic'"])
}

fn name_of(directive: &str) -> &str {
    directive.split_ascii_whitespace().next().unwrap_or_default()
}

/// The content of the element that begins here, and what stands behind it. Without content where it is loaded.
fn element<'a>(page: &'a str, name: &str) -> Option<(Option<&'a str>, &'a str)> {
    let rest = &page[1..];
    let attributes =
        rest.get(..name.len()).filter(|start| start.eq_ignore_ascii_case(name)).map(|_| &rest[name.len()..])?;
    attributes.starts_with(|next: char| next.is_ascii_whitespace() || next == '>' || next == '/').then_some(())?;
    let end = tag_end(attributes);
    let (attributes, content) = attributes.split_at(end);
    let content = content.get(1..)?;
    let closes = |at: &usize| {
        let behind = content[*at..].strip_prefix("</").and_then(|behind| behind.get(..name.len()));
        behind.is_some_and(|behind| behind.eq_ignore_ascii_case(name))
    };
    let end = content.match_indices('<').map(|(at, _)| at).find(closes).unwrap_or(content.len());
    let loads = attributes.split_ascii_whitespace().any(|attribute| {
        attribute.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("src=")) || attribute == "src"
    });
    Some(((!loads).then_some(&content[..end]), &content[end..]))
}

/// Where the tag's `>` stands; one in quotes is none.
fn tag_end(attributes: &str) -> usize {
    let mut quote = None;
    let end = attributes.bytes().position(|byte| {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
        quote.is_none() && byte == b'>'
    });
    end.unwrap_or(attributes.len())
}

/// As browsers take it: line ends are line feeds to them (HTML, section 13.2.3.5).
fn digest(content: &str) -> String {
    let content = content.replace("\r\n", "\n").replace('\r', "\n");
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(content)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the text `a{}`, made by `openssl dgst -sha256 -binary | base64`.
    const STYLE_A: &str = "'sha256-X1RutGBrXCt9KkSaXMK7tHftWiRscFHOhxsS8tv8hBk='";

    fn admitted(policy: &str, page: &str) -> String {
        let mut fields = HeaderMap::new();
        fields.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_str(policy).unwrap());
        InlineSources::of(page).admit(&mut fields);
        fields[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned()
    }

    #[test]
    fn elements_are_found_whatever_their_spelling() {
        for page in [
            "<style>a{}</style>",
            "<p><STYLE media='a>b'\n>a{}</Style >",
            "<!-- <style>b</style> --><style>a{}",
            "<script src=\"/a.js\"></script><style>a{}</style><script async SRC=x>b</script><styles>b</styles>",
        ] {
            let wanted = InlineSources { styles: vec![STYLE_A.to_owned()], scripts: Vec::new() };
            assert_eq!(InlineSources::of(page), wanted, "{page}");
        }
        let lines = |text: &str| InlineSources::of(&format!("<script>{text}</script>")).scripts;
        assert_eq!(lines("a\r\nb\rc"), lines("a\nb\nc"));
        assert_eq!(InlineSources::of("<script>a<b</script><script>c</script>").scripts.len(), 2);
    }

    #[test]
    fn a_policy_that_would_stop_an_element_names_its_digest() {
        let page = "<style>a{}</style>";
        for (policy, wanted) in [
            ("style-src 'self'", format!("style-src 'self' {STYLE_A}")),
            ("img-src *; STYLE-SRC 'none'", format!("img-src *; style-src {STYLE_A}")),
            ("default-src 'self'; img-src *", format!("default-src 'self'; img-src *; style-src 'self' {STYLE_A}")),
            ("style-src-elem a.example; style-src *", format!("style-src-elem a.example {STYLE_A}; style-src *")),
            ("style-src 'unsafe-inline' 'nonce-x'", format!("style-src 'unsafe-inline' 'nonce-x' {STYLE_A}")),
            ("default-src a, style-src b", format!("default-src a; style-src a {STYLE_A},style-src b {STYLE_A}")),
        ] {
            assert_eq!(admitted(policy, page), wanted, "{policy}");
        }
    }

    #[test]
    fn a_policy_that_stops_nothing_is_left_alone() {
        for (policy, page) in [
            ("default-src 'self'", "<p>no style</p>"),
            ("style-src 'self' 'unsafe-inline'; script-src 'none'", "<style>a{}</style>"),
            ("img-src 'self'", "<style>a{}</style><script>b</script>"),
        ] {
            assert_eq!(admitted(policy, page), policy);
        }
    }
}
