//! Which window of each literal to look for, and in which bucket of a kernel's tables.
//!
//! A vector kernel gives every pair of neighbours in a window its own table; a bucket passes a place in the text when
//! each of its tables passes the class found there. The tables of a bucket are the unions over its windows, so a
//! bucket also passes every mixture of them. What it passes is estimated as the product of its tables' shares of
//! ordinary text. Literals take their windows one after the other, those with the least choice first, each where it
//! costs least: a rare window that another literal has taken costs next to nothing, a new one whose pairs are in a bucket already
//! costs little. A second turn lets each choose again, now that it sees what all others took.
//!
//! Costs are counted in false alarms of the tables per million bytes. Where a window really stands, the index takes
//! longer than where it does not, and longer still if it knows the window by four bytes only; and each literal that
//! shares a window is compared there.

use std::collections::HashMap;

use super::{
    OwnedLiteral,
    frequency::Frequencies,
    window::{Window, windows},
};

/// Once more than that, and the sum of costs falls by less than a twentieth.
const TURNS: usize = 2;

/// What a window costs beside the alarms it makes: its place in the index.
const PLACE: f32 = 1.0;

/// What it costs where it stands, if the index knows it by four bytes.
const NARROW: f32 = 2.0;

/// What it costs where it stands, if the index knows it by six: most of these places are told by the two behind.
const WIDE: f32 = 1.0;

/// What another literal costs where the window that it shares stands.
const SHARED: f32 = 1.0;

/// The class a window demands at each table; `None` where any class will do.
pub(super) type Demands = Vec<Option<u8>>;

/// The tables of a kernel, as the planner sees them.
pub(super) struct Sieve {
    /// By table and class, how often the class stands on ordinary pages.
    pub(super) shares: Vec<Vec<f32>>,
    /// What a window demands of each table.
    pub(super) demands: fn(&Window) -> Demands,
    /// At least 1.
    pub(super) buckets: usize,
}

/// What is looked for in place of a literal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    pub(super) window: Window,
    /// Where in the literal the window begins; below [`super::window::SEARCHED`].
    pub(super) offset: usize,
    /// The same for every literal that shares the window.
    pub(super) bucket: usize,
}

/// One choice for every literal, in their order.
pub(super) fn plan(literals: &[OwnedLiteral], sieve: &Sieve, frequencies: &Frequencies) -> Vec<Choice> {
    let mut planner = Planner::new(literals, sieve, frequencies);
    for _ in 0..TURNS {
        planner.turn();
    }
    planner.choices()
}

/// A window of some literal.
struct Known {
    window: Window,
    /// What it costs the first literal that takes it, apart from its bucket.
    cost: f32,
    /// What it costs every other.
    shared: f32,
    demands: Demands,
    /// The bucket it is in while some literal has taken it.
    taken: Option<Taken>,
}

impl Known {
    fn new(window: Window, sieve: &Sieve, frequencies: &Frequencies) -> Self {
        let rate = window.rate(frequencies);
        let standing = if window.is_wide() { WIDE } else { NARROW };
        let demands = (sieve.demands)(&window);
        Self { window, cost: rate * standing + PLACE, shared: rate * SHARED, demands, taken: None }
    }
}

#[derive(Clone, Copy)]
struct Taken {
    bucket: usize,
    /// Literals that have taken it; at least 1.
    literals: u32,
}

/// A window of one literal.
struct Offer {
    /// Index in `Planner::known`.
    known: usize,
    offset: usize,
}

struct Planner<'a> {
    sieve: &'a Sieve,
    known: Vec<Known>,
    /// By literal, the cheapest first.
    offers: Vec<Vec<Offer>>,
    /// The literals with the least choice first.
    order: Vec<usize>,
    /// By literal, the index in its offers.
    taken: Vec<Option<usize>>,
    buckets: Vec<Bucket>,
}

impl<'a> Planner<'a> {
    fn new(literals: &[OwnedLiteral], sieve: &'a Sieve, frequencies: &Frequencies) -> Self {
        let mut known = Vec::new();
        let mut index = HashMap::new();
        let mut know = |window: Window| {
            *index.entry(window).or_insert_with(|| {
                known.push(Known::new(window, sieve, frequencies));
                known.len() - 1
            })
        };
        let mut offers: Vec<Vec<Offer>> = Vec::with_capacity(literals.len());
        for literal in literals {
            offers.push(windows(literal).map(|(offset, window)| Offer { known: know(window), offset }).collect());
        }
        for offers in &mut offers {
            offers.sort_by(|a, b| known[a.known].cost.total_cmp(&known[b.known].cost));
        }
        let mut order: Vec<usize> = (0..literals.len()).collect();
        order.sort_by_key(|&literal| offers[literal].len());
        let buckets = (0..sieve.buckets).map(|_| Bucket::new(sieve)).collect();
        Self { sieve, known, offers, order, taken: vec![None; literals.len()], buckets }
    }

    /// Every literal chooses, those that have chosen before anew.
    fn turn(&mut self) {
        for at in 0..self.order.len() {
            let literal = self.order[at];
            if let Some(offer) = self.taken[literal].take() {
                self.give_back(self.offers[literal][offer].known);
            }
            let (offer, bucket) = self.cheapest(literal);
            self.take(self.offers[literal][offer].known, bucket);
            self.taken[literal] = Some(offer);
        }
    }

    /// The offer to take, and the bucket for it.
    fn cheapest(&self, literal: usize) -> (usize, usize) {
        let mut best = (f32::INFINITY, 0, 0);
        for (offer, Offer { known, .. }) in self.offers[literal].iter().enumerate() {
            let known = &self.known[*known];
            match known.taken {
                Some(taken) if known.shared < best.0 => best = (known.shared, offer, taken.bucket),
                None if known.cost < best.0 => {
                    let (cost, bucket) = self.cheapest_bucket(known);
                    if cost < best.0 {
                        best = (cost, offer, bucket);
                    }
                }
                _ => {}
            }
        }
        (best.1, best.2)
    }

    /// What a window that nobody has taken costs, and the bucket to take it into.
    fn cheapest_bucket(&self, known: &Known) -> (f32, usize) {
        let costs = self.buckets.iter().map(|tables| known.cost + tables.growth(&known.demands));
        let (bucket, cost) = costs.enumerate().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default();
        (cost, bucket)
    }

    fn take(&mut self, known: usize, bucket: usize) {
        let known = &mut self.known[known];
        match &mut known.taken {
            Some(taken) => taken.literals += 1,
            None => {
                known.taken = Some(Taken { bucket, literals: 1 });
                self.buckets[bucket].add(&known.demands, &self.sieve.shares);
            }
        }
    }

    fn give_back(&mut self, known: usize) {
        let known = &mut self.known[known];
        match &mut known.taken {
            Some(taken) if taken.literals > 1 => taken.literals -= 1,
            Some(taken) => {
                self.buckets[taken.bucket].remove(&known.demands, &self.sieve.shares);
                known.taken = None;
            }
            None => debug_assert!(false, "only what was taken is given back"),
        }
    }

    fn choices(&self) -> Vec<Choice> {
        let choice = |(offers, taken): (&Vec<Offer>, &Option<usize>)| {
            let offer = &offers[taken.unwrap_or(0)];
            let known = &self.known[offer.known];
            let bucket = known.taken.map_or(0, |taken| taken.bucket);
            Choice { window: known.window, offset: offer.offset, bucket }
        };
        self.offers.iter().zip(&self.taken).map(choice).collect()
    }
}

/// The tables of one bucket.
struct Bucket {
    tables: Vec<Table>,
    /// What the bucket passes, as a share of all places; kept in step with `tables`.
    passes: f32,
}

struct Table {
    /// Windows by demanded class.
    demands: Vec<u32>,
    /// By class, the share of ordinary text that the table would pass beside what it passes now.
    missing: Vec<f32>,
    /// Windows that take any class.
    open: u32,
    /// The share of ordinary text whose class is demanded.
    share: f32,
}

impl Bucket {
    fn new(sieve: &Sieve) -> Self {
        let table =
            |shares: &Vec<f32>| Table { demands: vec![0; shares.len()], missing: shares.clone(), open: 0, share: 0.0 };
        let tables: Vec<Table> = sieve.shares.iter().map(table).collect();
        Self { passes: Self::passes(&tables), tables }
    }

    fn passes(tables: &[Table]) -> f32 {
        tables.iter().map(|table| if table.open > 0 { 1.0 } else { table.share }).product()
    }

    /// How many more places of a million the bucket would pass with such a window.
    fn growth(&self, demands: &Demands) -> f32 {
        let passes = |(table, demand): (&Table, &Option<u8>)| match demand.map(usize::from) {
            Some(class) if table.open == 0 => table.share + table.missing[class],
            _ => 1.0,
        };
        (self.tables.iter().zip(demands).map(passes).product::<f32>() - self.passes) * 1e6
    }

    fn add(&mut self, demands: &Demands, shares: &[Vec<f32>]) {
        for ((table, demand), shares) in self.tables.iter_mut().zip(demands).zip(shares) {
            let Some(class) = demand.map(usize::from) else {
                table.open += 1;
                continue;
            };
            table.demands[class] += 1;
            if table.demands[class] == 1 {
                table.share += shares[class];
                table.missing[class] = 0.0;
            }
        }
        self.passes = Self::passes(&self.tables);
    }

    fn remove(&mut self, demands: &Demands, shares: &[Vec<f32>]) {
        for ((table, demand), shares) in self.tables.iter_mut().zip(demands).zip(shares) {
            let Some(class) = demand.map(usize::from) else {
                table.open -= 1;
                continue;
            };
            debug_assert!(table.demands[class] > 0, "only what was added is removed");
            table.demands[class] -= 1;
            if table.demands[class] == 0 {
                table.share -= shares[class];
                table.missing[class] = shares[class];
            }
        }
        self.passes = Self::passes(&self.tables);
    }
}
