//! Tables 5, 8, 9 and 10 of fusion.txt: ours beside the paper's.
//!
//! | table | design | weights balance |
//! |---|---|---|
//! | 5, 8, 9 | 16, 32, 48 arms, exponential means, noise of standard deviation 1 | X1, X2, X3 |
//! | 10 | 16 arms, linear means, noise of standard deviation 3 (which the paper's figures ask for) | X2, X3 |

use prescribe_models::tree_rule::Candidates;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ReproduceError;
use super::journal::{Run, seed_of};
use super::policy::{GroupTree, Learning, LinearArgmax, Population};
use super::recipe::{Method, groups};
use super::spread::Spread;
use crate::data::OutcomeModel;
use crate::evaluate::adjusted_rand_index;
use crate::fusion::Groups;
use crate::simulate::{Design, fused_arms};

/// Units on which rules are judged.
const POPULATION: usize = 1_000_000;
/// Depth of the trees.
const DEPTH: usize = 3;

/// Which table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    Five,
    Eight,
    Nine,
    Ten,
}

impl Table {
    /// What the command is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Five => "fusion-table-5",
            Self::Eight => "fusion-table-8",
            Self::Nine => "fusion-table-9",
            Self::Ten => "fusion-table-10",
        }
    }

    pub fn design(self) -> Design {
        match self {
            Self::Five => Design::exponential(16),
            Self::Eight => Design::exponential(32),
            Self::Nine => Design::exponential(48),
            Self::Ten => Design::linear(),
        }
    }

    /// The columns whose means weights balance.
    fn balanced(self) -> &'static [usize] {
        if self == Self::Ten { &[1, 2] } else { &[0, 1, 2] }
    }

    /// The paper's figures for a method: ARI, groups and value, mean and standard deviation of each.
    fn paper(self, method: Method) -> Option<Printed> {
        let figures = match (self, method) {
            (Self::Five, Method::Unfused) => [None, Some((12.0, 0.0)), Some((8.77, 0.08))],
            (Self::Five, Method::Lasso) => [Some((0.26, 0.14)), Some((10.725, 1.93)), Some((8.78, 0.09))],
            (Self::Five, Method::WeightedLasso) => {
                [Some((0.96, 0.06)), Some((4.335, 0.60)), Some((8.89, 0.11))]
            }
            (Self::Five, Method::LinearRule) => {
                [Some((0.26, 0.14)), Some((10.725, 1.93)), Some((8.51, 0.12))]
            }
            (Self::Eight, Method::Unfused) => [None, Some((32.0, 0.0)), Some((8.66, 0.18))],
            (Self::Eight, Method::Lasso) => [Some((0.21, 0.09)), Some((16.74, 3.64)), Some((8.63, 0.18))],
            (Self::Eight, Method::WeightedLasso) => {
                [Some((0.85, 0.10)), Some((5.68, 1.72)), Some((8.80, 0.21))]
            }
            (Self::Eight, Method::LinearRule) => {
                [Some((0.21, 0.09)), Some((16.74, 3.64)), Some((8.52, 0.12))]
            }
            (Self::Nine, Method::Unfused) => [None, Some((48.0, 0.0)), Some((8.49, 0.20))],
            (Self::Nine, Method::Lasso) => [Some((0.16, 0.08)), Some((21.0, 5.58)), Some((8.40, 0.30))],
            (Self::Nine, Method::WeightedLasso) => {
                [Some((0.74, 0.10)), Some((7.35, 2.31)), Some((8.52, 0.23))]
            }
            (Self::Nine, Method::LinearRule) => [Some((0.16, 0.08)), Some((21.0, 5.58)), Some((8.41, 0.12))],
            (Self::Ten, Method::Unfused) => [None, Some((16.0, 0.0)), Some((6.35, 0.06))],
            (Self::Ten, Method::Lasso) => [Some((0.88, 0.13)), Some((5.42, 1.42)), Some((6.41, 0.04))],
            (Self::Ten, Method::WeightedLasso) => {
                [Some((0.96, 0.06)), Some((4.46, 0.66)), Some((6.43, 0.02))]
            }
            (Self::Ten, Method::LinearRule) => [Some((0.88, 0.13)), Some((5.42, 1.42)), Some((6.39, 0.00))],
            _ => return None,
        };
        let [ari, groups, value] = figures;
        Some(Printed { ari, groups, value })
    }
}

/// Figures that the paper prints, mean and standard deviation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Printed {
    pub ari: Option<(f64, f64)>,
    pub groups: Option<(f64, f64)>,
    pub value: Option<(f64, f64)>,
}

/// One method in one draw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub method: Method,
    pub ari: f64,
    pub groups: usize,
    pub value: f64,
    /// Whether propensities were the observed shares, the groups being separated.
    pub by_shares: bool,
}

/// One draw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replication {
    pub seed: u64,
    /// By which balance may miss, in standard deviations; above 0 where an arm cannot be balanced.
    pub tolerance: f64,
    pub outcomes: Vec<Outcome>,
    /// What it took; the only part that is not the same twice.
    pub cpu_seconds: f64,
}

/// Which table, and how.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub table: Table,
    pub seed: u64,
    pub candidates: Candidates,
}

impl Settings {
    /// What tells one experiment from another.
    pub fn header(&self) -> Value {
        json!({
            "experiment": self.table.name(),
            "design": self.table.design(),
            "candidates": self.candidates,
            "seed": self.seed,
            "version": env!("CARGO_PKG_VERSION"),
        })
    }

    /// One draw, every method on it.
    ///
    /// # Errors
    /// Of weights, fusion, nuisances and trees.
    pub fn replicate(&self, r: usize, population: &Population) -> Result<Replication, ReproduceError> {
        let cpu = cpu_time::ThreadTime::now();
        let seed = seed_of(self.seed, r);
        let drawn = fused_arms(&self.table.design(), seed)?;
        let (found, tolerance) = groups(&drawn, self.table.balanced(), &Method::ALL)?;
        let outcome_model = OutcomeModel::Forest;
        let how = Learning { depth: DEPTH, candidates: self.candidates, outcome_model, seed };
        // Methods that find the same groups learn the same tree.
        let mut trees: Vec<(Groups, f64, bool)> = Vec::new();
        let mut outcomes = Vec::new();
        for (method, groups) in Method::ALL.into_iter().zip(found) {
            let known = trees.iter().find(|(known, ..)| method != Method::LinearRule && *known == groups);
            let (value, by_shares) = match (known, method) {
                (Some((_, value, by_shares)), _) => (*value, *by_shares),
                (None, Method::LinearRule) => {
                    let rule = LinearArgmax::learn(&drawn, &groups);
                    (population.value(&groups, &drawn.group, |x| rule.assign(x)), false)
                }
                // One group leaves nothing to choose.
                (None, _) if groups.count() == 1 => (population.value(&groups, &drawn.group, |_| 0), false),
                (None, _) => {
                    let tree = GroupTree::learn(&drawn, &groups, &how)?;
                    let value = population.value(&groups, &drawn.group, |x| tree.assign(x));
                    trees.push((groups.clone(), value, tree.by_shares));
                    (value, tree.by_shares)
                }
            };
            let ari = adjusted_rand_index(&groups.of, &drawn.group);
            outcomes.push(Outcome { method, ari, groups: groups.count(), value, by_shares });
        }
        Ok(Replication { seed, tolerance, outcomes, cpu_seconds: cpu.elapsed().as_secs_f64() })
    }
}

/// One method over all replications.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    pub method: Method,
    pub title: &'static str,
    pub ari: Spread,
    pub groups: Spread,
    pub value: Spread,
    /// The share of replications in which exactly the true groups were found.
    pub recovered: f64,
    pub paper: Option<Printed>,
}

/// A table.
#[derive(Clone, Debug, Serialize)]
pub struct Reproduced {
    pub experiment: Value,
    pub replications: usize,
    pub lines: Vec<Line>,
    /// Weighted less unweighted ARI of the lasso, draw by draw.
    pub ari_gained_by_weights: Spread,
    /// What a rule that knew all means would be worth.
    pub best_value: f64,
    /// Draws in which an arm could not be balanced exactly.
    pub approximately_balanced: usize,
    /// Trees whose propensities were the observed shares.
    pub by_shares: usize,
    pub cpu_seconds: f64,
    pub draws: Vec<Replication>,
}

/// Runs a table.
///
/// # Errors
/// Of [`Settings::replicate`] and the journal.
pub fn table(settings: &Settings, run: &Run) -> Result<Reproduced, ReproduceError> {
    let population = Population::draw(&settings.table.design(), POPULATION, settings.seed)?;
    let draws = run.each(|r| settings.replicate(r, &population))?;
    let of = |m: usize| draws.iter().map(move |draw: &Replication| &draw.outcomes[m]);
    let line = |(m, method): (usize, Method)| {
        let spread = |value: fn(&Outcome) -> f64| Spread::of(&of(m).map(value).collect::<Vec<_>>());
        Line {
            method,
            title: method.title(),
            ari: spread(|outcome| outcome.ari),
            groups: spread(|outcome| outcome.groups as f64),
            value: spread(|outcome| outcome.value),
            recovered: of(m).filter(|outcome| outcome.ari == 1.0).count() as f64 / draws.len() as f64,
            paper: settings.table.paper(method),
        }
    };
    let ari = |draw: &Replication, method| {
        draw.outcomes.iter().find(|outcome| outcome.method == method).map_or(0.0, |outcome| outcome.ari)
    };
    let gained: Vec<f64> =
        draws.iter().map(|d| ari(d, Method::WeightedLasso) - ari(d, Method::Lasso)).collect();
    Ok(Reproduced {
        experiment: settings.header(),
        replications: draws.len(),
        lines: Method::ALL.into_iter().enumerate().map(line).collect(),
        ari_gained_by_weights: Spread::of(&gained),
        best_value: population.best(),
        approximately_balanced: draws.iter().filter(|draw| draw.tolerance > 0.0).count(),
        by_shares: draws.iter().flat_map(|draw| &draw.outcomes).filter(|outcome| outcome.by_shares).count(),
        cpu_seconds: draws.iter().map(|draw| draw.cpu_seconds).sum(),
        draws,
    })
}
