//! A box so small that only ties are left open: settled by exact arithmetic.
//!
//! The points still open lie, but for roundings, on one hyperplane. Whatever rule of the box is chosen, the labels that it gives these
//! points are labels that some hyperplane gives them; so the best labelling of the open points alone ([`Arrangement`], where
//! tied points recurse into their common hyperplane) plus what is settled bounds the box. Where that beats the incumbent, the
//! labels are led back to a rule, which is then the best of the box.

use prescribe_models::linear_rule::LinearRule;

use super::super::enumerate::arrangement::Arrangement;
use super::super::highs::HighsOracle;
use super::super::widest::widest;
use super::points::Points;
use super::region::Region;

pub enum Leaf {
    /// Nothing in the box beats the incumbent.
    Closed,
    /// The best rule of the box and its total gain.
    Found(i64, LinearRule),
    /// A bound on the box, no rule that reaches it.
    Open(i64),
}

/// Hyperplanes that enumeration over the open points of a leaf may look at.
const HYPERPLANES: usize = 20_000;

/// Whether `open` points in `dimension` covariates are few enough to settle on suspicion: n^(p-1) axes, n turns each.
pub fn is_cheap(open: usize, dimension: usize) -> bool {
    let axes =
        (0..dimension.saturating_sub(1)).fold(1, |count: usize, k| count * open.saturating_sub(k) / (k + 1));
    open <= dimension + 1 || axes.saturating_mul(open) <= HYPERPLANES
}

/// Settles `region` against the total gain `incumbent`.
pub fn settle(points: &Points, region: &Region, incumbent: i64) -> Leaf {
    let open: Vec<usize> = region.open.iter().map(|&k| k as usize).collect();
    let x = open.iter().map(|&k| points.units.x[points.members[k]]).collect();
    let gains = open.iter().map(|&k| points.gains[k]).collect();
    let Some(best) = Arrangement::new(x, gains).best(&|| false) else { return Leaf::Open(region.bound) };
    let bound = region.settled + best.value;
    if bound <= incumbent {
        return Leaf::Closed;
    }
    let mut treated = labels_at_centre(points, region);
    open.iter().for_each(|&k| treated[k] = false);
    best.treated.iter().for_each(|&position| treated[open[position]] = true);
    // Cuts of the margin's program that fail leave the box open, no more.
    match widest(points, &treated, &mut HighsOracle::default()) {
        Ok(Some(rule)) => Leaf::Found(points.value(&rule), rule),
        _ => Leaf::Open(bound),
    }
}

/// Who is treated by the rule at the centre of the region.
fn labels_at_centre(points: &Points, region: &Region) -> Vec<bool> {
    let centre: Vec<f64> = region.sides.iter().map(|(l, u)| l / 2.0 + u / 2.0).collect();
    let threshold = region.thresholds.0 / 2.0 + region.thresholds.1 / 2.0;
    (0..points.len()).map(|k| points.height(&centre, k) >= threshold).collect()
}
