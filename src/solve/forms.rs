//! Which forms each model can be written in, and which one is chosen.

use prescribe_models::linear_rule::{Facets, LinearForm, LinearProblem, Naive, Radon};
use prescribe_models::maximum_margin::MaximumMargin;
use prescribe_models::multi_linear_rule::{MultiLinearForm, MultiLinearProblem, Writing};
use prescribe_models::tree_rule::{Extended, Flow, TreeProblem};
use prescribe_models::{Model, ProgramForm, SideConstraint};
use serde::{Deserialize, Serialize};

use super::{Promise, Unsupported};

/// Up to this many covariates the facet programs close more often; beyond it both forms close alike, and where they do not the
/// label program leaves the smaller gap (benches/README.md).
const FACETS_UP_TO: usize = 10;
/// Larger programs are refused: no time limit reaches into their building, which would take minutes and gigabytes.
const MOST_COEFFICIENTS: usize = 4_000_000;

/// Which way to write a model as programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Formulation {
    /// Linear rules: 2p facet programs; over K arms K (K - 1) p.
    Facets,
    /// Linear rules: one program over labels, with Radon cuts.
    Radon,
    /// Linear rules: facet programs with Radon cuts.
    FacetsRadon,
    /// Linear rules: program (20) of interference.txt.
    Naive,
    /// Trees of depth 1 and 2.
    Extended,
    /// Trees of any depth.
    Flow,
}

/// A model that can be written as mixed-integer programs. `None` leaves the choice of the form to the model's size.
pub trait Programmed: Model + Sized {
    /// What the form proves, or which part of the model it cannot take.
    fn accepts(&self, formulation: Option<Formulation>) -> Result<Promise, Unsupported>;

    /// The form; asked for only where `accepts` agreed.
    fn form(&self, formulation: Option<Formulation>) -> Box<dyn ProgramForm<Model = Self> + '_>;
}

impl Programmed for LinearProblem {
    fn accepts(&self, formulation: Option<Formulation>) -> Result<Promise, Unsupported> {
        if self.minimum_leaf_size() > 1 {
            return Err(refuse(
                "the constraint minimum_leaf_size on a linear rule".into(),
                "leave it out, or use a tree",
            ));
        }
        match formulation {
            Some(Formulation::Naive) => Ok(Promise::Heuristic),
            Some(Formulation::Extended | Formulation::Flow) => {
                Err(foreign("linear rule", "facets, radon, facets_radon and naive"))
            }
            _ => Ok(Promise::Exact),
        }
    }

    fn form(&self, formulation: Option<Formulation>) -> Box<dyn ProgramForm<Model = Self> + '_> {
        let few = self.covariates.len() <= FACETS_UP_TO;
        match formulation.unwrap_or(if few { Formulation::Facets } else { Formulation::Radon }) {
            Formulation::Radon => Box::new(LinearForm::new(self, Radon)),
            Formulation::FacetsRadon => Box::new(LinearForm::new(self, Facets { with_cuts: true })),
            Formulation::Naive => Box::new(LinearForm::new(self, Naive)),
            _ => Box::new(LinearForm::new(self, Facets::default())),
        }
    }
}

impl Programmed for MultiLinearProblem {
    fn accepts(&self, formulation: Option<Formulation>) -> Result<Promise, Unsupported> {
        if let Some(constraint) = self.side().iter().find(|constraint| !is_row(constraint)) {
            let part = format!("the constraint {} on a linear rule", constraint.name());
            return Err(refuse(part, "leave it out, or use a tree"));
        }
        let Some(writing) = writing(formulation) else {
            return Err(foreign("linear rule over any number of arms", "facets, radon and facets_radon"));
        };
        let coefficients = MultiLinearForm::coefficients(self, writing);
        if coefficients > MOST_COEFFICIENTS {
            let part = format!("programs of {coefficients} coefficients (at most {MOST_COEFFICIENTS})");
            return Err(refuse(part, "use --solver smooth"));
        }
        Ok(Promise::Exact)
    }

    fn form(&self, formulation: Option<Formulation>) -> Box<dyn ProgramForm<Model = Self> + '_> {
        let writing = writing(formulation).unwrap_or(Writing::Radon);
        Box::new(MultiLinearForm::new(self, writing))
    }
}

/// How rules over any number of arms are written. Labels alone by default: in the facets arms may tie, which costs bounds.
fn writing(formulation: Option<Formulation>) -> Option<Writing> {
    match formulation {
        None | Some(Formulation::Radon) => Some(Writing::Radon),
        Some(Formulation::Facets) => Some(Writing::Facets { with_cuts: false }),
        Some(Formulation::FacetsRadon) => Some(Writing::Facets { with_cuts: true }),
        Some(_) => None,
    }
}

/// Whether the programs of rules over any number of arms have a row for it.
fn is_row(constraint: &SideConstraint) -> bool {
    matches!(constraint, SideConstraint::Assignment(_) | SideConstraint::MinimumLeafSize(0 | 1))
}

impl Programmed for TreeProblem {
    fn accepts(&self, formulation: Option<Formulation>) -> Result<Promise, Unsupported> {
        let coefficients = match formulation {
            None | Some(Formulation::Extended) if self.class.depth <= 2 => Extended::coefficients(self),
            None | Some(Formulation::Flow) => Flow::coefficients(self),
            Some(Formulation::Extended) => return Err(foreign("tree of depth 3 or more", "flow")),
            Some(_) => return Err(foreign("tree rule", "extended and flow")),
        };
        if coefficients > MOST_COEFFICIENTS {
            let part = format!("a program of {coefficients} coefficients (at most {MOST_COEFFICIENTS})");
            return Err(refuse(part, "use fewer thresholds (--candidates quantiles:15), or --solver greedy"));
        }
        Ok(Promise::Exact)
    }

    fn form(&self, formulation: Option<Formulation>) -> Box<dyn ProgramForm<Model = Self> + '_> {
        match Extended::new(self).filter(|_| formulation != Some(Formulation::Flow)) {
            Some(extended) => Box::new(extended),
            None => Box::new(Flow::new(self)),
        }
    }
}

impl Programmed for MaximumMargin {
    fn accepts(&self, formulation: Option<Formulation>) -> Result<Promise, Unsupported> {
        match formulation {
            None => Ok(Promise::Exact),
            Some(_) => Err(foreign("maximum margin", "none: it has one form")),
        }
    }

    fn form(&self, _formulation: Option<Formulation>) -> Box<dyn ProgramForm<Model = Self> + '_> {
        Box::new(self.clone())
    }
}

fn refuse(part: String, remedy: &str) -> Unsupported {
    Unsupported { solver: "milp".into(), part, remedy: remedy.into() }
}

fn foreign(model: &str, formulations: &str) -> Unsupported {
    refuse(format!("a {model} in this formulation"), &format!("choose among {formulations}"))
}
