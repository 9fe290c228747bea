//! A box so small that only ties are left open: settled by exact arithmetic.
//!
//! The points still open lie, but for roundings, on one hyperplane. Whatever rule of the box is chosen, the labels that it gives these
//! points are labels that some hyperplane gives them; so the best labelling of the open points alone ([`Arrangement`], where
//! tied points recurse into their common hyperplane) plus what is settled bounds the box. Where that beats the incumbent and few
//! points are open, their labels are searched one by one ([`Labels`]): not all are given by rules that have the settled labels
//! too, as signs forbid it or points are close but not tied. Of many points the best labels are led back to a rule, which is then
//! the best of the box.

use prescribe_models::Model;

use super::super::highs::HighsOracle;
use super::super::hyperplanes::{Arrangement, Points, widest_by_program};
use super::labels::{Known, Labels, Leaf};
use super::region::Region;

/// Hyperplanes that enumeration over the open points of a leaf may look at.
const HYPERPLANES: usize = 20_000;
/// Open points of which labels are searched one by one.
pub const SEARCHED: usize = 64;

/// Whether `open` points in `dimension` covariates are few enough to settle on suspicion: n^(p-1) axes, n turns each.
pub fn is_cheap(open: usize, dimension: usize) -> bool {
    let axes =
        (0..dimension.saturating_sub(1)).fold(1, |count: usize, k| count * open.saturating_sub(k) / (k + 1));
    open <= dimension + 1 || axes.saturating_mul(open) <= HYPERPLANES
}

/// Settles `region` against the total gain `incumbent`; the labels of few points may take so many linear `programs`.
pub fn settle(points: &Points, known: &mut Known, region: &Region, incumbent: i64, programs: usize) -> Leaf {
    let open: Vec<usize> = region.open.iter().map(|&k| k as usize).collect();
    let x: Vec<&[f64]> = open.iter().map(|&k| points.units.x[points.members[k]]).collect();
    let gains = open.iter().map(|&k| points.gains[k]).collect();
    let demands = points.demands.iter().zip(&region.weights);
    let demands = demands.map(|(demand, settled)| demand.over(&open, *settled)).collect();
    let best = Arrangement::new(x, gains, demands).best(incumbent - region.settled, &|| false);
    let Some(best) = best else { return Leaf::default() };
    let bound = region.settled + best.value;
    let mut treated = labels_at_centre(points, region);
    open.iter().for_each(|&k| treated[k] = false);
    let mut used = 0;
    if open.len() <= SEARCHED && programs > 0 {
        let leaf = Labels::of(points, known, &treated, &open, programs).best(incumbent);
        if leaf.last {
            return Leaf { open: leaf.open.map(|open| open.min(bound)), ..leaf };
        }
        used = leaf.programs;
    }
    best.treated.iter().for_each(|&position| treated[open[position]] = true);
    // A margin's program that fails says nothing, and a bound that holds to within roundings here may not to the last digit.
    let found = widest_by_program(points, &treated, &mut HighsOracle::default()).ok().flatten();
    match found.filter(|rule| points.units.problem().violations(rule).is_empty()) {
        Some(rule) => Leaf { found: Some(rule), ..Leaf::default() },
        None => Leaf { open: Some(bound), programs: used, ..Leaf::default() },
    }
}

/// Who is treated by the rule at the centre of the region.
fn labels_at_centre(points: &Points, region: &Region) -> Vec<bool> {
    let centre: Vec<f64> = region.sides.iter().map(|(l, u)| l / 2.0 + u / 2.0).collect();
    let threshold = region.thresholds.0 / 2.0 + region.thresholds.1 / 2.0;
    (0..points.len()).map(|k| points.height(&centre, k) >= threshold).collect()
}
