//! Side constraints inside certified rules, against enumeration that shares no code with the library.

mod assignment;
#[path = "../common/labellings.rs"]
mod labellings;
mod linear;
mod searched;
mod trees;

use ndarray::Array2;
use prescribe::solve::{Report, TerminationStatus};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

const INSTANCES: u64 = 100;

/// A constraint's test on an assignment.
type Holds = Box<dyn Fn(&[usize]) -> bool>;

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|j| format!("{prefix}{j}")).collect()
}

/// Whole covariates, few or many values.
fn covariates(random: &mut ChaCha8Rng, n: usize, p: usize) -> Array2<f64> {
    let most = if random.random() { 3 } else { 50 };
    Array2::from_shape_simple_fn((n, p), || f64::from(random.random_range(0..=most)))
}

/// Sums without rounding.
fn reward(random: &mut ChaCha8Rng) -> f64 {
    f64::from(random.random_range(-400..=400)) / 128.0
}

/// Who may get what, now and then nobody anything, and its test on an assignment.
fn eligibility(random: &mut ChaCha8Rng, n: usize, arms: usize) -> (Array2<bool>, Holds) {
    let share = random.random_range(0.05..0.4);
    let eligible = Array2::from_shape_simple_fn((n, arms), || !random.random_bool(share));
    let known = eligible.clone();
    (eligible, Box::new(move |d| d.iter().enumerate().all(|(i, &k)| known[[i, k]])))
}

/// The report proves `optimum`, or that nothing is feasible where there is none.
fn agrees<P>(report: &Report<P>, optimum: Option<f64>, what: &str) {
    let Some(optimum) = optimum else {
        assert_eq!(report.termination_status, TerminationStatus::Infeasible, "{what}");
        assert!(report.point.is_none() && report.objective_bound.is_none(), "{what}");
        return;
    };
    assert_eq!(report.termination_status, TerminationStatus::Optimal, "{what}: {:?}", report.certificate);
    assert!(report.certificate.verified, "{what}: {:?}", report.certificate);
    let value = report.objective_value.unwrap();
    assert!((value - optimum).abs() <= 1e-9 * optimum.abs().max(1.0), "{what}: {value}, not {optimum}");
    let standings = report.statistics["constraints"].as_array().unwrap();
    assert!(standings.iter().all(|s| s["slack"].as_f64().unwrap() >= 0.0), "{what}: {standings:?}");
}
