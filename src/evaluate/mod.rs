//! The value of an assignment d (one arm a unit), estimated on a reward matrix Gamma (n x K) of units that were not
//! used to choose d:
//!
//! ```text
//! value        V(d)        = (1/n) sum_i Gamma_{i, d_i}
//! difference   V(d) - V(e) = (1/n) sum_i (Gamma_{i, d_i} - Gamma_{i, e_i})      paired, unit by unit
//! error        sqrt( G / (G - 1) sum_c ( sum_{i in c} (term_i - estimate) )^2 ) / n, over the G clusters c
//! interval     estimate +- t errors (95%), t of G - 1 degrees of freedom
//! ```
//!
//! With sample weights, Gamma holds them already ([`crate::score::net`]), means are weighted, and the error is that of a
//! weighted mean (`estimate.rs`). Without clusters each unit is one, and the error is the standard deviation of the terms (divisor n - 1) over sqrt(n).
//! Every number is reported in outcome units, net of costs, in the user's direction: where the outcome is minimised
//! it is -Gamma that is averaged, and lower is better.

mod agreement;
mod best_arm;
mod curve;
mod estimate;
mod leaves;
mod plot;
mod quantile;
mod table;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::data::{DataError, Place, Problem, Study};
use crate::score::Direction;

pub use agreement::adjusted_rand_index;
pub(crate) use best_arm::best;
pub use best_arm::{BestArm, BestArmLabel};
pub use curve::{CostCurve, CurvePoint, SpendingUnit};
pub(crate) use estimate::Sampling;
pub use estimate::{Estimate, as_value};
pub use leaves::Leaf;
pub(crate) use plot::escaped;
pub use plot::{Line, Plot};
pub(crate) use quantile::{Z, student_975};
pub(crate) use table::lines;
pub use table::{aligned, cells, decimals};

/// What an assignment is worth, and how it compares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Whether higher or lower values are better.
    pub direction: Direction,
    /// The number of units n.
    pub units: usize,
    /// The number of clusters G that the standard errors are computed between; none where units are independent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clusters: Option<usize>,
    /// The effective number of units, (sum w)^2 / sum w^2, where units have sample weights w.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_units: Option<f64>,
    /// The value of the assignment; in JSON `value`, `standard_error` and `interval`.
    #[serde(flatten, with = "as_value")]
    pub value: Estimate,
    /// The assignment against each arm given to all units, in the order of the arms; then against [`BEST_ARM`], where there
    /// is one; [`OBSERVED`]; and the other assignments that the caller named.
    pub differences: Vec<Comparison>,
    /// Which arm [`BEST_ARM`] is, and on which units it was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_arm: Option<BestArmLabel>,
    /// The parts of the population that the rule treats alike, from the left; none where the caller knows of no rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaves: Vec<Leaf>,
}

/// Another way to treat the same units: in JSON `against`, the difference (`estimate`, `standard_error`, `interval`), and what
/// the other way is worth by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The label of an arm, or the name of the assignment.
    pub against: String,
    /// The value of the assignment less the value of the other, paired.
    #[serde(flatten)]
    pub difference: Estimate,
    pub value: Estimate,
    /// Of an arm: how many units the assignment gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned: Option<usize>,
    /// Of an arm: the share of units that the assignment gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
}

/// The name of the comparison with the best single arm.
pub const BEST_ARM: &str = "best_arm";
/// The name of the comparison with what the units really received.
pub const OBSERVED: &str = "observed";

/// What an assignment is compared with, beside every arm and what was observed.
#[derive(Debug, Clone, Default)]
pub struct Against {
    pub best_arm: Option<BestArm>,
    /// The reward of each unit (n) under other assignments, by name.
    pub others: Vec<(String, Vec<f64>)>,
}

impl From<BestArm> for Against {
    fn from(best_arm: BestArm) -> Against {
        Against { best_arm: Some(best_arm), others: Vec::new() }
    }
}

impl Evaluation {
    /// Evaluates the assignment of arm `assignment[i]` to unit i on the net reward matrix (n x K, as
    /// [`crate::score::net`] makes it).
    ///
    /// # Errors
    /// Kind `Data` where rewards or assignments do not fit the study, it has fewer than two clusters (or units) of positive weight, or a number is not
    /// finite.
    pub fn new(
        study: &Study,
        rewards: &Array2<f64>,
        assignment: &[usize],
        direction: Direction,
        against: &Against,
    ) -> Result<Evaluation, DataError> {
        study.check_matrix("the reward matrix", rewards)?;
        check_assignment(study, assignment)?;
        Evaluation::valued(study, rewards, assignment, &under(rewards, assignment), direction, against)
    }

    /// Evaluates an assignment whose reward for unit i, `worth[i]`, is not that of an arm of the study: where a rule gives groups of arms
    /// (fusion.txt, section 3.3), it is the group's, and `assignment[i]` the member that the unit gets. What the rule is compared with has
    /// the rewards (n x K) of the arms.
    ///
    /// # Errors
    /// As [`Evaluation::new`].
    pub fn valued(
        study: &Study,
        rewards: &Array2<f64>,
        assignment: &[usize],
        worth: &[f64],
        direction: Direction,
        against: &Against,
    ) -> Result<Evaluation, DataError> {
        let sampling = Sampling::of(study);
        check(study, &sampling, rewards, assignment, worth, against)?;
        let sign = direction.sign();
        let of_rule = |i: usize| sign * worth[i];
        let compare = |name: &str, other: &dyn Fn(usize) -> f64| Comparison {
            against: name.into(),
            difference: Estimate::of_mean(|i| of_rule(i) - other(i), &sampling),
            value: Estimate::of_mean(other, &sampling),
            assigned: None,
            share: None,
        };
        let arm = |(k, label): (usize, &String)| {
            let assigned = assignment.iter().filter(|&&given| given == k).count();
            let share = assigned as f64 / study.units() as f64;
            let comparison = compare(label, &|i| sign * rewards[[i, k]]);
            Comparison { assigned: Some(assigned), share: Some(share), ..comparison }
        };
        let mut differences: Vec<Comparison> = study.arms.iter().enumerate().map(arm).collect();
        if let Some(best) = &against.best_arm {
            differences.push(compare(BEST_ARM, &|i| sign * rewards[[i, best.of(i)]]));
        }
        differences.push(compare(OBSERVED, &|i| observed(study, direction, i)));
        for (name, other) in &against.others {
            differences.push(compare(name, &|i| sign * other[i]));
        }
        let evaluation = Evaluation {
            direction,
            units: study.units(),
            clusters: study.cluster.is_some().then_some(sampling.clusters),
            effective_units: study.weights.is_some().then(|| sampling.effective_units()),
            value: Estimate::of_mean(of_rule, &sampling),
            differences,
            best_arm: against.best_arm.as_ref().map(|best| best.label(&study.arms)),
            leaves: Vec::new(),
        };
        evaluation.refuse_overflow(study)?;
        Ok(evaluation)
    }

    /// The comparison called `name`; an arm's, where an arm has that name.
    pub fn against(&self, name: &str) -> Option<&Comparison> {
        self.differences.iter().find(|comparison| comparison.against == name)
    }

    /// Numbers near the largest double may be finite one by one, and their mean not.
    fn refuse_overflow(&self, study: &Study) -> Result<(), DataError> {
        let comparisons = self.differences.iter().flat_map(|c| [&c.value, &c.difference]);
        if comparisons.chain([&self.value]).all(Estimate::is_finite) {
            return Ok(());
        }
        Err(Place::file(&study.source).refuse(Problem::Overflow { what: "a value or its standard error" }))
    }
}

/// The reward of each unit (n) under the arm that it is given.
pub fn under(rewards: &Array2<f64>, assignment: &[usize]) -> Vec<f64> {
    assignment.iter().enumerate().map(|(i, &k)| rewards[[i, k]]).collect()
}

fn check(
    study: &Study,
    sampling: &Sampling,
    rewards: &Array2<f64>,
    assignment: &[usize],
    worth: &[f64],
    against: &Against,
) -> Result<(), DataError> {
    study.check_matrix("the reward matrix", rewards)?;
    check_sampling(study, sampling)?;
    check_assignment(study, assignment)?;
    for worth in against.others.iter().map(|(_, other)| other.as_slice()).chain([worth]) {
        if worth.len() != study.units() {
            let (expected, found) = (format!("{} units", study.units()), worth.len().to_string());
            let problem = Problem::Shape { what: "the reward of an assignment", expected, found };
            return Err(Place::file(&study.source).refuse(problem));
        }
    }
    let Some(best) = &against.best_arm else { return Ok(()) };
    check_arms(study, best.arms())?;
    match best {
        BestArm::InFolds { arm_of_fold, folds } => {
            let fits =
                folds.fold_of.len() == study.units() && folds.fold_of.iter().all(|&f| f < arm_of_fold.len());
            let lengths = [study.units(), folds.fold_of.len()].map(|length| format!("{length} long"));
            let [expected, found] = lengths;
            let problem = Problem::Shape { what: "the fold of each unit", expected, found };
            if fits { Ok(()) } else { Err(Place::file(&study.source).refuse(problem)) }
        }
        BestArm::Elsewhere(_) => Ok(()),
    }
}

/// Refuses units that have no standard error.
pub(crate) fn check_sampling(study: &Study, sampling: &Sampling) -> Result<(), DataError> {
    let file = Place::file(&study.source);
    let n = study.units();
    if n < 2 {
        return Err(file.refuse(Problem::TooFewRows { rows: n }));
    }
    let lengths = [
        ("the cluster of each unit", sampling.cluster_of.len()),
        ("the weight of each unit", sampling.weights.len()),
    ];
    if let Some((what, length)) = lengths.into_iter().find(|&(_, length)| length != n) {
        let (expected, found) = (format!("{n} long"), format!("{length} long"));
        return Err(file.refuse(Problem::Shape { what, expected, found }));
    }
    if sampling.clusters < 2 {
        return Err(file.refuse(Problem::TooFewClusters { clusters: sampling.clusters, held_out: false }));
    }
    let weighted = sampling.weighted_clusters();
    if weighted < 2 {
        let of = if study.cluster.is_some() { "cluster" } else { "row" };
        return Err(file.refuse(Problem::TooLittleWeight { weighted, of }));
    }
    Ok(())
}

fn check_assignment(study: &Study, assignment: &[usize]) -> Result<(), DataError> {
    if assignment.len() != study.units() {
        let (expected, found) = (format!("{} units", study.units()), assignment.len().to_string());
        let problem = Problem::Shape { what: "the assignment", expected, found };
        return Err(Place::file(&study.source).refuse(problem));
    }
    check_arms(study, assignment)
}

fn check_arms(study: &Study, arms: &[usize]) -> Result<(), DataError> {
    let known = study.arms.len();
    let Some(stranger) = arms.iter().find(|&&k| k >= known) else { return Ok(()) };
    let (expected, found) = (format!("an arm from 0 to {}", known - 1), stranger.to_string());
    Err(Place::file(&study.source).refuse(Problem::Shape { what: "the assignment", expected, found }))
}

/// What unit i brought in the study: the outcome, net of the cost of the arm received, times the weight.
fn observed(study: &Study, direction: Direction, i: usize) -> f64 {
    study.weight(i) * (study.outcome[i] - direction.sign() * study.costs[[i, study.arm[i]]])
}
