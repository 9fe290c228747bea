//! Learning an assignment from a trial, by whichever method: the one entry that commands and experiments call.
//!
//! ```text
//! trial (utilities as they are) -> residualise -> learn -> Learned: estimates of every arm at any x, assignment argmax
//! ```
//!
//! | [`Method`] | what is learned |
//! |---|---|
//! | `Forest` | the regularised joint assignment forest (forest.txt, section 3.2) |

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use super::{Forest, Grid, InvalidSettings, Settings, Split, Trial, Tuning, tune};

/// How an assignment is learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    #[default]
    Forest,
}

/// What to learn and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    pub method: Method,
    /// How trees are grown.
    pub forest: Settings,
    /// The parameters to choose among, in place of those of `forest`.
    pub tuning: Option<Grid>,
    pub seed: u64,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan { method: Method::Forest, forest: Settings::default(), tuning: None, seed: 1 }
    }
}

/// What was learned.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    /// The method that the model is of.
    pub method: Method,
    /// The parameters that it was learned with.
    pub settings: Settings,
    pub model: Model,
    /// How the parameters were chosen.
    pub tuning: Option<Tuning>,
}

/// Folds that parameters and methods are compared on.
const FOLDS: usize = 5;

/// Estimates of the utility of every arm at any x.
#[derive(Clone, Debug, PartialEq)]
pub enum Model {
    Forest(Forest),
}

impl Learned {
    /// Estimated utilities of every arm (n x K), less the baseline, for units with covariates x (n x p); a row's depend on no other row.
    pub fn predict(&self, x: ArrayView2<f64>) -> Array2<f64> {
        match &self.model {
            Model::Forest(forest) => forest.predict(x),
        }
    }
}

/// Learns an assignment from a trial.
///
/// # Errors
/// A parameter that makes no sense.
pub fn learn(trial: &Trial, plan: &Plan) -> Result<Learned, InvalidSettings> {
    plan.forest.check()?;
    let tuning = match &plan.tuning {
        None => None,
        Some(grid) => {
            grid.check(&plan.forest)?;
            let split = Split::new(trial, FOLDS, plan.seed);
            Some(tune(trial, &split, (&plan.forest, grid), None, plan.seed))
        }
    };
    let settings = tuning.as_ref().map_or(&plan.forest, |tuning| &tuning.chosen).clone();
    let model = match plan.method {
        Method::Forest => Model::Forest(Forest::grow(trial, &settings, None, plan.seed)),
    };
    Ok(Learned { method: plan.method, settings, model, tuning })
}
