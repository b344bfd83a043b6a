//! Dividing patterns among a few buckets so that a bucket's tables let little ordinary text through.
//!
//! A vector kernel gives every position of a pattern its own table; a bucket passes a place in the text when each
//! of its tables passes the class found there. The tables of a bucket are the unions over its patterns, so a
//! bucket also passes every mixture of them. What a bucket passes is estimated as the product of its tables'
//! shares of ordinary text; patterns are moved between buckets while the sum of these products falls.

/// The class a pattern demands at each table; `None` where any class will do.
pub(super) type Demands = Vec<Option<u8>>;

/// Assigns a bucket below `buckets` to each pattern. `shares[table][class]` is how often a class stands on
/// ordinary pages; every pattern has one demand per table.
pub(super) fn cluster(patterns: &[Demands], shares: &[Vec<f32>], buckets: usize) -> Vec<usize> {
    let mut all: Vec<Bucket> = (0..buckets).map(|_| Bucket::new(shares)).collect();
    let mut order: Vec<usize> = (0..patterns.len()).collect();
    // The commonest patterns first: they decide what the buckets look like.
    let commonness = |index: &usize| patterns[*index].iter().zip(shares).map(share_of).product::<f32>();
    order.sort_by(|a, b| commonness(b).total_cmp(&commonness(a)));
    let mut place = vec![0; patterns.len()];
    for &index in &order {
        place[index] = best_bucket(&all, &patterns[index], shares);
        all[place[index]].add(&patterns[index], shares);
    }
    for _ in 0..PASSES {
        for &index in &order {
            all[place[index]].remove(&patterns[index], shares);
            place[index] = best_bucket(&all, &patterns[index], shares);
            all[place[index]].add(&patterns[index], shares);
        }
    }
    place
}

/// After so many rounds of moving patterns the estimate has settled.
const PASSES: usize = 6;

fn share_of((demand, shares): (&Option<u8>, &Vec<f32>)) -> f32 {
    demand.map_or(1.0, |class| shares[usize::from(class)])
}

fn best_bucket(all: &[Bucket], pattern: &Demands, shares: &[Vec<f32>]) -> usize {
    let growth = all.iter().map(|bucket| bucket.passes_with(pattern, shares) - bucket.passes());
    let best = growth.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
    best.map_or(0, |(index, _)| index)
}

/// The tables of one bucket, as counts of the patterns that demand each class.
struct Bucket {
    tables: Vec<Table>,
}

struct Table {
    /// Patterns by demanded class.
    demands: Vec<u32>,
    /// Patterns that take any class.
    open: u32,
    /// The share of ordinary text whose class is demanded; kept in step with `demands`.
    share: f32,
}

impl Table {
    fn passes(&self) -> f32 {
        if self.open > 0 { 1.0 } else { self.share }
    }

    fn passes_with(&self, demand: Option<u8>, shares: &[f32]) -> f32 {
        match demand.map(usize::from) {
            None => 1.0,
            Some(_) if self.open > 0 => 1.0,
            Some(class) if self.demands[class] > 0 => self.share,
            Some(class) => self.share + shares[class],
        }
    }
}

impl Bucket {
    fn new(shares: &[Vec<f32>]) -> Self {
        let table = |shares: &Vec<f32>| Table { demands: vec![0; shares.len()], open: 0, share: 0.0 };
        Self { tables: shares.iter().map(table).collect() }
    }

    fn passes(&self) -> f32 {
        self.tables.iter().map(Table::passes).product()
    }

    fn passes_with(&self, pattern: &Demands, shares: &[Vec<f32>]) -> f32 {
        let each = self.tables.iter().zip(pattern).zip(shares);
        each.map(|((table, &demand), shares)| table.passes_with(demand, shares)).product()
    }

    fn add(&mut self, pattern: &Demands, shares: &[Vec<f32>]) {
        for ((table, demand), shares) in self.tables.iter_mut().zip(pattern).zip(shares) {
            let Some(class) = demand.map(usize::from) else {
                table.open += 1;
                continue;
            };
            table.demands[class] += 1;
            if table.demands[class] == 1 {
                table.share += shares[class];
            }
        }
    }

    fn remove(&mut self, pattern: &Demands, shares: &[Vec<f32>]) {
        for ((table, demand), shares) in self.tables.iter_mut().zip(pattern).zip(shares) {
            let Some(class) = demand.map(usize::from) else {
                table.open -= 1;
                continue;
            };
            debug_assert!(table.demands[class] > 0, "only what was added is removed");
            table.demands[class] -= 1;
            if table.demands[class] == 0 {
                table.share -= shares[class];
            }
        }
    }
}
