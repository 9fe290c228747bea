//! Exact fusion: the number of groups by an information criterion, the groups by least pooled residual sum of squares.
//!
//! ```text
//! BIC(M)  = n log(RSS_M / K) + p M log n
//! EBIC(M) = BIC(M) + 2 log C(K p, p M)                 RSS_M = min over partitions into M groups of sum_g RSS(g)
//! ```
//!
//! for weights that sum to 1 in every arm (fusion.txt, section 2.3; Chen and Chen 2008 with gamma = 1). RSS_M is that of the groups' own
//! least squares, so nothing is shrunk.

use prescribe_models::arm_moments::Moments;
use prescribe_models::arm_partition::{ArmPartition, Partition};
use statrs::function::gamma::ln_gamma;

use super::proof::{least, prove, tighten};
use crate::solve::partition::{Columns, Step as FoundStep, path};
use crate::solve::{Observer, Options, SolveError, Solver};

/// More groups are not considered.
pub const MOST_GROUPS: usize = 12;

/// How the number of groups is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    Ebic,
    Bic,
    /// So many.
    Groups(usize),
}

/// The best partition into at most so many groups.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub groups: usize,
    /// The group of each arm, groups numbered by their first arm.
    pub of: Partition,
    pub rss: f64,
    pub ebic: f64,
    pub bic: f64,
    /// No partition into so many groups has a smaller RSS.
    pub bound: f64,
    /// RSS meets its bound.
    pub proved: bool,
}

/// The partitions into 1, 2, .. groups, and which of them is chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionPath {
    pub steps: Vec<Step>,
    /// Index into `steps`.
    pub chosen: usize,
    /// No partition into any number of groups has a smaller criterion; none into as many groups has a smaller RSS, where that
    /// number was given.
    pub choice_proved: bool,
}

/// Fuses arms, given by the sums over their `n` units in all. Up to 16 arms every step is proved; with more, partitions are the
/// heuristic's, and within the time limit of `options`, where there is one, the choice is proved. A choice of more groups than arms
/// is one of as many.
///
/// # Errors
/// Of the solver.
pub fn partition(
    moments: &[Moments],
    n: usize,
    choice: Choice,
    options: &Options,
    observer: &dyn Observer,
) -> Result<PartitionPath, SolveError> {
    let most = if let Choice::Groups(groups) = choice { groups } else { MOST_GROUPS };
    let (arms, p) = (moments.len(), moments.first().map_or(0, |arm| arm.cross.len()));
    let mut steps = path(moments, most)?;
    let value = |rss: f64, groups: usize| match choice {
        Choice::Bic => criteria(rss, n, arms, p, groups).1,
        _ => criteria(rss, n, arms, p, groups).0,
    };
    let columns = Columns.accepts(&ArmPartition::new(moments.to_vec(), most.max(1))?).is_ok();
    let provable = columns && options.time_limit.is_some();
    let choice_proved = match (choice, steps.last_mut()) {
        (Choice::Groups(_), Some(last)) => {
            if provable && !last.proved {
                tighten(last, moments, options, observer)?;
            }
            last.proved
        }
        _ => prove(&mut steps, moments, &value, provable, options, observer)?,
    };
    let chosen = match choice {
        Choice::Groups(_) => steps.len() - 1,
        _ => least(&steps, &value),
    };
    let step = |step: FoundStep| {
        let FoundStep { groups, of, rss, bound, proved } = step;
        let (ebic, bic) = criteria(rss, n, arms, p, groups);
        Step { groups, of, rss, ebic, bic, bound, proved }
    };
    Ok(PartitionPath { steps: steps.into_iter().map(step).collect(), chosen, choice_proved })
}

/// EBIC and BIC of M groups of K arms over p columns.
pub fn criteria(rss: f64, n: usize, arms: usize, p: usize, groups: usize) -> (f64, f64) {
    let (n, free) = (n as f64, p * groups);
    let bic = n * (rss / arms as f64).ln() + free as f64 * n.ln();
    let log_factorial = |k: usize| ln_gamma(k as f64 + 1.0);
    let models = log_factorial(arms * p) - log_factorial(free) - log_factorial(arms * p - free);
    (bic + 2.0 * models, bic)
}
