//! Rules with the names of covariates and arms, as people and files know them.
//!
//! ```text
//! tree      {"kind":"tree","root":{"covariate":"age","threshold":30,"left":{"arm":"a"},"right":{"arm":"b"}}}    x <= threshold: left
//!           {"covariate":"ward","levels":["n","s"],"missing":"right",...}                                        level listed: left
//! linear    {"kind":"linear","arms":["control","treated"],"intercept":b0,"coefficients":[..]}                     arms[1] where b0 + z'b >= 0
//! multi_linear  {"kind":"multi_linear","intercepts":[..K],"coefficients":[[..p]..K]}                                the highest arm, the lowest on ties
//! conjunction  {"kind":"conjunction","arms":[..2],"intercepts":[..2],"coefficients":[[..p],[..p]]}                  arms[1] where both heights are >= 0
//! constant  {"kind":"constant","arm":"b"}
//! ```

mod answer;
mod apply;
pub mod export;
mod leaves;
mod members;
mod text;

pub use answer::{GivenAnswer, read_answer};
pub use leaves::LeafPath;
pub use members::Within;

use std::collections::BTreeMap;
use std::path::Path;

use prescribe_models::conjunction_rule::{Conjunction, ConjunctionRule};
use prescribe_models::linear_rule::{Linear, LinearRule};
use prescribe_models::multi_linear_rule::{MultiLinear, MultiLinearRule};
use prescribe_models::table_rule::Table;
use prescribe_models::tree_rule::{self, Tree};
use prescribe_models::{PolicyProblem, RuleClass};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::data::{Choose, Covariate, Groups, Study, Term};
use crate::score::Direction;
use crate::solve::{Promise, Report, TerminationStatus};

/// The version of the rule file's schema.
pub const SCHEMA_VERSION: u32 = 2;

/// A rule by names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Rule {
    Tree { root: Node },
    Linear { arms: Vec<String>, intercept: f64, coefficients: Vec<f64> },
    MultiLinear { arms: Vec<String>, intercepts: Vec<f64>, coefficients: Vec<Vec<f64>> },
    Conjunction { arms: Vec<String>, intercepts: [f64; 2], coefficients: [Vec<f64>; 2] },
    Constant { arm: String },
}

/// A node of a tree by names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Node {
    Split {
        covariate: String,
        #[serde(flatten)]
        test: Test,
        /// Where a unit goes that misses the covariate; without it, none may.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        missing: Option<Side>,
        left: Box<Node>,
        right: Box<Node>,
    },
    Leaf {
        arm: String,
    },
}

/// What sends a unit to the left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Test {
    /// A number of at most the threshold. No number is at most `f64::MIN`: such a test asks only whether the value is missing.
    AtMost { threshold: f64 },
    /// One of these levels.
    AnyOf { levels: Vec<String> },
}

impl Test {
    /// The threshold, of a number.
    pub fn threshold(&self) -> Option<f64> {
        match self {
            Test::AtMost { threshold } => Some(*threshold),
            Test::AnyOf { .. } => None,
        }
    }
}

/// A side of a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Left,
    Right,
}

impl Rule {
    /// Whether the rule looks at a covariate; `encoding` are the terms of a linear rule.
    pub(crate) fn looks_at(&self, name: &str, encoding: &[Term]) -> bool {
        let among = |coefficients: &[f64]| {
            coefficients.iter().zip(encoding).any(|(b, term)| *b != 0.0 && term.covariate() == name)
        };
        match self {
            Rule::Constant { .. } => false,
            Rule::Tree { root } => root.looks_at(name),
            Rule::Linear { coefficients, .. } => among(coefficients),
            Rule::MultiLinear { coefficients, .. } => coefficients.iter().any(|b| among(b)),
            Rule::Conjunction { coefficients, .. } => coefficients.iter().any(|b| among(b)),
        }
    }
}

impl Node {
    fn looks_at(&self, name: &str) -> bool {
        match self {
            Node::Leaf { .. } => false,
            Node::Split { covariate, left, right, .. } => {
                covariate == name || left.looks_at(name) || right.looks_at(name)
            }
        }
    }

    /// A number of at most the threshold goes left.
    pub fn at_most(covariate: &str, threshold: f64, left: Node, right: Node) -> Node {
        let (left, right) = (Box::new(left), Box::new(right));
        let test = Test::AtMost { threshold };
        Node::Split { covariate: covariate.to_owned(), test, missing: None, left, right }
    }

    /// Whether all splits compare a number that no unit misses with a threshold.
    pub fn is_numeric(&self) -> bool {
        match self {
            Node::Leaf { .. } => true,
            Node::Split { test, missing, left, right, .. } => {
                let numeric = test.threshold().is_some() && missing.is_none();
                numeric && left.is_numeric() && right.is_numeric()
            }
        }
    }

    /// The same tree with every split changed by `change`, from the root down.
    pub(crate) fn try_map<E>(
        &self,
        change: &impl Fn(&str, &Test, Option<Side>) -> Result<(String, Test, Option<Side>), E>,
    ) -> Result<Node, E> {
        let Node::Split { covariate, test, missing, left, right } = self else {
            return Ok(self.clone());
        };
        let (covariate, test, missing) = change(covariate, test, *missing)?;
        let (left, right) = (left.try_map(change)?, right.try_map(change)?);
        Ok(Node::Split { covariate, test, missing, left: Box::new(left), right: Box::new(right) })
    }
}

/// A rule and all that is needed to apply it to data and to know where it came from: one JSON object, the rule's keys beside
/// the header's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Value", try_from = "Value")]
pub struct RuleFile {
    pub rule: Rule,
    pub header: Header,
}

/// What a rule was made for, and where it came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    pub schema_version: u32,
    /// The covariates that data must have.
    pub covariates: Vec<Covariate>,
    pub arms: Vec<String>,
    /// Arms that stand for several, the members in the order in which they are preferred.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: Groups,
    /// Which member of a group a unit gets, unless it is said otherwise.
    #[serde(default, skip_serializing_if = "is_random")]
    pub choose: Choose,
    pub direction: Direction,
    /// Of linear rules: the terms z, in the order of the coefficients.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub encoding: Vec<Term>,
    pub provenance: Provenance,
}

fn is_random(choose: &Choose) -> bool {
    *choose == Choose::Random
}

impl From<RuleFile> for Value {
    fn from(file: RuleFile) -> Value {
        // Both are structs of plain data, which always become objects; linear rules and the header share the key `arms`.
        let object = |value: serde_json::Result<Value>| {
            value.ok().and_then(|v| v.as_object().cloned()).unwrap_or_default()
        };
        let mut keys = object(serde_json::to_value(&file.rule));
        keys.extend(object(serde_json::to_value(&file.header)));
        Value::Object(keys)
    }
}

impl TryFrom<Value> for RuleFile {
    type Error = serde_json::Error;

    fn try_from(value: Value) -> serde_json::Result<Self> {
        Ok(Self { rule: Rule::deserialize(&value)?, header: Header::deserialize(&value)? })
    }
}

/// The report that a rule came from, in short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    pub model: String,
    pub solver: String,
    pub solver_version: String,
    pub promise: Promise,
    pub termination_status: TerminationStatus,
    pub objective_value: Option<f64>,
    pub objective_bound: Option<f64>,
    pub verified: bool,
    pub model_hash: String,
    pub data_hash: String,
}

/// A rule that does not fit.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RuleError {
    #[error("{file}: cannot be read ({reason}); name a rule file that prescribe wrote, or a JSON rule")]
    Unreadable { file: String, reason: String },
    #[error(
        "{file}: not a rule ({reason}); a rule is JSON with \"kind\" tree, linear, multi_linear, conjunction or constant"
    )]
    NotARule { file: String, reason: String },
    #[error(
        "{file}: schema version {found}; this program reads version {SCHEMA_VERSION}: learn the rule again"
    )]
    Schema { file: String, found: u32 },
    #[error(
        "the rule names {role} {name:?}, which is not among {known:?}; give the data that it was made for"
    )]
    Unknown { role: &'static str, name: String, known: Vec<String> },
    #[error(
        "unit {unit} misses covariate {covariate:?}, and the rule does not say what to do then; fill the value in"
    )]
    Missing { unit: usize, covariate: String },
    #[error("the rule is {found}, the problem asks for {wanted}; give a rule of that kind")]
    Kind { found: &'static str, wanted: &'static str },
    #[error("the rule has {found} coefficients for {expected} covariates; give one for each")]
    Coefficients { found: usize, expected: usize },
    #[error("{file}: {error}")]
    In { file: String, error: Box<RuleError> },
}

impl RuleError {
    /// The same error, with the file in which it lies.
    pub fn in_file(self, path: &Path) -> Self {
        Self::In { file: path.display().to_string(), error: Box::new(self) }
    }
}

/// A class whose rules have a form by names.
pub trait NamedClass: RuleClass {
    fn named(rule: &Self::Rule, covariates: &[String], arms: &[String]) -> Rule;

    fn indexed(&self, rule: &Rule, covariates: &[String], arms: &[String]) -> Result<Self::Rule, RuleError>;
}

impl NamedClass for Linear {
    fn named(rule: &LinearRule, _covariates: &[String], arms: &[String]) -> Rule {
        Rule::Linear {
            arms: arms.to_vec(),
            intercept: rule.intercept,
            coefficients: rule.coefficients.clone(),
        }
    }

    fn indexed(&self, rule: &Rule, covariates: &[String], arms: &[String]) -> Result<LinearRule, RuleError> {
        match rule {
            Rule::Linear { intercept, coefficients, .. } if coefficients.len() == covariates.len() => {
                Ok(LinearRule { intercept: *intercept, coefficients: coefficients.clone() })
            }
            Rule::Linear { coefficients, .. } => {
                Err(RuleError::Coefficients { found: coefficients.len(), expected: covariates.len() })
            }
            Rule::Constant { arm } => Ok(self.constant(covariates.len(), position("arm", arm, arms)?)),
            Rule::Tree { .. } => Err(RuleError::Kind { found: "a tree", wanted: "a linear rule" }),
            Rule::MultiLinear { .. } => {
                Err(RuleError::Kind { found: "multi_linear", wanted: "a linear rule for two arms" })
            }
            Rule::Conjunction { .. } => {
                Err(RuleError::Kind { found: "a conjunction", wanted: "a linear rule" })
            }
        }
    }
}

impl NamedClass for MultiLinear {
    fn named(rule: &MultiLinearRule, _covariates: &[String], arms: &[String]) -> Rule {
        let MultiLinearRule { intercepts, coefficients } = rule.clone();
        Rule::MultiLinear { arms: arms.to_vec(), intercepts, coefficients }
    }

    fn indexed(
        &self,
        rule: &Rule,
        covariates: &[String],
        arms: &[String],
    ) -> Result<MultiLinearRule, RuleError> {
        let kind = |found: &'static str, wanted: &'static str| Err(RuleError::Kind { found, wanted });
        match rule {
            Rule::MultiLinear { arms: of_rule, intercepts, coefficients } => {
                let rule =
                    MultiLinearRule { intercepts: intercepts.clone(), coefficients: coefficients.clone() };
                let strange = coefficients.iter().find(|b| b.len() != covariates.len());
                match strange {
                    _ if of_rule != arms => kind("over other arms", "one over its arms, in their order"),
                    Some(b) => Err(RuleError::Coefficients { found: b.len(), expected: covariates.len() }),
                    None if !self.fits(&rule, covariates.len(), arms.len()) => {
                        kind("short of heights", "an intercept and coefficients for every arm")
                    }
                    None => Ok(rule),
                }
            }
            Rule::Constant { arm } => Ok(self.constant(covariates.len(), position("arm", arm, arms)?)),
            Rule::Tree { .. } => kind("a tree", "a linear rule"),
            Rule::Linear { .. } => kind("linear for two arms", "multi_linear"),
            Rule::Conjunction { .. } => kind("a conjunction", "multi_linear"),
        }
    }
}

impl NamedClass for Conjunction {
    fn named(rule: &ConjunctionRule, _covariates: &[String], arms: &[String]) -> Rule {
        let [first, second] = rule.both.clone();
        Rule::Conjunction {
            arms: arms.to_vec(),
            intercepts: [first.intercept, second.intercept],
            coefficients: [first.coefficients, second.coefficients],
        }
    }

    /// A linear rule is the conjunction of itself with the rule that treats everybody.
    fn indexed(
        &self,
        rule: &Rule,
        covariates: &[String],
        arms: &[String],
    ) -> Result<ConjunctionRule, RuleError> {
        match rule {
            Rule::Conjunction { intercepts, coefficients, .. } => {
                if let Some(b) = coefficients.iter().find(|b| b.len() != covariates.len()) {
                    return Err(RuleError::Coefficients { found: b.len(), expected: covariates.len() });
                }
                let rule =
                    |k: usize| LinearRule { intercept: intercepts[k], coefficients: coefficients[k].clone() };
                Ok(ConjunctionRule { both: [rule(0), rule(1)] })
            }
            Rule::Linear { .. } | Rule::Constant { .. } => {
                Ok(ConjunctionRule::single(Linear.indexed(rule, covariates, arms)?))
            }
            Rule::Tree { .. } => Err(RuleError::Kind { found: "a tree", wanted: "a conjunction" }),
            Rule::MultiLinear { .. } => {
                Err(RuleError::Kind { found: "multi_linear", wanted: "a conjunction" })
            }
        }
    }
}

impl NamedClass for Tree {
    fn named(rule: &tree_rule::Node, covariates: &[String], arms: &[String]) -> Rule {
        fn name(node: &tree_rule::Node, covariates: &[String], arms: &[String]) -> Node {
            match node {
                tree_rule::Node::Leaf { arm } => Node::Leaf { arm: arms[*arm].clone() },
                tree_rule::Node::Split { covariate, threshold, left, right } => Node::at_most(
                    &covariates[*covariate],
                    *threshold,
                    name(left, covariates, arms),
                    name(right, covariates, arms),
                ),
            }
        }
        Rule::Tree { root: name(rule, covariates, arms) }
    }

    fn indexed(
        &self,
        rule: &Rule,
        covariates: &[String],
        arms: &[String],
    ) -> Result<tree_rule::Node, RuleError> {
        fn index(node: &Node, covariates: &[String], arms: &[String]) -> Result<tree_rule::Node, RuleError> {
            Ok(match node {
                Node::Leaf { arm } => tree_rule::Node::Leaf { arm: position("arm", arm, arms)? },
                Node::Split { covariate, test: Test::AtMost { threshold }, missing: None, left, right } => {
                    tree_rule::Node::split(
                        position("covariate", covariate, covariates)?,
                        *threshold,
                        index(left, covariates, arms)?,
                        index(right, covariates, arms)?,
                    )
                }
                Node::Split { .. } => {
                    let found = "a tree over levels or missing values";
                    return Err(RuleError::Kind { found, wanted: "a tree over numbers" });
                }
            })
        }
        match rule {
            Rule::Tree { root } => index(root, covariates, arms),
            Rule::Constant { arm } => Ok(tree_rule::Node::Leaf { arm: position("arm", arm, arms)? }),
            Rule::Linear { .. } | Rule::MultiLinear { .. } | Rule::Conjunction { .. } => {
                Err(RuleError::Kind { found: "linear", wanted: "a tree" })
            }
        }
    }
}

/// A table is kept as the tree that asks its questions on every path.
impl NamedClass for Table {
    fn named(rule: &tree_rule::Node, covariates: &[String], arms: &[String]) -> Rule {
        Tree::named(rule, covariates, arms)
    }

    fn indexed(
        &self,
        rule: &Rule,
        covariates: &[String],
        arms: &[String],
    ) -> Result<tree_rule::Node, RuleError> {
        self.trees.indexed(rule, covariates, arms)
    }
}

/// `report` with its point by the names of `problem`.
pub fn named_report<C: NamedClass>(report: Report<C::Rule>, problem: &PolicyProblem<C>) -> Report<Rule> {
    report.map_point(|point| C::named(&point, &problem.covariates, &problem.arms))
}

impl RuleFile {
    /// The rule of a report, where there is one.
    pub fn new(
        report: &Report<Rule>,
        study: &Study,
        encoding: &[Term],
        direction: Direction,
    ) -> Option<Self> {
        let provenance = Provenance {
            model: report.model.clone(),
            solver: report.solver.clone(),
            solver_version: report.solver_version.clone(),
            promise: report.promise,
            termination_status: report.termination_status,
            objective_value: report.objective_value,
            objective_bound: report.objective_bound,
            verified: report.certificate.verified,
            model_hash: report.model_hash.clone(),
            data_hash: report.data_hash.clone(),
        };
        let header = Header {
            schema_version: SCHEMA_VERSION,
            covariates: study.covariates.clone(),
            arms: study.arms.clone(),
            groups: study.groups.clone(),
            choose: study.choose,
            direction,
            encoding: encoding.to_vec(),
            provenance,
        };
        Some(Self { rule: report.point.clone()?, header })
    }

    /// Reads a rule file and checks that its rule speaks only of its own covariates and arms.
    pub fn read(path: &Path) -> Result<Self, RuleError> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| RuleError::Unreadable { file: file.clone(), reason: error.to_string() })?;
        let rule: Self = serde_json::from_str(&text)
            .map_err(|error| RuleError::NotARule { file: file.clone(), reason: error.to_string() })?;
        if rule.header.schema_version != SCHEMA_VERSION {
            return Err(RuleError::Schema { file, found: rule.header.schema_version });
        }
        rule.assign(std::iter::empty()).map_err(|error| error.in_file(path))?;
        Ok(rule)
    }
}

fn position(role: &'static str, name: &str, known: &[String]) -> Result<usize, RuleError> {
    let unknown = || RuleError::Unknown { role, name: name.into(), known: known.to_vec() };
    known.iter().position(|other| other == name).ok_or_else(unknown)
}
