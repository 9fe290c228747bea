//! Greedy recursive partitioning: every node is split where a criterion gains most, as long as it gains enough.
//!
//! ```text
//! grow(node):  among delta p random covariates j and all values c of x_j that leave min_leaf units on both sides
//!              split at  x_j <= c  of the largest gain, if it is at least the least gain asked for; else make a leaf
//! ```
//!
//! The columns are sorted once for all trees; a split divides the order of every column stably, so that no node sorts. What a split gains is
//! the business of a [`Criterion`], which sees the units of a node cross from right to left one at a time:
//!
//! | criterion | trees |
//! |---|---|
//! | [`JointAssignment`] | assign one of many arms in each leaf (forest.txt, section 3.1) |
//! | [`CausalGradients`] | tell apart the effects of many arms against a control |
//! | [`Regression`] | predict a number in each leaf |
//!
//! A tree over n units and p covariates costs O(n p) a level and as many calls of the criterion.

mod causal;
mod columns;
mod joint;
mod regression;
mod tree;

pub use causal::CausalGradients;
pub use columns::Columns;
pub use joint::{JointAssignment, Units};
pub use regression::Regression;
pub use tree::{Node, Tree};

use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;

use columns::Orders;

/// What splits of a node gain.
pub trait Criterion {
    /// Makes ready for a node of these units.
    fn open(&mut self, units: &[u32], random: &mut ChaCha8Rng);

    /// Puts all units of the node on the right.
    fn rewind(&mut self);

    /// Moves a unit from the right to the left.
    fn cross(&mut self, unit: u32);

    /// What the split as it stands gains, if that is more than `floor` and the split is allowed.
    fn gain(&mut self, floor: f64) -> Option<f64>;
}

/// How far trees grow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Fewest units of a leaf, at least 1.
    pub min_leaf: usize,
    /// Covariates that a split chooses among, at least 1.
    pub covariates: usize,
    /// What a split must gain at least.
    pub least_gain: f64,
    /// Most splits on the way to a leaf.
    pub depth: Option<usize>,
}

/// A split of the units in a range of the orders.
struct Split {
    gain: f64,
    covariate: usize,
    /// How many of the units, in the order of the covariate, go left.
    left: usize,
}

/// Grows a tree over some of the units (ascending, at least one).
pub fn grow(
    columns: &Columns,
    units: &[u32],
    limits: &Limits,
    criterion: &mut impl Criterion,
    random: &mut ChaCha8Rng,
) -> Tree {
    let mut orders = Orders::of(columns, units);
    let mut tree = Tree::leaf();
    let mut open = vec![(0, 0..units.len(), 0)];
    let may_split = |units: usize, depth: usize| {
        units >= 2 * limits.min_leaf && limits.depth.is_none_or(|most| depth < most)
    };
    while let Some((node, range, depth)) = open.pop() {
        if !may_split(range.len(), depth) {
            continue;
        }
        let Some(split) = best_split(&orders, range.clone(), limits, criterion, random) else { continue };
        let middle = range.start + split.left;
        let threshold = orders.value(split.covariate, middle - 1);
        if may_split(split.left.max(range.len() - split.left), depth + 1) {
            orders.divide(range.clone(), split.covariate, split.left);
        }
        let (left, right) = tree.split(node, split.covariate, threshold);
        open.push((right, middle..range.end, depth + 1));
        open.push((left, range.start..middle, depth + 1));
    }
    tree
}

fn best_split(
    orders: &Orders,
    range: std::ops::Range<usize>,
    limits: &Limits,
    criterion: &mut impl Criterion,
    random: &mut ChaCha8Rng,
) -> Option<Split> {
    criterion.open(&orders.units(0)[range.clone()], random);
    let (mut floor, mut best) = (limits.least_gain, None);
    for covariate in chosen(orders.covariates(), limits.covariates, random) {
        criterion.rewind();
        let sweep = orders.sweep(covariate, range.clone());
        for left in 1..=range.len() - limits.min_leaf {
            criterion.cross(sweep.units[left - 1]);
            if left < limits.min_leaf || !sweep.parts(left) {
                continue;
            }
            if let Some(gain) = criterion.gain(floor) {
                floor = gain;
                best = Some(Split { gain, covariate, left });
            }
        }
    }
    best.filter(|split| split.gain > 0.0)
}

/// `count` of the covariates by chance, ascending; all without drawing where that is all of them.
fn chosen(covariates: usize, count: usize, random: &mut ChaCha8Rng) -> Vec<usize> {
    if count >= covariates {
        return (0..covariates).collect();
    }
    let mut chosen = sample(random, covariates, count).into_vec();
    chosen.sort_unstable();
    chosen
}
