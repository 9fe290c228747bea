//! Figure 2 of interference.txt: values of fixed rules by every estimator, their bias, spread and intervals.
//!
//! | rule | what it treats |
//! |---|---|
//! | linear | X1 + .5 X2 + .5 X3 + X4 >= 0 |
//! | tree | X4 >= -.5 where X1 >= 0, X3 >= .5 elsewhere |
//! | nobody | nobody |
//!
//! ```text
//! bias   mean over draws of V^ - V      coverage   share of draws whose 95% interval holds V
//! ```
//!
//! V is the population's, in closed form; propensities are known, .3. Outcome models are regressions of cluster means on all covariates and
//! their products with treatments.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ReproduceError;
use super::journal::{Run, seed_of};
use super::spread::Spread;
use crate::interference::{
    ClusterValue, Costs, Effects, Interference, cluster_regression, few_clusters, folds,
};
use crate::simulate::{ClusterDesign, FixedRule, InterferingClusters, Scenario, interfering_clusters};

/// Folds of cross-fitting.
const FOLDS: usize = 5;

/// An estimator of the value of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimator {
    Ipw,
    AddIpw,
    Quadratic,
    Anonymous,
    None,
    /// addDR whose outcome model is fitted to all clusters.
    AddDrTogether,
    /// addDR cross-fitted over five folds.
    AddDr,
    /// addDR cross-fitted with each cluster a fold, with errors for few clusters.
    AddDrLeaveOneOut,
}

impl Estimator {
    pub const ALL: [Estimator; 8] = [
        Self::Ipw,
        Self::AddIpw,
        Self::Quadratic,
        Self::Anonymous,
        Self::None,
        Self::AddDrTogether,
        Self::AddDr,
        Self::AddDrLeaveOneOut,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Ipw => "IPW",
            Self::AddIpw => "addIPW",
            Self::Quadratic => "polynomial:2",
            Self::Anonymous => "anonymous",
            Self::None => "none",
            Self::AddDrTogether => "addDR, fitted to all",
            Self::AddDr => "addDR, 5 folds",
            Self::AddDrLeaveOneOut => "addDR, n folds",
        }
    }

    fn interference(self) -> Interference {
        match self {
            Self::Ipw => Interference::Unknown,
            Self::Quadratic => Interference::Polynomial(2),
            Self::Anonymous => Interference::Anonymous,
            Self::None => Interference::None,
            _ => Interference::Additive,
        }
    }

    fn effects(self, drawn: &InterferingClusters, seed: u64) -> Option<Effects> {
        let n = drawn.clusters.count();
        let fold = match self {
            Self::AddDrTogether => vec![0; n],
            Self::AddDr => folds(&drawn.clusters, FOLDS, seed),
            Self::AddDrLeaveOneOut => (0..n).collect(),
            _ => return None,
        };
        Some(cluster_regression(&drawn.clusters, drawn.x.view(), &fold))
    }
}

/// Which designs, and how many clusters.
#[derive(Clone, Debug)]
pub struct Settings {
    pub scenarios: Vec<Scenario>,
    pub clusters: Vec<usize>,
    pub seed: u64,
}

impl Settings {
    /// What tells one experiment from another.
    pub fn header(&self, experiment: &str) -> Value {
        json!({
            "experiment": experiment,
            "scenarios": self.scenarios,
            "clusters": self.clusters,
            "seed": self.seed,
            "version": env!("CARGO_PKG_VERSION"),
        })
    }

    /// A design for each scenario and number of clusters.
    pub(super) fn designs(&self) -> Vec<ClusterDesign> {
        let of = |&scenario: &Scenario| {
            self.clusters.iter().map(move |&clusters| ClusterDesign::paper(scenario, clusters))
        };
        self.scenarios.iter().flat_map(of).collect()
    }
}

/// An estimate in one draw: value, standard error, and whether the interval holds the truth.
type Estimated = (f64, f64, bool);

/// One estimator of one rule in one design.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    pub scenario: Scenario,
    pub clusters: usize,
    pub rule: FixedRule,
    pub estimator: Estimator,
    pub truth: f64,
    /// Of V^ - V; its spread is the spread of V^.
    pub error: Spread,
    pub mean_standard_error: f64,
    pub coverage: f64,
    /// V^ of each draw.
    pub values: Vec<f64>,
}

/// The figure.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluated {
    pub replications: usize,
    pub lines: Vec<Line>,
}

/// Runs the experiment.
///
/// # Errors
/// Of designs and the journal.
pub fn evaluation(settings: &Settings, run: &Run) -> Result<Evaluated, ReproduceError> {
    let designs = settings.designs();
    let replicate = |r: usize| {
        let each = |design: &ClusterDesign| replicate(design, seed_of(settings.seed, r));
        designs.iter().map(each).collect::<Result<Vec<Vec<Estimated>>, ReproduceError>>()
    };
    let draws = run.each(replicate)?;
    let cells = cells();
    let line = |(d, design): (usize, &ClusterDesign), k: usize| {
        let of: Vec<Estimated> = draws.iter().map(|draw| draw[d][k]).collect();
        let (rule, estimator) = cells[k];
        let truth = rule.value(design.scenario);
        let count = of.len() as f64;
        Line {
            scenario: design.scenario,
            clusters: design.clusters,
            rule,
            estimator,
            truth,
            error: Spread::of(&of.iter().map(|(value, ..)| value - truth).collect::<Vec<_>>()),
            mean_standard_error: of.iter().map(|(_, error, _)| error).sum::<f64>() / count,
            coverage: of.iter().filter(|(.., held)| *held).count() as f64 / count,
            values: of.iter().map(|(value, ..)| *value).collect(),
        }
    };
    let lines = designs.iter().enumerate().flat_map(|design| (0..cells.len()).map(move |k| line(design, k)));
    Ok(Evaluated { replications: draws.len(), lines: lines.collect() })
}

/// Rules and estimators, in the order of a draw.
fn cells() -> Vec<(FixedRule, Estimator)> {
    FixedRule::ALL.into_iter().flat_map(|rule| Estimator::ALL.map(|estimator| (rule, estimator))).collect()
}

fn replicate(design: &ClusterDesign, seed: u64) -> Result<Vec<Estimated>, ReproduceError> {
    let drawn = interfering_clusters(design, seed)?;
    let effects = Estimator::ALL.map(|estimator| estimator.effects(&drawn, seed));
    let clusters = &drawn.clusters;
    let together = cluster_regression(clusters, drawn.x.view(), &vec![0; clusters.count()]);
    let free = vec![0.0; clusters.units()];
    let free = Costs::of_units(&free);
    let mut estimated = Vec::new();
    for rule in FixedRule::ALL {
        let assignment = drawn.assignment(|x| rule.treats(x));
        let truth = rule.value(design.scenario);
        for (estimator, effects) in Estimator::ALL.into_iter().zip(&effects) {
            let found = match (estimator, effects) {
                (Estimator::AddDrLeaveOneOut, Some(outside)) => {
                    few_clusters(clusters, outside, &together, &assignment, free)
                }
                _ => {
                    let interference = estimator.interference();
                    ClusterValue::new(clusters, interference, effects.as_ref(), &assignment, free).value
                }
            };
            let [lower, upper] = found.interval;
            estimated.push((found.estimate, found.standard_error, lower <= truth && truth <= upper));
        }
    }
    Ok(estimated)
}
