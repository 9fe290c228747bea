//! How many groups the data support.
//!
//! ```text
//! BIC  = n log(RSS / K) + p M log n
//! EBIC = BIC + 2 log C(K p, p M)
//! ```
//!
//! for M groups of K arms, p columns, n units and the weighted residual sum of squares of the REFITTED groups, weights summing to 1
//! in each arm: residuals that are shrunken by a penalty choose too many groups. Source: fusion.txt, section 2.3; Chen and Chen (2008), gamma = 1.

use prescribe_models::arm_moments::Moments;
use serde::{Deserialize, Serialize};
use statrs::function::gamma::ln_gamma;

use super::Groups;

/// A residual sum of this share of the sum of squares is rounding error.
const ROUNDING: f64 = 1e-12;

/// Smaller is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    #[default]
    Ebic,
    Bic,
}

/// What is said of a grouping.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Criteria {
    /// Of the refitted groups.
    pub rss: f64,
    pub ebic: f64,
    pub bic: f64,
}

impl Criteria {
    /// Of M groups whose residual sum is known, over `units` units.
    pub fn of(moments: &[Moments], units: usize, rss: f64, groups: usize) -> Criteria {
        let p = moments[0].cross.len() as f64;
        let (k, n) = (moments.len() as f64, units as f64);
        let parameters = p * groups as f64;
        // A perfect fit is the best there is, and still a number.
        let least = ROUNDING * moments.iter().map(|arm| arm.square).sum::<f64>();
        let left = rss.max(least).max(f64::MIN_POSITIVE) / k;
        let bic = n * left.ln() + parameters * n.ln();
        Criteria { rss, bic, ebic: bic + 2.0 * ln_choose(k * p, parameters) }
    }

    pub fn value(&self, criterion: Criterion) -> f64 {
        match criterion {
            Criterion::Ebic => self.ebic,
            Criterion::Bic => self.bic,
        }
    }
}

/// Refits the groups to the sums of the arms, over `units` units.
pub fn criteria(moments: &[Moments], groups: &Groups, units: usize) -> Criteria {
    let p = moments[0].cross.len();
    let rss = groups.members().iter().map(|g| Moments::pooled(p, g.iter().map(|&a| &moments[a])).rss()).sum();
    Criteria::of(moments, units, rss, groups.count())
}

pub(super) fn ln_choose(n: f64, k: f64) -> f64 {
    ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0)
}
