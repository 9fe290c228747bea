//! The exact optimum of a linear-rule problem by flat enumeration: a reference that shares no search with the solvers.
//!
//! ```text
//! max over w in R^(p+1)   sum_i g_i 1{w'(1, x_i) >= 0}
//! ```
//!
//! The rules with one labelling form a cone in w. In general position its extreme rays are hyperplanes through exactly p
//! units, and those p units may be put on either side by moving the hyperplane a little. So the optimum is the best over all
//! hyperplanes through p units: the gains on the positive side, plus the positive gains among the p. For every choice of
//! p - 1 units ("pivots") the hyperplanes through them turn about an axis; one sort of the turns at which the other units are
//! met and one sweep see them all. O(N^p log N) in total: ten million choices of pivots take some minutes.
//!
//! Ties would break the argument, so nothing is taken on trust: the winner's labels are led back to a rule, and an optimum
//! that this rule does not earn by the model's own evaluation is an error. Enumeration gives the bound, the rule attains it.

use prescribe::models::linear_rule::{LinearProblem, LinearRule};
use prescribe::models::maximum_margin::MaximumMargin;
use prescribe::models::{Model, RuleClass};
use prescribe::solve::highs::HighsOracle;
use rayon::prelude::*;

use super::Failure;

/// Two evaluations of one labelling differ by rounding only.
const SAME: f64 = 1e-9;

/// The optimal value; an error where the data are not in general position.
pub fn optimum(problem: &LinearProblem) -> Result<f64, Failure> {
    let search = Enumeration::of(problem);
    let constant = problem.reference_value().unwrap_or(f64::NEG_INFINITY);
    let Some(best) = search.best().filter(|best| best.value > constant) else {
        return Ok(constant);
    };
    let rule = widest(problem, &search.labels(&best))?;
    let value = problem.objective(&rule);
    if (value - best.value).abs() > SAME * value.abs().max(1.0) {
        return Err(format!("enumeration finds {}, its rule earns {value}: the data tie", best.value).into());
    }
    Ok(value)
}

struct Enumeration {
    gains: Vec<f64>,
    /// w'(1, x_i) for each basis vector w (rows) and each unit i.
    heights: Heights,
}

/// One row a basis vector of the hyperplanes still possible, one column a unit.
type Heights = Vec<Vec<f64>>;

/// A hyperplane: through the pivots, at a turn about their axis, with one or the other side treated.
#[derive(Clone, Debug)]
struct Hyperplane {
    value: f64,
    pivots: Vec<usize>,
    turn: f64,
    flipped: bool,
}

impl Enumeration {
    fn of(problem: &LinearProblem) -> Self {
        let ones = vec![1.0; problem.units()];
        let columns = problem.x().columns();
        Self {
            gains: (0..problem.units()).map(|i| problem.gain(i)).collect(),
            heights: std::iter::once(ones).chain(columns.into_iter().map(|column| column.to_vec())).collect(),
        }
    }

    /// The best hyperplane; the lowest pivots among equals, whatever the number of threads.
    fn best(&self) -> Option<Hyperplane> {
        let from = |first: usize| {
            let mut best = None;
            self.descend(&turned(&self.heights, first), &mut vec![first], &mut best);
            best
        };
        if self.heights.len() == 2 {
            let mut best = None;
            self.sweep(&self.heights, &[], &mut best);
            return best;
        }
        let ends: Vec<Option<Hyperplane>> = (0..self.gains.len()).into_par_iter().map(from).collect();
        let better = |a: Hyperplane, b: Hyperplane| if b.value > a.value { b } else { a };
        ends.into_iter().flatten().reduce(better)
    }

    /// Chooses the pivots that are missing, in ascending order, until two basis vectors are left.
    fn descend(&self, heights: &Heights, pivots: &mut Vec<usize>, best: &mut Option<Hyperplane>) {
        if heights.len() == 2 {
            return self.sweep(heights, pivots, best);
        }
        let after = pivots.last().map_or(0, |last| last + 1);
        for next in after..self.gains.len() {
            pivots.push(next);
            self.descend(&turned(heights, next), pivots, best);
            pivots.pop();
        }
    }

    /// All turns about one axis: with heights a + t c, unit i changes side at t = -a_i / c_i.
    fn sweep(&self, heights: &Heights, pivots: &[usize], best: &mut Option<Hyperplane>) {
        let (mut treated, mut everyone, mut steps) = (0.0, 0.0, Vec::with_capacity(self.gains.len()));
        for (i, gain) in self.gains.iter().enumerate() {
            if pivots.contains(&i) {
                continue;
            }
            let (a, c) = (heights[0][i], heights[1][i]);
            everyone += gain;
            treated += if c < 0.0 { *gain } else { 0.0 };
            steps.push((-a / c, if c > 0.0 { *gain } else { -gain }));
        }
        steps.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let on_axis: f64 = pivots.iter().map(|&i| self.gains[i].max(0.0)).sum();
        for (k, &(turn, change)) in steps.iter().enumerate() {
            treated += change;
            for (value, flipped) in [(treated, false), (everyone - treated, true)] {
                let value = value + on_axis;
                // Rounding differs from axis to axis: a better labelling is better by more than that.
                if best.as_ref().is_none_or(|best| value > best.value + SAME) {
                    let next = steps.get(k + 1).map_or(turn + 1.0, |step| step.0);
                    *best = Some(Hyperplane {
                        value,
                        pivots: pivots.to_vec(),
                        turn: (turn + next) / 2.0,
                        flipped,
                    });
                }
            }
        }
    }

    /// Who is treated, pivots on the side that their gain prefers.
    fn labels(&self, best: &Hyperplane) -> Vec<bool> {
        let through = |heights: Heights, &pivot: &usize| turned(&heights, pivot);
        let heights = best.pivots.iter().fold(self.heights.clone(), through);
        let side = |i: usize| (heights[0][i] + best.turn * heights[1][i] >= 0.0) != best.flipped;
        (0..self.gains.len())
            .map(|i| if best.pivots.contains(&i) { self.gains[i] > 0.0 } else { side(i) })
            .collect()
    }
}

/// The heights over a basis of those hyperplanes that also go through `pivot`: eliminate along its largest entry.
fn turned(heights: &Heights, pivot: usize) -> Heights {
    let size = |r: &usize| heights[*r][pivot].abs();
    let largest = (0..heights.len()).max_by(|a, b| size(a).total_cmp(&size(b))).unwrap_or(0);
    let along = &heights[largest];
    let others = (0..heights.len()).filter(|&r| r != largest);
    others
        .map(|r| {
            let factor = heights[r][pivot] / along[pivot];
            heights[r].iter().zip(along).map(|(h, l)| h - factor * l).collect()
        })
        .collect()
}

/// The rule of largest margin with these labels.
fn widest(problem: &LinearProblem, labels: &[bool]) -> Result<LinearRule, Failure> {
    let side = |treated: bool| {
        (0..labels.len())
            .filter(|&i| labels[i] == treated)
            .map(|i| problem.unit(i).to_vec())
            .collect::<Vec<_>>()
    };
    let (treated, untreated) = (side(true), side(false));
    if treated.is_empty() || untreated.is_empty() {
        let arm = usize::from(untreated.is_empty());
        return Ok(problem.class.constant(problem.covariates.len(), arm));
    }
    Ok(MaximumMargin::new(treated, untreated).solve(&mut HighsOracle::default())?)
}
