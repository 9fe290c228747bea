//! What other programs got in the designs of forest.txt, section 4.1, at n = 5,000: separate regression forests, a multi-arm causal forest, the
//! paper's forest on residual outcomes (five training draws), and exact stumps (twelve).
//!
//! Their values are of outcomes, on test units whose baseline has mean -.24: the oracle got 9.76 at gamma 10, 19.76 at gamma 20. What is here
//! has .24 added, so that the oracle has gamma, as in the values beside which it stands.

use serde::Serialize;

use super::forest_methods::Method;
use crate::simulate::ManyArmsDesign;

/// What the baseline of their test units took from every value.
const BASELINE: f64 = -0.24;

/// What another program got.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Elsewhere {
    /// Net of the baseline.
    pub value: f64,
    /// Where it is known.
    pub standard_error: Option<f64>,
    /// Where it is known.
    pub best_arm_rate: Option<f64>,
}

/// gamma, sigma, K, and values and rates of separate forests, the multi-arm causal forest, and the paper's forest without and with clusters.
type Forests = ([f64; 3], [(f64, f64); 4]);

const FORESTS: [Forests; 11] = [
    ([10.0, 10.0, 9.0], [(7.76, 0.55), (9.31, 0.89), (9.65, 0.98), (9.65, 0.99)]),
    ([10.0, 10.0, 29.0], [(7.04, 0.20), (8.84, 0.41), (8.99, 0.45), (8.88, 0.41)]),
    ([10.0, 10.0, 49.0], [(6.53, 0.12), (8.59, 0.27), (8.80, 0.23), (8.99, 0.30)]),
    ([10.0, 10.0, 99.0], [(5.93, 0.04), (7.65, 0.09), (8.78, 0.07), (8.78, 0.00)]),
    ([20.0, 10.0, 9.0], [(18.26, 0.77), (19.72, 1.0), (19.59, 1.0), (19.54, 0.99)]),
    ([20.0, 10.0, 49.0], [(16.52, 0.22), (18.66, 0.39), (18.54, 0.31), (18.32, 0.21)]),
    ([20.0, 10.0, 99.0], [(16.52, 0.08), (17.69, 0.10), (18.11, 0.11), (18.61, 0.20)]),
    ([10.0, 20.0, 9.0], [(5.60, 0.36), (8.52, 0.69), (9.07, 0.82), (9.67, 0.99)]),
    ([10.0, 20.0, 29.0], [(4.76, 0.11), (7.57, 0.27), (8.31, 0.29), (8.74, 0.22)]),
    ([10.0, 20.0, 49.0], [(4.02, 0.07), (6.60, 0.10), (7.50, 0.15), (8.46, 0.27)]),
    ([10.0, 20.0, 99.0], [(3.95, 0.04), (2.52, 0.02), (7.57, 0.05), (7.76, 0.06)]),
];

/// gamma, sigma, K, and values with standard errors of exact stumps, by raw means and by joint empirical Bayes.
type Stumps = ([f64; 3], [(f64, f64); 2]);

const STUMPS: [Stumps; 6] = [
    ([10.0, 20.0, 9.0], [(9.68, 0.12), (9.79, 0.12)]),
    ([10.0, 20.0, 29.0], [(8.84, 0.21), (9.13, 0.16)]),
    ([10.0, 20.0, 49.0], [(8.52, 0.40), (8.93, 0.20)]),
    ([10.0, 20.0, 99.0], [(6.53, 0.81), (8.84, 0.15)]),
    ([10.0, 10.0, 49.0], [(9.34, 0.15), (9.48, 0.12)]),
    ([10.0, 10.0, 99.0], [(9.03, 0.14), (9.44, 0.10)]),
];

/// What another program of the same method got in a design.
pub fn elsewhere(design: &ManyArmsDesign, method: Method) -> Option<Elsewhere> {
    let key = [design.gamma, design.sigma, design.arms as f64];
    let forest = |column: usize| {
        let (_, figures) = FORESTS.iter().find(|(known, _)| *known == key)?;
        let (value, rate) = figures[column];
        Some(Elsewhere { value: value - BASELINE, standard_error: None, best_arm_rate: Some(rate) })
    };
    let stump = |column: usize| {
        let (_, figures) = STUMPS.iter().find(|(known, _)| *known == key)?;
        let (value, error) = figures[column];
        Some(Elsewhere { value: value - BASELINE, standard_error: Some(error), best_arm_rate: None })
    };
    match method {
        Method::Separate => forest(0),
        Method::Causal => forest(1),
        Method::Forest => forest(2),
        Method::Clustered => forest(3),
        Method::Stump => stump(0),
        Method::JointTree => stump(1),
        Method::JointForest | Method::DepthTwo | Method::GlobalBest | Method::Random | Method::Oracle => None,
    }
}
