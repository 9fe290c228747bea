//! The parameters of a forest (forest.txt, section 3.2).

use prescribe_models::leaf_utility::Towards;
use serde::{Deserialize, Serialize};

use crate::models::leaf_utility::Form;

/// How trees are grown and what their leaves say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// M, trees of the forest.
    pub trees: usize,
    /// Shrinkage within leaves while a tree is grown, in units.
    pub lambda1: f64,
    /// Shrinkage within leaves of the honest estimates, in units.
    pub lambda2: f64,
    /// nu, fewest units of a leaf.
    pub min_leaf: usize,
    /// What a split gains at least, in standard deviations of the outcome for each unit that the tree is grown on: the paper's epsilon,
    /// which is over the sum of utilities, is this times beta n.
    pub epsilon: f64,
    /// Share of the units that each tree is grown on.
    pub beta: f64,
    /// Share of the covariates that each split chooses among.
    pub delta: f64,
    /// Share of the arms that each split may assign.
    pub kappa: f64,
    /// Which estimate of the utility of a leaf.
    pub utility: Form,
    /// What honest estimates are shrunken to (section 6.2).
    pub shrink_towards: Towards,
    /// Whether the shrinkage of honest estimates is in proportion to the variances of the arms' outcomes (section 6.2).
    pub arm_variances: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            trees: 1000,
            lambda1: 0.5,
            lambda2: 0.5,
            min_leaf: 3,
            epsilon: 0.05,
            beta: 0.5,
            delta: 1.0,
            kappa: 1.0,
            utility: Form::N,
            shrink_towards: Towards::Leaf,
            arm_variances: false,
        }
    }
}

/// A parameter that makes no sense.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{name} {value}: give {remedy}")]
pub struct InvalidSettings {
    pub name: &'static str,
    pub value: String,
    pub remedy: &'static str,
}

impl Settings {
    /// Says which parameter makes no sense.
    ///
    /// # Errors
    /// The first one, with its value and what to give instead.
    pub fn check(&self) -> Result<(), InvalidSettings> {
        let at_least = |name, value: f64| {
            let valid = value.is_finite() && value >= 0.0;
            (name, value.to_string(), valid, "a number of at least 0")
        };
        let share = |name, value: f64| {
            let valid = value > 0.0 && value <= 1.0;
            (name, value.to_string(), valid, "a share above 0 and at most 1")
        };
        let checks = [
            ("trees", self.trees.to_string(), self.trees > 0, "at least 1"),
            at_least("lambda1", self.lambda1),
            at_least("lambda2", self.lambda2),
            ("min_leaf", self.min_leaf.to_string(), self.min_leaf > 0, "at least 1"),
            at_least("epsilon", self.epsilon),
            ("beta", self.beta.to_string(), self.beta > 0.0 && self.beta < 1.0, "a share between 0 and 1"),
            share("delta", self.delta),
            share("kappa", self.kappa),
        ];
        match checks.into_iter().find(|(_, _, valid, _)| !valid) {
            None => Ok(()),
            Some((name, value, _, remedy)) => Err(InvalidSettings { name, value, remedy }),
        }
    }
}
