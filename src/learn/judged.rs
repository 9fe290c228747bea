//! A learner judged on units that neither its rule nor the nuisances of their scores have seen.
//!
//! By nested cross-fitting, the units fall into K folds of whole clusters, stratified by arm. For each fold f, scores and
//! rule d_f are learned on the units outside f alone, with folds of their own; the units in f get scores from nuisances fitted
//! outside f, and
//!
//! ```text
//! value of the learner = (1/n) sum_i Gamma_{i, d_f(i)(x_i)},        f(i) the fold of unit i
//! ```
//!
//! estimates what rules learned in this way, from a share (K - 1)/K of the units, are worth on average (Chernozhukov et al.
//! 2018; van der Laan and Luedtke 2015). Its standard error takes the K rules as they are. It is the value of the learner,
//! not of the one rule that is learned from all units. Held out, one part of the units is judged on by the rule of the other.
//!
//! Limits in numbers of units or money (`budget`, `capacity`) are scaled to the share of units that a rule is learned from;
//! propensities that are shares or columns of the data, and the completion of times to an event, stay those of the whole
//! study.

use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};

use super::parallel::each;
use super::sample::units_of;
use super::{
    Capacity, Config, Constraints, LearnError, Sample, Scored, SolveIt, on_units, pose, prepare_study, rows,
    score, score_over,
};
use crate::data::Study;
use crate::evaluate::{Against, BestArm, Evaluation, best};
use crate::nuisance::Folds;
use crate::rule::RuleFile;
use crate::solve::{Observer, TerminationStatus};

/// What a learner is worth, and the rules that it learned on the way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LearnerValue {
    pub folds: Vec<FoldRule>,
    pub evaluation: Evaluation,
}

/// The rule of a part of the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoldRule {
    /// Units that the rule was learned from.
    pub learned_from: usize,
    /// Units that it is judged on.
    pub judged_on: usize,
    pub termination_status: TerminationStatus,
    pub rule: RuleFile,
}

/// Where a learner is judged: units with scores, and for each part of them other units to learn its rule from.
pub struct Judged {
    /// The units to judge on, in the order of the data.
    study: Study,
    rewards: Array2<f64>,
    best_arm: BestArm,
    parts: Vec<Part>,
}

struct Part {
    learn_from: Scored,
    /// Units of `Judged::study`.
    judge_on: Vec<usize>,
    /// The share of the units that the rule of all would be learned from.
    scale: f64,
}

impl Judged {
    /// By nested cross-fitting where the configuration asks for it, and on held-out units otherwise. `study` has all the
    /// covariates that serve scores.
    ///
    /// # Errors
    /// As scores and folds; kind `Usage` where no units are held out.
    pub fn new(study: &Study, config: &Config) -> Result<Judged, LearnError> {
        match config.nested {
            Some(folds) => Judged::nested(study, config, folds),
            None => Judged::held_out(study, config),
        }
    }

    fn nested(study: &Study, config: &Config, folds: usize) -> Result<Judged, LearnError> {
        let (scoring, seed) = (&config.scoring, config.solve.random_seed);
        let outer = Folds::new(study, folds, seed)?;
        let scored = score_over(study.clone(), scoring, seed, |_| Ok(outer.clone()))?;
        let kept = outer.of(scored.kept.as_deref());
        let part = |f: usize| {
            let others: Vec<usize> = (0..study.units()).filter(|&i| outer.fold_of[i] != f).collect();
            let scale = others.len() as f64 / study.units() as f64;
            let learn_from = pose(score(study.select(&others), scoring, seed)?, config)?;
            let judge_on = (0..kept.fold_of.len()).filter(|&i| kept.fold_of[i] == f).collect();
            Ok(Part { learn_from, judge_on, scale })
        };
        let parts = (0..folds).map(part).collect::<Result<Vec<_>, LearnError>>()?;
        let arm_of_fold = parts.iter().map(|part| best_of(&part.learn_from)).collect();
        let Scored { study, rewards, .. } = pose(scored, config)?;
        Ok(Judged { study, rewards, best_arm: BestArm::InFolds { arm_of_fold, folds: kept }, parts })
    }

    fn held_out(study: &Study, config: &Config) -> Result<Judged, LearnError> {
        let (scored, sample) = prepare_study(study.clone(), config)?;
        let (train, test) = (units_of(&sample, Sample::Train), units_of(&sample, Sample::Test));
        if test.is_empty() {
            return Err(LearnError::Usage(
                "nothing is held out to judge on; give a --test-share above 0".into(),
            ));
        }
        let learn_from = scored.select(&train);
        let best_arm = BestArm::Elsewhere(best_of(&learn_from));
        let part = Part { learn_from, judge_on: (0..test.len()).collect(), scale: 1.0 };
        let Scored { study, rewards, .. } = scored.select(&test);
        Ok(Judged { study, rewards, best_arm, parts: vec![part] })
    }

    /// Learns the rule of each part by the configuration; they are learned in parallel.
    ///
    /// # Errors
    /// As solving; and where limits or constraints leave a part without a rule.
    pub fn learn(&self, config: &Config, observer: &dyn Observer) -> Result<Vec<FoldRule>, LearnError> {
        each(self.parts.len(), "rules", &config.solve, observer, |p, options, observer| {
            let Part { learn_from, judge_on, scale } = &self.parts[p];
            let config = Config {
                solve: options.clone(),
                constraints: scaled(&config.constraints, *scale),
                ..config.clone()
            };
            let units: Vec<usize> = (0..learn_from.study.units()).collect();
            let solved = on_units(learn_from, &units, &config, SolveIt { config: &config, observer })?;
            let rule = solved.rule(&learn_from.study, &config);
            let termination_status = solved.report.termination_status;
            let missing = || LearnError::NoRule {
                of: format!("part {} of {}", p + 1, self.parts.len()),
                status: termination_status,
            };
            Ok(FoldRule {
                learned_from: units.len(),
                judged_on: judge_on.len(),
                termination_status,
                rule: rule.ok_or_else(missing)?,
            })
        })
    }

    /// The arm that the rule of its part gives to each unit that is judged on.
    ///
    /// # Errors
    /// Where there is not one rule for each part, made for these covariates and arms.
    pub fn assign(&self, rules: &[FoldRule]) -> Result<Vec<usize>, LearnError> {
        if rules.len() != self.parts.len() {
            let (rules, parts) = (rules.len(), self.parts.len());
            return Err(LearnError::Usage(format!("{rules} rules for {parts} parts; learn them again")));
        }
        let mut assignment = vec![0; self.study.units()];
        for (part, FoldRule { rule, .. }) in self.parts.iter().zip(rules) {
            let x = self.study.x.select(Axis(0), &part.judge_on);
            let given = rule.assign(rows(&x))?;
            part.judge_on.iter().zip(given).for_each(|(&i, arm)| assignment[i] = arm);
        }
        Ok(assignment)
    }

    /// What these rules are worth, each on its part, against every arm, the best one, what was observed, and `others`.
    ///
    /// # Errors
    /// As [`Judged::assign`] and [`Evaluation::new`].
    pub fn evaluate(
        &self,
        rules: &[FoldRule],
        others: Vec<(String, Vec<usize>)>,
        config: &Config,
    ) -> Result<Evaluation, LearnError> {
        let against = Against { best_arm: Some(self.best_arm.clone()), others };
        let (assignment, direction) = (self.assign(rules)?, config.scoring.direction);
        Ok(Evaluation::new(&self.study, &self.rewards, &assignment, direction, &against)?)
    }
}

/// The value of the learner that the configuration describes.
pub fn learner_value(
    study: &Study,
    config: &Config,
    observer: &dyn Observer,
) -> Result<LearnerValue, LearnError> {
    let judged = Judged::new(study, config)?;
    let folds = judged.learn(config, observer)?;
    let evaluation = judged.evaluate(&folds, Vec::new(), config)?;
    Ok(LearnerValue { folds, evaluation })
}

fn best_of(scored: &Scored) -> usize {
    best(scored.rewards.sum_axis(Axis(0)).view())
}

/// Limits for a rule that is learned from a share of the units.
fn scaled(constraints: &Constraints, share: f64) -> Constraints {
    let mut scaled = constraints.clone();
    scaled.budget = constraints.budget.map(|limit| limit * share);
    for limit in scaled.capacity.values_mut() {
        if let Capacity::Units(most) = limit {
            // The inch up keeps 4/5 of 10 at 8.
            *most = (*most as f64 * share * (1.0 + 1e-12)).floor() as usize;
        }
    }
    scaled
}
