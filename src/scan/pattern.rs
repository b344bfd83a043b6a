//! Confirmation regexes: over bytes, ASCII classes, linear in time, parsed at load and built on first use.

use std::{ops::Range, sync::OnceLock};

use regex_automata::{
    Anchored, Input, PatternID,
    hybrid::dfa::{Cache, DFA},
    meta::Regex,
    nfa::thompson,
    util::{captures::Captures, pool::Pool, start, syntax},
};

/// The most memory one built regex may take, in bytes.
const SIZE_LIMIT: usize = 1 << 20;

/// A regex.
#[derive(Debug)]
pub struct Pattern {
    source: Box<str>,
    built: OnceLock<Option<Regex>>,
    /// Tells early that nothing matches; built on first use as well.
    starts: OnceLock<Option<Starts>>,
}

/// What is known of a match that is to start at a given place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// There is one.
    Matches,
    /// There is none, whatever follows the text.
    Fails,
    /// It depends on what follows.
    Open,
}

impl Pattern {
    /// Checks that `source` parses; building waits until the first search.
    ///
    /// # Errors
    /// The parser's message, on one line.
    pub fn new(source: &str) -> Result<Self, String> {
        syntax::parse_with(source, &syntax()).map_err(|error| error.to_string().replace('\n', " "))?;
        Ok(Self { source: source.into(), built: OnceLock::new(), starts: OnceLock::new() })
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

    /// Whether a match starts at the head of `text`, whichever character stands before it. Where the automaton cannot
    /// tell, it says yes.
    pub(super) fn start(&self, text: &[u8]) -> Start {
        match self.starts.get_or_init(|| Starts::build(&self.source)) {
            Some(starts) => starts.start(text),
            None => Start::Matches,
        }
    }

    /// The first match that starts at `from` or behind it.
    pub(super) fn first_match(&self, text: &[u8], from: usize) -> Option<Range<usize>> {
        let input = Input::new(text).range(from.min(text.len())..);
        (from <= text.len()).then(|| self.regex()?.search(&input)).flatten().map(|found| found.range())
    }

    /// The text of the first group that took part in a match.
    pub(super) fn first_group<'t>(&self, text: &'t [u8], found: Range<usize>) -> Option<&'t [u8]> {
        let regex = self.regex()?;
        let mut captures = regex.create_captures();
        regex.search_captures(&Input::new(text).range(found).anchored(Anchored::Yes), &mut captures);
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

/// An automaton that is followed byte by byte, so that it can tell when no match is possible any more.
struct Starts {
    automaton: DFA,
    caches: Pool<Cache, Box<dyn Fn() -> Cache + Send + Sync>>,
}

impl Starts {
    fn build(source: &str) -> Option<Self> {
        let config = DFA::config().cache_capacity(1 << 16).skip_cache_capacity_check(true);
        let limit = thompson::Config::new().nfa_size_limit(Some(SIZE_LIMIT)).utf8(false);
        let automaton = DFA::builder().configure(config).thompson(limit).syntax(syntax()).build(source).ok()?;
        let maker = automaton.clone();
        Some(Self { automaton, caches: Pool::new(Box::new(move || maker.create_cache())) })
    }

    /// What the character before may be matters to `\b` and `^` only: a letter and a line break stand for all.
    fn start(&self, text: &[u8]) -> Start {
        let mut cache = self.caches.get();
        match self.follow(&mut cache, b'\n', text) {
            Start::Fails => self.follow(&mut cache, b'w', text),
            known => known,
        }
    }

    fn follow(&self, cache: &mut Cache, before: u8, text: &[u8]) -> Start {
        let config = start::Config::new().anchored(Anchored::Yes).look_behind(Some(before));
        let Ok(mut state) = self.automaton.start_state(cache, &config) else { return Start::Matches };
        for &byte in text {
            let Ok(next) = self.automaton.next_state(cache, state, byte) else { return Start::Matches };
            match () {
                () if next.is_match() || next.is_quit() => return Start::Matches,
                () if next.is_dead() => return Start::Fails,
                () => state = next,
            }
        }
        match self.automaton.next_eoi_state(cache, state) {
            Ok(last) if last.is_match() => Start::Matches,
            _ => Start::Open,
        }
    }
}

impl std::fmt::Debug for Starts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Starts").finish_non_exhaustive()
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
