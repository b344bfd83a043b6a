//! Confirmation regexes: over bytes, ASCII classes, linear in time, parsed at load and built on first use.

use std::{ops::Range, sync::OnceLock};

use regex_automata::{
    Anchored, Input, PatternID,
    meta::Regex,
    util::{captures::Captures, syntax},
};

/// The most memory one built regex may take, in bytes.
const SIZE_LIMIT: usize = 1 << 20;

/// A regex.
#[derive(Debug)]
pub struct Pattern {
    source: Box<str>,
    built: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// Checks that `source` parses; building waits until the first search.
    ///
    /// # Errors
    /// The parser's message, on one line.
    pub fn new(source: &str) -> Result<Self, String> {
        syntax::parse_with(source, &syntax()).map_err(|error| error.to_string().replace('\n', " "))?;
        Ok(Self { source: source.into(), built: OnceLock::new() })
    }

    /// Builds the regex now, to learn whether it can be.
    ///
    /// # Errors
    /// When it would be larger than a confirmation may be.
    pub fn force(&self) -> Result<(), String> {
        self.regex().map(|_| ()).ok_or_else(|| format!("the regex needs more than {SIZE_LIMIT} bytes when built"))
    }

    /// The span of the first match that starts at `range.start` (`anchored`) or anywhere in the range.
    pub(super) fn find(&self, text: &[u8], range: Range<usize>, anchored: bool) -> Option<Match> {
        let regex = self.regex()?;
        let input = Input::new(text).range(range).anchored(if anchored { Anchored::Yes } else { Anchored::No });
        if regex.captures_len() == 1 {
            let found = regex.search(&input)?.range();
            return Some(Match { whole: found.clone(), mask: found.clone(), value: found });
        }
        let mut captures = regex.create_captures();
        regex.search_captures(&input, &mut captures);
        let whole = captures.get_match()?.range();
        let mask = group(regex, &captures, "mask").unwrap_or(whole.clone());
        let value = group(regex, &captures, "value").unwrap_or(mask.clone());
        Some(Match { whole, mask, value })
    }

    /// Whether there is a match anywhere in `text`.
    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(text))
    }

    /// The text of the first group in the first match anywhere.
    pub fn first_group<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        let regex = self.regex()?;
        let mut captures = regex.create_captures();
        regex.search_captures(&Input::new(text), &mut captures);
        let group = (1..captures.group_len()).find_map(|index| captures.get_group(index))?;
        Some(&text[group.range()])
    }

    fn regex(&self) -> Option<&Regex> {
        let build = || {
            let config =
                Regex::config().utf8_empty(false).nfa_size_limit(Some(SIZE_LIMIT)).hybrid_cache_capacity(1 << 18);
            Regex::builder().configure(config).syntax(syntax()).build(&self.source).ok()
        };
        self.built.get_or_init(build).as_ref()
    }
}

/// A match and its parts.
#[derive(Debug)]
pub(super) struct Match {
    pub(super) whole: Range<usize>,
    /// What to mask.
    pub(super) mask: Range<usize>,
    /// What must look like a secret; the same as `mask` unless the regex has a group for it.
    pub(super) value: Range<usize>,
}

fn syntax() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false).multi_line(true)
}

/// The first group whose name begins with `name` (`mask`, `mask2`, …) that took part.
fn group(regex: &Regex, captures: &Captures, name: &str) -> Option<Range<usize>> {
    regex
        .group_info()
        .pattern_names(PatternID::ZERO)
        .enumerate()
        .filter(|(_, candidate)| candidate.is_some_and(|candidate| candidate.starts_with(name)))
        .find_map(|(index, _)| captures.get_group(index).map(|span| span.range()))
}
