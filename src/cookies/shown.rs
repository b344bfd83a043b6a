//! A `Set-Cookie` as an operator may see it: its value, and whatever may be a part of it, by its length alone.

use super::{
    SetCookie,
    set_cookie::{Attribute, Kind},
    trim,
};

impl SetCookie<'_> {
    /// Name, length of the value, and attributes. The piece behind a semicolon that is no attribute may be the rest of
    /// a value that somebody failed to quote, so it is shown by its length, too.
    pub fn without_value(&self) -> String {
        let name = String::from_utf8_lossy(self.name());
        let mut shown = format!("{name}={}", hidden(self.value()));
        let attributes = self.attributes.iter().filter(|attribute| !trim(attribute.raw).is_empty());
        attributes.for_each(|attribute| shown.extend(["; ".to_owned(), attribute.shown()]));
        shown
    }

    /// How many attributes no browser reads: the value is none, or a later attribute of the kind overrules it.
    pub fn idle_attributes(&self) -> usize {
        let idle = |(at, attribute): &(usize, &Attribute<'_>)| match attribute.kind {
            Kind::Unknown => false,
            Kind::Ignored => true,
            kind => self.attributes[at + 1..].iter().any(|later| later.kind == kind),
        };
        self.attributes.iter().enumerate().filter(idle).count()
    }
}

impl Attribute<'_> {
    fn shown(&self) -> String {
        let text = String::from_utf8_lossy(trim(self.raw));
        match self.kind {
            Kind::Unknown if text.to_ascii_lowercase().starts_with("priority=") => text.into_owned(),
            Kind::Unknown => hidden(trim(self.raw)),
            Kind::Secure | Kind::HttpOnly | Kind::Partitioned | Kind::Ignored => bare(&text),
            Kind::Expires | Kind::MaxAge | Kind::Domain | Kind::Path | Kind::SameSite => text.into_owned(),
        }
    }
}

/// The name of an attribute whose value means nothing.
fn bare(text: &str) -> String {
    match text.split_once('=') {
        Some((name, value)) => format!("{}={}", name.trim_end(), hidden(value.trim_start().as_bytes())),
        None => text.to_owned(),
    }
}

fn hidden(bytes: &[u8]) -> String {
    format!("…({})", bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn attributes_are_shown_and_what_may_be_a_value_is_not() {
        for (field, wanted) in [
            (&b"sid=abc; Path=/a;httponly ; Max-Age=60;"[..], "sid=…(3); Path=/a; httponly; Max-Age=60"),
            (b"sid=\"abc; rest of it\"; Priority=High", "sid=…(4); …(11); Priority=High"),
            (b"sid=; Secure=abc; Max-Age=soon", "sid=…(0); Secure=…(3); Max-Age=…(4)"),
            (b"abc", "=…(3)"),
        ] {
            assert_eq!(SetCookie::parse(field).unwrap().without_value(), wanted);
        }
    }

    #[test]
    fn attributes_that_no_browser_reads_are_counted() {
        let idle = |field: &'static str| SetCookie::parse(field.as_bytes()).unwrap().idle_attributes();
        assert_eq!(idle("a=1; Path=/a; Path=/b; Secure; secure; Max-Age=x; x; x"), 3);
        assert_eq!(idle("a=1; Path=/a; Secure; SameSite=Lax; Priority=High"), 0);
    }

    proptest! {
        #[test]
        fn no_value_is_ever_shown(rest in "(; ?[a-zA-Z=;, -]{0,20}){0,4}") {
            let field = format!("sid=VALUE7788{rest}; x7788y; Secure=7788");
            if let Some(cookie) = SetCookie::parse(field.as_bytes()) {
                prop_assert!(!cookie.without_value().contains("7788"));
            }
        }
    }
}
