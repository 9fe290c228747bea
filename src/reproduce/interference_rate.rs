//! What rules that are learned from clusters lose against the best linear rule (Theorem 1 of interference.txt).
//!
//! ```text
//! regret   V(best) - V(learned)  <=  C M / eta sqrt(VC / n)         M: largest cluster, eta: p and 1 - p at least
//! V(b)     E[ (X1 + .5 X2 + .5 X3 + X4) 1{b0 + X'b >= 0} ] = c'b / |b| phi(b0 / |b|),   c = (1, .5, .5, 1);   V(best) = |c| phi(0)
//! ```
//!
//! in scenario A, where values are known in closed form. The bound is for the worst of distributions; where gains do not pile up at 0, as
//! here, regret falls faster than n^(-1/2) (Kitagawa and Tetenov 2018, section 2.2). Three curves: against n, against M, against 1 / eta.

use std::f64::consts::PI;

use prescribe_models::linear_rule::LinearRule;
use serde::{Deserialize, Serialize};

use super::ReproduceError;
use super::interference_rules::{Learned, Study};
use super::journal::{Run, seed_of};
use super::spread::{Slope, Spread};
use crate::simulate::{ClusterDesign, Scenario};

/// Sizes of all clusters on the second curve, and propensities on the third.
const SIZES: [usize; 4] = [5, 10, 20, 40];
const PROPENSITIES: [f64; 5] = [0.5, 0.3, 0.2, 0.1, 0.05];
/// Clusters on the second and third.
const CLUSTERS: usize = 200;
/// Methods compared.
pub const METHODS: [Learned; 2] = [Learned::AddIpw, Learned::AddDr];
/// c.
const BEST: [f64; 4] = [1.0, 0.5, 0.5, 1.0];

/// What is varied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Varied {
    /// n, at the sizes and the propensity of the paper.
    Clusters,
    /// M, every cluster of this size.
    ClusterSize,
    /// 1 / eta, eta = p.
    InverseOverlap,
}

/// One method along one curve.
#[derive(Clone, Debug, Serialize)]
pub struct Curve {
    pub varied: Varied,
    pub method: Learned,
    /// What is varied, and the regret.
    pub points: Vec<(f64, Spread)>,
    /// Of log regret against its logarithm; the bound's is -1/2, 1 and 1.
    pub slope: Option<Slope>,
}

/// All of them.
#[derive(Clone, Debug, Serialize)]
pub struct Rate {
    pub replications: usize,
    pub curves: Vec<Curve>,
}

/// Runs the experiment at these numbers of clusters.
///
/// # Errors
/// Of designs, solvers and the journal.
pub fn rate(clusters: &[usize], seed: u64, run: &Run) -> Result<Rate, ReproduceError> {
    let places = places(clusters);
    let replicate = |r: usize| {
        let at = |(_, _, design): &(Varied, f64, ClusterDesign)| {
            let study = Study::draw(design, seed_of(seed, r))?;
            METHODS.into_iter().map(|method| Ok(regret(&study.learn(method)?.0))).collect()
        };
        places.iter().map(at).collect::<Result<Vec<Vec<f64>>, ReproduceError>>()
    };
    let draws = run.each(replicate)?;
    let curve = |varied: Varied, m: usize| {
        let along = places.iter().enumerate().filter(|(_, (of, ..))| *of == varied);
        let point = |(k, (_, at, _)): (usize, &(Varied, f64, ClusterDesign))| {
            (*at, Spread::of(&draws.iter().map(|draw| draw[k][m]).collect::<Vec<_>>()))
        };
        let points: Vec<(f64, Spread)> = along.map(point).collect();
        let (at, lost): (Vec<f64>, Vec<Spread>) = points.iter().copied().unzip();
        Curve { varied, method: METHODS[m], points, slope: Slope::of(&at, &lost) }
    };
    let curves = [Varied::Clusters, Varied::ClusterSize, Varied::InverseOverlap];
    let curves = curves.into_iter().flat_map(|varied| (0..METHODS.len()).map(move |m| (varied, m)));
    Ok(Rate { replications: draws.len(), curves: curves.map(|(varied, m)| curve(varied, m)).collect() })
}

fn places(clusters: &[usize]) -> Vec<(Varied, f64, ClusterDesign)> {
    let paper = |n| ClusterDesign::paper(Scenario::A, n);
    let by_clusters = clusters.iter().map(|&n| (Varied::Clusters, n as f64, paper(n)));
    let by_size = SIZES.into_iter().map(|size| {
        (Varied::ClusterSize, size as f64, ClusterDesign { sizes: vec![size], ..paper(CLUSTERS) })
    });
    let by_overlap = PROPENSITIES.into_iter().map(|propensity| {
        (Varied::InverseOverlap, 1.0 / propensity, ClusterDesign { propensity, ..paper(CLUSTERS) })
    });
    by_clusters.chain(by_size).chain(by_overlap).collect()
}

/// V(best) - V(rule).
fn regret(rule: &LinearRule) -> f64 {
    let length = |b: &[f64]| b.iter().map(|b| b * b).sum::<f64>().sqrt();
    let density = |t: f64| (-t * t / 2.0).exp() / (2.0 * PI).sqrt();
    let best = length(&BEST) * density(0.0);
    let slope = length(&rule.coefficients);
    if slope == 0.0 {
        // Nobody, or everybody: worth nothing.
        return best;
    }
    let along: f64 = BEST.iter().zip(&rule.coefficients).map(|(c, b)| c * b).sum();
    best - along / slope * density(rule.intercept / slope)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::interfering_clusters;

    #[test]
    fn regret_is_that_of_a_large_draw() {
        let drawn = interfering_clusters(&ClusterDesign::paper(Scenario::A, 100_000), 21).unwrap();
        let best = LinearRule { intercept: 0.0, coefficients: BEST.to_vec() };
        assert!(regret(&best).abs() < 1e-15);
        for (intercept, coefficients) in
            [(0.4, vec![1.0, -0.5, 0.2, 0.7]), (-1.0, vec![-1.0, 0.0, 0.0, 0.3]), (1.0, vec![0.0; 4])]
        {
            let rule = LinearRule { intercept, coefficients };
            let assignment = drawn.assignment(|x| rule.treats(x));
            let value = drawn.value(&assignment) + regret(&rule);
            assert!((value - 2.5_f64.sqrt() / (2.0 * PI).sqrt()).abs() < 0.01, "{rule:?}: {value}");
        }
    }
}
