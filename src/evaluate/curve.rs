//! The cost curve: what is gained over giving everyone the first arm, against what is spent, where those come first whose
//! estimated gain is largest for its cost.
//!
//! ```text
//! gain    d_ik  = w_i (s_ik - s_i1)      scores s in the user's direction, before costs; estimated by the scores
//! cost    c_ik  = w_i (c_ik - c_i1) > 0  what arm k costs more than the first; 1 for every k > 1 where no costs are given
//! order   by the slopes of the upper concave envelope of (c_ik, m_ik) over the arms k of unit i, m a prediction of d
//! curve   V(B)  = (1/n) sum_i d_{i, pi_B(i)},      pi_B the arms reached when (1/n) sum_i c_{i, pi_B(i)} = B
//! random  R(B)  = the same for arms drawn by lot: between two arms of the envelope of the mean costs and predictions
//! area    (1/T) int_0^T ( V(B) - R(B) ) dB,        T what it costs to give everyone the dearest arm
//! ```
//!
//! For two arms this is the Qini curve with costs (Sun, Du and Wager 2021, "Treatment allocation under uncertain costs"), for
//! more the multi-armed one (Sverdrup, Wu, Athey and Wager 2023, "Qini curves for multi-armed treatment rules"), drawn on until
//! everyone has the dearest arm, gain or no gain. Units of equal slope are treated by lot, so that their order does not
//! matter. The predictions m must not rest on the unit that they are for: then V is unbiased for the order that they give.
//!
//! Budgets are shares u of T. The standard error of V(u T) counts that T and the last slope treated depend on the sample: with
//! lambda the slope of the curve there, and t_i what the dearest arm costs unit i, it is that of the mean of
//! d_{i, pi_B(i)} - lambda (c_{i, pi_B(i)} - u t_i); the same holds for R and for the area.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::estimate::Sampling;
use super::{Estimate, check_sampling};
use crate::data::{DataError, Place, Problem, Study};
use crate::score::Direction;

/// Gain against spending.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CostCurve {
    pub units: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clusters: Option<usize>,
    /// What a unit of spending is.
    pub spending_in: SpendingUnit,
    /// T, the mean spending on a unit where everyone has the dearest arm.
    pub total: f64,
    /// From spending nothing to spending it all, in equal steps.
    pub points: Vec<CurvePoint>,
    /// The mean over all budgets of the gain over random allocation.
    pub area: Estimate,
}

/// What spending is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpendingUnit {
    /// Costs, in units of the outcome.
    Costs,
    /// The share of units with an arm other than the first, where no costs are given.
    ShareOfUnits,
}

/// What can be gained by spending this much on a unit, on average; gains are positive where things become better.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    pub spending: f64,
    pub gain: Estimate,
    pub random: Estimate,
    pub over_random: Estimate,
}

impl CostCurve {
    /// The curve of `steps` + 1 points, by the net rewards (n x K, as [`crate::score::net`] makes them) in the order of
    /// `predicted` (n x K), the outcome predicted under each arm by what does not know the unit.
    ///
    /// # Errors
    /// Kind `Data` where rewards or predictions do not fit the study, an arm costs a unit no more than the first, or there are
    /// fewer than two clusters (or units) of positive weight.
    pub fn new(
        study: &Study,
        rewards: &Array2<f64>,
        predicted: &Array2<f64>,
        direction: Direction,
        steps: usize,
    ) -> Result<CostCurve, DataError> {
        study.check_matrix("the reward matrix", rewards)?;
        study.check_matrix("the outcome predictions", predicted)?;
        let sampling = Sampling::of(study);
        check_sampling(study, &sampling)?;
        let spending_in = match study.costs.iter().all(|cost| *cost == 0.0) {
            true => SpendingUnit::ShareOfUnits,
            false => SpendingUnit::Costs,
        };
        let market = Market { study, rewards, predicted, sign: direction.sign(), spending_in };
        market.check()?;
        let path = Path::of(&market);
        let n = study.units() as f64;
        let total = path.steps.iter().map(|step| step.cost).sum::<f64>() / n;
        let budgets: Vec<f64> = (0..=steps).map(|m| total * m as f64 / steps as f64).collect();

        let (mut values, mut full) = (Vec::with_capacity(budgets.len()), Vec::new());
        path.walk(&market, &budgets, |m, gain, cost| {
            values.push(gain.iter().sum::<f64>() / n);
            if m == steps {
                full = cost.to_vec();
            }
        });
        let lot = Lot::of(&market);
        let mut points = Vec::with_capacity(budgets.len());
        let (mut area, mut ordered, mut by_lot) = (full.clone(), full.clone(), full.clone());
        area.fill(0.0);
        path.walk(&market, &budgets, |m, gain, cost| {
            let (slope, drawn, used) =
                (slope(&budgets, &values, m), lot.at(budgets[m]), m as f64 / steps as f64);
            // The trapezoidal rule over equal steps.
            let share = if m == 0 || m == steps { 0.5 } else { 1.0 } / steps as f64;
            for i in 0..study.units() {
                ordered[i] = gain[i] - slope * (cost[i] - used * full[i]);
                by_lot[i] = drawn.gain(&market, i) - drawn.slope * (drawn.cost(&market, i) - used * full[i]);
                area[i] += share * (ordered[i] - by_lot[i]);
            }
            points.push(CurvePoint {
                spending: budgets[m],
                gain: Estimate::of_mean(|i| ordered[i], &sampling),
                random: Estimate::of_mean(|i| by_lot[i], &sampling),
                over_random: Estimate::of_mean(|i| ordered[i] - by_lot[i], &sampling),
            });
        });
        let area = Estimate::of_mean(|i| area[i], &sampling);
        let clusters = study.cluster.is_some().then_some(sampling.clusters);
        Ok(CostCurve { units: study.units(), clusters, spending_in, total, points, area })
    }
}

/// What arms bring and cost, before an order is chosen.
struct Market<'s> {
    study: &'s Study,
    rewards: &'s Array2<f64>,
    predicted: &'s Array2<f64>,
    sign: f64,
    spending_in: SpendingUnit,
}

impl Market<'_> {
    /// d_ik by the scores: rewards hold the costs, which count as spending here.
    fn gain(&self, i: usize, k: usize) -> f64 {
        let gross = |k: usize| self.rewards[[i, k]] + self.study.weight(i) * self.study.costs[[i, k]];
        gross(k) - gross(0)
    }

    /// c_ik.
    fn cost(&self, i: usize, k: usize) -> f64 {
        let costs = &self.study.costs;
        self.study.weight(i)
            * match self.spending_in {
                SpendingUnit::Costs => costs[[i, k]] - costs[[i, 0]],
                SpendingUnit::ShareOfUnits => f64::from(u8::from(k > 0)),
            }
    }

    /// m_ik.
    fn prediction(&self, i: usize, k: usize) -> f64 {
        self.study.weight(i) * self.sign * (self.predicted[[i, k]] - self.predicted[[i, 0]])
    }

    fn arms(&self) -> usize {
        self.rewards.ncols()
    }

    /// Refuses an arm that is no dearer than the first: to give it would be no question of spending.
    fn check(&self) -> Result<(), DataError> {
        let costs = &self.study.costs;
        let free = |i: usize, k: usize| costs[[i, k]] <= costs[[i, 0]];
        let found = (0..self.study.units())
            .filter(|_| self.spending_in == SpendingUnit::Costs)
            .find_map(|i| (1..self.arms()).find(|&k| free(i, k)).map(|k| (i, k)));
        let Some((i, k)) = found else { return Ok(()) };
        let problem = Problem::NoDearerThanFirst {
            arm: self.study.arms[k].clone(),
            cost: costs[[i, k]],
            first: costs[[i, 0]],
            row: self.study.rows[i] + 1,
        };
        Err(Place::file(&self.study.source).refuse(problem))
    }
}

/// A unit's move from one arm to a dearer one.
struct Step {
    unit: usize,
    from: usize,
    to: usize,
    cost: f64,
    slope: f64,
}

/// All moves, the most gainful for their cost first.
struct Path {
    steps: Vec<Step>,
}

impl Path {
    fn of(market: &Market) -> Path {
        let mut steps = Vec::new();
        let mut arms = Vec::with_capacity(market.arms());
        // A unit of no weight neither costs nor gains.
        for unit in (0..market.study.units()).filter(|&i| market.study.weight(i) > 0.0) {
            arms.clear();
            arms.extend((0..market.arms()).map(|k| (market.cost(unit, k), market.prediction(unit, k), k)));
            let envelope = envelope(&mut arms);
            let moves = envelope.windows(2).map(|pair| {
                let ((c0, m0, from), (c1, m1, to)) = (pair[0], pair[1]);
                Step { unit, from, to, cost: c1 - c0, slope: (m1 - m0) / (c1 - c0) }
            });
            steps.extend(moves);
        }
        // Stable, so that equal slopes keep the order of the units.
        steps.sort_by(|a, b| b.slope.total_cmp(&a.slope));
        Path { steps }
    }

    /// Calls `at` with each budget's number and the units' gains and costs when the budget is spent; moves of equal slope are
    /// made all in the same part.
    fn walk(&self, market: &Market, budgets: &[f64], mut at: impl FnMut(usize, &[f64], &[f64])) {
        let n = market.study.units();
        let (mut gain, mut cost) = (vec![0.0; n], vec![0.0; n]);
        let (mut spent, mut next) = (0.0, 0);
        for group in self.steps.chunk_by(|a, b| a.slope == b.slope) {
            let price = group.iter().map(|step| step.cost).sum::<f64>() / n as f64;
            let mut part = 0.0;
            let mut go_to = |share: f64, gain: &mut [f64], cost: &mut [f64]| {
                for step in group {
                    let won = market.gain(step.unit, step.to) - market.gain(step.unit, step.from);
                    gain[step.unit] += (share - part) * won;
                    cost[step.unit] += (share - part) * step.cost;
                }
                part = share;
            };
            // The last budget is left for the end, which rounding could else move past it.
            while next + 1 < budgets.len() && budgets[next] <= spent + price {
                go_to(((budgets[next] - spent) / price).clamp(0.0, 1.0), &mut gain, &mut cost);
                at(next, &gain, &cost);
                next += 1;
            }
            go_to(1.0, &mut gain, &mut cost);
            spent += price;
        }
        (next..budgets.len()).for_each(|m| at(m, &gain, &cost));
    }
}

/// The corners of the upper concave envelope of points (cost, gain, arm), from the first arm to the dearest; of arms that
/// cost the same, the most gainful counts, and the lowest of these.
fn envelope(arms: &mut [(f64, f64, usize)]) -> Vec<(f64, f64, usize)> {
    arms.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)).then(a.2.cmp(&b.2)));
    let mut corners: Vec<(f64, f64, usize)> = Vec::with_capacity(arms.len());
    for &arm in arms.iter() {
        if corners.last().is_some_and(|last| last.0 == arm.0) {
            continue;
        }
        let slope = |a: &(f64, f64, usize), b: &(f64, f64, usize)| (b.1 - a.1) / (b.0 - a.0);
        while let [.., before, last] = corners.as_slice() {
            if slope(before, last) > slope(last, &arm) {
                break;
            }
            corners.pop();
        }
        corners.push(arm);
    }
    corners
}

/// The slope of the curve at budget m, over a tenth of all budgets on each side.
fn slope(budgets: &[f64], values: &[f64], m: usize) -> f64 {
    let reach = (budgets.len() / 10).max(1);
    let (from, to) = (m.saturating_sub(reach), (m + reach).min(budgets.len() - 1));
    (values[to] - values[from]) / (budgets[to] - budgets[from])
}

/// Allocation by lot: arms that are given to everyone with the same chance.
struct Lot {
    /// Mean cost, mean gain by the scores, and arm, of each corner of the envelope of the mean predictions.
    corners: Vec<(f64, f64, usize)>,
}

/// Two arms and the chance of the second.
struct Draw {
    from: usize,
    to: usize,
    chance: f64,
    /// What more spending brings.
    slope: f64,
}

impl Lot {
    fn of(market: &Market) -> Lot {
        let n = market.study.units();
        let mean = |of: &dyn Fn(usize) -> f64| (0..n).map(of).sum::<f64>() / n as f64;
        let mut arms: Vec<(f64, f64, usize)> = (0..market.arms())
            .map(|k| (mean(&|i| market.cost(i, k)), mean(&|i| market.prediction(i, k)), k))
            .collect();
        let corners = envelope(&mut arms);
        Lot {
            corners: corners
                .into_iter()
                .map(|(cost, _, k)| (cost, mean(&|i| market.gain(i, k)), k))
                .collect(),
        }
    }

    fn at(&self, budget: f64) -> Draw {
        let last = self.corners.windows(2).find(|pair| budget <= pair[1].0);
        match last {
            Some([(c0, v0, from), (c1, v1, to)]) => {
                let (chance, slope) = ((budget - c0) / (c1 - c0), (v1 - v0) / (c1 - c0));
                Draw { from: *from, to: *to, chance, slope }
            }
            // More than the dearest arm costs cannot be spent.
            _ => {
                let arm = self.corners.last().map_or(0, |corner| corner.2);
                Draw { from: arm, to: arm, chance: 1.0, slope: 0.0 }
            }
        }
    }
}

impl Draw {
    fn gain(&self, market: &Market, i: usize) -> f64 {
        (1.0 - self.chance) * market.gain(i, self.from) + self.chance * market.gain(i, self.to)
    }

    fn cost(&self, market: &Market, i: usize) -> f64 {
        (1.0 - self.chance) * market.cost(i, self.from) + self.chance * market.cost(i, self.to)
    }
}
