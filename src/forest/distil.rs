//! From a forest to a rule that people can read.
//!
//! ```text
//! rule d    argmax over trees of depth D, or linear rules, of  sum_i w_i ( fhat_{d(x_i)}(x_i) )      under the constraints, by an exact solver
//! value     each fold: the rule of the forest that was learned without it; by doubly robust rewards, as the forest's own
//! lost      value of the forest less value of the rule, paired
//! ```
//!
//! The rule is fitted to the forest's estimates, not to doubly robust scores of the same units: with K arms those have a noise of the order of
//! sd(Y) sqrt(K) a unit, which the search for the best of many trees would fit, while the estimates are smooth in x. (In eight simulated trials of 10 and 30
//! arms, gamma 10 and sigma 20, 2,500 units, depth-2 trees by estimates were worth 9.0 on average, by scores 8.4; the forests 9.0.) The scores, which are unbiased whatever
//! the forest says, judge what comes out. Budgets, capacities, parity and leaf sizes are those of [`Constraints`](crate::learn::Constraints): bounds on
//! the assignment of the rule to the units at hand (forest.txt, section 7).

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::{CrossFit, ForestError, Learned, Trial, assign_among};
use crate::data::Study;
use crate::evaluate::Evaluation;
use crate::learn::{Config, Scored, rows, rule_of};
use crate::rule::{Rule, RuleFile};
use crate::solve::{Observer, Report, TerminationStatus};

/// A rule in place of a forest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distilled {
    /// How the rule was found, with bound and certificate.
    pub report: Report<Rule>,
    /// The rule as a person reads it; empty where there is none.
    pub in_words: String,
    /// Share of the units to which the rule gives the arm that the forest gives.
    pub agreement: Option<f64>,
    /// The value of rules that are distilled in this way, by folds, against every arm and against [`FOREST`]: what the rule loses.
    pub evaluation: Option<Evaluation>,
    /// How the search of each fold ended.
    pub folds: Vec<TerminationStatus>,
}

/// The name of the comparison of a rule with the forest that it was made of.
pub const FOREST: &str = "forest";

/// The rule that `config` (class, constraints, solver) asks for; none where none was found within the limits or under the constraints. `scored` is the
/// study, whose rewards are not read.
///
/// # Errors
/// As solving and evaluating.
pub fn distil(
    whole: &Learned,
    folds: &CrossFit,
    scored: &Scored,
    trial: &Trial,
    config: &Config,
    observer: &dyn Observer,
) -> Result<(Distilled, Option<RuleFile>), ForestError> {
    let every: Vec<usize> = (0..trial.units()).collect();
    let made = |learned: &Learned, units: &[usize], observer: &dyn Observer| {
        let of_forest = Scored { rewards: net(learned, scored, trial), ..scored.clone() }.select(units);
        rule_of(of_forest, units.len() as f64 / every.len() as f64, config, observer)
    };
    let (report, rule) = made(whole, &every, observer)?;
    let Some(rule) = rule else {
        return Ok((Distilled::without_rule(report, Vec::new()), None));
    };
    let given = rule.assign(rows(&seen_by(&rule, &scored.study)))?;
    let estimates = whole.effects(trial.x.view());
    let by_forest = assign_among(&estimates, |i, k| scored.study.may_get(i, k));
    let same = by_forest.iter().zip(&given).filter(|(a, b)| a == b).count();
    let mut statuses = Vec::new();
    let mut arms = vec![0; every.len()];
    for (f, without) in folds.learned.iter().enumerate() {
        let others: Vec<usize> = every.iter().copied().filter(|&i| folds.folds.fold_of[i] != f).collect();
        let (report, rule) = made(without, &others, observer)?;
        statuses.push(report.termination_status);
        let Some(rule) = rule else {
            return Ok((Distilled::without_rule(report, statuses), None));
        };
        let given = rule.assign(rows(&seen_by(&rule, &scored.study)))?;
        every.iter().filter(|&&i| folds.folds.fold_of[i] == f).for_each(|&i| arms[i] = given[i]);
    }
    let forest = folds.assignment(&scored.study);
    let evaluation = folds.value(&scored.study, &arms, &[(FOREST, &forest)])?;
    let agreement = Some(same as f64 / every.len() as f64);
    let in_words = rule.rule.in_words(&rule.term_names());
    let evaluation = Some(evaluation);
    Ok((Distilled { report, in_words, agreement, evaluation, folds: statuses }, Some(rule)))
}

impl Distilled {
    fn without_rule(report: Report<Rule>, folds: Vec<TerminationStatus>) -> Distilled {
        Distilled { report, in_words: String::new(), agreement: None, evaluation: None, folds }
    }
}

/// What a forest says that each arm earns (n x K), net of costs and times weights.
fn net(learned: &Learned, scored: &Scored, trial: &Trial) -> Array2<f64> {
    let mut net = learned.predict(trial.x.view());
    for (i, mut row) in net.rows_mut().into_iter().enumerate() {
        row *= scored.study.weight(i);
    }
    net
}

/// The columns of X that a rule looks at.
fn seen_by(rule: &RuleFile, study: &Study) -> Array2<f64> {
    let names = study.covariate_names();
    let seen = rule.header.covariates.iter();
    let columns: Vec<usize> =
        seen.filter_map(|covariate| names.iter().position(|name| *name == covariate.name)).collect();
    study.x.select(ndarray::Axis(1), &columns).as_standard_layout().into_owned()
}
