//! The choice of a learner by the values of its rules on clusters that it has not seen.
//!
//! Clusters are dealt to folds, stratified by size. On each fold stands the rule that a learner makes of the others, outcome models included; psi_i of that
//! rule, with outcome models learned outside the fold, estimates what the learner's rule is worth:
//!
//! ```text
//! V(l) = (1/n) sum_i psi_i(rule of l learned outside the fold of i)        D(l) = V(l) - V(least squares), paired, error of D between clusters
//! ```
//!
//! Least squares is the default, being the simplest, and the least noisy where it is right. A challenger displaces it where D(l) exceeds
//! its standard error (the rule of one standard error of Breiman, Friedman, Olshen and Stone 1984, "Classification and regression trees", section 3.4.3: the
//! simplest within noise); among those that do, the one of the largest V, and of equals the first.

use serde::{Deserialize, Serialize};

use super::{Learner, Learners, Part, from_gains};
use crate::evaluate::{Estimate, Sampling, aligned, cells, decimals};
use crate::interference::{folds, influence};
use crate::solve::SolveError;

/// A learner's rules on clusters that they were not learned from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    pub learner: Learner,
    /// V(l), on the scale of values of rules.
    pub value: Estimate,
    /// The mean over clusters of the share treated.
    pub treated_share: f64,
    /// D(l); none for the default itself.
    pub against_default: Option<Estimate>,
}

/// Whom the choice fell on, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    pub learner: Learner,
    pub folds: usize,
    /// In the order of [`Learner::CHOICES`].
    pub judged: Vec<Judged>,
}

impl Choice {
    /// What every learner is worth on clusters that it has not seen, and why one was chosen.
    pub fn table(&self) -> String {
        let words = ["learner", "value", "error", "95% interval", "treated", "against the first", "error"];
        let line = |judged: &Judged| {
            let Judged { learner, value, treated_share, against_default } = judged;
            let decimals = decimals(value.standard_error);
            let [value, error, interval] = cells(value, decimals);
            let [against, its_error, _] = against_default.map_or(Default::default(), |d| cells(&d, decimals));
            let share = format!("{:.1}%", 100.0 * treated_share);
            [learner.to_string(), value, error, interval, share, against, its_error]
        };
        let lines: Vec<[String; 7]> =
            std::iter::once(words.map(String::from)).chain(self.judged.iter().map(line)).collect();
        let why = match self.learner == Learner::CHOICES[0] {
            true => "none of the others leads it by a standard error",
            false => {
                "it leads the first by more than a standard error, and has the largest value of those that do"
            }
        };
        format!(
            "Learners by the values of their rules on clusters not seen, cross-fitted over {} folds (larger is better; value and bagged by the smoothed search)\n\n{}\n{}: {why}\n",
            self.folds,
            aligned(&lines),
            self.learner
        )
    }
}

/// Judges the learners and chooses.
///
/// # Errors
/// As [`learn_rule`](super::learn_rule).
pub fn choose(learners: &Learners, part: &Part) -> Result<Choice, SolveError> {
    let fold = folds(&part.clusters, learners.folds, learners.seed);
    let assignments = assignments(learners, part, &fold)?;
    let effects = (learners.outcome_model)(part, &fold)?;
    let clusters = &part.clusters;
    let n = clusters.count();
    let sampling = Sampling::new((0..n).collect(), vec![1.0; n]);
    let psi = |assignment: &Vec<bool>| {
        let psi = influence(clusters, learners.interference, effects.as_ref(), assignment).psi;
        let spent = clusters.means(|u| if assignment[u] { part.costs[u] } else { 0.0 });
        psi.iter().zip(spent).map(|(psi, spent)| psi - spent).collect::<Vec<f64>>()
    };
    let psi: Vec<Vec<f64>> = assignments.iter().map(psi).collect();
    let judge = |l: usize| Judged {
        learner: Learner::CHOICES[l],
        value: Estimate::of_mean(|i| psi[l][i], &sampling),
        treated_share: clusters.means(|u| f64::from(u8::from(assignments[l][u]))).iter().sum::<f64>()
            / n as f64,
        against_default: (l > 0).then(|| Estimate::of_mean(|i| psi[l][i] - psi[0][i], &sampling)),
    };
    let judged: Vec<Judged> = (0..psi.len()).map(judge).collect();
    Ok(Choice { learner: decide(&judged), folds: learners.folds, judged })
}

/// Whom each learner treats when it has not seen the unit's fold (learners x N).
fn assignments(learners: &Learners, part: &Part, fold: &[usize]) -> Result<Vec<Vec<bool>>, SolveError> {
    let mut assignments = vec![vec![false; part.clusters.units()]; Learner::CHOICES.len()];
    for held_out in 0..learners.folds {
        let seen: Vec<usize> = (0..fold.len()).filter(|&i| fold[i] != held_out).collect();
        let seen = part.among(&seen);
        let gains = learners.gains(&seen)?;
        for (assignment, learner) in assignments.iter_mut().zip(Learner::CHOICES) {
            let rule = from_gains(learners, &seen, &gains, learner)?;
            let unseen = (0..fold.len()).filter(|&i| fold[i] == held_out);
            for &u in unseen.flat_map(|i| &part.clusters.members[i]) {
                assignment[u] = rule.treats(&part.x.row(u).to_vec());
            }
        }
    }
    Ok(assignments)
}

fn decide(judged: &[Judged]) -> Learner {
    let displaces = |judged: &&Judged| judged.against_default.is_some_and(|d| d.estimate > d.standard_error);
    let larger = |best: &'_ Judged, next: &'_ Judged| next.value.estimate > best.value.estimate;
    let better = |best, next| if larger(best, next) { next } else { best };
    judged.iter().filter(displaces).reduce(better).map_or(Learner::CHOICES[0], |judged| judged.learner)
}
