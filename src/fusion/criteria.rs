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
use statrs::function::gamma::ln_gamma;

use super::Groups;

/// What is said of a grouping.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Criteria {
    /// Of the refitted groups.
    pub rss: f64,
    pub ebic: f64,
    pub bic: f64,
}

/// Refits the groups to the sums of the arms, over `units` units.
pub fn criteria(moments: &[Moments], groups: &Groups, units: usize) -> Criteria {
    let p = moments[0].cross.len();
    let (k, m) = (moments.len() as f64, groups.count() as f64);
    let rss: f64 =
        groups.members().iter().map(|g| Moments::pooled(p, g.iter().map(|&a| &moments[a])).rss()).sum();
    let (n, parameters) = (units as f64, p as f64 * m);
    // A perfect fit is the best there is, and still a number.
    let bic = n * (rss / k).max(f64::MIN_POSITIVE).ln() + parameters * n.ln();
    Criteria { rss, bic, ebic: bic + 2.0 * ln_choose(k * p as f64, parameters) }
}

pub(super) fn ln_choose(n: f64, k: f64) -> f64 {
    ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0)
}
