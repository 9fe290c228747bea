//! Figure 1 of interference.txt: what linear rules that are learned from n clusters are worth.
//!
//! ```text
//! value     the mean over 10,000 test clusters, the same for all, of their expected mean outcome under the rule
//! gap       what smoothing left of the estimated value, where that is a sum of gains and its exact optimum is found as well
//! ```

use serde::Serialize;
use serde_json::{Value, json};

use super::ReproduceError;
use super::interference_evaluation::Settings;
use super::interference_rules::{Exact, Learned, Study, Tried};
use super::journal::{Run, seed_of};
use super::spread::Spread;
use crate::simulate::{ClusterDesign, InterferingClusters, Scenario, interfering_clusters};

/// Clusters on which rules are judged.
const TEST_CLUSTERS: usize = 10_000;

/// One method in one design.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    pub scenario: Scenario,
    pub clusters: usize,
    pub method: Learned,
    pub value: Spread,
    pub cpu_seconds: f64,
    pub exact: Option<ExactLine>,
    /// Of each draw.
    pub values: Vec<f64>,
}

/// Exact optima beside the smoothed rules.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ExactLine {
    pub sets: usize,
    pub proved: usize,
    /// Sets in which smoothing found the optimum.
    pub found: usize,
    pub gap: Spread,
    pub largest_gap: f64,
    /// Of the exact rules, less that of the smoothed ones.
    pub value_gained: Spread,
}

/// One method less another, draw by draw.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    pub scenario: Scenario,
    pub clusters: usize,
    pub methods: (Learned, Learned),
    pub difference: Spread,
}

/// The figure.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    pub replications: usize,
    pub lines: Vec<Line>,
    pub differences: Vec<Difference>,
    pub cpu_seconds: f64,
}

/// Whose rules, and in how many draws the exact optimum is found as well.
#[derive(Clone, Debug)]
pub struct Compared {
    pub methods: Vec<Learned>,
    pub exact_on: usize,
}

impl Compared {
    /// What tells one experiment from another.
    pub fn header(&self, settings: &Settings) -> Value {
        let mut header = settings.header("interference-figure-1");
        header["methods"] = json!(self.methods);
        header["exact_on"] = json!(self.exact_on);
        header
    }
}

/// Runs the experiment.
///
/// # Errors
/// Of designs, solvers and the journal.
pub fn learning(settings: &Settings, compared: &Compared, run: &Run) -> Result<Figure, ReproduceError> {
    let Compared { methods, exact_on } = compared;
    let designs = settings.designs();
    let test = |scenario: &Scenario| {
        let design = ClusterDesign::paper(*scenario, TEST_CLUSTERS);
        interfering_clusters(&design, settings.seed).map(|test| (*scenario, test))
    };
    let tests: Vec<(Scenario, InterferingClusters)> =
        settings.scenarios.iter().map(test).collect::<Result<_, _>>()?;
    let replicate = |r: usize| {
        let seed = seed_of(settings.seed, r);
        let one = |design: &ClusterDesign| {
            let (_, test) =
                tests.iter().find(|(scenario, _)| *scenario == design.scenario).expect("each has a test set");
            let study = Study::draw(design, seed)?;
            methods.iter().map(|&method| study.tried(method, test, r < *exact_on)).collect()
        };
        designs.iter().map(one).collect::<Result<Vec<Vec<Tried>>, ReproduceError>>()
    };
    let draws = run.each(replicate)?;
    let of = |d: usize, m: usize| draws.iter().map(|draw| draw[d][m]).collect::<Vec<Tried>>();
    let mut figure = Figure {
        replications: draws.len(),
        lines: Vec::new(),
        differences: Vec::new(),
        cpu_seconds: draws.iter().flatten().flatten().map(|tried| tried.cpu_seconds).sum(),
    };
    for (d, design) in designs.iter().enumerate() {
        let lines = methods.iter().enumerate();
        figure.lines.extend(lines.map(|(m, &method)| Line::of(design, method, &of(d, m))));
        for pair in Learned::PAIRS {
            let position = |method| methods.iter().position(|known| *known == method);
            let Some((first, second)) = position(pair.0).zip(position(pair.1)) else { continue };
            let (first, second) = (of(d, first), of(d, second));
            let less: Vec<f64> = first.iter().zip(&second).map(|(a, b)| a.value - b.value).collect();
            let (scenario, clusters) = (design.scenario, design.clusters);
            figure.differences.push(Difference {
                scenario,
                clusters,
                methods: pair,
                difference: Spread::of(&less),
            });
        }
    }
    Ok(figure)
}

impl Line {
    fn of(design: &ClusterDesign, method: Learned, tried: &[Tried]) -> Line {
        let values: Vec<f64> = tried.iter().map(|tried| tried.value).collect();
        let exact: Vec<(f64, Exact)> =
            tried.iter().filter_map(|tried| Some((tried.value, tried.exact?))).collect();
        let spread = |of: fn(&(f64, Exact)) -> f64| Spread::of(&exact.iter().map(of).collect::<Vec<_>>());
        let beside = (!exact.is_empty()).then(|| ExactLine {
            sets: exact.len(),
            proved: exact.iter().filter(|(_, exact)| exact.proved).count(),
            // Up to rounding of sums over units.
            found: exact.iter().filter(|(_, exact)| exact.gap <= 1e-12).count(),
            gap: spread(|(_, exact)| exact.gap),
            largest_gap: exact.iter().fold(0.0, |most, (_, exact)| exact.gap.max(most)),
            value_gained: spread(|(value, exact)| exact.value - value),
        });
        Line {
            scenario: design.scenario,
            clusters: design.clusters,
            method,
            value: Spread::of(&values),
            cpu_seconds: tried.iter().map(|tried| tried.cpu_seconds).sum::<f64>() / tried.len() as f64,
            exact: beside,
            values,
        }
    }
}
