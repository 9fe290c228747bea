//! Which solvers take which problem. Adding a solver adds one line here.

use prescribe_models::Model;
use prescribe_models::linear_rule::LinearProblem;
use prescribe_models::maximum_margin::MaximumMargin;
use prescribe_models::tree_rule::TreeProblem;

use super::clarabel::Clarabel;
use super::greedy::Greedy;
use super::{Milp, Smooth, Solver};

/// Solvers of one problem, in the order in which they are listed to users.
pub type Registered<M> = Vec<Box<dyn Solver<M>>>;

/// A problem that has registered solvers.
pub trait Solvable: Model + Sized + 'static {
    fn solvers() -> Registered<Self>;

    /// The quick solver whose answer starts the exact ones.
    fn starter() -> Option<Box<dyn Solver<Self>>>;
}

impl Solvable for LinearProblem {
    fn solvers() -> Registered<Self> {
        vec![Box::new(Milp::default()), Box::new(Smooth::default())]
    }

    fn starter() -> Option<Box<dyn Solver<Self>>> {
        Some(Box::new(Smooth::default()))
    }
}

impl Solvable for TreeProblem {
    fn solvers() -> Registered<Self> {
        vec![Box::new(Milp::default()), Box::new(Greedy)]
    }

    fn starter() -> Option<Box<dyn Solver<Self>>> {
        Some(Box::new(Greedy))
    }
}

impl Solvable for MaximumMargin {
    fn solvers() -> Registered<Self> {
        vec![Box::new(Milp::default()), Box::new(Clarabel)]
    }

    fn starter() -> Option<Box<dyn Solver<Self>>> {
        None
    }
}
