//! What the exact searches for linear rules share: the problem as points in whole numbers, and what hyperplanes can do to points.
//!
//! | file | what it holds |
//! |---|---|
//! | `points` | the problem in whole numbers, merged, scaled |
//! | `demands` | assignment bounds (budgets, capacities, parity), eligibility |
//! | `axes` | coordinates along and across a rule |
//! | `arrangement` | the best labelling of a few points by hyperplanes, in exact arithmetic |
//! | `pencil` | hyperplanes that turn about an axis |
//! | `widest` | the rule of largest margin with given labels |

mod arrangement;
mod axes;
mod demands;
mod pencil;
mod points;
mod widest;

pub use arrangement::Arrangement;
pub use points::{Points, distinct};
pub use widest::{separated, widest, widest_by_program};
