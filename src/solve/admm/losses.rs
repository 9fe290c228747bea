//! Other losses than squares: the model of the loss that the sweeps fit is renewed as they go.
//!
//! ```text
//! G_a = Hess L_a(zeta_a)    c_a = G_a zeta_a - grad L_a(zeta_a)      Newton's model of each arm's loss, a fused lasso
//! zeta <- zeta + h (what the sweeps reach - zeta)                    h = 1, 1/2, ..: until the objective falls
//! ```
//!
//! Every model is swept ten times further than the one before, from where the last left zeta, eta and u. No unit's curvature counts
//! for less than a share of the largest, so that a Huber loss beyond its bend and a logistic loss far out stay bounded below; the share
//! shrinks as long as steps can be taken whole, or they would be short there. The bound is the dual of the loss itself at the multipliers
//! of the sweeps (`fused_loss`), by Newton in each arm, and holds at every renewal.
//! Source: Boyd et al. (2011), section 4.3 (iterative zeta-steps), on objective (3) of fusion.txt.

use ndarray::{Array1, Array2};
use prescribe_models::fused_lasso::FusedLasso;
use prescribe_models::fused_loss::FusedLoss;
use prescribe_models::outcome_loss::Units;
use prescribe_models::{InvalidModel, Model};
use serde_json::Map;

use super::{Admm, Goal, Reached, Saved, Sweeps, iterate};
use crate::solve::loss_fit::{self, Added, fit};
use crate::solve::{
    Answer, BoundProof, Options, Promise, SolveError, Solver, TerminationStatus, Unsupported, Watch,
};

/// Curvature of each unit at least, relative to the largest that the loss has: in the first model, how much smaller where its step could be
/// taken whole, and how much larger where it could not.
const FLOOR: f64 = 0.05;
const LOWER: f64 = 0.3;
const LOWEST: f64 = 1e-4;
const HIGHER: f64 = 10.0;
/// Residuals at which the first model is left, how much smaller they are for each next one, and for the last.
const FIRST: f64 = 1e-3;
const CLOSER: f64 = 0.1;
const FINEST: f64 = 1e-12;
/// A last move of the coefficients, relative to the largest, after which nobody looks for the gap.
const SETTLED: f64 = 1e-4;
/// Renewals at most.
const RENEWALS: usize = 60;
/// The gap that is aimed at, relative to the objective, and that which will do where so many renewals have brought no more; rounding errors
/// relative to the loss without coefficients.
const GAP: f64 = 1e-10;
const ACCEPTED: f64 = 1e-8;
const FRUITLESS: usize = 6;
const ROUNDING: f64 = 1e-14;
/// A step is halved so often at most.
const HALVINGS: i32 = 30;

/// Where a path of limits stands.
pub struct Standing {
    sweeps: Sweeps,
    zeta: Array2<f64>,
}

impl Standing {
    /// At coefficients (K x p), or where each set of arms that limits tie together shares one fit.
    ///
    /// # Errors
    /// Arms whose outcomes a plane separates, with no limit above 0 to other arms: there is no minimiser.
    pub fn new(model: &FusedLoss, start: Option<&Array2<f64>>) -> Result<Self, InvalidModel> {
        let shared = shared_fits(model)?;
        let zeta = start.cloned().unwrap_or(shared);
        let mut sweeps = Sweeps::new(&model.expansion(&zeta, FLOOR * model.loss().sharpest()));
        sweeps.start(&zeta);
        Ok(Self { sweeps, zeta })
    }

    /// The coefficients (K x p) and where the sweeps stand.
    pub fn saved(&self) -> (Array2<f64>, Saved) {
        (self.zeta.clone(), self.sweeps.saved())
    }

    /// On `model` where another stood; none where that is of another shape.
    pub fn restored(model: &FusedLoss, (zeta, saved): (Array2<f64>, Saved)) -> Option<Self> {
        let fits = model.violations(&zeta).is_empty();
        let moments = fits.then(|| model.expansion(&zeta, FLOOR * model.loss().sharpest()))?;
        Some(Self { sweeps: Sweeps::restored(&moments, model.limits(), saved)?, zeta })
    }
}

/// Iterates from where `standing` is, which stays there for the next problem of a path.
///
/// # Errors
/// Where argmin fails; it has no reason to.
pub fn iterate_loss(
    model: &FusedLoss,
    standing: Standing,
    goal: Goal,
    watch: &Watch,
) -> Result<(Standing, Reached), SolveError> {
    let Standing { mut sweeps, mut zeta } = standing;
    let (mut floor, mut tolerance, mut total) = (FLOOR, FIRST, 0);
    let mut value = model.objective(&zeta);
    let mut verdict = Verdict::new(model);
    for _ in 0..RENEWALS {
        let moments = model.expansion(&zeta, floor * model.loss().sharpest());
        sweeps.renew(&moments);
        sweeps.limit(model.limits());
        let fused = FusedLasso::new(moments, model.limits().to_vec())?;
        let (back, reached) = iterate(&fused, sweeps, Goal::Residual(tolerance), watch)?;
        sweeps = back;
        total += reached.sweeps;
        let before = zeta.clone();
        let whole;
        (zeta, value, whole) = descend(model, (zeta, value), &reached.zeta);
        let finest = match goal {
            Goal::Residual(enough) => {
                verdict.done = tolerance <= enough && settled(&before, &zeta);
                enough
            }
            Goal::Proof => {
                verdict.look(value, dual_value(model, &sweeps, &zeta));
                watch.tell("admm", Some(value), Some(verdict.bound), 0);
                FINEST
            }
        };
        if verdict.done || watch.stop().is_some() {
            break;
        }
        tolerance = (tolerance * CLOSER).max(finest);
        floor = if whole { (floor * LOWER).max(LOWEST) } else { (floor * HIGHER).min(1.0) };
    }
    let bound = Some(verdict.bound).filter(|bound| bound.is_finite());
    let reached = Reached { zeta: zeta.clone(), bound, done: verdict.done, sweeps: total };
    Ok((Standing { sweeps, zeta }, reached))
}

/// Whether the last move was too short to matter.
fn settled(before: &Array2<f64>, zeta: &Array2<f64>) -> bool {
    let largest = |numbers: &Array2<f64>| numbers.fold(0.0, |most: f64, number| most.max(number.abs()));
    largest(&(zeta - before)) <= SETTLED * largest(zeta).max(f64::MIN_POSITIVE)
}

/// What is proved so far.
struct Verdict {
    bound: f64,
    done: bool,
    /// The smallest gap, and the renewals that have not halved it.
    least: f64,
    fruitless: usize,
    /// Rounding error of the loss.
    rounding: f64,
}

impl Verdict {
    fn new(model: &FusedLoss) -> Self {
        let (k, p) = (model.arms().len(), model.arms()[0].design.ncols());
        let rounding = ROUNDING * model.objective(&Array2::zeros((k, p)));
        Self { bound: f64::NEG_INFINITY, done: false, least: f64::INFINITY, fruitless: 0, rounding }
    }

    fn look(&mut self, value: f64, bound: Option<f64>) {
        self.bound = self.bound.max(bound.unwrap_or(f64::NEG_INFINITY));
        let gap = value - self.bound - self.rounding;
        self.fruitless = if gap < 0.5 * self.least { 0 } else { self.fruitless + 1 };
        self.least = self.least.min(gap);
        let enough = if self.fruitless < FRUITLESS { GAP } else { ACCEPTED };
        self.done = gap <= enough * value.abs();
    }
}

/// The first point on the way from `zeta` to `to`, the far end first, with a smaller objective; `zeta` where there is none. And whether it
/// is the far end.
fn descend(
    model: &FusedLoss,
    (zeta, value): (Array2<f64>, f64),
    to: &Array2<f64>,
) -> (Array2<f64>, f64, bool) {
    for halvings in 0..HALVINGS {
        let next = &zeta + &((to - &zeta) * 0.5f64.powi(halvings));
        let there = model.objective(&next);
        if there < value {
            return (next, there, halvings == 0);
        }
    }
    (zeta, value, false)
}

/// The bound that the multipliers of the sweeps prove; none where they are none.
fn dual_value(model: &FusedLoss, sweeps: &Sweeps, zeta: &Array2<f64>) -> Option<f64> {
    let q = sweeps.multipliers()?;
    let mut minima = zeta.clone();
    for (a, arm) in model.arms().iter().enumerate() {
        let tilt = q.row(a).to_owned();
        let added = Added { tilt: Some(&tilt), ridge: None };
        minima.row_mut(a).assign(&fit(arm, model.loss(), added, &zeta.row(a).to_owned()).coefficients);
    }
    model.dual_value(&q, &minima, loss_fit::floor(model.loss()))
}

/// One fit for each set of arms that limits tie together (K x p).
fn shared_fits(model: &FusedLoss) -> Result<Array2<f64>, InvalidModel> {
    let p = model.arms()[0].design.ncols();
    let mut zeta = Array2::zeros((model.arms().len(), p));
    for tied in model.tied() {
        let units: Vec<&Units> = tied.iter().map(|&a| &model.arms()[a]).collect();
        let together = Units::pooled(&units).ok_or_else(|| InvalidModel("arms of different width".into()))?;
        let fit = fit(&together, model.loss(), Added::default(), &Array1::zeros(p));
        if !fit.settled {
            return Err(separated(&tied, model.arms().len()));
        }
        tied.iter().for_each(|&a| zeta.row_mut(a).assign(&fit.coefficients));
    }
    Ok(zeta)
}

fn separated(tied: &[usize], arms: usize) -> InvalidModel {
    let names: Vec<String> = tied.iter().map(usize::to_string).collect();
    InvalidModel(match tied.len() == arms {
        true => "a plane in the columns separates the outcomes 0 and 1 of all arms together, so that no coefficients are best; leave out a column".into(),
        false => format!(
            "a plane in the columns separates the outcomes 0 and 1 of arms {}, and no limit above 0 ties them to other arms, so that no coefficients are best; raise their limits or leave out a column",
            names.join(", ")
        ),
    })
}

impl Solver<FusedLoss> for Admm {
    fn name(&self) -> &'static str {
        "admm"
    }

    fn version(&self) -> String {
        format!("prescribe {}, ADMM on argmin, Newton's models of the loss", env!("CARGO_PKG_VERSION"))
    }

    fn accepts(&self, _model: &FusedLoss) -> Result<Promise, Unsupported> {
        Ok(Promise::Exact)
    }

    fn search(
        &self,
        model: &FusedLoss,
        start: Option<&Array2<f64>>,
        _options: &Options,
        watch: &Watch,
    ) -> Result<Answer<Array2<f64>>, SolveError> {
        let (_, reached) = iterate_loss(model, Standing::new(model, start)?, Goal::Proof, watch)?;
        let termination = match (reached.done, watch.stop()) {
            (true, _) => TerminationStatus::Optimal,
            (false, Some(_)) => watch.termination(),
            (false, None) => TerminationStatus::IterationLimit,
        };
        let bound = reached.bound.map(|bound| (bound, BoundProof::Dual));
        Ok(super::answer(reached.zeta, bound, termination, reached.sweeps, Map::new()))
    }
}
