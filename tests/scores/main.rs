//! From a study to a value: folds, models of outcomes and propensities, cross-fitting, scores and evaluation, each against a truth
//! that is computed another way (by hand, by Cramer's rule, by enumerating every assignment of a small trial).

mod censoring;
mod clusters;
mod cross_fitting;
mod curve;
mod evaluation;
mod folds;
mod independent;
mod linear_model;
mod nuisances;
mod scores;
mod strata;
mod transport;
mod weights;

use ndarray::{Array1, Array2};
use prescribe::data::{Covariate, Study};
use prescribe::evaluate::Estimate;

/// A study from its parts; without costs.
fn study(x: Array2<f64>, arm: Vec<usize>, outcome: Array1<f64>, propensity: Array2<f64>) -> Study {
    let (n, arms) = propensity.dim();
    Study {
        covariates: (0..x.ncols()).map(|j| Covariate::numeric(&format!("x{j}"))).collect(),
        arms: (0..arms).map(|k| format!("arm{k}")).collect(),
        x,
        groups: Default::default(),
        choose: Default::default(),
        arm,
        outcome,
        follow_up: None,
        given_scores: None,
        effects: None,
        costs: Array2::zeros(propensity.dim()),
        propensity,
        predictions: None,
        eligible: None,
        held_out: None,
        ids: (1..=n).map(|i| i.to_string()).collect(),
        cluster: None,
        weights: None,
        rows: (0..n).collect(),
        warnings: Vec::new(),
        dropped: 0,
        source: "trial.csv".into(),
        data_hash: String::new(),
    }
}

/// A study of n units in K arms with numbers that look random and are the same everywhere.
fn scattered_study(n: usize, arms: usize, p: usize) -> Study {
    let number = |seed: usize| ((seed as f64 * 12.9898).sin() * 43758.5453).fract();
    let x = Array2::from_shape_fn((n, p), |(i, j)| number(1 + i * p + j));
    let outcome = Array1::from_shape_fn(n, |i| number(10_007 + i) + x.row(i).sum());
    study(
        x,
        (0..n).map(|i| (i * i + i / 3) % arms).collect(),
        outcome,
        Array2::from_elem((n, arms), 1.0 / arms as f64),
    )
}

/// Whether the interval holds the truth.
fn covers(found: &Estimate, truth: f64) -> bool {
    (found.interval[0]..=found.interval[1]).contains(&truth)
}

fn assert_close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "found {found}, expected {expected}");
}
