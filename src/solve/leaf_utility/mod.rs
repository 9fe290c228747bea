//! Trees whose leaves choose among many arms: every tree of depth 1 or 2, and the greedy one.
//!
//! A tree is valued by what its leaves hold, arm by arm, and that is read off prefix sums: of the units of a node in the order of a covariate, what
//! lies at or below each threshold. Posterior means depend on all leaves of the tree together, so that every pair of cuts below a root cut
//! is valued for itself; shrunken utilities add up, so that the best cut on either side is found alone.

mod greedy;
mod node;
mod search;

pub use greedy::LeafGreedy;
pub use search::LeafSearch;
