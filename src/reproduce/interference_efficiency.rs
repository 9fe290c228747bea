//! How near addDR comes to the semiparametric bound (Theorem 2 of interference.txt), in scenario A.
//!
//! ```text
//! bound    Var( g_i'(1, pi_i) ) + E[ sigma^2 / M_i  (1, pi_i)' E[aa']^-1 (1, pi_i) ]                                    (32)
//!          (1, pi)' E[aa']^-1 (1, pi) = 1 + sum_j r_j(p),    r_j(p) = (1 - p) / p where pi_j = 1, p / (1 - p) elsewhere
//! ```
//!
//! for units' noise of the same variance sigma^2 whatever was treated (Assumption 7): addDR weighs clusters of all treatments alike, so it
//! attains the bound only where they are alike. Sizes of clusters may differ, because they belong to what is conditioned on. Where treated
//! units' noise has another variance, the bound (Chamberlain 1992) weighs the equation of unit j by w(A_j) = 1 / sigma^2(A_j), which is a
//! design of total mass E w in which unit j is treated with chance p* = p w(1) / E w:
//!
//! ```text
//! bound    Var( g_i'(1, pi_i) ) + E[ M_i^-2 sum_j ( 1 + sum_{k != j} r_k(p) + r_j(p*) ) / E w ]
//! ```
//!
//! The expectations are means over a large draw of clusters.

use serde::{Deserialize, Serialize};

use super::ReproduceError;
use super::journal::{Run, seed_of};
use crate::interference::{Effects, Interference, cluster_regression, folds, influence};
use crate::simulate::{ClusterDesign, FixedRule, InterferingClusters, Scenario, interfering_clusters};

/// Clusters on which the bound is computed.
const POPULATION: usize = 200_000;
/// Folds of cross-fitting.
const FOLDS: usize = 5;
/// Standard deviations of the noise of untreated and of treated units.
const NOISES: [[f64; 2]; 2] = [[1.0, 1.0], [1.0, 4.0]];

/// An estimator of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimator {
    /// addDR with the true g.
    Oracle,
    /// addDR cross-fitted.
    AddDr,
    AddIpw,
}

impl Estimator {
    pub const ALL: [Estimator; 3] = [Self::Oracle, Self::AddDr, Self::AddIpw];
}

/// One estimator of one rule in one design.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    pub noise: [f64; 2],
    pub clusters: usize,
    pub rule: FixedRule,
    pub estimator: Estimator,
    /// n times the variance over draws.
    pub variance: f64,
    pub bound: f64,
    /// Variance over bound, and the ends of its 95% interval, for normal estimates.
    pub ratio: f64,
    pub interval: [f64; 2],
}

/// The experiment.
#[derive(Clone, Debug, Serialize)]
pub struct Efficiency {
    pub replications: usize,
    pub lines: Vec<Line>,
}

/// Runs the experiment at these numbers of clusters.
///
/// # Errors
/// Of designs and the journal.
pub fn efficiency(clusters: &[usize], seed: u64, run: &Run) -> Result<Efficiency, ReproduceError> {
    let design = |noise: [f64; 2], n| ClusterDesign { noise, ..ClusterDesign::paper(Scenario::A, n) };
    let designs: Vec<ClusterDesign> =
        NOISES.into_iter().flat_map(|noise| clusters.iter().map(move |&n| design(noise, n))).collect();
    let replicate = |r: usize| {
        let one = |design: &ClusterDesign| replicate(design, seed_of(seed, r));
        designs.iter().map(one).collect::<Result<Vec<Vec<f64>>, ReproduceError>>()
    };
    let draws = run.each(replicate)?;
    let mut lines = Vec::new();
    let population = interfering_clusters(&ClusterDesign::paper(Scenario::A, POPULATION), seed)?;
    for (d, design) in designs.iter().enumerate() {
        for (at, (rule, estimator)) in cells().into_iter().enumerate() {
            let bound = bound(&population, rule, design.propensity, design.noise);
            let values: Vec<f64> = draws.iter().map(|draw| draw[d][at]).collect();
            let variance = design.clusters as f64 * variance(&values);
            let ratio = variance / bound;
            // The variance of a normal sample's variance is 2 / (R - 1) of its square.
            let half = crate::evaluate::Z * (2.0 / (values.len() as f64 - 1.0)).sqrt();
            let interval = [ratio / (1.0 + half), ratio / (1.0 - half).max(0.0)];
            let (noise, clusters) = (design.noise, design.clusters);
            lines.push(Line { noise, clusters, rule, estimator, variance, bound, ratio, interval });
        }
    }
    Ok(Efficiency { replications: draws.len(), lines })
}

/// Rules and estimators, in the order of a draw.
fn cells() -> Vec<(FixedRule, Estimator)> {
    FixedRule::ALL.into_iter().flat_map(|rule| Estimator::ALL.map(|estimator| (rule, estimator))).collect()
}

fn replicate(design: &ClusterDesign, seed: u64) -> Result<Vec<f64>, ReproduceError> {
    let drawn = interfering_clusters(design, seed)?;
    let clusters = &drawn.clusters;
    let effects = |estimator: Estimator| -> Option<Effects> {
        match estimator {
            Estimator::Oracle => Some(drawn.effects()),
            Estimator::AddDr => {
                Some(cluster_regression(clusters, drawn.x.view(), &folds(clusters, FOLDS, seed)))
            }
            Estimator::AddIpw => None,
        }
    };
    let effects = Estimator::ALL.map(effects);
    let value = |(rule, estimator): (FixedRule, Estimator)| {
        let assignment = drawn.assignment(|x| rule.treats(x));
        let at = Estimator::ALL.iter().position(|known| *known == estimator).unwrap_or_default();
        let psi = influence(clusters, Interference::Additive, effects[at].as_ref(), &assignment).psi;
        psi.iter().sum::<f64>() / psi.len() as f64
    };
    Ok(cells().into_iter().map(value).collect())
}

/// The bound for one cluster; V(V^) is at least this over n.
fn bound(population: &InterferingClusters, rule: FixedRule, propensity: f64, noise: [f64; 2]) -> f64 {
    let assignment = population.assignment(|x| rule.treats(x));
    let n = population.clusters.count();
    let means: Vec<f64> = (0..n).map(|i| population.mean(i, &assignment)).collect();
    let pieces = population
        .clusters
        .members
        .iter()
        .map(|units| piece(&units.iter().map(|&u| assignment[u]).collect::<Vec<_>>(), propensity, noise));
    variance(&means) + pieces.sum::<f64>() / n as f64
}

/// M^-2 sum_j ( 1 + sum_{k != j} r_k(p) + r_j(p*) ) / E w
fn piece(treated: &[bool], p: f64, noise: [f64; 2]) -> f64 {
    let r = |treated: bool, p: f64| if treated { (1.0 - p) / p } else { p / (1.0 - p) };
    let [untreated_weight, treated_weight] = noise.map(|sd| 1.0 / (sd * sd));
    let mass = (1.0 - p) * untreated_weight + p * treated_weight;
    let tilted = p * treated_weight / mass;
    let all: f64 = treated.iter().map(|&treated| r(treated, p)).sum();
    let size = treated.len() as f64;
    treated.iter().map(|&own| (1.0 + all - r(own, p) + r(own, tilted)) / mass).sum::<f64>() / (size * size)
}

/// With divisor R - 1.
fn variance(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0)
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2};
    use prescribe_models::arm_moments::solve_semidefinite;

    use super::*;

    /// sum_j (1, pi)' (E[aa' / sigma^2(A_j)])^-1 (1, pi) / M^2 over all treatment vectors.
    fn enumerated(treated: &[bool], p: f64, noise: [f64; 2]) -> f64 {
        let size = treated.len();
        let target: Array1<f64> =
            std::iter::once(1.0).chain(treated.iter().map(|&treated| f64::from(u8::from(treated)))).collect();
        let of_unit = |j: usize| {
            let mut second = Array2::<f64>::zeros((size + 1, size + 1));
            for vector in 0..1_u32 << size {
                let bit = |k: usize| vector >> k & 1;
                let a: Vec<f64> = std::iter::once(1.0).chain((0..size).map(|k| f64::from(bit(k)))).collect();
                let chance: f64 = (0..size).map(|k| if bit(k) == 1 { p } else { 1.0 - p }).product();
                let weight = chance / noise[bit(j) as usize].powi(2);
                second += &Array2::from_shape_fn((size + 1, size + 1), |(k, l)| weight * a[k] * a[l]);
            }
            target.dot(&solve_semidefinite(&second, &target))
        };
        (0..size).map(of_unit).sum::<f64>() / (size * size) as f64
    }

    #[test]
    fn the_bound_is_that_of_the_design_matrix() {
        for noise in [[1.0, 1.0], [1.0, 2.0], [0.5, 3.0]] {
            for treated in [vec![true], vec![true, false, false], vec![false; 4], vec![true; 4]] {
                for p in [0.3, 0.6] {
                    let (closed, truth) = (piece(&treated, p, noise), enumerated(&treated, p, noise));
                    assert!((closed / truth - 1.0).abs() < 1e-10, "{treated:?} {p}: {closed} {truth}");
                }
            }
        }
    }
}
