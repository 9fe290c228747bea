//! The application of interference.txt, section 7: who should be enrolled when students of a household affect each other, net of the cost.
//!
//! ```text
//! learned   max over (b0, b) of  V(pi) - c mean_i (1/M_i) sum_j pi_ij,   pi = 1{b0 + x'b >= 0},   on the households outside fold l           (28)
//! value     the mean over folds of the mean over the households of fold l of  psi_i(pi_l) - c (1/M_i) sum_j pi_l,ij                          Table 1
//! rule      the same on all households, (b0, b) over |b0|                                                                                   Table 2
//! ```
//!
//! V is the estimator of an assumption: additive (addIPW), unknown (IPW), anonymous, none. Rules are learned by smoothing, as in the paper, and
//! beside each stands the exact optimum of the same estimated value, or the best rule and bound that were found in the time given. The paper does
//! not say by which estimator the learned rules are compared; here all are by addIPW, which is unbiased where effects add up, and by
//! IPW, which is unbiased whatever they do and far less precise. Its data are closed: [`crate::simulate::cash_transfers()`] draws a study of their
//! shape, of which the truth is known.

use std::path::Path;

use ndarray::{Array2, Axis};
use prescribe_models::linear_rule::{Linear, LinearRule};
use prescribe_models::{Model, RuleClass};
use serde::Serialize;

use super::ReproduceError;
use crate::data::{Roles, Study, Table};
use crate::interference::{Clusters, Interference, RuleProblem, Valued, folds, influence};
use crate::learn::Encoding;
use crate::simulate::CashTransfers;
use crate::solve::registry::{AUTO, Settings as Choices, Solvable};
use crate::solve::{Chosen, Observer, Options, TerminationStatus};

/// What is assumed in learning, in the order of the paper's tables.
pub const ASSUMED: [Interference; 4] =
    [Interference::Additive, Interference::Unknown, Interference::Anonymous, Interference::None];

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Outcome, treatment, cluster, propensity and the covariates of the rule; larger outcomes are better.
    pub roles: Roles,
    /// Of treating a unit, in units of the outcome.
    pub costs: Vec<f64>,
    pub folds: usize,
    /// Of the smoothed solves; of each exact one too, which ends at the time limit.
    pub options: Options,
}

/// A mean over folds, with its standard error between clusters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Held {
    pub value: f64,
    pub standard_error: f64,
}

/// Rules on the clusters that they were not learned from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HeldOut {
    /// By addIPW, and by IPW.
    pub additive: Held,
    pub unknown: Held,
    pub treated_share: f64,
}

/// A smoothed rule beside the exact one of the same estimated value, on the clusters that both were learned from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// The fold left out; none where all clusters were learned from.
    pub without: Option<usize>,
    pub smoothed: LinearRule,
    pub smoothed_value: f64,
    /// The best rule that is known.
    pub exact: LinearRule,
    pub exact_value: f64,
    /// No rule has a larger estimated value.
    pub bound: f64,
    pub proved: bool,
    pub cpu_seconds: f64,
}

/// One assumption at one cost.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    pub interference: Interference,
    pub cost: f64,
    /// Smoothed rules, and exact ones.
    pub smoothed: HeldOut,
    pub exact: HeldOut,
    /// On all clusters; intercept first, over the intercept's size where it is not 0.
    pub normalised: Vec<f64>,
    pub exact_normalised: Vec<f64>,
    /// What the two rules from all clusters are worth net of the cost, where the study is simulated.
    pub truth: Option<[f64; 2]>,
    /// Without each fold, then on all clusters.
    pub pairs: Vec<Pair>,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Households {
    pub clusters: usize,
    pub units: usize,
    pub folds: usize,
    pub covariates: Vec<String>,
    pub lines: Vec<Line>,
}

/// Runs the analysis on a file; `simulated` is what the file was written from, if it was.
///
/// # Errors
/// Of reading (two arms, clusters), models and solvers.
pub fn households(
    data: &Path,
    settings: &Settings,
    simulated: Option<&CashTransfers>,
    observer: &dyn Observer,
) -> Result<Households, ReproduceError> {
    let study = Study::from_table(&Table::read(data)?, &settings.roles)?;
    let clusters = Clusters::of(&study)?;
    let encoding = Encoding::linear(&study);
    let sample = Sample { x: encoding.matrix(&study, &study.x), names: encoding.names(), clusters, settings };
    let fold = folds(&sample.clusters, settings.folds, settings.options.random_seed);
    let mut lines = Vec::new();
    for &cost in &settings.costs {
        for interference in ASSUMED {
            let learner = Learner { sample: &sample, interference, cost, observer };
            lines.push(learner.line(&fold, simulated)?);
        }
    }
    Ok(Households {
        clusters: sample.clusters.count(),
        units: sample.clusters.units(),
        folds: settings.folds,
        covariates: sample.names.clone(),
        lines,
    })
}

/// The study as rules see it.
struct Sample<'a> {
    clusters: Clusters,
    x: Array2<f64>,
    names: Vec<String>,
    settings: &'a Settings,
}

/// What is to be learned from the sample.
struct Learner<'a> {
    sample: &'a Sample<'a>,
    interference: Interference,
    cost: f64,
    observer: &'a dyn Observer,
}

impl Learner<'_> {
    fn line(&self, fold: &[usize], simulated: Option<&CashTransfers>) -> Result<Line, ReproduceError> {
        let count = self.sample.settings.folds;
        let left_out = (0..count).map(Some).chain([None]);
        let pairs = left_out.map(|out| self.pair(fold, out)).collect::<Result<Vec<Pair>, _>>()?;
        let all = &pairs[count];
        let worth = |rule: &LinearRule, truth: &CashTransfers| {
            let treated = assignment(rule, &self.sample.x);
            truth.value(&treated) - self.cost * share(&self.sample.clusters, &treated)
        };
        Ok(Line {
            interference: self.interference,
            cost: self.cost,
            smoothed: self.held_out(fold, &pairs, |pair| &pair.smoothed),
            exact: self.held_out(fold, &pairs, |pair| &pair.exact),
            normalised: normalised(&all.smoothed),
            exact_normalised: normalised(&all.exact),
            truth: simulated.map(|truth| [worth(&all.smoothed, truth), worth(&all.exact, truth)]),
            pairs,
        })
    }

    /// The rules learned without the clusters of a fold.
    fn pair(&self, fold: &[usize], without: Option<usize>) -> Result<Pair, ReproduceError> {
        let kept: Vec<usize> = (0..fold.len()).filter(|&i| Some(fold[i]) != without).collect();
        let (clusters, units) = self.sample.clusters.among(&kept);
        let x = self.sample.x.select(Axis(0), &units);
        let valued = Valued {
            clusters: &clusters,
            interference: self.interference,
            effects: None,
            sign: 1.0,
            costs: &vec![self.cost; units.len()],
        };
        match valued.problem(self.sample.names.clone(), x)? {
            RuleProblem::Units(problem) => self.solved(&problem, without),
            RuleProblem::Clusters(problem) => self.solved(&problem, without),
        }
    }

    fn solved<M>(&self, problem: &M, without: Option<usize>) -> Result<Pair, ReproduceError>
    where
        M: Solvable + Model<Point = LinearRule>,
    {
        let options = &self.sample.settings.options;
        let unlimited = Options { time_limit: None, ..options.clone() };
        let named = |name: &str| {
            Chosen::<M>::of(name, Choices::default())
                .map_err(|error| ReproduceError::Configuration(error.to_string()))
        };
        let smoothed = named("smooth")?.solve(problem, None, &unlimited, self.observer)?;
        let exact = named(AUTO)?.solve(problem, smoothed.point.as_ref(), options, self.observer)?;
        if [smoothed.termination_status, exact.termination_status].contains(&TerminationStatus::Interrupted) {
            return Err(ReproduceError::Interrupted);
        }
        let proved = exact.termination_status == TerminationStatus::Optimal && exact.certificate.verified;
        let nobody = || Linear.constant(self.sample.names.len(), 0);
        let rule = smoothed.point.unwrap_or_else(nobody);
        let smoothed_value = problem.objective(&rule);
        // What a search cut short brings may be worse than its start.
        let best = exact.point.filter(|found| problem.objective(found) > smoothed_value);
        let best = best.unwrap_or_else(|| rule.clone());
        Ok(Pair {
            without,
            exact_value: problem.objective(&best),
            bound: exact.objective_bound.unwrap_or_else(|| problem.trivial_bound()),
            proved,
            cpu_seconds: smoothed.cpu_seconds + exact.cpu_seconds,
            smoothed: rule,
            smoothed_value,
            exact: best,
        })
    }

    /// Each rule on the fold that it was learned without.
    fn held_out(&self, fold: &[usize], pairs: &[Pair], rule: impl Fn(&Pair) -> &LinearRule) -> HeldOut {
        let (mut additive, mut unknown, mut treated_share) = (Vec::new(), Vec::new(), 0.0);
        let count = self.sample.settings.folds;
        for pair in &pairs[..count] {
            let kept: Vec<usize> = (0..fold.len()).filter(|&i| Some(fold[i]) == pair.without).collect();
            let (clusters, units) = self.sample.clusters.among(&kept);
            let treated = assignment(rule(pair), &self.sample.x.select(Axis(0), &units));
            let spent = clusters.means(|u| self.cost * f64::from(u8::from(treated[u])));
            let net = |by: Interference| -> Vec<f64> {
                let psi = influence(&clusters, by, None, &treated).psi;
                psi.iter().zip(&spent).map(|(psi, spent)| psi - spent).collect()
            };
            additive.push(net(Interference::Additive));
            unknown.push(net(Interference::Unknown));
            treated_share += share(&clusters, &treated) / count as f64;
        }
        HeldOut { additive: Held::over(&additive), unknown: Held::over(&unknown), treated_share }
    }
}

impl Held {
    /// From the influence values of each fold.
    fn over(folds: &[Vec<f64>]) -> Held {
        let mean = |psi: &Vec<f64>| psi.iter().sum::<f64>() / psi.len() as f64;
        let of_mean = |psi: &Vec<f64>| {
            let (centre, n) = (mean(psi), psi.len() as f64);
            psi.iter().map(|value| (value - centre).powi(2)).sum::<f64>() / (n - 1.0) / n
        };
        let count = folds.len() as f64;
        Held {
            value: folds.iter().map(mean).sum::<f64>() / count,
            standard_error: folds.iter().map(of_mean).sum::<f64>().sqrt() / count,
        }
    }
}

fn assignment(rule: &LinearRule, x: &Array2<f64>) -> Vec<bool> {
    x.rows().into_iter().map(|x| rule.treats(&x.to_vec())).collect()
}

/// The mean over clusters of the share treated.
fn share(clusters: &Clusters, treated: &[bool]) -> f64 {
    clusters.means(|u| f64::from(u8::from(treated[u]))).iter().sum::<f64>() / clusters.count() as f64
}

fn normalised(rule: &LinearRule) -> Vec<f64> {
    let size = if rule.intercept == 0.0 { 1.0 } else { rule.intercept.abs() };
    std::iter::once(&rule.intercept).chain(&rule.coefficients).map(|b| b / size).collect()
}
