//! What a rule is worth: over units or, where units of a cluster affect each other, over clusters.

use serde::{Deserialize, Serialize};

use crate::evaluate::{Comparison, Estimate, Evaluation};
use crate::interference::ClusterWorth;

/// An evaluation of either kind; in JSON its own keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Worth {
    Clusters(Box<ClusterWorth>),
    Units(Box<Evaluation>),
}

impl Worth {
    pub fn value(&self) -> &Estimate {
        match self {
            Worth::Clusters(evaluation) => &evaluation.value.value,
            Worth::Units(evaluation) => &evaluation.value,
        }
    }

    pub fn units(&self) -> usize {
        match self {
            Worth::Clusters(evaluation) => evaluation.value.units,
            Worth::Units(evaluation) => evaluation.units,
        }
    }

    /// The comparison called `name`; an arm's, where an arm has that name.
    pub fn against(&self, name: &str) -> Option<&Comparison> {
        match self {
            Worth::Clusters(evaluation) => evaluation.against(name),
            Worth::Units(evaluation) => evaluation.against(name),
        }
    }

    pub fn table(&self) -> String {
        match self {
            Worth::Clusters(evaluation) => evaluation.table(),
            Worth::Units(evaluation) => evaluation.table(),
        }
    }

    /// What a picture of the rule says of each leaf; nothing under interference, where a leaf has no value of its own.
    pub fn leaf_notes(&self) -> Vec<Vec<String>> {
        match self {
            Worth::Clusters(_) => Vec::new(),
            Worth::Units(evaluation) => evaluation.leaf_notes(),
        }
    }
}
