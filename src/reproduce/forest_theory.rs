//! What rules learned over many arms are worth in the normal model of forest.txt, section 5, simulated beside the closed forms of `forest_normal`
//! (Propositions 1 and 2).
//!
//! Each draw takes about 100 cells of every place: a set of variances, K, and N, the cells of an experiment from which alpha and gamma
//! are learned, or infinitely many, where they are known and every experiment has one cell. Utilities are gains over an arm at random:
//!
//! ```text
//! share       sum (mu_j,a(j) - mean_k mu_jk)  /  sum (max_k mu_jk - mean_k mu_jk)
//! best arm    P(a(j) = argmax_k mu_jk),  beside 1 / (K + 1) at random
//! ```

use serde::{Deserialize, Serialize};

use super::ReproduceError;
use super::forest_normal::{NormalRule, Weights, agreement, correlation, expected_maximum, printed};
use super::journal::{Run, seed_of};
use super::spread::Spread;
use crate::evaluate::best;
use crate::simulate::{NormalArms, NormalDesign, normal_arms};

/// Cells of a place in a draw.
const CELLS: usize = 100;

/// a, b, c, d, s2 and m; the last two are those for which Proposition 2 says that there is no difference.
const VARIANCES: [[f64; 6]; 8] = [
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
    [1.0, 4.0, 1.0, 1.0, 4.0, 1.0],
    [1.0, 9.0, 1.0, 0.5, 4.0, 2.0],
    [1.0, 2.0, 4.0, 1.0, 8.0, 2.0],
    [2.0, 4.0, 0.25, 4.0, 9.0, 1.0],
    [0.5, 25.0, 0.5, 2.0, 4.0, 0.5],
    [1.0, 0.0, 1.0, 2.0, 4.0, 1.0],
    [1.0, 4.0, 0.0, 2.0, 4.0, 1.0],
];

/// Where rules are compared.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Place {
    #[serde(flatten)]
    pub design: NormalDesign,
    /// N; none: infinitely many.
    pub cells: Option<usize>,
}

/// The utility of one rule at one place.
#[derive(Clone, Debug, Serialize)]
pub struct UtilityLine {
    #[serde(flatten)]
    pub place: Place,
    pub rule: NormalRule,
    /// Of the oracle's utility over random: simulated, with the error of the simulation, and in closed form.
    pub share: f64,
    pub standard_error: f64,
    pub closed: f64,
    /// share / closed - 1.
    pub difference: f64,
    /// What appendix C prints for the optimal rule and many cells.
    pub printed: Option<f64>,
    /// Of the optimal rule's utility over random, and the same in closed form.
    pub of_optimal: f64,
    pub of_optimal_closed: f64,
    /// The oracle's utility over random, simulated over closed form less 1.
    pub oracle_difference: f64,
}

/// How often one rule finds the best arm at one place.
#[derive(Clone, Debug, Serialize)]
pub struct BestArmLine {
    #[serde(flatten)]
    pub place: Place,
    pub rule: NormalRule,
    pub rate: f64,
    pub standard_error: f64,
    pub closed: f64,
    /// 1 / (K + 1).
    pub random: f64,
    /// (rate - random) / (1 - random), and the same in closed form: what Proposition 1 says goes to 0.
    pub share: f64,
    pub share_closed: f64,
}

/// All lines of an experiment.
#[derive(Clone, Debug, Serialize)]
pub struct Theory<L> {
    pub replications: usize,
    pub lines: Vec<L>,
    /// The largest relative difference between simulation and closed form.
    pub largest_difference: f64,
}

/// Means over the cells of one place in one draw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Gains {
    oracle: f64,
    /// Of the rules, in the order of [`NormalRule::ALL`].
    gain: [f64; 2],
    best: [f64; 2],
}

/// The places of these numbers of arms and cells.
pub fn places(arms: &[usize], cells: &[usize]) -> Vec<Place> {
    let cells: Vec<Option<usize>> = cells.iter().copied().map(Some).chain([None]).collect();
    let at = |[a, b, c, d, s2, m]: [f64; 6]| {
        let designs = arms.iter().map(move |&arms| NormalDesign { arms, a, b, c, d, s2, m });
        designs.flat_map(|design| cells.iter().map(move |&cells| Place { design, cells })).collect::<Vec<_>>()
    };
    VARIANCES.into_iter().flat_map(at).collect()
}

/// Shares of the oracle's utility.
///
/// # Errors
/// Of designs and the journal.
pub fn utility(places: &[Place], seed: u64, run: &Run) -> Result<Theory<UtilityLine>, ReproduceError> {
    let draws = draws(places, seed, run)?;
    let mut lines = Vec::new();
    for (p, place) in places.iter().enumerate() {
        let along = |of: &dyn Fn(&Gains) -> f64| draws.iter().map(|draw| of(&draw[p])).collect::<Vec<f64>>();
        let oracle = along(&|gains| gains.oracle);
        let shares = [0, 1].map(|r| ratio(&along(&|gains| gains.gain[r]), &oracle));
        let closed = NormalRule::ALL.map(|rule| correlation(rule, &place.design, place.cells));
        let of_oracle = (place.design.c + place.design.d).sqrt() * expected_maximum(place.design.arms + 1);
        for (r, rule) in NormalRule::ALL.into_iter().enumerate() {
            let in_print = rule == NormalRule::Optimal && place.cells.is_none();
            lines.push(UtilityLine {
                place: *place,
                rule,
                share: shares[r].0,
                standard_error: shares[r].1,
                closed: closed[r],
                difference: shares[r].0 / closed[r] - 1.0,
                printed: in_print.then(|| printed(&place.design)).filter(|value| value.is_finite()),
                of_optimal: shares[r].0 / shares[0].0,
                of_optimal_closed: closed[r] / closed[0],
                oracle_difference: Spread::of(&oracle).mean / of_oracle - 1.0,
            });
        }
    }
    let largest_difference = lines.iter().map(|line| line.difference.abs()).fold(0.0, f64::max);
    Ok(Theory { replications: draws.len(), lines, largest_difference })
}

/// How often the best arm is found.
///
/// # Errors
/// As of [`utility`].
pub fn best_arm(places: &[Place], seed: u64, run: &Run) -> Result<Theory<BestArmLine>, ReproduceError> {
    let draws = draws(places, seed, run)?;
    let mut lines = Vec::new();
    for (p, place) in places.iter().enumerate() {
        let random = 1.0 / (place.design.arms as f64 + 1.0);
        for (r, rule) in NormalRule::ALL.into_iter().enumerate() {
            let rates: Vec<f64> = draws.iter().map(|draw| draw[p].best[r]).collect();
            let Spread { mean: rate, standard_error, .. } = Spread::of(&rates);
            let closed = agreement(place.design.arms + 1, correlation(rule, &place.design, place.cells));
            let share = |rate: f64| (rate - random) / (1.0 - random);
            let (share, share_closed) = (share(rate), share(closed));
            let place = *place;
            lines.push(BestArmLine {
                place,
                rule,
                rate,
                standard_error,
                closed,
                random,
                share,
                share_closed,
            });
        }
    }
    let largest_difference =
        lines.iter().map(|line| (line.rate / line.closed - 1.0).abs()).fold(0.0, f64::max);
    Ok(Theory { replications: draws.len(), lines, largest_difference })
}

fn draws(places: &[Place], seed: u64, run: &Run) -> Result<Vec<Vec<Gains>>, ReproduceError> {
    run.each(|r| places.iter().map(|place| replicate(place, seed_of(seed, r))).collect())
}

fn replicate(place: &Place, seed: u64) -> Result<Gains, ReproduceError> {
    let cells = place.cells.unwrap_or(1);
    let weights = NormalRule::ALL.map(|rule| Weights::of(rule, &place.design, place.cells));
    let experiments = CELLS.div_ceil(cells);
    let mut sum = Gains::default();
    for experiment in 0..experiments {
        let drawn = normal_arms(&place.design, cells, seed_of(seed, experiment))?;
        add(&mut sum, &drawn, weights.map(|weights| weights.assign(&drawn, place.cells.is_none())));
    }
    let count = (experiments * cells) as f64;
    let mean = |sums: [f64; 2]| sums.map(|sum| sum / count);
    Ok(Gains { oracle: sum.oracle / count, gain: mean(sum.gain), best: mean(sum.best) })
}

fn add(sum: &mut Gains, drawn: &NormalArms, assigned: [Vec<usize>; 2]) {
    for (j, means) in drawn.means.rows().into_iter().enumerate() {
        let random = means.sum() / means.len() as f64;
        let top = best(means);
        sum.oracle += means[top] - random;
        for (r, arms) in assigned.iter().enumerate() {
            sum.gain[r] += means[arms[j]] - random;
            sum.best[r] += f64::from(u8::from(arms[j] == top));
        }
    }
}

/// The ratio of two means over draws, and its standard error (delta method).
fn ratio(over: &[f64], under: &[f64]) -> (f64, f64) {
    let mean = Spread::of(under).mean;
    let ratio = Spread::of(over).mean / mean;
    let left: Vec<f64> = over.iter().zip(under).map(|(over, under)| over - ratio * under).collect();
    (ratio, Spread::of(&left).standard_error / mean)
}
