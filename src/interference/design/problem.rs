//! Why a design does not tell the value of a rule.

use crate::data::{DataError, Place, Problem, Study};
use crate::interference::Clusters;

/// What stands between a design and the value of a rule.
#[derive(Clone, Debug, PartialEq)]
pub enum NotEstimable {
    /// A sum over units of coefficients times treatments that the design keeps fixed, but not the rule, or not the treatments received.
    Never { cluster: usize, received: bool, terms: Vec<(usize, f64)>, always: f64, becomes: f64 },
    /// Moments that no treatments have.
    NoDistribution { cluster: usize },
    /// The propensity of a unit is not the share of its stratum that was treated.
    Share { unit: usize, units: usize, treated: usize, propensity: f64 },
    /// Too large a cluster for the order.
    TooManySets { cluster: usize, units: usize, order: usize },
    /// Joint probabilities of pairs serve sums over single units only.
    OnlyPairs,
}

impl NotEstimable {
    /// As a refusal of the data, which names units as the study does.
    pub fn of(&self, study: &Study, clusters: &Clusters) -> DataError {
        let first = |cluster: &usize| study.ids[clusters.members[*cluster][0]].clone();
        let problem = match self {
            Self::Never { cluster, received, terms, always, becomes } => Problem::DesignNeverVaries {
                unit: first(cluster),
                units: clusters.members[*cluster].len(),
                fixed: fixed(study, terms, *received, *always, *becomes),
                received: *received,
            },
            Self::NoDistribution { cluster } => Problem::DesignWithoutDistribution { unit: first(cluster) },
            Self::Share { unit, units, treated, propensity } => Problem::DesignShare {
                unit: study.ids[*unit].clone(),
                units: *units,
                treated: *treated,
                propensity: *propensity,
            },
            Self::TooManySets { cluster, units, order } => {
                Problem::DesignTooLarge { unit: first(cluster), units: *units, order: *order }
            }
            Self::OnlyPairs => Problem::DesignOfPairs,
        };
        Place::file(&study.source).refuse(problem)
    }
}

/// What a design keeps fixed, in words.
fn fixed(study: &Study, terms: &[(usize, f64)], received: bool, always: f64, becomes: f64) -> String {
    let equal = terms.iter().all(|(_, coefficient)| (coefficient - 1.0).abs() < 1e-6);
    let name = |u: usize| study.ids[u].clone();
    let what = match terms {
        [] => return "a sum of products of treatments that the design keeps fixed is another".into(),
        _ if equal => {
            let names: Vec<String> = terms.iter().map(|&(u, _)| name(u)).collect();
            format!("the number treated among the units {}", names.join(", "))
        }
        _ => {
            let parts = terms.iter().map(|&(u, c)| format!("{c:+.3} A({})", name(u)));
            parts.collect::<Vec<_>>().join(" ")
        }
    };
    let by = if received { "in the data it is" } else { "the rule makes it" };
    format!("{what} is always {}, {by} {}", plain(always), plain(becomes))
}

/// A number without the digits of rounding error.
fn plain(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
