//! Linear rules by other learners than the largest value, where units of a cluster affect each other: see [`Learner`].
//!
//! The report is that of the model that was solved: `gain_regression` for least squares, whose optimum it proves; `linear_rule` for the others, with the
//! value of the rule as objective and, for the bagged rule, no bound. `statistics.learner` says whose rule it is, what the rule is worth as objective of
//! `linear_rule`, and how the learner was chosen. Values there are in the direction of the user: larger is better.

use ndarray::Axis;
use prescribe_models::linear_rule::{Linear, LinearProblem, LinearRule};
use prescribe_models::{Model, PolicyProblem};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Config, Encoding, LearnError, Scored, SolveIt, Solved, on_units};
use crate::data::{DataError, members};
use crate::interference::{
    Bagging, Choice, Clusters, Effects, Interference, Learner, Learners, Part, choose, costs, regression,
};
use crate::models::gain_regression::GainRegression;
use crate::rule::NamedClass;
use crate::solve::registry::{AUTO, find};
use crate::solve::{self, NormalEquations, Observer, Report, SolveError, Solver};

/// The key of [`ByLearner`] in `statistics`.
pub(super) const LEARNER: &str = "learner";

/// Whose rule it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ByLearner {
    pub learner: Learner,
    /// The value of the rule on the clusters that it was learned from: optimistic, most of all where it was maximised.
    pub value: f64,
    /// How the learner was chosen, where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice: Option<Choice>,
}

impl ByLearner {
    /// In words, with every learner that was judged.
    pub fn summary(&self) -> String {
        let mut text = format!(
            "By the learner {}; on the clusters that it was learned from the rule is worth {:.6}, which is optimistic\n",
            self.learner, self.value
        );
        if let Some(choice) = &self.choice {
            text.push_str(&format!("\n{}", choice.table()));
        }
        text
    }
}

/// Solves the problem of some of the units, one that is named twice counting twice, by the learner of the configuration.
pub(super) fn solve_units(
    scored: &Scored,
    units: &[usize],
    config: &Config,
    observer: &dyn Observer,
) -> Result<Solved, LearnError> {
    let by_value = || on_units(scored, units, config, SolveIt { config, observer });
    if config.learner == Learner::Value {
        return by_value();
    }
    let gained = Gained::new(scored, units, config)?;
    let choice = gained.choice()?;
    let learner = choice.as_ref().map_or(config.learner, |choice| choice.learner);
    let report = match learner {
        Learner::LeastSquares => gained.least_squares(observer)?,
        Learner::Bagged => gained.bagged(observer)?,
        Learner::Value | Learner::Auto => {
            let mut solved = by_value()?;
            if let Some(value) = solved.report.objective_value {
                let by = ByLearner { learner, value, choice };
                solved.report.statistics.insert(LEARNER.into(), json!(by));
            }
            return Ok(solved);
        }
    };
    Ok(gained.solved(report, learner, choice))
}

/// Gains of the units of some clusters, ready for every learner.
pub(super) struct Gained<'s> {
    scored: &'s Scored,
    config: &'s Config,
    pub encoding: Encoding,
    /// Whose objective is the value of a rule.
    pub problem: LinearProblem,
    /// In the direction of the user; its units are those of the whole of `scored`.
    part: Part,
    /// Net of costs (N).
    gains: Vec<f64>,
    units: Vec<usize>,
}

impl<'s> Gained<'s> {
    pub fn new(scored: &'s Scored, units: &[usize], config: &'s Config) -> Result<Self, LearnError> {
        let study = scored.study.select(units);
        let encoding = Encoding::linear(&scored.study);
        let x = encoding.matrix(&scored.study, &study.x);
        let rewards = scored.rewards.select(Axis(0), units);
        let gains = (0..units.len()).map(|u| rewards[[u, 1]] - rewards[[u, 0]]).collect();
        let problem = PolicyProblem::new(
            Linear,
            encoding.names(),
            study.arms.clone(),
            x.clone(),
            rewards / scored.size(units),
        )?;
        let clusters = Clusters::of(&study)?;
        // Clusters that are drawn twice are two.
        let members = scored.clusters(units).map_or(clusters.members, |cluster| members(&cluster));
        let sign = config.scoring.direction.sign();
        let outcome = clusters.outcome.iter().map(|y| sign * y).collect();
        let part = Part::whole(Clusters { members, outcome, ..clusters }, x, costs(&study));
        Ok(Self { scored, config, encoding, problem, part, gains, units: units.to_vec() })
    }

    /// The choice of a learner, where it is left open.
    pub fn choice(&self) -> Result<Option<Choice>, LearnError> {
        match self.config.learner {
            Learner::Auto => Ok(Some(self.with_learners(|learners| choose(learners, &self.part))?)),
            _ => Ok(None),
        }
    }

    pub fn regression(&self) -> Result<GainRegression, LearnError> {
        Ok(regression(&self.part.clusters, self.part.x.view(), &self.gains)?)
    }

    /// What a rule is worth, and whose it is.
    pub fn by(&self, learner: Learner, rule: &LinearRule, choice: Option<Choice>) -> ByLearner {
        ByLearner { learner, value: self.problem.objective(rule), choice }
    }

    fn least_squares(&self, observer: &dyn Observer) -> Result<Report<LinearRule>, LearnError> {
        let Config { solver, settings, learner, .. } = self.config;
        let solver: Box<dyn Solver<GainRegression>> = match (learner, solver.as_str()) {
            (Learner::LeastSquares, name) if name != AUTO => find(name, *settings)?,
            _ => Box::new(NormalEquations),
        };
        Ok(solve::solve(&self.regression()?, solver.as_ref(), None, &self.config.solve, observer)?)
    }

    fn bagged(&self, observer: &dyn Observer) -> Result<Report<LinearRule>, LearnError> {
        self.with_learners(|learners| {
            let bagging = Bagging { learners, part: &self.part, gains: &self.gains };
            solve::solve(&self.problem, &bagging, None, &self.config.solve, observer)
        })
    }

    /// The learners of the configuration; a solver that it names is that of the members of a bagged rule.
    fn with_learners<T>(
        &self,
        work: impl FnOnce(&Learners) -> Result<T, SolveError>,
    ) -> Result<T, LearnError> {
        let Config { solver, settings, scoring, solve, .. } = self.config;
        let clustered = self.scored.clustered.as_ref();
        let interference = clustered.map_or(Interference::None, |clustered| clustered.interference);
        let outcome_model = |part: &Part, folds: &[usize]| self.effects(part, folds);
        let mut learners = Learners::new(interference, &outcome_model, solve.random_seed);
        learners.outcome_folds = scoring.folds;
        let named = match solver.as_str() {
            AUTO => None,
            name => find::<LinearProblem>(name, *settings).map(Some).or_else(|error| {
                match self.config.learner {
                    // Its solver is one of the regression.
                    Learner::LeastSquares => Ok(None),
                    _ => Err(error),
                }
            })?,
        };
        if let Some(named) = &named {
            learners.member = named.as_ref();
        }
        Ok(work(&learners)?)
    }

    /// Outcome models of some of the clusters, in the direction of the user.
    fn effects(&self, part: &Part, folds: &[usize]) -> Result<Option<Effects>, SolveError> {
        let Some((clustered, seen)) = self.scored.clustered.as_ref().zip(self.scored.seen.as_ref()) else {
            return Ok(None);
        };
        let units: Vec<usize> = part.units.iter().map(|&u| self.units[u]).collect();
        let seen = seen.select(&units);
        let seed = self.config.solve.random_seed;
        let failed = |error: DataError| SolveError::Backend {
            solver: "cross-fitting among the clusters that learners are compared on".into(),
            reason: error.to_string(),
        };
        let effects = clustered.effects(&seen, &part.clusters, || Ok(folds.to_vec()), seed);
        let Some(mut effects) = effects.map_err(failed)? else { return Ok(None) };
        if seen.effects.is_some() {
            // Regressions have seen outcomes in the direction of the user, models from elsewhere have not.
            let sign = self.config.scoring.direction.sign();
            effects.baseline.iter_mut().chain(&mut effects.effect).for_each(|g| *g *= sign);
        }
        Ok(Some(effects))
    }

    fn solved(&self, report: Report<LinearRule>, learner: Learner, choice: Option<Choice>) -> Solved {
        let mut report = report;
        if let Some(rule) = &report.point {
            let by = self.by(learner, rule, choice);
            report.statistics.insert(LEARNER.into(), json!(by));
        }
        let named = |rule: LinearRule| Linear::named(&rule, &self.problem.covariates, &self.problem.arms);
        let report = report.map_point(|rule| self.encoding.decode(named(rule)));
        Solved { report, encoding: self.encoding.clone(), notes: Vec::new() }
    }
}
