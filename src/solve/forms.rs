//! Which forms each model can be written in, and which one is chosen.

use prescribe_models::linear_rule::{Facets, LinearForm, LinearProblem, Naive, Radon, Scorecard};
use prescribe_models::maximum_margin::MaximumMargin;
use prescribe_models::tree_rule::{Extended, Flow, TreeProblem};
use prescribe_models::{Model, ProgramForm};
use serde::{Deserialize, Serialize};

use super::{Promise, Unsupported};

/// Up to this many covariates the facet programs close more often; beyond it both forms close alike, and where they do not the
/// label program leaves the smaller gap (benches/README.md).
const FACETS_UP_TO: usize = 10;
/// Larger programs are refused: no time limit reaches into their building, which would take minutes and gigabytes.
const MOST_COEFFICIENTS: usize = 4_000_000;

/// More values of whole coefficients are refused likewise: a row of every unit has a term for each.
const MOST_CHOICES: usize = 10_000;

/// Which way to write a model as programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Formulation {
    /// Linear rules: 2p facet programs.
    Facets,
    /// Linear rules: one program over labels, with Radon cuts.
    Radon,
    /// Linear rules: facet programs with Radon cuts.
    FacetsRadon,
    /// Linear rules: program (20) of interference.txt.
    Naive,
    /// Linear rules with whole coefficients.
    Scorecard,
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
        if let Some(constraint) = self.side().iter().find(|c| c.binds() && c.is_on_leaves()) {
            let part = format!("the constraint {} on a linear rule", constraint.name());
            return Err(refuse(part, "leave it out, or use a tree"));
        }
        match (formulation, self.integer_reach()) {
            (Some(Formulation::Extended | Formulation::Flow), _) => {
                Err(foreign("linear rule", "facets, radon, facets_radon, naive and scorecard"))
            }
            (Some(Formulation::Scorecard), None) => Err(foreign(
                "linear rule without the constraint integer_coefficients",
                "facets, radon, facets_radon and naive",
            )),
            (
                Some(
                    Formulation::Facets | Formulation::Radon | Formulation::FacetsRadon | Formulation::Naive,
                ),
                Some(_),
            ) => Err(foreign("linear rule under the constraint integer_coefficients", "scorecard")),
            (Some(Formulation::Naive), None) => Ok(Promise::Heuristic),
            (_, Some(reach))
                if self.covariates.len().saturating_mul(2 * reach as usize + 1) > MOST_CHOICES =>
            {
                let part = format!(
                    "the constraint integer_coefficients of {reach} over {} covariates",
                    self.covariates.len()
                );
                Err(refuse(part, "lower it"))
            }
            _ => Ok(Promise::Exact),
        }
    }

    fn form(&self, formulation: Option<Formulation>) -> Box<dyn ProgramForm<Model = Self> + '_> {
        if let Some(reach) = self.integer_reach() {
            return Box::new(LinearForm::new(self, Scorecard { reach }));
        }
        let few = self.covariates.len() <= FACETS_UP_TO;
        match formulation.unwrap_or(if few { Formulation::Facets } else { Formulation::Radon }) {
            Formulation::Radon => Box::new(LinearForm::new(self, Radon)),
            Formulation::FacetsRadon => Box::new(LinearForm::new(self, Facets { with_cuts: true })),
            Formulation::Naive => Box::new(LinearForm::new(self, Naive)),
            _ => Box::new(LinearForm::new(self, Facets::default())),
        }
    }
}

impl Programmed for TreeProblem {
    fn accepts(&self, formulation: Option<Formulation>) -> Result<Promise, Unsupported> {
        if let Some(constraint) = self.side().iter().find(|c| c.is_on_coefficients()) {
            let part = format!("the constraint {} on a tree", constraint.name());
            return Err(refuse(part, "leave it out, or use a linear rule"));
        }
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
