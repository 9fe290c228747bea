//! Costs of decisions that are made together: what it costs a cluster that so many of its units are treated.
//!
//! ```text
//! spent_i(pi) = (1/M_i) sum_{j in i} c_ij pi_ij + c(sum_{j in i} pi_ij),     c convex, c(0) = 0                     (28)
//! ```
//!
//! c is on the scale of cluster means, whatever the size of the cluster: V(pi) - (1/n) sum_i spent_i(pi). The first term is a sum over units,
//! the second is none: a further treated unit of a cluster costs as much as the last or more.

use std::fmt;
use std::str::FromStr;

use prescribe_models::cluster_rule::{Cluster, is_convex};
use serde::{Deserialize, Serialize};

use super::Clusters;

/// c(0), c(1), .., of which the last slope goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<f64>", into = "Vec<f64>")]
pub struct JointCost(Vec<f64>);

impl JointCost {
    /// c(`treated`)
    pub fn of(&self, treated: usize) -> f64 {
        let last = self.0.len() - 1;
        let beyond = treated.saturating_sub(last) as f64;
        self.0[treated.min(last)] + beyond * (self.0[last] - self.0[last - 1])
    }

    /// All the clusters of a problem whose objective is a mean over them, with this cost.
    pub fn on(&self, clusters: Vec<Cluster>) -> Vec<Cluster> {
        let n = clusters.len() as f64;
        let costs = |size: usize| (0..=size).map(|treated| self.of(treated) / n).collect();
        let priced = |cluster: Cluster| Cluster { joint_cost: costs(cluster.units.len()), ..cluster };
        clusters.into_iter().map(priced).collect()
    }
}

impl TryFrom<Vec<f64>> for JointCost {
    type Error = String;

    fn try_from(costs: Vec<f64>) -> Result<Self, String> {
        match costs.as_slice() {
            _ if costs.iter().any(|cost| !cost.is_finite()) => Err("give finite numbers".into()),
            [] | [_] => Err("give the costs of treating 0, 1, .. in a cluster, at least two, as in 0,0,.05".into()),
            [first, ..] if *first != 0.0 => {
                Err(format!("the first, of treating nobody, is {first}; begin with 0, as in 0,0,.05"))
            }
            _ if !is_convex(&costs) => Err(
                "each further unit must cost at least as much as the one before (a convex cost), as in 0,0,.05,.15"
                    .into(),
            ),
            _ => Ok(Self(costs)),
        }
    }
}

impl From<JointCost> for Vec<f64> {
    fn from(cost: JointCost) -> Vec<f64> {
        cost.0
    }
}

impl FromStr for JointCost {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |cell: &str| {
            cell.trim().parse::<f64>().map_err(|_| format!("{cell:?} is no number; give 0,0,.05"))
        };
        text.split(',').map(number).collect::<Result<Vec<f64>, String>>()?.try_into()
    }
}

impl fmt::Display for JointCost {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let costs: Vec<String> = self.0.iter().map(f64::to_string).collect();
        f.write_str(&costs.join(","))
    }
}

/// What treating takes from the values of clusters, in the direction of the outcome: positive where it takes from them.
#[derive(Clone, Copy, Debug)]
pub struct Costs<'a> {
    /// c_ij (N).
    pub of_units: &'a [f64],
    /// c, and what it is multiplied by: -1 where outcomes are minimised.
    pub joint: Option<(&'a JointCost, f64)>,
}

impl<'a> Costs<'a> {
    /// Without joint costs.
    pub fn of_units(of_units: &'a [f64]) -> Self {
        Self { of_units, joint: None }
    }

    /// spent_i where unit u is treated if `assignment[u]` (n).
    pub(super) fn spent(&self, clusters: &Clusters, assignment: &[bool]) -> Vec<f64> {
        let mut spent = clusters.means(|u| if assignment[u] { self.of_units[u] } else { 0.0 });
        if let Some((cost, sign)) = self.joint {
            for (units, spent) in clusters.members.iter().zip(&mut spent) {
                *spent += sign * cost.of(units.iter().filter(|u| assignment[**u]).count());
            }
        }
        spent
    }
}
