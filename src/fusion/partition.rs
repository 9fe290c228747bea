//! Exact fusion: the number of groups by an information criterion, the groups by least pooled residual sum of squares.
//!
//! ```text
//! RSS_M = min over partitions into M groups of sum_g RSS(g)                M = argmin EBIC(RSS_M, M)
//! ```
//!
//! with the criteria of [`Criteria`], which rise with the residual sum: so the least EBIC over M is the least over all partitions into at
//! most [`MOST_GROUPS`] groups. RSS_M is that of the groups' own least squares, so nothing is shrunk.

use prescribe_models::arm_moments::Moments;
use prescribe_models::arm_partition::{ArmPartition, Partition};

use super::proof::{Proof, least, prove, tighten};
use super::{Criteria, Criterion};
use crate::solve::partition::{Columns, Step as FoundStep, path};
use crate::solve::{Observer, Options, Report, SolveError, Solver};

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
    /// Of the chosen partition, where it took columns.
    pub report: Option<Report<Partition>>,
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
    let mut steps = path(moments, most)?;
    let criterion = if choice == Choice::Bic { Criterion::Bic } else { Criterion::Ebic };
    let value = |rss: f64, groups: usize| Criteria::of(moments, n, rss, groups).value(criterion);
    let columns = Columns.accepts(&ArmPartition::new(moments.to_vec(), steps.len())?).is_ok();
    let provable = columns && options.time_limit.is_some();
    let Proof { proved, report } = match (choice, steps.last_mut()) {
        (Choice::Groups(_), Some(last)) => {
            let open = provable && !last.proved;
            let report = open.then(|| tighten(last, moments, options, observer)).transpose()?;
            Proof { proved: last.proved, report }
        }
        _ => prove(&mut steps, moments, &value, provable, options, observer)?,
    };
    let chosen = match choice {
        Choice::Groups(_) => steps.len() - 1,
        _ => least(&steps, &value),
    };
    let step = |step: FoundStep| {
        let FoundStep { groups, of, rss, bound, proved } = step;
        let Criteria { ebic, bic, .. } = Criteria::of(moments, n, rss, groups);
        Step { groups, of, rss, ebic, bic, bound, proved }
    };
    let steps = steps.into_iter().map(step).collect();
    Ok(PartitionPath { steps, chosen, choice_proved: proved, report })
}
