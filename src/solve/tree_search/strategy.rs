//! Which way a node is searched: the cheapest by forecast.
//!
//! Costs are in nanoseconds of one core, measured once (benches/tree_search.rs) and good enough to choose by.

use super::cells::MOST_ARMS;
use super::scan::LANES;
use super::subset::Subset;
use super::units::Units;

/// More numbers than this are not kept in one table.
const LARGEST_TABLE: usize = 1 << 22;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Root cuts by their bounds.
    Bisection,
    /// Joint histograms (depth 2).
    Pairs,
    /// Sums over pairs and triples of binary covariates (depth 2 and 3).
    Binary,
}

impl Strategy {
    /// The way to search trees of depth at least 2.
    pub fn of(units: &Units, subset: &Subset, depth: usize) -> Self {
        let (p, arms) = (subset.values.len(), padded(units.arms));
        let binary = subset.values.iter().all(|&values| values == 2);
        match depth {
            _ if units.arms > MOST_ARMS => Strategy::Bisection,
            2 if binary => Strategy::Binary,
            3 if binary && p.pow(3) / 6 * arms <= LARGEST_TABLE => Strategy::Binary,
            2 if joint(subset, arms) < scanned(units, subset) => Strategy::Pairs,
            _ => Strategy::Bisection,
        }
    }
}

/// How many numbers a cell holds.
fn padded(arms: usize) -> usize {
    if arms == 2 { 1 } else { arms.next_multiple_of(4) }
}

/// Joint histograms of every two covariates: each unit once, each cell twice.
fn joint(subset: &Subset, arms: usize) -> f64 {
    let m: Vec<f64> = subset.values.iter().map(|&values| values as f64).collect();
    let (sum, squares) = (m.iter().sum::<f64>(), m.iter().map(|m| m * m).sum::<f64>());
    let widest = m.iter().copied().fold(0.0, f64::max);
    if widest * widest * arms as f64 > LARGEST_TABLE as f64 {
        return f64::INFINITY;
    }
    let (pairs, cells) = ((m.len() * m.len().saturating_sub(1) / 2) as f64, (sum * sum - squares) / 2.0);
    let vectors = 1.0 + arms as f64 / 4.0;
    pairs * subset.len as f64 * vectors + (2.0 * cells + squares) * 6.0 * vectors
}

/// Bisection at depth 2: so many scans for each root covariate.
fn scanned(units: &Units, subset: &Subset) -> f64 {
    let arms = if units.arms == 2 { 1.0 } else { units.arms as f64 };
    let scans: f64 = subset.values.iter().map(|&values| scans(values)).sum();
    let step = |&values: &usize| arms * (1.2 * subset.len as f64 + 4.0 * values as f64);
    scans * subset.values.iter().map(step).sum::<f64>()
}

/// Scans until the cuts of a covariate of so many values are closed.
fn scans(values: usize) -> f64 {
    let values = values as f64;
    (values / LANES as f64).ceil().min(values.log2() - 3.0).max(1.0)
}
