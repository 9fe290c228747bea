//! `forest.json`: a learned assignment with all that is needed to apply it to new rows and to know where it came from.
//!
//! ```text
//! {"kind":"forest","schema_version":1,"covariates":[..],"encoding":[..],"arms":[..K],"direction":"maximize",..,
//!  "trees":[{"nodes":[{"covariate":0,"threshold":0.5,"left":1,"right":2},{"leaf":0},{"leaf":1}],"values":[[..K],[..K]]},..]}
//! ```
//!
//! The estimate of arm k at x is the baseline there and the mean over all trees of `values[leaf of x][k]` (forest.txt, equation 1). `covariate` counts the terms of
//! `encoding`; x <= threshold goes left. Estimates are of utilities: outcomes in the direction given, net of the `costs` of arms. Numbers have as many digits as bring them back to the bit.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use ndarray::{Array2, ArrayView1};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::clustering::Within;
use super::{Baseline, Estimator, Learned, Method, Model, Settings, Trial, assign_among};
use crate::data::{Covariate, Design, Groups, Study, Term, members, terms};
use crate::score::Direction;
use crate::solve::growth::{Node, Tree};

/// The version of the file's schema.
pub const SCHEMA_VERSION: u32 = 1;

/// A learned assignment by names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForestFile {
    pub kind: Kind,
    pub schema_version: u32,
    /// The covariates that data must have.
    pub covariates: Vec<Covariate>,
    /// The terms that trees see.
    pub encoding: Vec<Term>,
    /// The labels of the K arms, the control first.
    pub arms: Vec<String>,
    /// Arms that stand for several of the data.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: Groups,
    pub direction: Direction,
    /// What each arm costs (K), in units of the outcome; none where all are free.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub costs: Vec<f64>,
    /// For an arm that not every unit may get, the condition on those who may.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub eligible: BTreeMap<String, String>,
    /// Arms that trees took for one while they grew; none where each stood for itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<Vec<String>>,
    pub method: Method,
    pub settings: Settings,
    pub provenance: Provenance,
    /// What all arms share of the outcome.
    pub baseline: Baseline,
    pub trees: Vec<ValuedTree>,
}

/// What the file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Forest,
}

/// Where a forest came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    pub version: String,
    pub seed: u64,
    pub units: usize,
    /// SHA-256 of the trial: covariates, arms, utilities, masses, weights and clusters of the units in canonical order.
    pub data_hash: String,
}

/// A tree and the estimates of the arms in its leaves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValuedTree {
    #[serde(rename = "nodes")]
    pub tree: Tree,
    /// L rows of K.
    pub values: Vec<Vec<f64>>,
}

/// Estimates and assignment of units.
#[derive(Clone, Debug, PartialEq)]
pub struct Assigned {
    /// The arm of each unit (n).
    pub arm: Vec<usize>,
    /// The estimated mean outcome of each unit under each arm (n x K), in units of the outcome, before costs.
    pub outcome: Array2<f64>,
}

/// A forest file that cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ForestFileError {
    #[error("{file}: cannot be read ({reason}); name a forest.json that `prescribe forest` wrote")]
    Unreadable { file: String, reason: String },
    #[error("{file}: not a forest ({reason}); name a forest.json that `prescribe forest` wrote")]
    NotAForest { file: String, reason: String },
    #[error(
        "{file}: schema version {found}; this program reads version {SCHEMA_VERSION}: learn the forest again"
    )]
    Schema { file: String, found: u64 },
}

impl ForestFile {
    /// What was learned from the trial of a study.
    pub fn new(
        learned: &Learned,
        study: &Study,
        trial: &Trial,
        (direction, eligible): (Direction, &BTreeMap<String, String>),
        seed: u64,
    ) -> ForestFile {
        let costs = if study.costs.iter().any(|cost| *cost != 0.0) {
            study.costs.row(0).to_vec()
        } else {
            Vec::new()
        };
        ForestFile {
            kind: Kind::Forest,
            schema_version: SCHEMA_VERSION,
            covariates: study.covariates.clone(),
            encoding: terms(&study.covariates, &study.x),
            arms: study.arms.clone(),
            groups: study.groups.clone(),
            direction,
            costs,
            eligible: eligible.clone(),
            clusters: learned.clusters().map(|groups| by_label(groups, &study.arms)).unwrap_or_default(),
            method: learned.method,
            settings: learned.settings.clone(),
            provenance: Provenance {
                version: env!("CARGO_PKG_VERSION").into(),
                seed,
                units: study.units(),
                data_hash: hash(trial),
            },
            baseline: learned.baseline.clone(),
            trees: learned.valued_trees(),
        }
    }

    /// Reads a forest and checks that it can be applied.
    ///
    /// # Errors
    /// A file that cannot be read, is no forest, or is one of another version.
    pub fn read(path: &Path) -> Result<ForestFile, ForestFileError> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ForestFileError::Unreadable { file: file.clone(), reason: error.to_string() })?;
        ForestFile::parse(&text, &file)
    }

    /// The same from text; `file` is the name that messages give it.
    ///
    /// # Errors
    /// As [`ForestFile::read`].
    pub fn parse(text: &str, file: &str) -> Result<ForestFile, ForestFileError> {
        #[derive(Deserialize)]
        struct Version {
            kind: Kind,
            schema_version: u64,
        }
        let strange = |reason: String| ForestFileError::NotAForest { file: file.to_owned(), reason };
        let version: Version = serde_json::from_str(text).map_err(|error| strange(error.to_string()))?;
        let Version { kind: Kind::Forest, schema_version: found } = version;
        if found != u64::from(SCHEMA_VERSION) {
            return Err(ForestFileError::Schema { file: file.to_owned(), found });
        }
        let forest: ForestFile = serde_json::from_str(text).map_err(|error| strange(error.to_string()))?;
        forest.check().map_err(strange)?;
        Ok(forest)
    }

    /// The kind of a rule or forest file, where its text says one.
    pub fn is_forest(text: &str) -> bool {
        #[derive(Deserialize)]
        struct Said {
            kind: Kind,
        }
        matches!(serde_json::from_str(text), Ok(Said { kind: Kind::Forest }))
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// None that data can cause.
    pub fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Estimates and arms of units with covariates x (n x p), in the order of the file's covariates, among the arms that they may get (n x K).
    pub fn assign(&self, x: &Array2<f64>, eligible: Option<&Array2<bool>>) -> Assigned {
        let z = Design::new(&self.encoding, &self.covariates).matrix(x);
        let net = self.estimator().predict(z.view());
        let arm = assign_among(&net, |i, k| eligible.is_none_or(|eligible| eligible[[i, k]]));
        let mut outcome = net;
        for (mut row, fbar) in outcome.rows_mut().into_iter().zip(self.baseline.predict(z.view())) {
            row += fbar;
            row.iter_mut().zip(&self.costs).for_each(|(utility, cost)| *utility += cost);
            row *= self.direction.sign();
        }
        Assigned { arm, outcome }
    }

    fn estimator(&self) -> Estimator<'_> {
        let width = self.arms.len();
        let values = self.trees.iter().map(|valued| {
            let cells = valued.values.concat();
            // `check` has seen that every leaf has a value for every arm.
            Array2::from_shape_vec((cells.len() / width.max(1), width), cells).unwrap_or_default()
        });
        Estimator::of(self.trees.iter().map(|valued| &valued.tree).collect(), values.collect(), width)
    }

    /// Says what of the trees cannot be.
    fn check(&self) -> Result<(), String> {
        if self.arms.len() < 2 || self.trees.is_empty() {
            return Err("it has fewer than two arms, or no tree".into());
        }
        if !self.costs.is_empty() && self.costs.len() != self.arms.len() {
            return Err(format!("it has {} costs for {} arms", self.costs.len(), self.arms.len()));
        }
        let known =
            |term: &&Term| !self.covariates.iter().any(|covariate| covariate.name == term.covariate());
        if let Some(term) = self.encoding.iter().find(known) {
            return Err(format!("its term {} is over no covariate of its own", term.name()));
        }
        let broken =
            self.trees.iter().position(|valued| !valued.is_whole(self.encoding.len(), self.arms.len()));
        broken.map_or(Ok(()), |m| Err(format!("tree {} is broken", m + 1)))
    }
}

impl ValuedTree {
    /// Whether every way down ends at a leaf of its own with a value for each arm.
    fn is_whole(&self, terms: usize, arms: usize) -> bool {
        let nodes = &self.tree.nodes;
        let sound = |(node, kind): (usize, &Node)| match *kind {
            Node::Leaf { leaf } => (leaf as usize) < self.values.len(),
            Node::Split { covariate, threshold, left, right } => {
                let below = |child: u32| (node + 1..nodes.len()).contains(&(child as usize));
                (covariate as usize) < terms && threshold.is_finite() && below(left) && below(right)
            }
        };
        let valued = |row: &Vec<f64>| row.len() == arms && row.iter().all(|value| value.is_finite());
        !nodes.is_empty() && nodes.iter().enumerate().all(sound) && self.values.iter().all(valued)
    }
}

impl Learned {
    /// Every tree with the estimates of its leaves; their mean is what [`Learned::effects`] gives.
    pub fn valued_trees(&self) -> Vec<ValuedTree> {
        // Where units get any arm of a group, trees have estimates of groups.
        let groups = match &self.model {
            Model::Clustered(clustered) if clustered.within == Within::Random => Some(&clustered.groups),
            _ => None,
        };
        let estimator = self.model.estimator();
        let row = |row: ArrayView1<f64>| match groups {
            Some(groups) => groups.iter().map(|&g| row[g as usize]).collect(),
            None => row.to_vec(),
        };
        let valued = |(tree, values): (&Tree, &Array2<f64>)| ValuedTree {
            tree: tree.clone(),
            values: values.rows().into_iter().map(row).collect(),
        };
        estimator.trees().map(valued).collect()
    }

    /// The group of each arm (K) that trees were grown on; none where arms stand for themselves.
    pub fn clusters(&self) -> Option<&[u16]> {
        match &self.model {
            Model::Clustered(clustered) => Some(&clustered.groups),
            _ => None,
        }
    }
}

fn by_label(groups: &[u16], arms: &[String]) -> Vec<Vec<String>> {
    let of_group = members(groups).into_iter();
    of_group.map(|group| group.into_iter().map(|k| arms[k].clone()).collect()).collect()
}

/// SHA-256 of what a forest is learned from.
fn hash(trial: &Trial) -> String {
    let mut digest = Sha256::new();
    let mut numbers =
        |values: &mut dyn Iterator<Item = f64>| values.for_each(|value| digest.update(value.to_le_bytes()));
    numbers(&mut trial.x.iter().copied());
    numbers(&mut trial.arm.iter().map(|k| f64::from(*k)));
    numbers(&mut trial.utility.iter().copied());
    for values in [&trial.mass, &trial.weight].into_iter().flatten() {
        numbers(&mut values.iter().copied());
    }
    numbers(&mut trial.cluster.iter().flatten().map(|cluster| *cluster as f64));
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
