//! Which way a node is searched: the cheapest by forecast.
//!
//! Costs are in nanoseconds of one core, measured once (benches/tree_search.rs) and good enough to choose by.

use super::bins;
use super::cells::MOST_ARMS;
use super::scan::LANES;

/// More numbers than this are not kept in one table.
const LARGEST_TABLE: usize = 1 << 22;

/// The share of the scans of [`scanned`] that are made, measured over sizes and arms (benches/tree_growth.rs): covariates without a
/// signal close early.
const CLOSED_EARLY: f64 = 0.6;
/// Intervals of root cuts are for as many arms at least.
const LEAST_BINNED: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Root cuts by their bounds.
    Bisection,
    /// Joint histograms (depth 2).
    Pairs,
    /// Sums over pairs and triples of binary covariates (depth 2 and 3).
    Binary,
    /// Intervals of root cuts by bounds from bins (depth 2, at the top).
    Intervals,
}

impl Strategy {
    pub const ALL: [Self; 4] = [Self::Bisection, Self::Pairs, Self::Binary, Self::Intervals];

    pub fn name(self) -> &'static str {
        match self {
            Self::Bisection => "bisection",
            Self::Pairs => "joint_histograms",
            Self::Binary => "binary_sums",
            Self::Intervals => "binned_bounds",
        }
    }

    /// Why it was chosen.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Bisection => "no table of sums over two or three covariates is cheaper by forecast",
            Self::Pairs => "the covariates have so few values that joint histograms are cheaper by forecast",
            Self::Binary => "all covariates have two values",
            Self::Intervals => {
                "with so many units and arms, bounds from binned sums are cheaper by forecast than scans of all units"
            }
        }
    }

    /// The way to search trees of a depth of at least 2 over `len` units whose covariates have so many `values`.
    pub fn of(arms: usize, len: usize, values: &[usize], depth: usize) -> Self {
        let binary = values.iter().all(|&values| values == 2);
        match depth {
            _ if arms > MOST_ARMS => Strategy::Bisection,
            2 if binary => Strategy::Binary,
            3 if binary && values.len().pow(3) / 6 * padded(arms) <= LARGEST_TABLE => Strategy::Binary,
            2 if joint(arms, len, values) < scanned(arms, len, values) => Strategy::Pairs,
            _ => Strategy::Bisection,
        }
    }
}

/// Seconds on one core that the best tree of a depth over such units may take: mostly right within a factor of three.
pub fn forecast(arms: usize, len: usize, values: &[usize], depth: usize) -> f64 {
    1e-9 * nanoseconds(arms, len, values, depth, true)
}

fn nanoseconds(arms: usize, len: usize, values: &[usize], depth: usize, top: bool) -> f64 {
    if depth < 2 {
        return 2.0 * (len * arms * values.len()) as f64;
    }
    match Strategy::of(arms, len, values, depth) {
        Strategy::Pairs => joint(arms, len, values),
        Strategy::Binary => sums(arms, len, values.len(), depth),
        Strategy::Bisection | Strategy::Intervals if depth == 2 => CLOSED_EARLY * scanned(arms, len, values),
        Strategy::Bisection | Strategy::Intervals => {
            // Half of the units on each side; half of their values where each has its own.
            let (half, most) = (len.div_ceil(2), len.div_ceil(2).max(2));
            let below: Vec<usize> = values.iter().map(|&values| values.min(most)).collect();
            let looks: f64 = values.iter().map(|&values| looks(values, top)).sum();
            looks * 2.0 * nanoseconds(arms, half, &below, depth - 1, false)
        }
    }
}

/// Seconds to turn so many units into ranks, whole numbers and orders.
pub fn reading(arms: usize, units: usize, covariates: usize) -> f64 {
    1e-9 * (units * (12 * covariates + 10 * arms)) as f64
}

/// Sums over pairs and triples: half of the covariates of a unit have their rarer value.
fn sums(arms: usize, len: usize, covariates: usize, depth: usize) -> f64 {
    let (p, ones, vectors) =
        (covariates as f64, covariates as f64 / 2.0, (padded(arms) as f64 / 4.0).max(0.5));
    let added = |o: f64| if depth == 3 { o.powi(3) / 6.0 + o * o / 2.0 } else { o * o / 2.0 };
    vectors * (2.0 * len as f64 * added(ones) + 30.0 * added(p))
}

/// Root cuts searched at depth 3 and more until a covariate of so many values is closed: fewer below the top, where most nodes only
/// have to be shown not to reach their need.
fn looks(values: usize, top: bool) -> f64 {
    let values = values as f64;
    (values - 1.0).min(if top { 6.0 * values.log2() } else { values.log2().max(5.0) })
}

/// How many numbers a cell holds.
fn padded(arms: usize) -> usize {
    if arms == 2 { 1 } else { arms.next_multiple_of(4) }
}

/// Joint histograms of every two covariates: each unit once, each cell twice.
fn joint(arms: usize, len: usize, values: &[usize]) -> f64 {
    let arms = padded(arms);
    let m: Vec<f64> = values.iter().map(|&values| values as f64).collect();
    let (sum, squares) = (m.iter().sum::<f64>(), m.iter().map(|m| m * m).sum::<f64>());
    let widest = m.iter().copied().fold(0.0, f64::max);
    if widest * widest * arms as f64 > LARGEST_TABLE as f64 {
        return f64::INFINITY;
    }
    let (pairs, cells) = ((m.len() * m.len().saturating_sub(1) / 2) as f64, (sum * sum - squares) / 2.0);
    let vectors = 1.0 + arms as f64 / 4.0;
    pairs * len as f64 * vectors + (2.0 * cells + squares) * 6.0 * vectors
}

/// Bisection at depth 2: so many scans for each root covariate.
fn scanned(arms: usize, len: usize, values: &[usize]) -> f64 {
    let arms = if arms == 2 { 1.0 } else { arms as f64 };
    let scans: f64 = values.iter().map(|&values| scans(values)).sum();
    let step = |&values: &usize| arms * (1.2 * len as f64 + 4.0 * values as f64);
    scans * values.iter().map(step).sum::<f64>()
}

/// Seconds on one core that intervals of root cuts may take where they are the better way by far than one that takes `otherwise`: every two
/// covariates once, and looks into the cuts that are left. With few arms these are too many, because the stakes are low and the
/// best cuts hardly better than others.
pub fn binned(arms: usize, len: usize, values: &[usize], otherwise: f64) -> Option<f64> {
    if !(LEAST_BINNED..=bins::MOST_ARMS).contains(&arms) {
        return None;
    }
    let (pairs, vectors, len) = (values.len().pow(2) as f64, arms.div_ceil(8) as f64, len as f64);
    let seconds = 1e-9 * (pairs * vectors * (2.5 * len + 25_000.0) + 3_000.0 * len * arms as f64);
    (2.0 * seconds < otherwise).then_some(seconds)
}

/// Scans until the cuts of a covariate of so many values are closed.
fn scans(values: usize) -> f64 {
    let values = values as f64;
    (values / LANES as f64).ceil().min(values.log2() - 3.0).max(1.0)
}
