//! Which solvers take which problem. Adding a solver adds one line here.

use prescribe_models::Model;
use prescribe_models::arm_clustering::ArmClustering;
use prescribe_models::arm_partition::ArmPartition;
use prescribe_models::calibration::Calibration;
use prescribe_models::cluster_rule::ClusterProblem;
use prescribe_models::concave_fusion::ConcaveFusion;
use prescribe_models::conjunction_rule::ConjunctionProblem;
use prescribe_models::fused_lasso::FusedLasso;
use prescribe_models::fused_loss::FusedLoss;
use prescribe_models::gain_regression::GainRegression;
use prescribe_models::leaf_utility::LeafProblem;
use prescribe_models::linear_rule::LinearProblem;
use prescribe_models::maximum_margin::MaximumMargin;
use prescribe_models::multi_linear_rule::MultiLinearProblem;
use prescribe_models::table_rule::TableProblem;
use prescribe_models::tree_rule::TreeProblem;

use super::admm::Admm;
use super::clarabel::Clarabel;
use super::greedy::Greedy;
use super::leaf_utility::{LeafGreedy, LeafSearch};
use super::newton::Newton;
use super::normal_equations::NormalEquations;
use super::pair_directions::PairDirections;
use super::partition::{Branches, Columns, KMeans, Merging, SubsetRecursion};
use serde::{Deserialize, Serialize};

use super::{
    Alternating, Directions, Enumerate, Formulation, Lookahead, Milp, Smooth, Solver, Stage, Tables,
    TreeSearch,
};

/// The name that leaves the choice of the solver to the problem, see [`Chosen`](super::Chosen).
pub const AUTO: &str = "auto";

/// Solvers of one problem, in the order in which they are listed to users.
pub type Registered<M> = Vec<Box<dyn Solver<M>>>;

/// What some solvers let the user choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Of `milp`; none leaves it to the size of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formulation: Option<Formulation>,
    /// Of `smooth`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// Of `search`: fewest units between two cuts of a node that are tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split_step: Option<usize>,
    /// Of `lookahead`: depth of its exact trees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search_depth: Option<usize>,
}

/// A problem that has registered solvers.
pub trait Solvable: Model + Sized + 'static {
    /// The solvers under `settings`.
    fn solvers_with(settings: Settings) -> Registered<Self>;

    /// The solvers as they come.
    fn solvers() -> Registered<Self> {
        Self::solvers_with(Settings::default())
    }

    /// The quick solver whose answer starts the exact ones.
    fn starter() -> Option<Box<dyn Solver<Self>>>;
}

impl Solvable for LinearProblem {
    fn solvers_with(settings: Settings) -> Registered<Self> {
        vec![
            Box::new(Milp { formulation: settings.formulation }),
            Box::new(Directions),
            Box::new(Enumerate),
            Box::new(Smooth { stage: settings.stage.unwrap_or_default() }),
        ]
    }

    fn starter() -> Option<Box<dyn Solver<Self>>> {
        Some(Box::new(Smooth::default()))
    }
}

impl Solvable for ClusterProblem {
    fn solvers_with(settings: Settings) -> Registered<Self> {
        vec![
            Box::new(Directions),
            Box::new(Milp { formulation: settings.formulation }),
            Box::new(Smooth { stage: settings.stage.unwrap_or_default() }),
        ]
    }

    fn starter() -> Option<Box<dyn Solver<Self>>> {
        Some(Box::new(Smooth::default()))
    }
}

impl Solvable for MultiLinearProblem {
    fn solvers_with(settings: Settings) -> Registered<Self> {
        vec![
            Box::new(PairDirections),
            Box::new(Milp { formulation: settings.formulation }),
            Box::new(Smooth { stage: settings.stage.unwrap_or_default() }),
        ]
    }

    fn starter() -> Option<Box<dyn Solver<Self>>> {
        Some(Box::new(Smooth::default()))
    }
}

impl Solvable for TreeProblem {
    fn solvers_with(settings: Settings) -> Registered<Self> {
        vec![
            Box::new(Milp { formulation: settings.formulation }),
            Box::new(TreeSearch { split_step: settings.split_step.unwrap_or(1) }),
            Box::new(Lookahead { search_depth: settings.search_depth }),
            Box::new(Greedy),
        ]
    }

    fn starter() -> Option<Box<dyn Solver<Self>>> {
        Some(Box::new(Greedy))
    }
}

impl Solvable for LeafProblem {
    fn solvers_with(_settings: Settings) -> Registered<Self> {
        vec![Box::new(LeafSearch), Box::new(LeafGreedy)]
    }

    fn starter() -> Option<Box<dyn Solver<Self>>> {
        None
    }
}

impl Solvable for TableProblem {
    fn solvers_with(settings: Settings) -> Registered<Self> {
        vec![Box::new(Tables), Box::new(Milp { formulation: settings.formulation })]
    }

    fn starter() -> Option<Box<dyn Solver<Self>>> {
        None
    }
}

impl Solvable for ConjunctionProblem {
    fn solvers_with(settings: Settings) -> Registered<Self> {
        vec![Box::new(Milp { formulation: settings.formulation }), Box::new(Alternating)]
    }

    fn starter() -> Option<Box<dyn Solver<Self>>> {
        Some(Box::new(Alternating))
    }
}

impl Solvable for MaximumMargin {
    fn solvers_with(settings: Settings) -> Registered<Self> {
        vec![Box::new(Milp { formulation: settings.formulation }), Box::new(Clarabel)]
    }

    fn starter() -> Option<Box<dyn Solver<Self>>> {
        None
    }
}

impl Solvable for Calibration {
    fn solvers_with(_settings: Settings) -> Registered<Self> {
        vec![Box::new(Newton), Box::new(Clarabel)]
    }

    fn starter() -> Option<Box<dyn Solver<Self>>> {
        None
    }
}

impl Solvable for FusedLasso {
    fn solvers_with(_settings: Settings) -> Registered<Self> {
        vec![Box::new(Admm), Box::new(Clarabel)]
    }

    fn starter() -> Option<Box<dyn Solver<Self>>> {
        None
    }
}

impl Solvable for FusedLoss {
    fn solvers_with(_settings: Settings) -> Registered<Self> {
        vec![Box::new(Admm), Box::new(Clarabel)]
    }

    fn starter() -> Option<Box<dyn Solver<Self>>> {
        None
    }
}

impl Solvable for GainRegression {
    fn solvers_with(_settings: Settings) -> Registered<Self> {
        vec![Box::new(NormalEquations), Box::new(Clarabel)]
    }

    fn starter() -> Option<Box<dyn Solver<Self>>> {
        None
    }
}

impl Solvable for ConcaveFusion {
    fn solvers_with(_settings: Settings) -> Registered<Self> {
        vec![Box::new(Admm)]
    }

    fn starter() -> Option<Box<dyn Solver<Self>>> {
        None
    }
}

impl Solvable for ArmPartition {
    fn solvers_with(settings: Settings) -> Registered<Self> {
        vec![
            Box::new(SubsetRecursion),
            Box::new(Columns),
            Box::new(Milp { formulation: settings.formulation }),
            Box::new(Merging),
        ]
    }

    fn starter() -> Option<Box<dyn Solver<Self>>> {
        Some(Box::new(Merging))
    }
}

impl Solvable for ArmClustering {
    fn solvers_with(settings: Settings) -> Registered<Self> {
        vec![
            Box::new(SubsetRecursion),
            Box::new(Branches),
            Box::new(Milp { formulation: settings.formulation }),
            Box::new(KMeans),
            Box::new(Merging),
        ]
    }

    fn starter() -> Option<Box<dyn Solver<Self>>> {
        Some(Box::new(Merging))
    }
}

/// A choice of solver that names none, or sets what it does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownChoice {
    #[error("no solver {name:?} takes this problem; choose among {}", known.join(", "))]
    Solver { name: String, known: Vec<&'static str> },
    #[error("solver {solver} has no {setting}; that is a setting of {owner}")]
    Setting { solver: String, setting: &'static str, owner: &'static str },
}

/// The solver called `name`, under `settings` that it reads.
pub fn find<M: Solvable>(name: &str, settings: Settings) -> Result<Box<dyn Solver<M>>, UnknownChoice> {
    let solvers = M::solvers_with(settings);
    let known = solvers.iter().map(|solver| solver.name()).collect();
    let found = solvers.into_iter().find(|solver| solver.name() == name);
    let solver = found.ok_or_else(|| UnknownChoice::Solver { name: name.into(), known })?;
    let foreign = [
        ("formulation", settings.formulation.is_some(), "milp"),
        ("stage", settings.stage.is_some(), "smooth"),
        ("split_step", settings.split_step.is_some(), "search"),
        ("search_depth", settings.search_depth.is_some(), "lookahead"),
    ];
    match foreign.into_iter().find(|(_, given, owner)| *given && *owner != name) {
        Some((setting, _, owner)) => Err(UnknownChoice::Setting { solver: name.into(), setting, owner }),
        None => Ok(solver),
    }
}
