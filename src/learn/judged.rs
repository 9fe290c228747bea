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
//! Where arms are fused, the units outside f alone say which: d_f gives the groups of fold f, and the scores of the units in f are those of these
//! groups, by nuisances fitted outside f. What the learner is compared with are the single arms, by scores of their own.
//!
//! Limits in numbers of units or money (`budget`, `capacity`) are scaled to the share of units that a rule is learned from;
//! propensities that are shares or columns of the data, and the completion of times to an event, stay those of the whole
//! study.

use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};

use super::parallel::each;
use super::sample::units_of;
use super::{
    Config, FusionReport, LearnError, Sample, Scored, Worth, pose, prepare_study, rows, score_over,
    solve_units,
};
use crate::data::Study;
use crate::evaluate::{Against, BestArm, Evaluation, best, under};
use crate::interference::{ClusterWorth, Clustered, Clusters, treated};
use crate::nuisance::Folds;
use crate::rule::RuleFile;
use crate::solve::{Observer, TerminationStatus};

/// What a learner is worth, and the rules that it learned on the way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LearnerValue {
    pub folds: Vec<FoldRule>,
    pub evaluation: Worth,
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
    /// Where arms are fused: the groups of this part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fusion: Option<FusionReport>,
}

/// Where a learner is judged: units with scores, and for each part of them other units to learn its rule from.
pub struct Judged {
    /// The units to judge on, in the order of the data, and the rewards (n x K) of their single arms.
    study: Study,
    rewards: Array2<f64>,
    best_arm: BestArm,
    parts: Vec<Part>,
    clustered: Option<Clustered>,
}

struct Part {
    learn_from: Scored,
    /// Units of `Judged::study`.
    judge_on: Vec<usize>,
    /// Their rewards for what the rule gives: arms, or the groups of this part.
    rewards: Array2<f64>,
    /// The share of the units that the rule of all would be learned from.
    scale: f64,
}

/// What rules give the units that are judged on.
struct Given {
    /// A single arm of each unit (n).
    arm: Vec<usize>,
    /// The reward of each unit (n).
    worth: Vec<f64>,
}

impl Judged {
    /// By nested cross-fitting where the configuration asks for it, and on held-out units otherwise. `study` has all the
    /// covariates that serve scores.
    ///
    /// # Errors
    /// As scores, folds and fusion; kind `Usage` where no units are held out.
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
            let learn_from = learn_from(study, &others, config)?;
            let judge_on: Vec<usize> = (0..kept.fold_of.len()).filter(|&i| kept.fold_of[i] == f).collect();
            let rewards = match &learn_from.fused {
                None => scored.rewards.select(Axis(0), &judge_on),
                Some(fused) => {
                    let groups = study.fused(&fused.report.groups(), learn_from.study.choose)?;
                    let of_groups = score_over(groups, scoring, seed, |_| Ok(outer.clone()))?;
                    of_groups.rewards.select(Axis(0), &judge_on)
                }
            };
            Ok(Part { learn_from, judge_on, rewards, scale })
        };
        let parts = (0..folds).map(part).collect::<Result<Vec<_>, LearnError>>()?;
        let arm_of_fold = parts.iter().map(|part| best_of(&part.learn_from)).collect();
        let Scored { study, rewards, clustered, .. } = pose(scored, config)?;
        Ok(Judged {
            study,
            rewards,
            best_arm: BestArm::InFolds { arm_of_fold, folds: kept },
            parts,
            clustered,
        })
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
        let tested = scored.select(&test);
        let (study, rewards) = tested.single();
        let (study, rewards) = (study.clone(), rewards.clone());
        let judge_on = (0..test.len()).collect();
        let part = Part { learn_from, judge_on, rewards: tested.rewards, scale: 1.0 };
        Ok(Judged { study, rewards, best_arm, parts: vec![part], clustered: tested.clustered })
    }

    /// Learns the rule of each part by the configuration; they are learned in parallel.
    ///
    /// # Errors
    /// As solving; and where limits or constraints leave a part without a rule.
    pub fn learn(&self, config: &Config, observer: &dyn Observer) -> Result<Vec<FoldRule>, LearnError> {
        each(self.parts.len(), "rules", &config.solve, observer, |p, options, observer| {
            let Part { learn_from, judge_on, scale, .. } = &self.parts[p];
            let config = Config {
                solve: options.clone(),
                constraints: config.constraints.scaled(*scale),
                ..config.clone()
            };
            let units: Vec<usize> = (0..learn_from.study.units()).collect();
            let solved = solve_units(learn_from, &units, &config, observer)?;
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
                fusion: learn_from.fused.as_ref().map(|fused| fused.report.clone()),
            })
        })
    }

    /// What the rule of its part gives each unit that is judged on.
    fn give(&self, rules: &[FoldRule], seed: u64) -> Result<Given, LearnError> {
        if rules.len() != self.parts.len() {
            let (rules, parts) = (rules.len(), self.parts.len());
            return Err(LearnError::Usage(format!("{rules} rules for {parts} parts; learn them again")));
        }
        let units = self.study.units();
        let fits = |(part, fold): (&Part, &FoldRule)| {
            let (study, header) = (&part.learn_from.study, &fold.rule.header);
            (&study.arms, &study.groups) == (&header.arms, &header.groups)
        };
        if !self.parts.iter().zip(rules).all(fits) {
            return Err(LearnError::Usage(
                "a rule is for other arms than those of its part; learn it again".into(),
            ));
        }
        let mut given = Given { arm: vec![0; units], worth: vec![0.0; units] };
        for (part, FoldRule { rule, .. }) in self.parts.iter().zip(rules) {
            let x = self.study.x.select(Axis(0), &part.judge_on);
            let assignment = rule.assign(rows(&x))?;
            let worth = under(&part.rewards, &assignment);
            let ids: Vec<String> = part.judge_on.iter().map(|&i| self.study.ids[i].clone()).collect();
            let arms = single_arms(&self.study, rule, assignment, &ids, seed);
            for (&i, (arm, worth)) in part.judge_on.iter().zip(arms.into_iter().zip(worth)) {
                (given.arm[i], given.worth[i]) = (arm, worth);
            }
        }
        Ok(given)
    }

    /// How the arms of each part were fused, where they were.
    pub(super) fn fusions(&self) -> Vec<Option<&FusionReport>> {
        self.parts.iter().map(|part| part.learn_from.fused.as_ref().map(|fused| &fused.report)).collect()
    }

    /// The reward of each unit under the rule of its part; under interference, the influence value of each cluster.
    ///
    /// # Errors
    /// Where there is not one rule for each part, made for these covariates and arms.
    pub fn rewards_of(&self, rules: &[FoldRule], config: &Config) -> Result<Vec<f64>, LearnError> {
        let Given { arm, worth } = self.give(rules, config.solve.random_seed)?;
        let Some(clustered) = &self.clustered else { return Ok(worth) };
        let (clusters, assignment) = (Clusters::of(&self.study)?, treated(&self.study, &arm));
        Ok(clustered.value_of(&self.study, &clusters, &assignment, config.scoring.direction).influence)
    }

    /// What these rules are worth, each on its part, against every arm, the best one (not under interference), what was observed, and `others`,
    /// by what [`Judged::rewards_of`] says of them.
    ///
    /// # Errors
    /// As [`Judged::rewards_of`] and [`Evaluation::new`].
    pub fn evaluate(
        &self,
        rules: &[FoldRule],
        others: Vec<(String, Vec<f64>)>,
        config: &Config,
    ) -> Result<Worth, LearnError> {
        let (given, direction) = (self.give(rules, config.solve.random_seed)?, config.scoring.direction);
        let Given { arm, worth } = given;
        if let Some(clustered) = &self.clustered {
            let evaluation = ClusterWorth::new(&self.study, clustered, &arm, direction, &others)?;
            return Ok(Worth::Clusters(Box::new(evaluation)));
        }
        let against = Against { best_arm: Some(self.best_arm.clone()), others };
        let evaluation = Evaluation::valued(&self.study, &self.rewards, &arm, &worth, direction, &against)?;
        Ok(Worth::Units(Box::new(evaluation)))
    }
}

/// What the rule of a part is learned from: these units, with scores by folds of their own, and the groups that they alone say.
fn learn_from(study: &Study, units: &[usize], config: &Config) -> Result<Scored, LearnError> {
    let alone = Config { test_share: 0.0, nested: None, ..config.clone() };
    Ok(prepare_study(study.select(units), &alone)?.0)
}

/// The single arms of a study that units get by `assignment`: the arms that the rule gives, or the members of its groups as
/// [`predict`](RuleFile::members) draws them.
pub(super) fn single_arms(
    study: &Study,
    rule: &RuleFile,
    assignment: Vec<usize>,
    ids: &[String],
    seed: u64,
) -> Vec<usize> {
    if study.arms == rule.header.arms {
        return assignment;
    }
    // A member may itself stand for several arms of the data, which the rule names instead.
    let holds = |k: &usize, member: &str| {
        let arm = &study.arms[*k];
        arm == member || study.groups.get(arm).is_some_and(|arms| arms.iter().any(|arm| arm == member))
    };
    let members = rule.members(&assignment, ids, None, seed);
    members.into_iter().map(|member| (0..study.arms.len()).find(|k| holds(k, member)).unwrap_or(0)).collect()
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

/// The best single arm.
fn best_of(scored: &Scored) -> usize {
    best(scored.single().1.sum_axis(Axis(0)).view())
}
