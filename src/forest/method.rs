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

use super::{Forest, InvalidSettings, Settings, Trial};

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
    pub seed: u64,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan { method: Method::Forest, forest: Settings::default(), seed: 1 }
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
}

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
    let model = match plan.method {
        Method::Forest => Model::Forest(Forest::grow(trial, &plan.forest, None, plan.seed)),
    };
    Ok(Learned { method: plan.method, settings: plan.forest.clone(), model })
}
