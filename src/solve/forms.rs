//! Which forms each model can be written in, and which one is chosen.

use std::borrow::Cow;

use prescribe_models::arm_clustering::ArmClustering;
use prescribe_models::arm_groups::{Grouping, MOST_LISTED, Subsets};
use prescribe_models::arm_partition::ArmPartition;
use prescribe_models::cluster_rule::{ClusterForm, ClusterProblem};
use prescribe_models::conjunction_rule::{ConjunctionForm, ConjunctionProblem};
use prescribe_models::linear_rule::{
    Facets, LinearForm, LinearProblem, ListedScorecards, Naive, Radon, Scorecard,
};
use prescribe_models::maximum_margin::MaximumMargin;
use prescribe_models::multi_linear_rule::{MultiLinearForm, MultiLinearProblem, Writing};
use prescribe_models::table_rule::{self, TableProblem};
use prescribe_models::tree_rule::{Extended, Flow, TreeProblem};
use prescribe_models::{Model, ProgramForm, SideConstraint};
use serde::{Deserialize, Serialize};

use super::alternating::refuse_constraints;
use super::{Promise, Unsupported};

/// Up to this many covariates the facet programs close more often; beyond it both forms close alike, and where they do not the
/// label program leaves the smaller gap (benches/README.md).
const FACETS_UP_TO: usize = 10;
/// Larger programs are refused: no time limit reaches into their building, which would take minutes and gigabytes.
const MOST_COEFFICIENTS: usize = 4_000_000;

/// More values of whole coefficients are refused likewise: a row of every unit has a term for each.
const MOST_CHOICES: usize = 10_000;

/// Rules valued by clusters have a column for each product of labels; more are refused likewise.
const MOST_PRODUCTS: f64 = 100_000.0;

/// Up to so many vectors of whole coefficients, and so many heights of units under them, every vector is a column.
const LISTED_UP_TO: f64 = 200_000.0;
const MOST_HEIGHTS: f64 = 4_000_000.0;

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
    /// Linear rules with whole coefficients: a column for each value of each.
    Scorecard,
    /// Linear rules with whole coefficients: a column for each vector of them.
    Listed,
    /// Trees of depth 1 and 2.
    Extended,
    /// Trees of any depth.
    Flow,
}

/// A model that can be written as mixed-integer programs. `None` leaves the choice of the form to the model's size.
pub trait Programmed: Model + Sized {
    /// What the form proves, or which part of the model it cannot take.
    fn accepts(&self, formulation: Option<Formulation>) -> Result<Promise, Unsupported>;

    /// Seconds on one core until HiGHS has proved its answer, by the medians of benches/README.md; none where nobody can tell.
    fn forecast(&self, _formulation: Option<Formulation>) -> Option<f64> {
        None
    }

    /// The form; asked for only where `accepts` agreed.
    fn form(&self, formulation: Option<Formulation>) -> Box<dyn ProgramForm<Model = Self> + '_>;
}

impl Programmed for LinearProblem {
    fn accepts(&self, formulation: Option<Formulation>) -> Result<Promise, Unsupported> {
        if let Some(constraint) = self.side().iter().find(|c| c.binds() && c.is_on_leaves()) {
            let part = format!("the constraint {} on a linear rule", constraint.name());
            return Err(refuse(part, "leave it out, or use a tree"));
        }
        let whole = self.integer_reach();
        match (formulation, whole) {
            (Some(Formulation::Extended | Formulation::Flow), _) => {
                Err(foreign("linear rule", "facets, radon, facets_radon, naive, and scorecard or listed"))
            }
            (Some(Formulation::Scorecard | Formulation::Listed), None) => Err(foreign(
                "linear rule without the constraint integer_coefficients",
                "facets, radon, facets_radon and naive",
            )),
            (Some(Formulation::Listed), Some(reach)) if !listed(self, reach) => {
                Err(refuse(format!("so many whole coefficients within {reach} as a list"), "use scorecard"))
            }
            (None | Some(Formulation::Listed), Some(reach)) if listed(self, reach) => Ok(Promise::Exact),
            (None | Some(Formulation::Scorecard), Some(reach)) => match choices(self, reach) {
                ..=MOST_CHOICES => Ok(Promise::Exact),
                _ => Err(refuse(
                    format!("the constraint integer_coefficients within {reach} over so many covariates"),
                    "lower it",
                )),
            },
            (_, Some(_)) => {
                Err(foreign("linear rule under the constraint integer_coefficients", "scorecard and listed"))
            }
            (Some(Formulation::Naive), None) => Ok(Promise::Heuristic),
            _ => Ok(Promise::Exact),
        }
    }

    /// Of the facets: about a second at 50 units and 3 covariates, N^2.5 at 2 covariates and a steeper power at more.
    fn forecast(&self, formulation: Option<Formulation>) -> Option<f64> {
        let (units, covariates) = (self.units() as f64, self.covariates.len() as f64);
        let facets = match formulation {
            None => self.covariates.len() <= FACETS_UP_TO && self.integer_reach().is_none(),
            Some(formulation) => formulation == Formulation::Facets,
        };
        facets.then(|| covariates.powi(2) / 8.0 * (units / 50.0).powf(covariates + 0.5))
    }

    fn form(&self, formulation: Option<Formulation>) -> Box<dyn ProgramForm<Model = Self> + '_> {
        if let Some(reach) = self.integer_reach() {
            return match formulation != Some(Formulation::Scorecard) && listed(self, reach) {
                true => Box::new(LinearForm::new(self, ListedScorecards { reach })),
                false => Box::new(LinearForm::new(self, Scorecard { reach })),
            };
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

impl Programmed for ClusterProblem {
    fn accepts(&self, formulation: Option<Formulation>) -> Result<Promise, Unsupported> {
        if self.linear().integer_reach().is_some() {
            return Err(refuse("whole coefficients of a rule valued by clusters".into(), "leave them out"));
        }
        if let Some(Formulation::Scorecard | Formulation::Listed) = formulation {
            return Err(foreign("rule valued by clusters", "facets, radon, facets_radon and naive"));
        }
        let columns = self.program_columns();
        if columns > MOST_PRODUCTS {
            let part = format!("programs of {columns:.0} products of labels (at most {MOST_PRODUCTS:.0})");
            return Err(refuse(part, "use --solver smooth, or a lower order"));
        }
        self.linear().accepts(formulation)
    }

    fn form(&self, formulation: Option<Formulation>) -> Box<dyn ProgramForm<Model = Self> + '_> {
        let few = self.linear().covariates.len() <= FACETS_UP_TO;
        match formulation.unwrap_or(if few { Formulation::Facets } else { Formulation::Radon }) {
            Formulation::Radon => Box::new(ClusterForm::new(self, Radon)),
            Formulation::FacetsRadon => Box::new(ClusterForm::new(self, Facets { with_cuts: true })),
            Formulation::Naive => Box::new(ClusterForm::new(self, Naive)),
            _ => Box::new(ClusterForm::new(self, Facets::default())),
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

    /// The extended form closes at its root unless it has to keep bounds; the flow form costs thirty times more with every level.
    fn forecast(&self, formulation: Option<Formulation>) -> Option<f64> {
        if formulation != Some(Formulation::Flow) && self.class.depth <= 2 {
            let closes = self.assignment_bounds().next().is_none();
            return closes.then(|| 1.25e-5 * Extended::coefficients(self) as f64);
        }
        let splits: usize = self.class.thresholds.iter().map(Vec::len).sum();
        let levels = self.class.depth as i32 - 2;
        Some(1.5 * (self.units() as f64 * splits as f64 / 450.0).powf(1.1) * 32_f64.powi(levels))
    }

    fn form(&self, formulation: Option<Formulation>) -> Box<dyn ProgramForm<Model = Self> + '_> {
        match Extended::new(self).filter(|_| formulation != Some(Formulation::Flow)) {
            Some(extended) => Box::new(extended),
            None => Box::new(Flow::new(self)),
        }
    }
}

impl Programmed for TableProblem {
    fn accepts(&self, formulation: Option<Formulation>) -> Result<Promise, Unsupported> {
        if formulation.is_some() {
            return Err(foreign("decision table", "none: it has one form"));
        }
        if let Some(constraint) = self.side().iter().find(|c| c.is_on_coefficients()) {
            let part = format!("the constraint {} on a decision table", constraint.name());
            return Err(refuse(part, "leave it out, or use a linear rule"));
        }
        let coefficients = table_rule::Listed::coefficients(self);
        if coefficients > MOST_COEFFICIENTS {
            let part = format!("a program of {coefficients} coefficients (at most {MOST_COEFFICIENTS})");
            return Err(refuse(
                part,
                "use fewer thresholds (--candidates quantiles:15), or --solver enumerate",
            ));
        }
        Ok(Promise::Exact)
    }

    fn form(&self, _formulation: Option<Formulation>) -> Box<dyn ProgramForm<Model = Self> + '_> {
        Box::new(table_rule::Listed::new(self))
    }
}

impl Programmed for ConjunctionProblem {
    fn accepts(&self, formulation: Option<Formulation>) -> Result<Promise, Unsupported> {
        refuse_constraints(self, "milp")?;
        let coefficients = ConjunctionForm::coefficients_of_facets(self);
        match formulation {
            Some(Formulation::Naive) => Ok(Promise::Heuristic),
            None | Some(Formulation::Radon) => Ok(Promise::Exact),
            Some(Formulation::Facets | Formulation::FacetsRadon) if coefficients > MOST_COEFFICIENTS => {
                let part = format!("programs of {coefficients} coefficients (at most {MOST_COEFFICIENTS})");
                Err(refuse(part, "use radon, or --solver alternating"))
            }
            Some(Formulation::Facets | Formulation::FacetsRadon) => Ok(Promise::Exact),
            Some(_) => Err(foreign("conjunction of linear rules", "facets, radon, facets_radon and naive")),
        }
    }

    /// Facets close sooner than labels alone, as far as they can be written.
    fn form(&self, formulation: Option<Formulation>) -> Box<dyn ProgramForm<Model = Self> + '_> {
        let few = ConjunctionForm::coefficients_of_facets(self) <= MOST_COEFFICIENTS;
        match formulation.unwrap_or(if few { Formulation::Facets } else { Formulation::Radon }) {
            Formulation::Radon => Box::new(ConjunctionForm::new(self, Radon)),
            Formulation::FacetsRadon => Box::new(ConjunctionForm::new(self, Facets { with_cuts: true })),
            Formulation::Naive => Box::new(ConjunctionForm::new(self, Naive)),
            _ => Box::new(ConjunctionForm::new(self, Facets::default())),
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

impl Programmed for ArmPartition {
    fn accepts(&self, formulation: Option<Formulation>) -> Result<Promise, Unsupported> {
        accepts_groups(self, formulation, "use columns")
    }

    fn form(&self, _formulation: Option<Formulation>) -> Box<dyn ProgramForm<Model = Self> + '_> {
        Box::new(Subsets(Cow::Borrowed(self)))
    }
}

impl Programmed for ArmClustering {
    fn accepts(&self, formulation: Option<Formulation>) -> Result<Promise, Unsupported> {
        accepts_groups(self, formulation, "use branches")
    }

    fn form(&self, _formulation: Option<Formulation>) -> Box<dyn ProgramForm<Model = Self> + '_> {
        Box::new(Subsets(Cow::Borrowed(self)))
    }
}

/// Takes few arms, in the only form that partitions have.
fn accepts_groups(
    model: &impl Grouping,
    formulation: Option<Formulation>,
    remedy: &str,
) -> Result<Promise, Unsupported> {
    if formulation.is_some() {
        return Err(foreign("partition of arms", "none: it has one form"));
    }
    if model.arms() > MOST_LISTED {
        return Err(refuse(format!("{} arms (at most {MOST_LISTED})", model.arms()), remedy));
    }
    Ok(Promise::Exact)
}

/// Whether the vectors of whole coefficients are few enough to list.
fn listed(problem: &LinearProblem, reach: u32) -> bool {
    let vectors = ListedScorecards::count(problem, reach);
    vectors <= LISTED_UP_TO && vectors * problem.units() as f64 <= MOST_HEIGHTS
}

/// How many values the whole coefficients have in all.
fn choices(problem: &LinearProblem, reach: u32) -> usize {
    problem.covariates.len().saturating_mul((reach as usize).saturating_mul(2).saturating_add(1))
}

fn refuse(part: String, remedy: &str) -> Unsupported {
    Unsupported { solver: "milp".into(), part, remedy: remedy.into() }
}

fn foreign(model: &str, formulations: &str) -> Unsupported {
    refuse(format!("a {model} in this formulation"), &format!("choose among {formulations}"))
}
