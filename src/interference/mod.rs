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

mod clusters;
mod folds;
mod influence;
mod outcome;
mod problem;
mod value;

pub use clusters::Clusters;
pub use folds::folds;
pub use influence::{Influence, gains, influence};
pub use outcome::{Effects, cluster_regression};
pub use problem::{RuleProblem, Valued};
pub use value::ClusterValue;

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
    /// Outcomes depend on a unit's own treatment and on how many others are treated.
    Anonymous,
    /// In any way: only clusters treated just as the rule says are looked at (4).
    Unknown,
}

impl FromStr for Interference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("polynomial:").map(str::parse)) {
            ("none", _) => Ok(Self::None),
            ("additive", _) => Ok(Self::Additive),
            ("anonymous", _) => Ok(Self::Anonymous),
            ("unknown", _) => Ok(Self::Unknown),
            (_, Some(Ok(order @ 1..))) => Ok(Self::Polynomial(order)),
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
