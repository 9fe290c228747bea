//! Units that affect each other within clusters: the designs of interference.txt, section 6.
//!
//! ```text
//! clusters i = 1..n of M_i units, M_i from {5, 10, 15} with equal chances;   X1, .., X4 ~ N(0, 1);   A_ij ~ Bernoulli(p), p = .3
//! scenario A   Y_ij = .2 X2 + .2 X3 + (X1 + .5 X2 - X3 - .5 X4) A_ij + 1.5 / (M_i - 1) sum_{k != j} (X3 + X4)_ik A_ik + N(0, 1)
//! scenario B   the same, plus A_ij / (M_i - 1) sum_{k != j} A_ik
//!
//! cluster mean in A   g_i0 + sum_j g_ij A_ij,   g_i0 = mean_j (.2 X2 + .2 X3)_ij,   g_ij = (X1 + .5 X2 + .5 X3 + X4)_ij / M_i
//! cluster mean in B   the same, plus S (S - 1) / (M_i (M_i - 1)),   S = sum_j A_ij
//! projected on (1, A) the same, plus -p^2 + 2 p S / M_i                                                      (17)
//! ```
//!
//! Under A the best of all rules is linear, 1{X1 + .5 X2 + .5 X3 + X4 >= 0}, of value sqrt(2.5 / (2 pi)) = .631. Equation (27) is known from
//! a public replication of an earlier version of the paper; B's interaction is ours.

use std::f64::consts::PI;
use std::str::FromStr;

use ndarray::Array2;
use prescribe_models::InvalidModel;
use rand::Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};
use statrs::distribution::{Continuous, ContinuousCDF, Normal};

use crate::interference::{Clusters, Effects};
use crate::random::stream;

/// Covariates of a unit.
const COVARIATES: usize = 4;

/// How units of a cluster affect each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scenario {
    /// Sums of what each treated unit brings.
    A,
    /// And treated units that strengthen each other.
    B,
}

impl FromStr for Scenario {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "A" => Ok(Self::A),
            "B" => Ok(Self::B),
            _ => Err("give A or B".into()),
        }
    }
}

/// One of the designs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClusterDesign {
    pub scenario: Scenario,
    /// n.
    pub clusters: usize,
    /// Numbers of units of a cluster, each as likely.
    pub sizes: Vec<usize>,
    /// P(A_ij = 1).
    pub propensity: f64,
    /// Standard deviation of the noise of untreated and of treated units.
    pub noise: [f64; 2],
}

impl ClusterDesign {
    /// The paper's, with n clusters.
    pub fn paper(scenario: Scenario, clusters: usize) -> Self {
        Self { scenario, clusters, sizes: vec![5, 10, 15], propensity: 0.3, noise: [1.0, 1.0] }
    }

    fn check(&self) -> Result<(), InvalidModel> {
        let sizes = !self.sizes.is_empty() && self.sizes.iter().all(|&size| size >= 2);
        let noise = self.noise.iter().all(|sd| *sd >= 0.0 && sd.is_finite());
        if self.clusters >= 2 && sizes && self.propensity > 0.0 && self.propensity < 1.0 && noise {
            return Ok(());
        }
        Err(InvalidModel(format!(
            "a design needs 2 clusters of 2 units or more, a propensity between 0 and 1 and finite noise; asked for {self:?}"
        )))
    }
}

/// A study of clusters, and what every other treatment would have brought.
#[derive(Clone, Debug, PartialEq)]
pub struct InterferingClusters {
    /// X1, .., X4 (N x 4).
    pub x: Array2<f64>,
    pub clusters: Clusters,
    /// g_i0 and g_ij of the additive part.
    additive: Effects,
    scenario: Scenario,
    propensity: f64,
}

/// Draws a study.
///
/// # Errors
/// A design without clusters, of single units, or with a propensity of 0 or 1.
pub fn interfering_clusters(design: &ClusterDesign, seed: u64) -> Result<InterferingClusters, InvalidModel> {
    design.check()?;
    let mut random = stream(seed, &format!("interfering_clusters {design:?}"));
    let sizes: Vec<usize> =
        (0..design.clusters).map(|_| design.sizes[random.random_range(0..design.sizes.len())]).collect();
    let total = sizes.iter().sum();
    let x = Array2::from_shape_simple_fn((total, COVARIATES), || random.sample::<f64, _>(StandardNormal));
    let treated: Vec<bool> = (0..total).map(|_| random.random::<f64>() < design.propensity).collect();
    let mut first = 0;
    let mut members = |size: &usize| {
        first += size;
        (first - size..first).collect()
    };
    let members: Vec<Vec<usize>> = sizes.iter().map(&mut members).collect();
    let outcome = outcomes(design, &x, &members, &treated, || random.sample(StandardNormal));
    let clusters = Clusters { members, treated, propensity: vec![design.propensity; total], outcome };
    let additive = additive(&clusters, &x);
    Ok(InterferingClusters {
        x,
        clusters,
        additive,
        scenario: design.scenario,
        propensity: design.propensity,
    })
}

/// Y_ij, unit by unit as the design says it.
fn outcomes(
    design: &ClusterDesign,
    x: &Array2<f64>,
    members: &[Vec<usize>],
    treated: &[bool],
    mut noise: impl FnMut() -> f64,
) -> Vec<f64> {
    let mut outcome = Vec::with_capacity(treated.len());
    for units in members {
        let others = units.len() as f64 - 1.0;
        for &u in units {
            let spill = |k: &&usize| **k != u && treated[**k];
            let neighbours: f64 = units.iter().filter(spill).map(|&k| x[[k, 2]] + x[[k, 3]]).sum();
            let mut mean = 0.2 * x[[u, 1]] + 0.2 * x[[u, 2]] + 1.5 / others * neighbours;
            if treated[u] {
                mean += x[[u, 0]] + 0.5 * x[[u, 1]] - x[[u, 2]] - 0.5 * x[[u, 3]];
                if design.scenario == Scenario::B {
                    mean += units.iter().filter(spill).count() as f64 / others;
                }
            }
            outcome.push(mean + design.noise[usize::from(treated[u])] * noise());
        }
    }
    outcome
}

fn additive(clusters: &Clusters, x: &Array2<f64>) -> Effects {
    let mut effect = vec![0.0; clusters.units()];
    for units in &clusters.members {
        for &u in units {
            let own = x[[u, 0]] + 0.5 * x[[u, 1]] + 0.5 * x[[u, 2]] + x[[u, 3]];
            effect[u] = own / units.len() as f64;
        }
    }
    Effects { baseline: clusters.means(|u| 0.2 * x[[u, 1]] + 0.2 * x[[u, 2]]), effect }
}

impl InterferingClusters {
    /// The covariates of a unit.
    pub fn unit(&self, u: usize) -> &[f64] {
        let rows = self.x.as_slice().expect("the matrix is in standard layout");
        &rows[u * COVARIATES..(u + 1) * COVARIATES]
    }

    /// The units that a rule treats.
    pub fn assignment(&self, treats: impl Fn(&[f64]) -> bool) -> Vec<bool> {
        (0..self.clusters.units()).map(|u| treats(self.unit(u))).collect()
    }

    /// The expected mean outcome of cluster i under an assignment.
    pub fn mean(&self, i: usize, assignment: &[bool]) -> f64 {
        let units = &self.clusters.members[i];
        let treated = || units.iter().filter(|u| assignment[**u]);
        let sum = self.additive.baseline[i] + treated().map(|&u| self.additive.effect[u]).sum::<f64>();
        let (size, count) = (units.len() as f64, treated().count() as f64);
        match self.scenario {
            Scenario::A => sum,
            Scenario::B => sum + count * (count - 1.0) / (size * (size - 1.0)),
        }
    }

    /// The mean of [`Self::mean`] over clusters.
    pub fn value(&self, assignment: &[bool]) -> f64 {
        let n = self.clusters.count();
        (0..n).map(|i| self.mean(i, assignment)).sum::<f64>() / n as f64
    }

    /// g of what is a sum over treated units.
    pub fn additive(&self) -> &Effects {
        &self.additive
    }

    /// g of the projection on (1, A), all there is under A.
    pub fn effects(&self) -> Effects {
        let mut effects = self.additive.clone();
        if self.scenario == Scenario::B {
            let p = self.propensity;
            effects.baseline.iter_mut().for_each(|g| *g -= p * p);
            for units in &self.clusters.members {
                units.iter().for_each(|&u| effects.effect[u] += 2.0 * p / units.len() as f64);
            }
        }
        effects
    }
}

/// The rules that Figure 2 evaluates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FixedRule {
    /// 1{X1 + .5 X2 + .5 X3 + X4 >= 0}
    Linear,
    /// X4 >= -.5 where X1 >= 0, X3 >= .5 elsewhere
    Tree,
    Nobody,
}

impl FixedRule {
    pub const ALL: [FixedRule; 3] = [Self::Linear, Self::Tree, Self::Nobody];

    pub fn treats(self, x: &[f64]) -> bool {
        match self {
            Self::Linear => x[0] + 0.5 * x[1] + 0.5 * x[2] + x[3] >= 0.0,
            Self::Tree if x[0] >= 0.0 => x[3] >= -0.5,
            Self::Tree => x[2] >= 0.5,
            Self::Nobody => false,
        }
    }

    /// The value on the population: E[M g 1{treated}], and in B the square of the share treated, because units are independent.
    pub fn value(self, scenario: Scenario) -> f64 {
        let normal = Normal::standard();
        // E[X 1{X >= c}] = phi(c).
        let (at_zero, at_half, beyond_half) = (1.0 / (2.0 * PI).sqrt(), normal.pdf(0.5), normal.sf(0.5));
        let (gain, share) = match self {
            Self::Linear => (2.5_f64.sqrt() * at_zero, 0.5),
            Self::Tree => {
                let first_leaves = at_zero * (1.0 - beyond_half) - at_zero * beyond_half;
                // X4 counts in full, X3 by half.
                (first_leaves + 0.5 * at_half + 0.25 * at_half, 0.5 * (1.0 - beyond_half) + 0.5 * beyond_half)
            }
            Self::Nobody => (0.0, 0.0),
        };
        match scenario {
            Scenario::A => gain,
            Scenario::B => gain + share * share,
        }
    }
}
