//! The table of the demonstration: what the application says, and what its visitor sees.

use super::pages::{Page, Promise, Secrets};
use super::visit::Sight;

/// Columns that fit a terminal of 110.
const PATH_WIDTH: usize = 22;
const CELL_WIDTH: usize = 42;
/// How much of a line is shown before the secret in it.
const CONTEXT_WIDTH: usize = 18;

/// Whether a page's promise was kept, and what there is to see of it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) kept: bool,
    text: String,
}

impl Row {
    /// Compares what the application said with what the visitor saw.
    pub(super) fn of(page: &Page, secrets: &Secrets, said: &Sight, seen: &Sight) -> Self {
        let kept = kept(page, secrets, said, seen);
        let mark = if kept { ' ' } else { '!' };
        let said = spoken(page, secrets, said);
        let seen = if kept { met(page, seen) } else { spoken(page, secrets, seen) };
        Self { kept, text: line(mark, page.path, &said, &seen) }
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// The two lines above the rows.
pub(super) fn heading() -> String {
    let rule = |width| "─".repeat(width);
    let names = line(' ', "page", "what the app says", "what your visitor sees");
    format!("{names}\n{}", line(' ', &rule(PATH_WIDTH), &rule(CELL_WIDTH), &rule(CELL_WIDTH)))
}

fn kept(page: &Page, secrets: &Secrets, said: &Sight, seen: &Sight) -> bool {
    let same = said.status == seen.status && said.body == seen.body && !seen.cut;
    match page.promise {
        Promise::Untouched => same,
        Promise::Contained => secrets.first_in(&seen.body).is_none() && !seen.status.is_informational(),
        Promise::CookiesHardened => same && hardened(&seen.cookies()),
    }
}

/// The session cookie is out of reach of scripts; the csrf cookie, which a script must read, is not.
fn hardened(cookies: &[String]) -> bool {
    let has = |cookie: &str, attribute: &str| cookie.to_ascii_lowercase().contains(attribute);
    let http_only = |cookie: &String| has(cookie, "httponly") != has(cookie, "csrftoken=");
    !cookies.is_empty() && cookies.iter().all(|cookie| has(cookie, "samesite=") && http_only(cookie))
}

/// What the application says, at the place where it says too much.
fn spoken(page: &Page, secrets: &Secrets, sight: &Sight) -> String {
    let status = sight.status.as_u16();
    if page.promise == Promise::CookiesHardened {
        return format!("{status} {}", session(sight));
    }
    let place = secrets.first_in(&sight.body);
    format!("{status} {}", excerpt(&sight.body, place))
}

/// What became of a page whose promise was kept.
fn met(page: &Page, seen: &Sight) -> String {
    let status = seen.status.as_u16();
    match page.promise {
        Promise::Untouched => format!("{status} the same, byte for byte"),
        Promise::CookiesHardened => format!("{status} {}", session(seen)),
        Promise::Contained if seen.cut => format!("{status} {} clean bytes, then cut off", seen.body.len()),
        Promise::Contained if seen.body.contains("[redacted:") => {
            format!("{status} {}", excerpt(&seen.body, seen.body.find("[redacted:")))
        }
        Promise::Contained => format!("{status} {}", excerpt(&seen.body, None)),
    }
}

fn session(sight: &Sight) -> String {
    sight.cookies().into_iter().next().unwrap_or_default()
}

/// The line of a text around a place, or its first line that says something; without markup.
fn excerpt(text: &str, place: Option<usize>) -> String {
    let width = CELL_WIDTH - 4;
    let Some(place) = place else {
        let words = without_markup(text);
        return clipped(words.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("(empty)"), width);
    };
    let start = text[..place].rfind('\n').map_or(0, |end| end + 1);
    let before = tail(without_markup(&text[start..place]).trim_start(), CONTEXT_WIDTH);
    let after = text[place..].lines().next().unwrap_or_default();
    clipped(&format!("{before}{}", without_markup(after)), width)
}

/// The text between the tags, without styles and scripts.
fn without_markup(text: &str) -> String {
    let mut words = String::new();
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        words.push_str(&rest[..open]);
        let tag = &rest[open..];
        let hidden = ["style", "script"].into_iter().find(|name| tag[1..].starts_with(name));
        let end = hidden.and_then(|name| tag.find(&format!("</{name}>"))).unwrap_or(0);
        rest = tag[end..].find('>').map_or("", |close| &tag[end + close + 1..]);
    }
    words + rest
}

fn tail(text: &str, width: usize) -> String {
    let surplus = text.chars().count().saturating_sub(width);
    let rest = text.chars().skip(surplus);
    if surplus == 0 { rest.collect() } else { ['…'].into_iter().chain(rest.skip(1)).collect() }
}

fn clipped(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width - 1).chain(['…']).collect()
}

fn line(mark: char, path: &str, said: &str, seen: &str) -> String {
    let path = clipped(path, PATH_WIDTH);
    let (said, seen) = (clipped(said, CELL_WIDTH), clipped(seen, CELL_WIDTH));
    format!("{mark} {path:PATH_WIDTH$}  {said:CELL_WIDTH$}  {seen}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::super::pages;
    use super::*;

    fn sight(status: u16, body: &str) -> Sight {
        let status = StatusCode::from_u16(status).expect("the status is valid");
        Sight { status, fields: HeaderMap::new(), body: body.to_owned(), cut: false }
    }

    fn page(path: &str) -> &'static Page {
        pages::PAGES.iter().find(|page| page.path == path).expect("the page exists")
    }

    #[test]
    fn a_leak_that_arrives_breaks_the_promise_and_is_marked() {
        let secrets = Secrets::made_up();
        let said = sight(200, &secrets.fill("SECRET_KEY=@SIGNING_KEY@"));
        let row = Row::of(page("/environment"), &secrets, &said, &said);
        assert!(!row.kept && row.to_string().starts_with('!'));
    }

    #[test]
    fn a_masked_and_a_replaced_page_keep_it() {
        let secrets = Secrets::made_up();
        let said = sight(200, &secrets.fill("SECRET_KEY=@SIGNING_KEY@"));
        let masked = Row::of(page("/environment"), &secrets, &said, &sight(200, "SECRET_KEY=[redacted:key]"));
        assert!(masked.kept && masked.to_string().ends_with("SECRET_KEY=[redacted:key]"));
        let replaced = Row::of(page("/environment"), &secrets, &said, &sight(500, "<h1>Internal server error</h1>"));
        assert!(replaced.kept && replaced.to_string().ends_with("500 Internal server error"));
    }

    #[test]
    fn a_healthy_page_that_changes_breaks_it() {
        let secrets = Secrets::made_up();
        assert!(!Row::of(page("/"), &secrets, &sight(200, "Hello"), &sight(200, "Hullo")).kept);
        assert!(!Row::of(page("/"), &secrets, &sight(200, "Hello"), &sight(500, "Hello")).kept);
    }

    #[test]
    fn cookies_are_hardened_unless_a_script_must_read_them() {
        let session = "session=1; HttpOnly; SameSite=Lax".to_owned();
        let csrf = "csrftoken=1; SameSite=Lax".to_owned();
        assert!(hardened(&[session.clone(), csrf.clone()]));
        assert!(!hardened(&["session=1; SameSite=Lax".to_owned()]));
        assert!(!hardened(&[session, format!("{csrf}; HttpOnly")]));
        assert!(!hardened(&[]));
    }

    #[test]
    fn an_excerpt_shows_the_line_without_markup() {
        assert_eq!(excerpt("<style>a {}</style>\n<h1>Internal server error</h1>", None), "Internal server error");
        assert_eq!(excerpt("one\n<b>two</b> three", "one\n<b>two</b> ".len().into()), "two three");
        assert_eq!((clipped("äöüß", 3), tail("äöüß", 3)), ("äö…".to_owned(), "…üß".to_owned()));
    }
}
