//! Exact fusion: the number of groups by an information criterion, the groups by least pooled residual sum of squares.
//!
//! ```text
//! RSS_M = min over partitions into M groups of sum_g RSS(g)                M = argmin EBIC(RSS_M, M)
//! ```
//!
//! with the criteria of [`Criteria`], which rise with the residual sum: so the least EBIC over M is the least over all partitions into at
//! most [`MOST_GROUPS`] groups. RSS_M is that of the groups' own least squares, so nothing is shrunk.

use prescribe_models::arm_moments::Moments;
use prescribe_models::arm_partition::Partition;

use super::Criteria;
use crate::solve::partition::path;
use crate::solve::{Observer, Options, SolveError};

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
}

/// Fuses arms, given by the sums over their `n` units in all. Up to 16 arms every step is proved; with more, the heuristic's partitions are
/// bounded where `options` set a time limit. A choice of more groups than arms is one of as many.
pub fn partition(
    moments: &[Moments],
    n: usize,
    choice: Choice,
    options: &Options,
    observer: &dyn Observer,
) -> Result<PartitionPath, SolveError> {
    let most = if let Choice::Groups(groups) = choice { groups } else { MOST_GROUPS };
    let steps: Vec<Step> = path(moments, most, options, observer)?
        .into_iter()
        .map(|step| {
            let Criteria { ebic, bic, .. } = Criteria::of(moments, n, step.rss, step.groups);
            let crate::solve::partition::Step { groups, of, rss, bound, proved } = step;
            Step { groups, of, rss, ebic, bic, bound, proved }
        })
        .collect();
    let least = |of: fn(&Step) -> f64| {
        (0..steps.len()).min_by(|a, b| of(&steps[*a]).total_cmp(&of(&steps[*b]))).unwrap_or(0)
    };
    let chosen = match choice {
        Choice::Ebic => least(|step| step.ebic),
        Choice::Bic => least(|step| step.bic),
        Choice::Groups(_) => steps.len() - 1,
    };
    Ok(PartitionPath { steps, chosen })
}
