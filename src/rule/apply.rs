//! Applying a rule to units: covariates as in [`crate::data::Study`], in the order of the rule file's header.

use prescribe_models::RuleClass;
use prescribe_models::conjunction_rule::{Conjunction, ConjunctionRule};
use prescribe_models::linear_rule::{Linear, LinearRule};
use prescribe_models::multi_linear_rule::{MultiLinear, MultiLinearRule};

use super::{NamedClass, Node, Rule, RuleError, RuleFile, Side, Test, position};
use crate::data::{Covariate, Design};

impl RuleFile {
    /// The arm (index into the header's arms) for each unit, given its covariates.
    ///
    /// # Errors
    /// Names that the header does not have; a unit that misses a covariate of which the rule does not say what to do then.
    pub fn assign<'x>(&self, units: impl Iterator<Item = &'x [f64]>) -> Result<Vec<usize>, RuleError> {
        let ready = self.ready()?;
        let missing =
            |x: &[f64]| self.header.covariates.iter().zip(x).position(|(c, v)| v.is_nan() && !c.missing);
        let arm = |(i, x): (usize, &[f64])| match missing(x) {
            None => ready.assign(x).map_err(|j| self.missing(i, j)),
            Some(j) => Err(self.missing(i, j)),
        };
        units.enumerate().map(arm).collect()
    }

    /// How formulas call the terms of linear rules, in the order of the coefficients.
    pub fn term_names(&self) -> Vec<String> {
        self.header.encoding.iter().map(crate::data::Term::name).collect()
    }

    fn missing(&self, unit: usize, j: usize) -> RuleError {
        RuleError::Missing { unit: unit + 1, covariate: self.header.covariates[j].name.clone() }
    }

    /// The rule by positions, checked.
    fn ready(&self) -> Result<Ready<'_>, RuleError> {
        let (covariates, arms) = (&self.header.covariates, &self.header.arms);
        Ok(match &self.rule {
            Rule::Constant { arm } => Ready::Tree(Branch::Leaf(position("arm", arm, arms)?)),
            Rule::Tree { root } => Ready::Tree(branch(root, covariates, arms)?),
            Rule::Linear { arms: two, .. } => {
                let (design, two) = (self.design()?, self.two_arms(two)?);
                let rule = Linear.indexed(&self.rule, &self.term_names(), arms)?;
                Ready::Linear { rule, arms: two, design }
            }
            Rule::Conjunction { arms: two, .. } => {
                let (design, two) = (self.design()?, self.two_arms(two)?);
                let rule = Conjunction.indexed(&self.rule, &self.term_names(), arms)?;
                Ready::Conjunction { rule, arms: two, design }
            }
            Rule::MultiLinear { .. } => {
                let (class, design) = (MultiLinear { arms: arms.len() }, self.design()?);
                Ready::MultiLinear { rule: class.indexed(&self.rule, &self.term_names(), arms)?, design }
            }
        })
    }

    /// The positions of the two arms that a rule names.
    fn two_arms(&self, two: &[String]) -> Result<[usize; 2], RuleError> {
        let [control, treated] = two else { return Err(two_arms()) };
        let arms = &self.header.arms;
        Ok([position("arm", control, arms)?, position("arm", treated, arms)?])
    }

    /// The terms of a linear rule, all of them over covariates that there are.
    fn design(&self) -> Result<Design<'_>, RuleError> {
        let covariates = &self.header.covariates;
        let names: Vec<String> = covariates.iter().map(|covariate| covariate.name.clone()).collect();
        for term in &self.header.encoding {
            position("covariate", term.covariate(), &names)?;
        }
        Ok(Design::new(&self.header.encoding, covariates))
    }
}

/// A rule by positions.
enum Ready<'a> {
    Tree(Branch),
    Linear { rule: LinearRule, arms: [usize; 2], design: Design<'a> },
    MultiLinear { rule: MultiLinearRule, design: Design<'a> },
    Conjunction { rule: ConjunctionRule, arms: [usize; 2], design: Design<'a> },
}

enum Branch {
    Leaf(usize),
    Split {
        covariate: usize,
        question: Question,
        missing: Option<Side>,
        left: Box<Branch>,
        right: Box<Branch>,
    },
}

enum Question {
    AtMost(f64),
    /// Whether each level, by its position, goes left.
    AnyOf(Vec<bool>),
}

impl Ready<'_> {
    /// The arm, or the covariate that is missing.
    fn assign(&self, x: &[f64]) -> Result<usize, usize> {
        match self {
            Ready::Linear { rule, arms, design } => Ok(arms[Linear.assign(rule, &design.row(x))]),
            Ready::Conjunction { rule, arms, design } => Ok(arms[Conjunction.assign(rule, &design.row(x))]),
            Ready::MultiLinear { rule, design } => Ok(rule.arm(&design.row(x))),
            Ready::Tree(root) => {
                let mut branch = root;
                while let Branch::Split { covariate, question, missing, left, right } = branch {
                    let value = x[*covariate];
                    let goes_left = match (question, missing) {
                        (_, None) if value.is_nan() => return Err(*covariate),
                        (_, Some(side)) if value.is_nan() => *side == Side::Left,
                        (Question::AtMost(threshold), _) => value <= *threshold,
                        (Question::AnyOf(listed), _) => listed.get(value as usize).copied().unwrap_or(false),
                    };
                    branch = if goes_left { left } else { right };
                }
                let Branch::Leaf(arm) = branch else { unreachable!("the walk ends at a leaf") };
                Ok(*arm)
            }
        }
    }
}

fn branch(node: &Node, covariates: &[Covariate], arms: &[String]) -> Result<Branch, RuleError> {
    let Node::Split { covariate, test, missing, left, right } = node else {
        let Node::Leaf { arm } = node else { unreachable!("a node is a split or a leaf") };
        return Ok(Branch::Leaf(position("arm", arm, arms)?));
    };
    let names: Vec<String> = covariates.iter().map(|covariate| covariate.name.clone()).collect();
    let j = position("covariate", covariate, &names)?;
    let known = &covariates[j].levels;
    let question = match test {
        Test::AtMost { threshold } if known.is_empty() => Question::AtMost(*threshold),
        Test::AnyOf { levels } if !known.is_empty() => {
            for level in levels {
                position("level", level, known)?;
            }
            Question::AnyOf(known.iter().map(|level| levels.contains(level)).collect())
        }
        Test::AtMost { .. } => return Err(kind("a threshold on a category", "levels")),
        Test::AnyOf { .. } => return Err(kind("levels of a number", "a threshold")),
    };
    let (left, right) = (branch(left, covariates, arms)?, branch(right, covariates, arms)?);
    let (left, right) = (Box::new(left), Box::new(right));
    Ok(Branch::Split { covariate: j, question, missing: *missing, left, right })
}

fn two_arms() -> RuleError {
    kind("linear without two arms", "one with \"arms\":[control, treated]")
}

fn kind(found: &'static str, wanted: &'static str) -> RuleError {
    RuleError::Kind { found, wanted }
}
