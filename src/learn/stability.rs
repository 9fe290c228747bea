//! How much of a rule is the sample's doing: the rule learned again from bootstrap samples of the training units.
//!
//! Each replication draws as many units (whole clusters, where there are any) as there are, with replacement, and learns a
//! rule d_b by the same configuration. Scores are kept as they are: what varies is the rule, given the scores, and not the
//! models beneath them. With the rewards Gamma of the training units and Gamma_b of the drawn ones,
//!
//! ```text
//! agreement of unit i      share of the replications whose rule gives unit i the arm of the rule
//! optimism of d_b          mean of Gamma_b under d_b  -  mean of Gamma under d_b
//! value less optimism      mean of Gamma under the rule, less the mean optimism            (Efron 1983; Efron and Gong 1983)
//! ```
//!
//! in outcome units. Limits in numbers (`budget`, `capacity`, `min_leaf`) hold on the drawn units.

use std::collections::BTreeMap;

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::parallel::each;
use super::sample::units_of;
use super::{Config, LearnError, Sample, Scored, rows, solve_units};
use crate::data::{Covariate, members};
use crate::random::stream;
use crate::rule::{Node, Rule, RuleFile};
use crate::solve::Observer;

/// What replications of a rule have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stability {
    pub replications: usize,
    /// Training units, and their clusters where whole clusters are drawn.
    pub units: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clusters: Option<usize>,
    /// Each covariate, and in which share of the replications the rule asks for it.
    pub covariates: Vec<CovariateShare>,
    /// The first questions of the trees, the most frequent first; for linear rules there is none.
    pub roots: Vec<Root>,
    pub agreement: Agreement,
    pub optimism: Optimism,
}

/// How often rules ask for a covariate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CovariateShare {
    pub covariate: String,
    /// Split on, or with a coefficient other than 0.
    pub share: f64,
    /// Whether the rule itself asks for it.
    pub in_rule: bool,
}

/// A first question of trees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Root {
    /// None where the tree asks nothing.
    pub covariate: Option<String>,
    pub share: f64,
    /// The smallest, median and largest threshold, of a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<[f64; 3]>,
}

/// How often replications give a unit the arm that the rule gives it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Over units and replications.
    pub mean: f64,
    pub by_unit: Vec<UnitAgreement>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitAgreement {
    pub id: String,
    pub share: f64,
}

/// How much better rules look on the units that they were learned from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Optimism {
    /// The mean over the replications, in outcome units and the outcome's direction.
    pub mean: f64,
    /// The standard deviation over the replications.
    pub deviation: f64,
    /// The value of the rule on the training units, as it stands and less the mean optimism.
    pub value: f64,
    pub value_less_optimism: f64,
}

/// What one replication found.
struct Replication {
    rule: RuleFile,
    /// The arm of each training unit.
    assignment: Vec<usize>,
    optimism: f64,
}

/// The stability of `rule`, which was learned from the training units of `sample` by `config`.
///
/// # Errors
/// Kind `Usage` with fewer than two replications; as solving; and where a replication has no rule.
pub fn stability(
    scored: &Scored,
    sample: &[Sample],
    rule: &RuleFile,
    config: &Config,
    replications: usize,
    observer: &dyn Observer,
) -> Result<Stability, LearnError> {
    if replications < 2 {
        return Err(LearnError::Usage(format!("{replications} replications: give at least 2")));
    }
    if let Some(clustered) = scored.clustered.as_ref().filter(|clustered| !clustered.sums_over_units()) {
        return Err(LearnError::Usage(format!(
            "{}: rewards that can be drawn again are those of additive and none alone, without joint costs",
            clustered.beyond_units()
        )));
    }
    let train = units_of(sample, Sample::Train);
    let clusters = scored.study.cluster.as_ref();
    let groups: Vec<Vec<usize>> = match clusters {
        None => train.iter().map(|&i| vec![i]).collect(),
        Some(cluster) => {
            let of_train: Vec<usize> = train.iter().map(|&i| cluster[i]).collect();
            let original = |group: Vec<usize>| group.into_iter().map(|i| train[i]).collect();
            members(&of_train).into_iter().map(original).collect()
        }
    };
    let found = each(replications, "replications", &config.solve, observer, |b, options, observer| {
        let config = Config { solve: options.clone(), ..config.clone() };
        replicate(scored, &train, &groups, &config, b, observer)
    })?;
    let x = scored.study.x.select(ndarray::Axis(0), &train);
    let assignment = rule.assign(rows(&x))?;
    Ok(Stability {
        replications,
        units: train.len(),
        clusters: clusters.map(|_| groups.len()),
        covariates: covariate_shares(rule, &found),
        roots: roots(&found),
        agreement: agreement(scored, &train, &assignment, &found),
        optimism: optimism(scored, &train, &assignment, config, &found),
    })
}

/// Draws, learns and applies once.
fn replicate(
    scored: &Scored,
    train: &[usize],
    groups: &[Vec<usize>],
    config: &Config,
    b: usize,
    observer: &dyn Observer,
) -> Result<Replication, LearnError> {
    let mut random = stream(config.solve.random_seed, &format!("bootstrap replication {b}"));
    let draw = |_| groups[random.random_range(0..groups.len())].iter().copied();
    let drawn: Vec<usize> = (0..groups.len()).flat_map(draw).collect();
    let solved = solve_units(scored, &drawn, config, observer)?;
    let status = solved.report.termination_status;
    let missing = || LearnError::NoRule { of: format!("replication {}", b + 1), status };
    let rule = solved.rule(&scored.study, config).ok_or_else(missing)?;
    let everywhere = rule.assign(rows(&scored.study.x))?;
    let optimism =
        mean_reward(scored, &drawn, |i| everywhere[i]) - mean_reward(scored, train, |i| everywhere[i]);
    Ok(Replication { assignment: train.iter().map(|&i| everywhere[i]).collect(), rule, optimism })
}

/// The weighted mean reward (under interference, over clusters) of `units` under the arm of each.
fn mean_reward(scored: &Scored, units: &[usize], arm: impl Fn(usize) -> usize) -> f64 {
    units.iter().map(|&i| scored.rewards[[i, arm(i)]]).sum::<f64>() / scored.size(units)
}

fn covariate_shares(rule: &RuleFile, found: &[Replication]) -> Vec<CovariateShare> {
    let asks = |rule: &RuleFile, name: &str| rule.rule.looks_at(name, &rule.header.encoding);
    let share = |Covariate { name, .. }: &Covariate| {
        let asked = found.iter().filter(|replication| asks(&replication.rule, name)).count();
        let share = asked as f64 / found.len() as f64;
        CovariateShare { covariate: name.clone(), share, in_rule: asks(rule, name) }
    };
    rule.header.covariates.iter().map(share).collect()
}

fn roots(found: &[Replication]) -> Vec<Root> {
    let mut questions: BTreeMap<Option<&str>, Vec<Option<f64>>> = BTreeMap::new();
    for replication in found {
        match &replication.rule.rule {
            Rule::Tree { root: Node::Split { covariate, test, .. } } => {
                questions.entry(Some(covariate)).or_default().push(test.threshold());
            }
            Rule::Tree { root: Node::Leaf { .. } } | Rule::Constant { .. } => {
                questions.entry(None).or_default().push(None);
            }
            Rule::Linear { .. } | Rule::MultiLinear { .. } | Rule::Conjunction { .. } => {}
        }
    }
    let root = |(covariate, asked): (Option<&str>, Vec<Option<f64>>)| {
        let mut at: Vec<f64> = asked.iter().copied().flatten().collect();
        at.sort_by(f64::total_cmp);
        let thresholds = (!at.is_empty()).then(|| [at[0], at[at.len() / 2], at[at.len() - 1]]);
        let share = asked.len() as f64 / found.len() as f64;
        Root { covariate: covariate.map(String::from), share, thresholds }
    };
    let mut roots: Vec<Root> = questions.into_iter().map(root).collect();
    roots.sort_by(|a, b| b.share.total_cmp(&a.share));
    roots
}

fn agreement(scored: &Scored, train: &[usize], assignment: &[usize], found: &[Replication]) -> Agreement {
    let share = |(t, &i): (usize, &usize)| {
        let same = found.iter().filter(|replication| replication.assignment[t] == assignment[t]).count();
        UnitAgreement { id: scored.study.ids[i].clone(), share: same as f64 / found.len() as f64 }
    };
    let by_unit: Vec<UnitAgreement> = train.iter().enumerate().map(share).collect();
    let mean = by_unit.iter().map(|unit| unit.share).sum::<f64>() / by_unit.len() as f64;
    Agreement { mean, by_unit }
}

fn optimism(
    scored: &Scored,
    train: &[usize],
    assignment: &[usize],
    config: &Config,
    found: &[Replication],
) -> Optimism {
    let (count, sign) = (found.len() as f64, config.scoring.direction.sign());
    let mean = found.iter().map(|replication| replication.optimism).sum::<f64>() / count;
    let squares: f64 = found.iter().map(|replication| (replication.optimism - mean).powi(2)).sum();
    let arm_of: BTreeMap<usize, usize> = train.iter().copied().zip(assignment.iter().copied()).collect();
    let value = mean_reward(scored, train, |i| arm_of[&i]);
    Optimism {
        mean: sign * mean,
        deviation: (squares / (count - 1.0)).sqrt(),
        value: sign * value,
        value_less_optimism: sign * (value - mean),
    }
}
