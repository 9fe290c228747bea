//! Rules for units that affect each other within clusters: what a rule is worth, and what treating a unit brings.
//!
//! ```text
//! clusters i = 1..n of M_i units, outcome Ybar_i (cluster mean), treatment A_ij in {0, 1}, independent with p_ij = P(A_ij = 1)
//! value of a rule pi   V(pi) = E[ (1/M_i) sum_j Y_ij(pi(X_i1), .., pi(X_iM)) ]                                      (3)
//! rho_ij = 1{A_ij = pi_ij} / e_ij(A_ij) - 1,   e_ij(1) = p_ij,  e_ij(0) = 1 - p_ij
//! ```
//!
//! Everything is on this scale: a mean over clusters of cluster means, so that a unit of a large cluster counts less. What is assumed of the
//! interference ([`Interference`]) decides the weight of a cluster; the weaker the assumption, the larger the variance. Source: interference.txt,
//! sections 2 to 4; numbers in brackets are its equations.

mod checks;
mod clusters;
mod design;
mod few;
mod folds;
mod influence;
mod joint_cost;
mod learners;
mod orders;
mod outcome;
mod problem;
mod propensity;
mod rewards;
mod settings;
mod valuation;
mod value;
mod worth;

pub use checks::{dependence, refuse_repeats};
pub use clusters::{Clusters, treated};
pub use design::{Design, DesignRole, NotEstimable};
pub use few::{few_clusters, left_out};
pub use folds::folds;
pub use influence::{Influence, gains, influence};
pub use joint_cost::{Costs, JointCost};
pub use learners::{
    Bagging, Choice, Judged, Learned, Learner, Learners, OutcomeModel, Part, choose, learn_rule, regression,
};
pub use orders::Orders;
pub use outcome::{
    Baseline, Basis, ClusterModel, Effects, Sizes, Summary, TooManyCoefficients, cluster_regression,
};
pub use problem::{RuleProblem, Valued};
pub use propensity::propensities_by_size;
pub use rewards::{costs, rewards, sums_gains};
pub use settings::{Clustered, cluster_folds};
pub use valuation::{AdditivityCheck, AtCost, Valuation, ValuedRule};
pub use value::ClusterValue;
pub use worth::{ClusterWorth, costs_of};

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How units of a cluster may affect each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Interference {
    /// Not at all: each unit's outcome depends on its own treatment.
    None,
    /// Outcomes are sums of what each treated unit of the cluster brings (5); addIPW (8), with outcome models addDR (22).
    Additive,
    /// As sums over sets of at most so many treated units (14).
    Polynomial(usize),
    /// The same with fewer in small clusters, as section 3.4 proposes.
    PolynomialBySize(Orders),
    /// Outcomes depend on a unit's own treatment and on how many others are treated.
    Anonymous,
    /// In any way: only clusters treated just as the rule says are looked at (4).
    Unknown,
}

impl Interference {
    /// What is assumed, as headings say it.
    pub fn assumed(&self) -> String {
        match self {
            Self::None => "without interference".into(),
            _ => format!("under {self} interference"),
        }
    }

    /// How many treated units of a cluster at most a term of the outcome speaks of, where sums over sets of units are assumed.
    pub fn order(&self, units: usize) -> usize {
        match self {
            Self::None | Self::Additive => 1,
            Self::Polynomial(order) => *order,
            Self::PolynomialBySize(orders) => orders.of(units),
            Self::Anonymous | Self::Unknown => units,
        }
    }
}

impl FromStr for Interference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let orders = text.strip_prefix("polynomial:").unwrap_or_default();
        match (text, orders.parse()) {
            ("none", _) => Ok(Self::None),
            ("additive", _) => Ok(Self::Additive),
            ("anonymous", _) => Ok(Self::Anonymous),
            ("unknown", _) => Ok(Self::Unknown),
            (_, Ok(order @ 1..)) => Ok(Self::Polynomial(order)),
            _ if orders.contains('@') => orders.parse().map(Self::PolynomialBySize),
            _ => Err("give additive, polynomial:B with B of at least 1, unknown, anonymous or none".into()),
        }
    }
}

impl fmt::Display for Interference {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Additive => f.write_str("additive"),
            Self::Polynomial(order) => write!(f, "polynomial:{order}"),
            Self::PolynomialBySize(orders) => write!(f, "polynomial:{orders}"),
            Self::Anonymous => f.write_str("anonymous"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

impl From<Interference> for String {
    fn from(interference: Interference) -> String {
        interference.to_string()
    }
}

impl TryFrom<String> for Interference {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}
