//! What a configuration says of fusing arms before anything is learned, and what reports say of it (fusion.txt, Algorithm 1).

use std::fmt;
use std::str::FromStr;

use prescribe_models::calibration::Discrepancy;
use serde::{Deserialize, Serialize};

use super::LearnError;
use crate::data::{Choose, Groups};
use crate::fusion::{Criterion, MainEffect, Penalty};

/// Which arms are to count as one, and how to find out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fusing {
    /// What decides how many groups there are.
    pub by: By,
    #[serde(default = "exact")]
    pub penalty: Penalty,
    #[serde(default)]
    pub weigh: Weigh,
    /// How far the weighted means of an arm may stay from those of all units, in standard deviations.
    #[serde(default)]
    pub weigh_tolerance: f64,
    #[serde(default)]
    pub main_effect: MainEffect,
    /// Most rounds after the first, each with weights and main effect of the groups found before.
    #[serde(default)]
    pub iterate: usize,
    /// Covariates whose means are balanced; all where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weigh_covariates: Vec<String>,
    /// Covariates that the effects of arms may depend on; all where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fuse_covariates: Vec<String>,
    /// Which member of its group a unit gets.
    #[serde(default)]
    pub choose: Choose,
}

fn exact() -> Penalty {
    Penalty::L0
}

impl Fusing {
    /// Refuses what no data can make sensible.
    pub fn check(&self) -> Result<(), LearnError> {
        let refuse = |reason: String| Err(LearnError::Usage(reason));
        if let By::Groups(count @ (0 | 1)) = self.by {
            return refuse(format!("--fuse {count}: a rule needs at least two groups to choose from"));
        }
        if !(0.0..f64::INFINITY).contains(&self.weigh_tolerance) {
            return refuse(format!(
                "--weigh-tolerance {}: give a number of at least 0",
                self.weigh_tolerance
            ));
        }
        if self.weigh == Weigh::None && (self.weigh_tolerance > 0.0 || !self.weigh_covariates.is_empty()) {
            return refuse(
                "--weigh-tolerance and --weigh-covariates say how to weigh; leave out --weigh none".into(),
            );
        }
        Ok(())
    }
}

/// What decides how many groups there are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "fusion goes by \"ebic\", \"bic\" or a number of groups")]
pub enum By {
    Criterion(Criterion),
    /// So many.
    Groups(usize),
}

/// Weights of the units that fusion reads; nothing else is weighted by them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Weigh {
    /// All units alike.
    None,
    /// Each arm to the covariate means of all units ([`crate::balance`]).
    Balance(Discrepancy),
}

impl Default for Weigh {
    fn default() -> Self {
        Weigh::Balance(Discrepancy::ENTROPY)
    }
}

impl FromStr for Weigh {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" { Ok(Weigh::None) } else { text.parse().map(Weigh::Balance) }
    }
}

impl fmt::Display for Weigh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Weigh::None => f.write_str("none"),
            Weigh::Balance(discrepancy) => discrepancy.fmt(f),
        }
    }
}

impl TryFrom<String> for Weigh {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Weigh> for String {
    fn from(weigh: Weigh) -> String {
        weigh.to_string()
    }
}

/// What was fused, as reports give it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FusionReport {
    /// The units that groups were learned from.
    pub units: usize,
    pub groups: Vec<GroupOfArms>,
    pub penalty: Penalty,
    pub by: By,
    pub main_effect: MainEffect,
    pub weigh: Weigh,
    /// No other partition does better by the criterion, or with so many groups; only `l0` can tell.
    pub proved: bool,
    /// Of the groups, refitted.
    pub ebic: f64,
    pub bic: f64,
    pub rss: f64,
    /// Rounds of weights and groups, the first included, and whether the last two found the same groups.
    pub rounds: usize,
    pub settled: bool,
    /// What the weights of the first round do in each arm; nothing without weights.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub balance: Vec<ArmBalance>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupOfArms {
    pub group: String,
    /// In the order in which they are preferred.
    pub members: Vec<String>,
    pub units: usize,
}

/// The weights of an arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmBalance {
    pub arm: String,
    pub units: usize,
    pub effective_sample_size: f64,
    /// Largest |mean - target| in standard deviations.
    pub max_balance_residual: f64,
}

impl FusionReport {
    /// The groups of more than one arm.
    pub(super) fn groups(&self) -> Groups {
        let several = self.groups.iter().filter(|group| group.members.len() > 1);
        several.map(|group| (group.group.clone(), group.members.clone())).collect()
    }
}
