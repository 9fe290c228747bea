//! The learning problems of `prescribe` as formal optimization models.
//!
//! A model says *what* is asked and nothing about *how* it is answered: it evaluates its own objective and
//! constraints at a point ([`Model`]), and it can be written as a program that a family of solvers takes
//! ([`ProgramForm`]). No solver is needed to build this crate.
//!
//! | file | problem |
//! |---|---|
//! | [`policy_problem`] | class of rules + reward matrix + side constraints |
//! | [`linear_rule`] | weighted 0-1 problem: treat where `b0 + x'b >= 0` |
//! | [`cluster_rule`] | linear rule valued cluster by cluster, where units affect each other |
//! | [`multi_linear_rule`] | linear rule over K arms: the arm of the largest `b0_k + x'b_k` |
//! | [`conjunction_rule`] | treat where two linear rules both treat |
//! | [`tree_rule`] | depth-D policy tree |
//! | [`table_rule`] | decision table of D questions |
//! | [`maximum_margin`] | the safest linear rule among all that give the same labels |
//! | [`exact_margin`] | the same in exact arithmetic |
//! | [`calibration`] | weights of one arm that give the features the target's means |
//! | [`pair_fusion`] | what all fusions of arms pair by pair have in common |
//! | [`outcome_loss`] | squared, logistic and Huber loss of the units of an arm |
//! | [`arm_moments`] | the sums that least squares within arms reads |
//! | [`fused_lasso`] | least squares within arms, with coefficients drawn together pair by pair |
//! | [`fused_loss`] | the same with another loss than squares: logistic, Huber |
//! | [`concave_fusion`] | `fused_lasso` with a penalty that leaves large differences alone |
//! | [`leaf_utility`] | what a leaf is worth that gives its units one of many arms |
//! | [`gain_regression`] | least squares of gains: a convex stand-in for `linear_rule` |
//! | [`arm_groups`] | what all partitions of arms into groups have in common |
//! | [`arm_clustering`] | groups of arms whose fitted values are near each other |
//! | [`arm_partition`] | partition of arms into groups that share one least-squares fit |
//! | [`side_constraints`] | minimum leaf size, budgets, capacities, eligibility, signs, few or whole coefficients |
//! | [`programs`] | plain mixed-integer and conic programs, MPS and LP files |

pub mod arm_clustering;
pub mod arm_groups;
pub mod arm_moments;
pub mod arm_partition;
pub mod calibration;
pub mod cluster_rule;
pub mod concave_fusion;
pub mod conjunction_rule;
pub mod exact;
pub mod exact_margin;
pub mod fused_lasso;
pub mod fused_loss;
pub mod gain_regression;
pub mod leaf_utility;
pub mod linear_rule;
pub mod maximum_margin;
pub mod model;
pub mod multi_linear_rule;
pub mod outcome_loss;
pub mod pair_fusion;
pub mod policy_problem;
pub mod programs;
pub mod side_constraints;
pub mod table_rule;
pub mod tree_rule;

pub use model::{
    ConicForm, LinearOracle, LinearOutcome, Model, OracleError, Piece, ProgramForm, Recovered, Violation,
};
pub use policy_problem::{PolicyProblem, RuleClass};
pub use programs::{Column, ConicProgram, InvalidModel, MixedIntegerProgram, Row, Sense};
pub use side_constraints::{
    AssignmentBound, CoefficientSign, MinimumArmInLeaf, SideConstraint, Sign, Standing,
};
