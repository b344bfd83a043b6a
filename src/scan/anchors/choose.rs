//! Which few bytes of each literal to look for: a weighted set cover over all windows of all literals.
//!
//! A window that is rare on ordinary pages makes few false alarms; a window that several literals share fills
//! fewer table cells. Greedy cover weighs both and stays within a factor of ln(n) of the best choice.

use std::{
    cmp::Ordering,
    collections::{BinaryHeap, HashMap},
};

use super::{
    OwnedLiteral,
    frequency::{Frequencies, fold},
};

/// Windows are sought in this many leading bytes of a literal, so that a hit never lies far before its window.
pub(super) const SEARCHED: usize = 64;

/// What a window costs beside its false alarms, in false alarms per megabyte: the table cells it fills.
const CELLS: f32 = 3.0;

/// Up to four folded bytes to look for; a fourth byte of `ANY` stands for any byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Window(pub(super) [u8; 4]);

/// No folded byte has bit 5 clear.
const ANY: u8 = 0;

impl Window {
    /// The window at the head of `bytes` (at least 3).
    fn at(bytes: &[u8]) -> Self {
        let fourth = bytes.get(3).map_or(ANY, |&byte| fold(byte));
        Self([fold(bytes[0]), fold(bytes[1]), fold(bytes[2]), fourth])
    }

    /// Whether the window has three bytes only.
    pub(super) fn is_short(self) -> bool {
        self.0[3] == ANY
    }

    /// The three or four bytes that are given.
    pub(super) fn bytes(&self) -> &[u8] {
        if self.is_short() { &self.0[..3] } else { &self.0 }
    }
}

/// The window chosen for a literal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    pub(super) window: Window,
    /// Where in the literal the window begins; below [`SEARCHED`].
    pub(super) offset: usize,
}

/// One choice for every literal, in their order.
pub(super) fn choose(literals: &[OwnedLiteral], frequencies: &Frequencies) -> Vec<Choice> {
    let costs = Costs::new(literals, frequencies);
    let chosen = cover(literals.len(), &costs);
    literals.iter().map(|literal| cheapest(literal, |window| chosen.get(&window).copied())).collect()
}

/// How often the rarest window of a literal stands in a million bytes of ordinary pages.
pub(super) fn rarest(literal: &OwnedLiteral, frequencies: &Frequencies) -> f32 {
    windows(literal).map(|(_, window)| rate(window, frequencies)).fold(f32::INFINITY, f32::min)
}

/// Every window of a literal with its offset. Only a literal of three bytes has a short one.
fn windows(literal: &OwnedLiteral) -> impl Iterator<Item = (usize, Window)> {
    let last = literal.bytes.len().saturating_sub(4).min(SEARCHED - 4);
    (0..=last).map(|offset| (offset, Window::at(&literal.bytes[offset..])))
}

fn rate(window: Window, frequencies: &Frequencies) -> f32 {
    frequencies.window(window.0) * 1e6
}

/// Every window, its cost and the literals that have it.
struct Costs {
    windows: HashMap<Window, (f32, Vec<usize>)>,
}

impl Costs {
    fn new(literals: &[OwnedLiteral], frequencies: &Frequencies) -> Self {
        let mut all: HashMap<Window, (f32, Vec<usize>)> = HashMap::new();
        for (index, literal) in literals.iter().enumerate() {
            for (_, window) in windows(literal) {
                let (_, members) = all.entry(window).or_insert_with(|| (rate(window, frequencies) + CELLS, Vec::new()));
                if members.last() != Some(&index) {
                    members.push(index);
                }
            }
        }
        Self { windows: all }
    }
}

/// A window in the queue: how many literals it would newly cover per cost, when it was last looked at.
#[derive(PartialEq)]
struct Bid {
    worth: f32,
    window: Window,
}

impl Eq for Bid {}

impl Ord for Bid {
    fn cmp(&self, other: &Self) -> Ordering {
        self.worth.total_cmp(&other.worth).then_with(|| other.window.cmp(&self.window))
    }
}

impl PartialOrd for Bid {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Takes windows by worth until every literal is covered. Worth only falls while literals get covered, so a bid
/// that is still the highest after a second look is the highest of all.
fn cover(literals: usize, costs: &Costs) -> HashMap<Window, f32> {
    let mut covered = vec![false; literals];
    let mut chosen = HashMap::new();
    let bid = |window: Window, covered: &[bool]| {
        let (cost, members) = &costs.windows[&window];
        Bid { worth: members.iter().filter(|&&index| !covered[index]).count() as f32 / cost, window }
    };
    let mut queue: BinaryHeap<Bid> = costs.windows.keys().map(|&window| bid(window, &covered)).collect();
    while let Some(top) = queue.pop() {
        let now = bid(top.window, &covered);
        if now.worth == 0.0 {
            continue;
        }
        if queue.peek().is_some_and(|next| *next > now) {
            queue.push(now);
            continue;
        }
        let (cost, members) = &costs.windows[&top.window];
        members.iter().for_each(|&index| covered[index] = true);
        chosen.insert(top.window, *cost);
    }
    chosen
}

/// The cheapest window of a literal among those that have a cost; the first when none has.
fn cheapest(literal: &OwnedLiteral, cost: impl Fn(Window) -> Option<f32>) -> Choice {
    let priced = windows(literal).map(|(offset, window)| (cost(window).unwrap_or(f32::INFINITY), offset, window));
    let best = priced.reduce(|best, next| if next.0 < best.0 { next } else { best });
    debug_assert!(best.is_some_and(|best| best.0.is_finite()), "every literal is covered");
    let (_, offset, window) = best.unwrap_or((0.0, 0, Window::at(&literal.bytes)));
    Choice { window, offset }
}
