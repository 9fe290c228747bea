//! The value of an assignment d (one arm a unit), estimated on a reward matrix Gamma (n x K) of units that were not
//! used to choose d:
//!
//! ```text
//! value        V(d)        = (1/n) sum_i Gamma_{i, d_i}
//! difference   V(d) - V(e) = (1/n) sum_i (Gamma_{i, d_i} - Gamma_{i, e_i})      paired, unit by unit
//! error        sqrt( G / (G - 1) sum_c ( sum_{i in c} (term_i - estimate) )^2 ) / n, over the G clusters c
//! interval     estimate +- 1.96 errors (95%)
//! ```
//!
//! With sample weights, Gamma holds them already ([`crate::score::net`]), means are weighted, and the error is that of a
//! weighted mean (`estimate.rs`). Without clusters each unit is one, and the error is the standard deviation of the terms (divisor n - 1) over sqrt(n).
//! Every number is reported in outcome units, net of costs, in the user's direction: where the outcome is minimised
//! it is -Gamma that is averaged, and lower is better.

mod estimate;
mod table;

use ndarray::{Array1, Array2, ArrayView1};
use serde::{Deserialize, Serialize};

use crate::data::{DataError, Place, Problem, Study};
use crate::score::Direction;

pub use estimate::Estimate;
use estimate::Sampling;

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
    /// The value of the assignment.
    pub value: Estimate,
    /// Each arm as if it were given to all units, in the order of the arms.
    pub arms: Vec<ArmComparison>,
    /// The label of the arm that was best among the units the assignment was learned from, if the caller knows it.
    pub best_arm: Option<String>,
    /// The arms that the units really received.
    pub observed: Comparison,
}

/// One arm: how many units the assignment gives it, and how giving it to all would compare.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmComparison {
    pub arm: String,
    /// How many units the assignment gives this arm.
    pub assigned: usize,
    /// The share of units that the assignment gives this arm.
    pub share: f64,
    #[serde(flatten)]
    pub comparison: Comparison,
}

/// Another way to treat the same units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Its value.
    pub value: Estimate,
    /// The value of the assignment less its value, paired.
    pub difference: Estimate,
}

impl Evaluation {
    /// Evaluates the assignment of arm `assignment[i]` to unit i on the net reward matrix (n x K, as
    /// [`crate::score::net`] makes it). `best_arm` is chosen by the caller on the units that the assignment was
    /// learned from: chosen here, it would be chosen by the errors of the rewards, and the comparison unfair.
    ///
    /// # Errors
    /// Kind `Data` where rewards or assignment do not fit the study, it has fewer than two clusters (or units) of positive weight, or a number is not
    /// finite.
    pub fn new(
        study: &Study,
        rewards: &Array2<f64>,
        assignment: &[usize],
        direction: Direction,
        best_arm: Option<usize>,
    ) -> Result<Evaluation, DataError> {
        check(study, rewards, assignment, best_arm)?;
        let values = rewards * direction.sign();
        let of_rule: Array1<f64> = assignment.iter().enumerate().map(|(i, &k)| values[[i, k]]).collect();
        let sampling = Sampling::of(study);
        let mean = |terms: ArrayView1<f64>| Estimate::of_mean(terms, &sampling);
        let compare = |other: Array1<f64>| Comparison {
            value: mean(other.view()),
            difference: mean((&of_rule - &other).view()),
        };
        let arm = |(k, label): (usize, &String)| {
            let assigned = assignment.iter().filter(|&&given| given == k).count();
            let share = assigned as f64 / study.units() as f64;
            ArmComparison {
                arm: label.clone(),
                assigned,
                share,
                comparison: compare(values.column(k).to_owned()),
            }
        };
        let evaluation = Evaluation {
            direction,
            units: study.units(),
            clusters: study.cluster.is_some().then_some(sampling.clusters),
            effective_units: study.weights.is_some().then(|| sampling.effective_units()),
            value: mean(of_rule.view()),
            arms: study.arms.iter().enumerate().map(arm).collect(),
            best_arm: best_arm.map(|k| study.arms[k].clone()),
            observed: compare(observed_values(study, direction)),
        };
        evaluation.refuse_overflow(study)?;
        Ok(evaluation)
    }

    /// The comparison with the best single arm, where the caller named one.
    pub fn against_best_arm(&self) -> Option<&ArmComparison> {
        self.arms.iter().find(|arm| Some(&arm.arm) == self.best_arm.as_ref())
    }

    /// Numbers near the largest double may be finite one by one, and their mean not.
    fn refuse_overflow(&self, study: &Study) -> Result<(), DataError> {
        let comparisons = self.arms.iter().map(|arm| &arm.comparison).chain([&self.observed]);
        let mut estimates = comparisons.flat_map(|c| [&c.value, &c.difference]).chain([&self.value]);
        if estimates.all(Estimate::is_finite) {
            return Ok(());
        }
        Err(Place::file(&study.source).refuse(Problem::Overflow { what: "a value or its standard error" }))
    }
}

fn check(
    study: &Study,
    rewards: &Array2<f64>,
    assignment: &[usize],
    best_arm: Option<usize>,
) -> Result<(), DataError> {
    study.check_matrix("the reward matrix", rewards)?;
    let file = Place::file(&study.source);
    let (n, arms) = rewards.dim();
    if n < 2 {
        return Err(file.refuse(Problem::TooFewRows { rows: n }));
    }
    let sampling = Sampling::of(study);
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
    if assignment.len() != n {
        let (expected, found) = (format!("{n} units"), assignment.len().to_string());
        return Err(file.refuse(Problem::Shape { what: "the assignment", expected, found }));
    }
    if let Some(stranger) = assignment.iter().chain(&best_arm).find(|&&k| k >= arms) {
        let (expected, found) = (format!("an arm from 0 to {}", arms - 1), stranger.to_string());
        return Err(file.refuse(Problem::Shape { what: "the assignment", expected, found }));
    }
    Ok(())
}

/// What the units brought in the study (n): the outcome, net of the cost of the arm received, times the weight.
fn observed_values(study: &Study, direction: Direction) -> Array1<f64> {
    let net = |(i, &k): (usize, &usize)| {
        study.weight(i) * (study.outcome[i] - direction.sign() * study.costs[[i, k]])
    };
    study.arm.iter().enumerate().map(net).collect()
}
