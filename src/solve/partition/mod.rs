//! Partitions of arms: into groups that share one least-squares fit, and into groups whose fitted values are near each other.
//!
//! | file | what | promise |
//! |---|---|---|
//! | [`subsets`] | recursion over the subsets of up to 16 arms | exact |
//! | [`branches`] | branch and bound over the groups of one arm after the other | exact |
//! | [`columns`] | set partitioning, columns priced by branch and bound over coefficients | exact |
//! | [`k_means`] | k-means of fitted values, by smartcore | heuristic |
//! | [`merging`] | Ward merging, then exchanges to a local optimum | heuristic |

pub mod branches;
pub mod columns;
pub mod k_means;
pub mod merging;
mod price;
pub mod subsets;

pub use branches::Branches;
pub use columns::{Columns, Line};
pub use k_means::KMeans;
pub use merging::Merging;
pub use subsets::SubsetRecursion;

use prescribe_models::Model;
use prescribe_models::arm_clustering::ArmClustering;
use prescribe_models::arm_groups::Grouping;
use prescribe_models::arm_moments::Moments;
use prescribe_models::arm_partition::{ArmPartition, Partition};

use super::{Observer, Options, Report, Silent, SolveError, Solver, solve_started};

/// Up to so many arms the recursion takes less than a tenth of a second.
const PROVED_AT_ONCE: usize = 12;

/// The best partition into at most `groups` groups: by recursion over subsets where there are few arms, else by columns, from the
/// heuristic's answer, until proved or until the time is over.
pub fn best(
    moments: &[Moments],
    groups: usize,
    options: &Options,
    observer: &dyn Observer,
) -> Result<Report<Partition>, SolveError> {
    let model = ArmPartition::new(moments.to_vec(), groups)?;
    match moments.len() <= subsets::MOST_ARMS {
        true => solve_started(&model, &SubsetRecursion, None, options, observer),
        false if columns::accepts(&model).is_ok() => solve_started(&model, &Columns, None, options, observer),
        false => super::solve(&model, &Merging, None, options, observer),
    }
}

/// Groups of arms near each other: proved up to so many arms that it takes no time worth speaking of, else the better of k-means and
/// merging, exchanged to a local optimum.
pub fn nearest(model: &ArmClustering, options: &Options) -> Result<Report<Partition>, SolveError> {
    if model.arms() <= PROVED_AT_ONCE {
        return super::solve(model, &SubsetRecursion, None, options, &Silent);
    }
    let start = match KMeans.accepts(model) {
        Ok(_) => super::solve(model, &KMeans, None, options, &Silent)?.point,
        Err(_) => None,
    };
    super::solve(model, &Merging, start.as_ref(), options, &Silent)
}

/// A partition for one number of groups.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The most groups.
    pub groups: usize,
    pub of: Partition,
    /// Of the groups' own fits.
    pub rss: f64,
    /// No partition into so many groups has a smaller RSS than this.
    pub bound: f64,
    pub proved: bool,
}

/// The partitions for 1, 2, .. `most` groups: up to 16 arms one recursion proves them all; with more, they are the heuristic's.
///
/// # Errors
/// Sums that are no problem, as [`ArmPartition::new`].
pub fn path(moments: &[Moments], most: usize) -> Result<Vec<Step>, SolveError> {
    let arms = moments.len();
    let model = ArmPartition::new(moments.to_vec(), most.clamp(1, arms.max(1)))?;
    let exact = arms <= subsets::MOST_ARMS;
    let found = if exact { subsets::every(&model) } else { merging::every(&model) };
    let floor = model.trivial_bound();
    let step = |(g, (of, rss)): (usize, (Partition, f64))| {
        let proved = exact || g == 0;
        Step { groups: g + 1, of, rss, bound: if proved { rss } else { floor }, proved }
    };
    Ok(found.into_iter().enumerate().map(step).collect())
}

/// Refuses what a solver of partitions is not made for.
fn refuse(solver: &str, part: String, remedy: &str) -> super::Unsupported {
    super::Unsupported { solver: solver.into(), part, remedy: remedy.into() }
}

/// The start where it is a partition of the model.
fn usable<'p>(model: &impl Grouping, start: Option<&'p Partition>) -> Option<&'p Partition> {
    start.filter(|of| model.violations(of).is_empty())
}
