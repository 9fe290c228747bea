//! A box so small that only ties are left open: settled by exact arithmetic.
//!
//! The points still open lie, but for roundings, on one hyperplane. Whatever rule of the box is chosen, the labels that it gives these
//! points are labels that some hyperplane gives them; so the best labelling of the open points alone ([`Arrangement`], where
//! tied points recurse into their common hyperplane) plus what is settled bounds the box. Where that beats the incumbent, the
//! labels are led back to a rule, which is then the best of the box.

use prescribe_models::Model;
use prescribe_models::linear_rule::LinearRule;

use super::super::enumerate::arrangement::{Arrangement, Labelling};
use super::super::highs::HighsOracle;
use super::super::widest::widest;
use super::demands::Demand;
use super::points::Points;
use super::region::Region;

pub enum Leaf {
    /// Nothing in the box beats the incumbent.
    Closed,
    /// The best rule of the box.
    Found(LinearRule),
    /// A bound on the box, no rule that reaches it.
    Open(i64),
}

/// Hyperplanes that enumeration over the open points of a leaf may look at.
const HYPERPLANES: usize = 20_000;
/// Open points of which, under assignment bounds, all labels are tried.
const CONSTRAINED: usize = 14;

/// Whether `open` points in `dimension` covariates are few enough to settle on suspicion: n^(p-1) axes, n turns each.
pub fn is_cheap(open: usize, dimension: usize) -> bool {
    let axes =
        (0..dimension.saturating_sub(1)).fold(1, |count: usize, k| count * open.saturating_sub(k) / (k + 1));
    open <= dimension + 1 || axes.saturating_mul(open) <= HYPERPLANES
}

/// Settles `region` against the total gain `incumbent`.
pub fn settle(points: &Points, region: &Region, incumbent: i64) -> Leaf {
    let open: Vec<usize> = region.open.iter().map(|&k| k as usize).collect();
    let x: Vec<&[f64]> = open.iter().map(|&k| points.units.x[points.members[k]]).collect();
    let gains = open.iter().map(|&k| points.gains[k]).collect();
    let beats = |best: &Labelling| region.settled + best.value > incumbent;
    let mut best = Arrangement::new(x.clone(), gains).best(&|| false).filter(beats);
    if let Some(unbounded) = best.as_ref().filter(|_| !points.demands.is_empty()) {
        if open.len() > CONSTRAINED {
            return Leaf::Open(region.settled + unbounded.value);
        }
        best = best_feasible(points, region, &open, &x, incumbent);
    }
    let Some(best) = best else { return Leaf::Closed };
    let bound = region.settled + best.value;
    let mut treated = labels_at_centre(points, region);
    open.iter().for_each(|&k| treated[k] = false);
    best.treated.iter().for_each(|&position| treated[open[position]] = true);
    // Cuts of the margin's program that fail leave the box open, no more.
    match widest(points, &treated, &mut HighsOracle::default()) {
        // A bound that holds to within roundings here may not to the last digit.
        Ok(Some(rule)) if points.units.problem().violations(&rule).is_empty() => Leaf::Found(rule),
        _ => Leaf::Open(bound),
    }
}

/// The best labelling of the open points that beats the incumbent and holds the assignment bounds, of those that a hyperplane gives:
/// the labels that the bounds allow are tried from the best down, each held against all hyperplanes by offering one gain a
/// point for its label.
fn best_feasible(
    points: &Points,
    region: &Region,
    open: &[usize],
    x: &[&[f64]],
    incumbent: i64,
) -> Option<Labelling> {
    let chosen = |mask: u32| (0..open.len()).filter(move |position| mask >> position & 1 == 1);
    let value = |mask: u32| chosen(mask).map(|position| points.gains[open[position]]).sum::<i64>();
    let feasible = |mask: &u32| {
        let weight = |(settled, demand): (&f64, &Demand)| {
            settled + chosen(*mask).map(|position| demand.weights[open[position]]).sum::<f64>()
        };
        let weights: Vec<f64> = region.weights.iter().zip(&points.demands).map(weight).collect();
        points.hold(&weights)
    };
    let better = (0..1u32 << open.len())
        .map(|mask| (value(mask), mask))
        .filter(|(v, _)| region.settled + v > incumbent);
    let mut masks: Vec<(i64, u32)> = better.filter(|(_, mask)| feasible(mask)).collect();
    masks.sort_unstable_by_key(|&(value, mask)| (std::cmp::Reverse(value), mask));
    let given = |&(_, mask): &(i64, u32)| {
        let gains = (0..open.len()).map(|position| if mask >> position & 1 == 1 { 1 } else { -1 }).collect();
        let most = Arrangement::new(x.to_vec(), gains).best(&|| false);
        most.is_some_and(|most| most.value == i64::from(mask.count_ones()))
    };
    let (value, mask) = masks.into_iter().find(given)?;
    Some(Labelling { value, treated: chosen(mask).collect() })
}

/// Who is treated by the rule at the centre of the region.
fn labels_at_centre(points: &Points, region: &Region) -> Vec<bool> {
    let centre: Vec<f64> = region.sides.iter().map(|(l, u)| l / 2.0 + u / 2.0).collect();
    let threshold = region.thresholds.0 / 2.0 + region.thresholds.1 / 2.0;
    (0..points.len()).map(|k| points.height(&centre, k) >= threshold).collect()
}
